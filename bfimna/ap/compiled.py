"""Programs as the arrays that the emulator's kernels read, and what a run of one counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from bfimna.ap.lut import Lut, Pass
from bfimna.ap.tables import STEPS
from bfimna.errors import BfimnaError, shown

ALL = np.uint64(2**64 - 1)
MOST_COLUMNS = 2**62  # what an index of the kernels holds
_TABLES = tuple(STEPS.values())


@dataclass(frozen=True)
class Compiled:
    """A program ready to run, and what to multiply its tags by.

    Attributes
    ----------
    columns : that it names, in order.
    program : what the kernels take; its lines are these columns.
    sums : (3, passes): cells that a tag of each pass writes, 1 if it has a key, 1.
    compares : passes with a key.
    key_columns : driven key columns, over all passes.
    written_columns : driven written columns, over all passes.
    """

    columns: np.ndarray
    program: Any
    sums: np.ndarray
    compares: int
    key_columns: int
    written_columns: int

    @cached_property
    def passes(self) -> int:
        """How many it has."""
        return self.sums.shape[1]


@lru_cache(maxsize=256)
def compiled(passes: tuple[Pass, ...]) -> Compiled:
    """Return a program's passes as arrays.

    Raises
    ------
    BfimnaError
        If what is given is no sequence of passes that key and write bits of 0 or 1.
    """
    from bfimna.ap import kernels  # numba takes half a second: only those who emulate pay it

    _check(passes)
    columns = tuple(sorted({c for step in passes for c, _ in (*step.key, *step.write)}))
    where = {column: line for line, column in enumerate(columns)}
    keys = [pair for step in passes for pair in step.key]
    writes = [pair for step in passes for pair in step.write]
    key_sizes, sizes = (
        np.array([len(pairs) for pairs in found], np.int64)
        for found in ([step.key for step in passes], [step.write for step in passes])
    )
    steps = _steps(passes)
    program = kernels.Program(
        np.array([table for table, _, _ in steps], np.int64),
        np.array([_four([where[c] for c in found]) for _, found, _ in steps], np.int64),
        np.array([first for _, _, first in steps], np.int64),
        np.append(0, key_sizes.cumsum()),
        np.array([where[c] for c, _ in keys], np.int64),
        np.array([0 if bit else ALL for _, bit in keys], np.uint64),
        np.append(0, sizes.cumsum()),
        np.array([where[c] for c, _ in writes], np.int64),
        np.array([bit for _, bit in writes], bool),
    )
    compared = (key_sizes > 0).astype(np.int64)
    return Compiled(
        np.array(columns, np.int64),
        program,
        np.stack([sizes, compared, np.ones_like(sizes)]),
        int(compared.sum()),
        len(keys),
        len(writes),
    )


def _four(lines: list[int]) -> list[int]:
    """Fill up a step's lines to the four that every kernel is handed (it looks at its own only)."""
    return (lines + [0] * 4)[:4]


def _check(passes: Sequence[Pass]) -> None:
    for i, step in enumerate(passes):
        if not isinstance(step, Pass):
            raise BfimnaError(f"pass {i} of a program is {shown(step)}; want a bfimna.ap.lut.Pass")
        try:
            pairs = [(column, bit) for column, bit in (*step.key, *step.write)]
        except (TypeError, ValueError):
            raise BfimnaError(f"pass {i} of a program: want pairs, not {shown(step)}") from None
        for column, bit in pairs:
            is_column = isinstance(column, int | np.integer) and 0 <= column < MOST_COLUMNS
            if not is_column or not isinstance(bit, int | np.integer) or bit not in (0, 1):
                raise BfimnaError(
                    f"pass {i} of a program has (column {shown(column)}, bit {shown(bit)}); want a "
                    "column from 0 on and a bit of 0 or 1"
                )


def _steps(passes: Sequence[Pass]) -> list[tuple[int, tuple[int, ...], int]]:
    """Split passes into runs of one table: its number (-1: none), its columns, the first pass."""
    steps, first = [], 0
    while first < len(passes):
        step: tuple[int, tuple[int, ...], int] = (-1, (), first)
        for table, lut in enumerate(_TABLES):
            columns = _columns_of(lut, passes[first : first + len(lut)])
            if columns is not None:
                step = (table, columns, first)
                break
        steps.append(step)
        first += len(_TABLES[step[0]]) if step[0] >= 0 else 1
    return steps


def _columns_of(lut: Lut, passes: Sequence[Pass]) -> tuple[int, ...] | None:
    """Return the columns at which these are the table's passes, or None if they are not.

    >>> from bfimna.ap import tables
    >>> _columns_of(tables.FULL_ADD, tables.FULL_ADD.at((7, 3, 5)))
    (7, 3, 5)
    """
    if len(passes) < len(lut):
        return None
    columns: dict[int, int] = {}
    for own, step in zip(lut.passes, passes, strict=True):
        for pattern, pairs in ((own.key, step.key), (own.write, step.write)):
            if len(pattern) != len(pairs):
                return None
            for (position, bit), (column, found) in zip(pattern, pairs, strict=True):
                if bit != found or columns.setdefault(position, column) != column:
                    return None
    if len(set(columns.values())) < len(lut.columns):
        return None
    return tuple(columns[position] for position in range(len(lut.columns)))
