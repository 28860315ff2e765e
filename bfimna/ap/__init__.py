"""The associative processor: truth tables, programs and their exact counts."""
