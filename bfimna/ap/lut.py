"""Passes, and ordered lists of them: how an AP runs an in-place truth table.

A *pass* compares a (ternary) key and writes the tagged rows. `truth` generates lists of passes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import NamedTuple

Row = tuple[int, ...]


@dataclass(frozen=True)
class Pass:
    """One compare and one write; columns not named are masked ("don't care").

    Parameters
    ----------
    key : pairs of (column position, bit) that a row must hold.
    write : pairs that it is given.
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
    """What the passes of a table are expected to do in a row.

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

    def run(self, row: Row) -> tuple[Row, int]:
        """Apply all passes to one row; return the row and the number of cells written."""
        row, _, cells = self.trace(row)
        return row, cells

    def trace(self, row: Row) -> tuple[Row, int, int]:
        """Apply all passes to one row; return it, the passes that matched, the cells written."""
        matches = cells = 0
        for step in self.passes:
            if step.matches(row):
                row, matches, cells = step.rewrite(row), matches + 1, cells + len(step.write)
        return row, matches, cells

    @cached_property
    def outcomes(self) -> tuple[tuple[Row, Row, int, int], ...]:
        """Every row with its result, the passes that match on the way and the cells they write."""
        return tuple((row, *self.trace(row)) for row in all_rows(len(self.columns)))

    @property
    def key_columns(self) -> int:
        """Driven key columns, summed over the passes."""
        return sum(len(step.key) for step in self.passes)

    @property
    def written_columns(self) -> int:
        """Driven written columns, summed over the passes."""
        return sum(len(step.write) for step in self.passes)

    def expect(self, *ones: float) -> Expected:
        """Return what the passes are expected to do in a row.

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
