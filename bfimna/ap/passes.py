"""Passes, pass tables and programs: the instructions of an AP.

A *pass* compares a (ternary) key and writes the tagged rows. A `Lut` is a list of passes over named
columns, generated from a truth table (`truth`). A program is a sequence of passes over an array's
columns: a range of columns is a word, its first column the lowest bit. Carry, borrow and flag
columns and a product's columns must hold 0 when a program starts, unless it says that it clears
them. Closed forms count runs of passes: what they do to a row of random operand bits (passes that
match, cells that they write) is an expectation, which each program's file tabulates by width.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, wraps
from itertools import product
from typing import NamedTuple, ParamSpec, cast

from bfimna.ap.events import Amount, Counts, Tagged
from bfimna.errors import BfimnaError

Row = tuple[int, ...]
Word = Sequence[int]  # columns of a word, lowest bit first: a range, or a tuple of any columns
Options = ParamSpec("Options")


@dataclass(frozen=True)
class Pass:
    """One compare and one write; columns not named are masked ("don't care").

    Parameters
    ----------
    key : pairs of (column position, bit) that a row must hold.
    write : pairs that are written into a row with this key.
    """

    key: tuple[tuple[int, int], ...]
    write: tuple[tuple[int, int], ...]

    def matches(self, row: Row) -> bool:
        """Whether the row is tagged by this pass's compare."""
        return all(row[column] == bit for column, bit in self.key)

    def rewrite(self, row: Row) -> Row:
        """Return the row as this pass's write leaves it if tagged."""
        new = list(row)
        for column, bit in self.write:
            new[column] = bit
        return tuple(new)


class Expected(NamedTuple):
    """Expected matches, writes and results of a table's passes in a row.

    Attributes
    ----------
    matches : passes that match.
    cells : cells written.
    after : each column's probability of a one afterwards.
    """

    matches: float
    cells: float
    after: tuple[float, ...]


@dataclass(frozen=True)
class Lut:
    """An ordered list of passes over named columns, computing an in-place truth table."""

    columns: tuple[str, ...]
    passes: tuple[Pass, ...]

    def __len__(self) -> int:
        return len(self.passes)

    def __str__(self) -> str:
        lines = []
        for step in self.passes:
            key = dict(step.key)
            pattern = "".join(str(key.get(i, "-")) for i in range(len(self.columns)))
            write = " ".join(f"{self.columns[c]}:={bit}" for c, bit in step.write)
            lines.append(f"{pattern} → {write}")
        return f"{' '.join(self.columns)}\n" + "\n".join(lines)

    def at(self, columns: Sequence[int]) -> tuple[Pass, ...]:
        """Return the passes with an array's column numbers in place of the positions."""
        return tuple(
            Pass(
                tuple((columns[c], bit) for c, bit in step.key),
                tuple((columns[c], bit) for c, bit in step.write),
            )
            for step in self.passes
        )

    def run(self, row: Row) -> tuple[Row, int, int]:
        """Apply all passes to one row; return it, the passes that matched, the cells written."""
        matches = cells = 0
        for step in self.passes:
            if step.matches(row):
                row, matches, cells = step.rewrite(row), matches + 1, cells + len(step.write)
        return row, matches, cells

    @cached_property
    def outcomes(self) -> tuple[tuple[Row, Row, int, int], ...]:
        """Every row with its result, the passes that match on the way and the cells they write."""
        return tuple((row, *self.run(row)) for row in all_rows(len(self.columns)))

    @property
    def key_columns(self) -> int:
        """Driven key columns, summed over the passes."""
        return sum(len(step.key) for step in self.passes)

    @property
    def written_columns(self) -> int:
        """Driven written columns, summed over the passes."""
        return sum(len(step.write) for step in self.passes)

    def expect(self, *ones: float) -> Expected:
        """Return the passes' expected matches, writes and results in a row.

        Parameters
        ----------
        ones : probability of a one in each column before, taken as independent.
        """
        matches, cells, after = 0.0, 0.0, [0.0] * len(ones)
        for row, result, matched, written in self.outcomes:
            weight = 1.0
            for bit, one in zip(row, ones, strict=True):
                weight *= one if bit else 1.0 - one
            if weight:
                matches, cells = matches + weight * matched, cells + weight * written
                for column, bit in enumerate(result):
                    after[column] += weight * bit
        return Expected(matches, cells, tuple(after))


def all_rows(width: int) -> Iterator[Row]:
    """Return every row of so many columns, in the order of binary numbers."""
    return product((0, 1), repeat=width)


class Program(tuple[Pass, ...]):
    """A sequence of passes that computes its hash once: arrays cache its lowered form by it."""

    @cached_property
    def _hash(self) -> int:
        return super().__hash__()

    def __hash__(self) -> int:
        return self._hash


def cached_program(make: Callable[Options, tuple[Pass, ...]]) -> Callable[Options, Program]:
    """Let a function that lists passes return one `Program` for equal arguments."""

    @wraps(make)
    def program(*words: Options.args, **options: Options.kwargs) -> Program:
        return Program(make(*words, **options))

    return cast(Callable[Options, Program], lru_cache(program))


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


def ripple(lut: Lut, a: Word, p: Word, carry: int, *control: int) -> tuple[Pass, ...]:
    """Run a full adder's table (or a subtractor's) over two words, from the lowest bit up."""
    return tuple(
        step for i, k in zip(a, p, strict=True) for step in lut.at((*control, i, k, carry))
    )


# ---- closed forms of runs of passes: exact events, and the expected tags and cells -----------


def count_passes(
    passes: Amount, keys: Amount, tags: Amount, cells: Amount, lines: Amount
) -> Counts:
    """Count passes that each compare a key and write the tagged rows.

    Parameters
    ----------
    keys : driven key columns, over all passes.
    tags : expected passes that match a row.
    cells : expected cells that are written of a row.
    lines : driven written columns, over all passes.
    """
    return Counts(
        compares=passes,
        writes=passes,
        compare_rows=passes,
        key_cells=keys,
        cells_written=cells,
        rows_matched=tags,
        words_written=tags,
        lines_driven=lines,
    )


def count_table(lut: Lut, steps: Amount, tagged: Tagged) -> Counts:
    """Count `steps` runs of a pass table that match and write so much in all."""
    tags, cells = tagged
    lines = lut.written_columns * steps
    return count_passes(len(lut) * steps, lut.key_columns * steps, tags, cells, lines)


def count_random_step(lut: Lut) -> Counts:
    """Count one run of a pass table on columns of random bits, the carry's too."""
    matches, cells, _ = lut.expect(*[0.5] * len(lut.columns))
    return count_table(lut, 1, (matches, cells))
