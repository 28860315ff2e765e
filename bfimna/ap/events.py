"""What is counted of a program: its cycles, and the events that take energy."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Literal, get_args

import numpy as np

from bfimna.errors import one_of

Amount = int | float | np.ndarray
CountSet = Literal["microcode", "published"]
ApKind = Literal["1d", "2d", "2d-segmented"]


NONE = 0  # the very object that means "never happens": no array need be made of it


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
    cells_loaded : cells loaded by column.
    cells_read : cells read by column.
    tags_shifted : column tags shifted.
    rows_matched : match lines that stay charged: rows that match (expected likewise).
    words_written : rows that a tagged write enables, whatever it writes (expected likewise).
    lines_driven : driven written columns × all rows of the array, tagged or not.
    """

    compares: Amount = NONE
    writes: Amount = NONE
    loads: Amount = NONE
    reads: Amount = NONE
    shifts: Amount = NONE
    compare_rows: Amount = NONE
    key_cells: Amount = NONE
    cells_written: Amount = NONE
    cells_loaded: Amount = NONE
    cells_read: Amount = NONE
    tags_shifted: Amount = NONE
    rows_matched: Amount = NONE
    words_written: Amount = NONE
    lines_driven: Amount = NONE

    @classmethod
    def of(cls, amounts: Sequence[Amount]) -> "Counts":
        """Return the counts of amounts in the order of the fields (quicker than by name)."""
        counts = cls.__new__(cls)
        counts.__dict__.update(zip(EVENTS, amounts, strict=True))
        return counts

    @property
    def cycles(self) -> Amount:
        """Compares + writes + loads + reads + shifts."""
        return self.compares + self.writes + self.loads + self.reads + self.shifts

    @classmethod
    def named(cls, **amounts: Amount) -> "Counts":
        """Return the counts of these events (as by calling the class, but quicker)."""
        counts = cls.__new__(cls)
        counts.__dict__.update(_NOTHING)
        counts.__dict__.update(amounts)
        return counts

    def __add__(self, other: "Counts") -> "Counts":
        total = Counts.__new__(Counts)
        amounts = total.__dict__
        amounts.update(self.__dict__)
        for event, more in other.__dict__.items():
            if more is not NONE:
                so_far = amounts[event]
                amounts[event] = more if so_far is NONE else so_far + more
        return total

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
        cycles = [a if a is NONE else a * folds for a in amounts[:n]]
        return Counts.of(cycles + [a if a is NONE else a * rows for a in amounts[n:]])

    @property
    def _amounts(self) -> tuple[Amount, ...]:
        return tuple(self.__dict__.values())


EVENTS = tuple(f.name for f in fields(Counts))
CYCLES, ENERGY_EVENTS = EVENTS[:5], EVENTS[5:]
_NOTHING = dict.fromkeys(EVENTS, NONE)


def check_set(counts: str) -> None:
    """Raise unless `counts` names one of the two sets."""
    one_of("counts", counts, get_args(CountSet))
