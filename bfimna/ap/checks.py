"""What compiled code does not check: programs, sets of rows and words that an array is given."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

from bfimna.ap.cells import Set
from bfimna.ap.compiled import Compiled, compiled
from bfimna.ap.lut import Pass
from bfimna.errors import BfimnaError, shown, whole_number


def runnable(program: Sequence[Pass]) -> Compiled:
    """Return a program as the kernels read it, or raise where it is no sequence of passes."""
    try:
        return compiled(program if isinstance(program, tuple) else tuple(program))
    except TypeError:  # not even hashable
        raise BfimnaError(f"a program wants passes of pairs, not {shown(program)}") from None


def levels(columns: tuple[str, ...], given: Sequence[Set], group: int) -> tuple[Set, ...]:
    """Return sets of rows as Python's integers: NumPy's would overflow in the checks below."""
    found = []
    try:
        for rows, times in given:
            if not all(type(number) is int for number in (*rows, times)):
                times = whole_number("sets of rows", times, 1)
                rows = tuple(whole_number("first row", row, 0) for row in rows)
            found.append((tuple(rows), times))
    except (TypeError, ValueError) as error:
        if isinstance(error, BfimnaError):
            raise
        raise BfimnaError(f"levels: want pairs (rows, times), not {shown(given)}") from None
    _check_levels(columns, tuple(found), group)
    return tuple(found)


@lru_cache(maxsize=64)
def _check_levels(columns: tuple[str, ...], levels: tuple[Set, ...], group: int) -> None:
    """Raise unless these are sets of rows that exist, in groups of so many, and do not overlap."""
    for rows, times in levels:
        whole_number("sets of rows", times, 1)
        if len(rows) != len(columns):
            raise BfimnaError(f"{len(rows)} rows for the names {columns}")
        for row in rows:
            whole_number("first row", row, 0)
        if max(rows) + times > group:
            raise BfimnaError(f"row {shown(max(rows) + times - 1)} of a group of {group} rows")
        if any(after - row < times for row, after in pairwise(sorted(rows))):
            raise BfimnaError(f"{times} sets of rows from {tuple(rows)} on overlap")


def word_bits(what: str, columns: range) -> int:
    """Return the bits of a word that is an integer outside of the array."""
    if not isinstance(columns, range) or abs(columns.stop - columns.start) > 64:
        raise BfimnaError(f"{what}: want a range of at most 64 columns, not {shown(columns)}")
    return len(columns)
