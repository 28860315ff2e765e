"""The explorer: widgets that choose a network, a chip and a technology, and a panel of costs."""
