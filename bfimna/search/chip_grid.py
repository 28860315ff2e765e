"""The grid that a search for chips looks at: values by field of a chip."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bfimna.errors import BfimnaError, shown, unknown, whole_number, wrong_type
from bfimna.mapping.chip import Chip

#: fields of a chip that a grid may vary
AXES = (
    "clusters",
    "caps_per_cluster",
    "maps_per_cluster",
    "rows",
    "columns",
    "bus_bits",
    "mesh_bits",
    "multicast",
    "weights",
    "overlap",
)
#: about LR: 64 clusters of 64 CAPs of 4800 rows
GRID: Mapping[str, Sequence[Any]] = {
    "clusters": (4, 9, 16, 25, 36, 64, 100, 144, 256),
    "caps_per_cluster": (16, 32, 64, 128),
    "rows": (1200, 2400, 4800, 9600, 19200),
}


def checked(grid: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
    """Return the grid without repeated values; every value is one that a chip takes."""
    found: dict[str, list[Any]] = {}
    if not isinstance(grid, Mapping):
        raise wrong_type("grid", grid, "a mapping of a chip's fields to values")
    for axis, values in grid.items():
        if axis not in AXES:
            raise unknown("field of a chip to vary", axis, AXES)
        if isinstance(values, str) or not isinstance(values, Iterable):
            raise BfimnaError(f"grid: {axis} must be a list of values, not {shown(values)}")
        found[axis] = []
        for value in values:
            chip = replace(Chip.limited(), **{axis: value})  # a chip's own checks
            if axis == "clusters":
                whole_number("grid: clusters (a chip to be built has some)", value, 1)
            if (own := getattr(chip, axis)) not in found[axis]:
                found[axis].append(own)
        if not found[axis]:
            raise BfimnaError(f"grid: {axis} has no value")
    return found


def named(base: Chip, chosen: Mapping[str, Any]) -> Chip:
    """Return a chip that differs from the base in what was chosen, and says so in its name."""
    changed = {axis: value for axis, value in chosen.items() if getattr(base, axis) != value}
    said = ", ".join(f"{axis}={value}" for axis, value in changed.items())
    return replace(base, name=f"{base.name}, {said}", **changed) if changed else base
