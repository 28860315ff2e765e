"""Play with a network on a chip: what is chosen, what it costs, and widgets for both."""
