"""What programs are made of: passes over column ranges, and the counts of runs of a pass table.

A program is data. A range of columns is a word, its first column the lowest bit. Carry, borrow and
flag columns and a product's columns must hold 0 when a program starts, unless it says that it
clears them.
"""

from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache, wraps

from bfimna.ap.events import Amount, Counts
from bfimna.ap.expected import Tagged
from bfimna.ap.lut import Lut, Pass
from bfimna.errors import BfimnaError


class Program(tuple[Pass, ...]):
    """A sequence of passes that computes its hash once: arrays look up its compiled form by it."""

    @cached_property
    def _hash(self) -> int:
        return super().__hash__()

    def __hash__(self) -> int:
        return self._hash


def program(make: Callable[..., tuple[Pass, ...]]) -> Callable[..., Program]:
    """Make each program once, as a `Program`."""
    return lru_cache(wraps(make)(lambda *words, **options: Program(make(*words, **options))))


def check_ranges(what: str, *ranges: Sequence[int], equal: bool = False) -> None:
    """Raise unless the column ranges are words and disjoint (and of one length, if `equal`)."""
    columns = [c for r in ranges for c in r]
    if any(isinstance(r, range) and not r for r in ranges):
        raise BfimnaError(f"{what}: a word without columns")
    if min(columns) < 0:
        raise BfimnaError(f"{what}: column {min(columns)}; columns count from 0")
    if len(set(columns)) < len(columns):
        twice = sorted({c for c in columns if columns.count(c) > 1})
        raise BfimnaError(f"{what}: column ranges overlap in {twice}")
    if equal and len({len(r) for r in ranges}) > 1:
        raise BfimnaError(f"{what}: words of {[len(r) for r in ranges]} columns, want equal ones")


def ripple(lut: Lut, a: range, p: range, carry: int, *control: int) -> tuple[Pass, ...]:
    """Run a full adder's table (or a subtractor's) over two words, from the lowest bit up."""
    return tuple(
        step for i, k in zip(a, p, strict=True) for step in lut.at((*control, i, k, carry))
    )


def table_counts(lut: Lut, steps: Amount, tagged: Tagged) -> Counts:
    """Return `steps` runs of a pass table that match and write so much in all."""
    n = len(lut) * steps
    matches, cells = tagged
    return Counts(
        compares=n,
        writes=n,
        compare_rows=n,
        key_cells=lut.key_columns * steps,
        cells_written=cells,
        rows_matched=matches,
        words_written=matches,
        lines_driven=lut.written_columns * steps,
    )


def random_step(lut: Lut) -> Counts:
    """Return one run of a pass table on columns of random bits, the carry's too."""
    matches, cells, _ = lut.expect(*[0.5] * len(lut.columns))
    return table_counts(lut, 1, (matches, cells))
