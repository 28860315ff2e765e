"""The chip, and how a network lies on it: storage, mapping and plan → counts and traffic."""

from bfimna.mapping.chip import Chip
from bfimna.mapping.mapping import Mapping
from bfimna.mapping.plan import Plan, plan

__all__ = ["Chip", "Mapping", "Plan", "plan"]
