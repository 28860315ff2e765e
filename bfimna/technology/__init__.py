"""What one event of an associative processor costs, and where the numbers come from."""

from bfimna.technology.technology import Technology

__all__ = ["Technology"]
