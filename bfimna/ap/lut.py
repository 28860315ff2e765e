"""Truth table → ordered list of compare/write passes.

An in-place truth table rewrites some columns of a row as a function of its columns. An AP runs it
as *passes*: compare a (ternary) key, write the tagged rows. Every row must be rewritten exactly
once, so a pass must not turn a row into a pattern that a later pass would change again: the passes
are sorted topologically, and a table that rewrites in a circle cannot be run in place.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from graphlib import CycleError, TopologicalSorter
from itertools import product
from operator import and_
from typing import NamedTuple

import numpy as np

from bfimna.errors import BfimnaError

Row = tuple[int, ...]
Table = Mapping[Row, Row] | Callable[..., Sequence[int]]

SEARCH_BUDGET = 20_000  # covers tried before a greedy one is taken; every table of ours needs < 500


@dataclass(frozen=True)
class Pass:
    """One compare and one write; columns not named are masked ("don't care").

    Parameters
    ----------
    key, write : tuples of (column position, bit)
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
        row, _, cells = self._trace(row)
        return row, cells

    def _trace(self, row: Row) -> tuple[Row, int, int]:
        """Apply all passes to one row; return it, the passes that matched, the cells written."""
        matches = cells = 0
        for step in self.passes:
            if step.matches(row):
                row, matches, cells = step.rewrite(row), matches + 1, cells + len(step.write)
        return row, matches, cells

    def run_packed(self, columns: Sequence[np.ndarray]) -> tuple[list[np.ndarray], int]:
        """Apply all passes to rows held as bit planes, 64 rows a word; also count the cells."""
        planes, cells = list(columns), 0
        for step in self.passes:
            tags = reduce(and_, (planes[c] if bit else ~planes[c] for c, bit in step.key))
            for c, bit in step.write:
                planes[c] = planes[c] | tags if bit else planes[c] & ~tags
            cells += len(step.write) * int(np.bitwise_count(tags).sum())
        return planes, cells

    @cached_property
    def outcomes(self) -> tuple[tuple[Row, Row, int, int], ...]:
        """Every row with its result, the passes that match on the way and the cells they write."""
        return tuple((row, *self._trace(row)) for row in _rows(len(self.columns)))

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


def _rows(width: int) -> Iterator[Row]:
    return product((0, 1), repeat=width)


def _cubes(rows: Mapping[Row, Row], width: int) -> list[Pass]:
    """Return every ternary key under which one write serves all rows, largest cubes first."""
    found = []
    for cube in product((None, 0, 1), repeat=width):
        key = tuple((c, bit) for c, bit in enumerate(cube) if bit is not None)
        inside = [r for r in rows if all(r[c] == bit for c, bit in key)]
        changed = [c for c in range(width) if any(rows[r][c] != r[c] for r in inside)]
        if changed and all(len({rows[r][c] for r in inside}) == 1 for c in changed):
            found.append(Pass(key, tuple((c, rows[inside[0]][c]) for c in changed)))
    return sorted(found, key=lambda p: (len(p.key), len(p.write), p.key))


def _order(cover: Sequence[Pass], rows: Mapping[Row, Row]) -> list[Pass]:
    """Sort so that no rewritten row is changed by a later pass; CycleError if impossible."""
    graph: dict[int, set[int]] = {i: set() for i in range(len(cover))}
    for i, first in enumerate(cover):
        results = {rows[r] for r in rows if first.matches(r)}
        for k, other in enumerate(cover):
            if k != i and any(other.matches(r) and other.rewrite(r) != r for r in results):
                graph[i].add(k)
    return [cover[i] for i in TopologicalSorter(graph).static_order()]


def _search(cubes: Sequence[Pass], rows: Mapping[Row, Row], todo: frozenset[Row]) -> list[Pass]:
    """Return the shortest ordered cover (fewest driven key columns among equals)."""
    covers = {cube: frozenset(r for r in todo if cube.matches(r)) for cube in cubes}
    budget = SEARCH_BUDGET
    best: list[Pass] = []

    def extend(chosen: tuple[Pass, ...], left: frozenset[Row], size: int) -> None:
        nonlocal budget, best
        budget -= 1
        if not left:
            weight = sum(len(p.key) for p in chosen)
            if not best or weight < sum(len(p.key) for p in best):
                try:
                    best = _order(chosen, rows)
                except CycleError:
                    return
        elif len(chosen) < size and budget > 0:
            row = min(left)
            for cube in cubes:
                if row in covers[cube]:
                    extend((*chosen, cube), left - covers[cube], size)

    for size in range(1, len(todo) + 1):
        extend((), todo, size)
        if best or budget <= 0:
            break
    if best:
        return best
    single = [Pass(tuple(enumerate(r)), _changes(r, rows[r])) for r in sorted(todo)]
    return _order(single, rows)  # one pass a row: always possible where the table has no cycle


def _changes(row: Row, result: Row) -> tuple[tuple[int, int], ...]:
    return tuple(
        (c, new) for c, (old, new) in enumerate(zip(row, result, strict=True)) if old != new
    )


def generate(columns: Sequence[str], table: Table, unreachable: Iterable[Row] = ()) -> Lut:
    """Generate the ordered passes of an in-place truth table.

    Parameters
    ----------
    columns : names of the columns that the table reads and rewrites.
    table : mapping from a row's bits to its new bits (rows left out stay as they are), or a
        function of the bits that returns the new bits.
    unreachable : rows that never occur; the passes may do anything to them.

    Raises
    ------
    BfimnaError
        If the table is malformed, or rewrites in a circle (the cycle is named).

    Examples
    --------
    >>> print(generate("apc", lambda a, p, c: (a, a ^ p ^ c, a & p | a & c | p & c)))
    a p c
    001 → p:=1 c:=0
    110 → p:=0 c:=1
    011 → p:=0
    100 → p:=1
    """
    width, skipped = len(columns), set(unreachable)
    rows = {r: r for r in _rows(width) if r not in skipped}
    given = {r: tuple(table(*r)) for r in rows} if callable(table) else dict(table)
    for row, result in given.items():
        for bits in (row, tuple(result)):
            if len(bits) != width or not set(bits) <= {0, 1}:
                raise BfimnaError(f"truth table row {row} → {result}: want {width} bits of 0 or 1")
        if row in rows:
            rows[row] = tuple(int(b) for b in result)
    todo = frozenset(r for r, result in rows.items() if r != result)
    try:
        list(TopologicalSorter({r: {rows[r]} & todo for r in todo}).static_order())
    except CycleError as error:
        circle = " → ".join("".join(map(str, row)) for row in error.args[1])
        raise BfimnaError(
            f"truth table over ({', '.join(columns)}) rewrites in a circle, {circle}: "
            "it cannot be run in place; write the result to a spare column"
        ) from None
    ordered = _search(_cubes(rows, width), rows, todo) if todo else []
    return Lut(tuple(columns), tuple(ordered))
