"""Cycles and energy events of programs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import cache, wraps
from math import prod
from typing import Any, Literal, get_args

import numpy as np

from bfimna.errors import BfimnaError, one_of

Amount = int | float | np.ndarray
CountSet = Literal["microcode", "published"]
ApKind = Literal["1d", "2d", "2d-segmented"]
Tagged = tuple[Amount, ...]  # expected per row: passes that match, and cells that they write

MAX_WORD_BITS = 64  # of a word that programs take


@dataclass(frozen=True, init=False)
class Counts:
    """Cycles and energy events of a program.

    The first five are cycles: every row takes part in the same cycle. The others are events that
    cost energy; programs give them per row. Only the events that occur are stored, see `amounts`;
    every other one reads as 0.

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
    lines_driven : driven written columns × the rows that take part, tagged or not.
    clears : clears along with a load, which `settled` gives a cycle of their own, or none.
    rows_cleared : rows of such clears.
    compares_cut, rows_cut, matches_cut : compares, evaluated match lines and matches, each times
        the segments of the match line that are detached: see `Chip.match_segments`.
    cuts : times that the switches of match lines are set.
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
    rows_matched: Amount = 0
    words_written: Amount = 0
    lines_driven: Amount = 0
    clears: Amount = 0
    rows_cleared: Amount = 0
    compares_cut: Amount = 0
    rows_cut: Amount = 0
    matches_cut: Amount = 0
    cuts: Amount = 0

    def __init__(self, **amounts: Amount) -> None:
        if not amounts.keys() <= _NAMES:
            raise TypeError(f"no events: {', '.join(sorted(amounts.keys() - _NAMES))}")
        self.__dict__.update(amounts)  # events left out are the class's zeros

    @property
    def amounts(self) -> Mapping[str, Amount]:
        """The events that occur, by name: no array need be made of the others.

        >>> Counts(loads=8, cells_loaded=8).amounts
        {'loads': 8, 'cells_loaded': 8}
        """
        return self.__dict__

    @property
    def cycles(self) -> Amount:
        """Compares + writes + loads + reads + shifts."""
        return self.compares + self.writes + self.loads + self.reads + self.shifts

    def __add__(self, other: "Counts") -> "Counts":
        total = dict(self.amounts)
        for event, more in other.amounts.items():
            total[event] = total[event] + more if event in total else more
        return _counts(total)

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
        return _counts({e: a * (folds if e in _BY_FOLD else rows) for e, a in self.amounts.items()})

    def settled(self, own_cycle: bool) -> "Counts":
        """Give each clear along with a load a write of its own, or let it go along for nothing.

        >>> along = Counts(loads=8, cells_written=16, lines_driven=16, clears=1, rows_cleared=1)
        >>> along.settled(True).cycles, along.settled(False).cycles
        (9, 8)
        """
        if "clears" not in self.amounts:
            return self
        total = dict(self.amounts)
        for event, of_clears in (("writes", "clears"), ("words_written", "rows_cleared")):
            more = total.pop(of_clears)
            if own_cycle:
                total[event] = total[event] + more if event in total else more
        return _counts(total)


def _counts(amounts: dict[str, Amount]) -> Counts:
    """Return the counts of known events: the constructor without its check, for sums."""
    counts = Counts.__new__(Counts)
    counts.__dict__.update(amounts)
    return counts


_NAMES = frozenset(f.name for f in fields(Counts))
#: what detached segments of match lines save, and take: no events of a program
SEGMENT_AMOUNTS = ("compares_cut", "rows_cut", "matches_cut", "cuts")
EVENTS = tuple(f.name for f in fields(Counts))[:-6]  # of settled counts
CYCLES, ENERGY_EVENTS = EVENTS[:5], EVENTS[5:]
_BY_FOLD = frozenset((*CYCLES, "clears"))


def check_count_set(count_set: str) -> None:
    """Raise unless this names one of the two sets of closed forms."""
    one_of("counts", count_set, get_args(CountSet))


def tabulated(
    *highest: int, values: int = 2
) -> Callable[[Callable[..., Any]], Callable[..., Tagged]]:
    """Make a function of whole numbers that returns floats accept arrays, each entry computed once.

    Parameters
    ----------
    highest : value of each argument.
    values : floats that the function returns.
    """
    shape = tuple(h + 1 for h in highest)

    def decorate(function: Callable[..., Any]) -> Callable[..., Tagged]:
        table = np.full((values, prod(shape)), np.nan)

        @wraps(function)
        def look_up(*arguments: Amount) -> Tagged:
            index: tuple[Any, ...] = tuple(np.asarray(x, dtype=np.intp) for x in arguments)
            try:
                at = np.ravel_multi_index(index, shape)
            except ValueError:
                raise _too_wide(index, highest) from None
            entries = table[:, at]
            if np.isnan(entries[0]).any():
                for entry in set(np.ravel(at[np.isnan(entries[0])]).tolist()):
                    table[:, entry] = function(*(int(x) for x in np.unravel_index(entry, shape)))
                entries = table[:, at]
            return tuple(entries if entries.ndim > 1 else entries.tolist())

        return look_up

    return decorate


def _too_wide(index: tuple[Any, ...], highest: tuple[int, ...]) -> BfimnaError:
    for width, high in zip(index, highest, strict=True):
        for wrong in width[(width < 0) | (width > high)].flat:
            return BfimnaError(f"a word of {wrong} bits: programs take 0 to {high}")
    shapes = [np.shape(width) for width in index]
    return BfimnaError(f"widths of shapes {shapes} do not broadcast")


def by_width(function: Callable[..., "Counts"]) -> Callable[..., "Counts"]:
    """Make a function of whole numbers that returns counts accept arrays, each entry once."""
    counted = cache(function)

    @wraps(function)
    def of_arrays(*arguments: Amount) -> "Counts":
        shape = np.broadcast_shapes(*map(np.shape, arguments))
        if not shape:
            return counted(*map(int, arguments))
        flat = (np.broadcast_to(x, shape).reshape(-1).tolist() for x in arguments)
        each = [counted(*map(int, one)) for one in zip(*flat, strict=True)]
        events = [e for e in EVENTS if any(e in counts.amounts for counts in each)]
        return _counts({e: np.array([getattr(c, e) for c in each]).reshape(shape) for e in events})

    return of_arrays
