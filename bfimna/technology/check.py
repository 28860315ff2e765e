"""What no cost may be: negative, or no number."""

from dataclasses import fields
from math import isinf
from typing import Any

from bfimna.errors import BfimnaError

UNBOUNDED = ("endurance_writes", "dram_bytes_per_s")  # what may be infinite


def check_amounts(what: str, item: Any, above_zero: tuple[str, ...] = ()) -> None:
    """Raise unless every number of a dataclass is one, finite, and at least 0.

    Parameters
    ----------
    what : what an error calls the item.
    above_zero : fields that may not be 0 either.
    """
    for entry in fields(item):
        if entry.type not in (float, "float"):
            continue
        value = getattr(item, entry.name)
        good = isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0
        if good and value == 0 and entry.name in above_zero:
            raise BfimnaError(f"{what}: {entry.name} must be above 0, not {value!r}")
        if not good or (isinf(value) and entry.name not in UNBOUNDED):
            raise BfimnaError(
                f"{what}: {entry.name} must be a finite number of at least 0, not {value!r}"
            )
