"""The chip, and what a network runs and moves on it: Layer × Precision × Chip → `Counts`."""

from bfimna.mapping.chip import Chip

__all__ = ["Chip"]
