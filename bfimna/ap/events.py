"""What is counted of a program: its cycles, and the events that take energy."""

from dataclasses import dataclass, fields
from typing import Literal, get_args

import numpy as np

from bfimna.errors import unknown

Amount = int | float | np.ndarray
CountSet = Literal["microcode", "published"]
ApKind = Literal["1d", "2d", "2d-segmented"]


@dataclass(frozen=True)
class Counts:
    """Cycles and energy events of a program.

    The first five are cycles: every row takes part in the same cycle. The others are events that
    cost energy; programs give them per row.

    Attributes
    ----------
    compares : masked compares.
    writes : tagged writes of a key (the second half of a pass, flags, clears).
    loads : column loads, each row its own bit.
    reads : column reads.
    shifts : shifts of the column tags by one.
    compare_rows : match lines evaluated.
    key_cells : driven key columns × rows.
    cells_written : cells written by tagged writes (expected under uniformly random operand bits).
    cells_loaded, cells_read : cells loaded and read by column.
    tags_shifted : column tags shifted.
    """

    compares: Amount = 0
    writes: Amount = 0
    loads: Amount = 0
    reads: Amount = 0
    shifts: Amount = 0
    compare_rows: Amount = 0
    key_cells: Amount = 0
    cells_written: Amount = 0
    cells_loaded: Amount = 0
    cells_read: Amount = 0
    tags_shifted: Amount = 0

    @property
    def cycles(self) -> Amount:
        """Compares + writes + loads + reads + shifts."""
        return self.compares + self.writes + self.loads + self.reads + self.shifts

    def __add__(self, other: "Counts") -> "Counts":
        pairs = zip(self._amounts, other._amounts, strict=True)
        return Counts(*(b if _none(a) else a if _none(b) else a + b for a, b in pairs))

    def __mul__(self, times: Amount) -> "Counts":
        """Return the program run `times` times, one after the other."""
        return self.repeat(times, times)

    def over(self, rows: Amount) -> "Counts":
        """Return the program on `rows` rows at once: the same cycles, `rows` times the events."""
        return self.repeat(1, rows)

    def repeat(self, folds: Amount, rows: Amount) -> "Counts":
        """Return the program run in every fold, its events on `rows` rows over all folds.

        >>> again = Counts(loads=8, cells_loaded=8).repeat(folds=3, rows=1000)
        >>> again.loads, again.cells_loaded
        (24, 8000)
        """
        amounts, n = self._amounts, len(CYCLES)
        cycles = (a if _none(a) else a * folds for a in amounts[:n])
        return Counts(*cycles, *(a if _none(a) else a * rows for a in amounts[n:]))

    @property
    def _amounts(self) -> tuple[Amount, ...]:
        return tuple(self.__dict__.values())


def _none(amount: Amount) -> bool:
    """Whether no event happens at all, so that no array need be made of it."""
    return type(amount) is int and amount == 0


EVENTS = tuple(f.name for f in fields(Counts))
CYCLES, ENERGY_EVENTS = EVENTS[:5], EVENTS[5:]


def check_set(counts: str) -> None:
    """Raise unless `counts` names one of the two sets."""
    if counts not in get_args(CountSet):
        raise unknown("counts", counts, get_args(CountSet))
