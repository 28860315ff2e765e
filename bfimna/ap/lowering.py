"""Lower a program to arrays that compiled loops read, and count a run of it from its tags."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from bfimna.ap.addition import FULL_ADD, FULL_SUBTRACT, THREE_PASS_ADD
from bfimna.ap.comparison import MAXIMUM, MAXIMUM_SIGN, MAXIMUM_TOP
from bfimna.ap.events import Counts
from bfimna.ap.multiplication import CONTROLLED_ADD, CONTROLLED_SUBTRACT
from bfimna.ap.passes import Lut, Pass
from bfimna.errors import BfimnaError, shown

ALL_ONES = np.uint64(2**64 - 1)
MAX_COLUMN = 2**62  # what an index of the kernels holds

#: tables of three or four columns whose passes run as one compiled loop, see `codegen`. Passes of
#: any other table run one by one, with the same result, only slower.
LOOP_TABLES = {
    "full_add": FULL_ADD,
    "full_subtract": FULL_SUBTRACT,
    "controlled_add": CONTROLLED_ADD,
    "controlled_subtract": CONTROLLED_SUBTRACT,
    "maximum": MAXIMUM,
    "maximum_top": MAXIMUM_TOP,
    "maximum_sign": MAXIMUM_SIGN,
    "three_pass_add": THREE_PASS_ADD,
}
_TABLES = tuple(LOOP_TABLES.values())


class PassArrays(NamedTuple):
    """A program as the compiled loops read it.

    Its lines are the program's columns in horizontal mode, its rows in vertical mode.

    Attributes
    ----------
    table, line, first : of each step: its number in `LOOP_TABLES` (-1: a pass by itself), its four
        lines, its first pass.
    key_at, key_line, key_flip : pass i has the keys key_at[i] to key_at[i + 1]. The flip is 0 where
        the key is 1 and all ones where it is 0, so that (cell ^ flip) is a match.
    write_at, write_line, write_one : likewise, the lines that it writes and whether with a 1.
    """

    table: np.ndarray
    line: np.ndarray
    first: np.ndarray
    key_at: np.ndarray
    key_line: np.ndarray
    key_flip: np.ndarray
    write_at: np.ndarray
    write_line: np.ndarray
    write_one: np.ndarray


@dataclass(frozen=True)
class LoweredProgram:
    """A program ready to run, and how many events follow from its tags.

    Attributes
    ----------
    columns : that it names, in order; the lines of `arrays`.
    arrays : the passes.
    per_tag : (3, passes): cells that a tag of each pass writes, 1 if it has a key, 1.
    passes : how many there are.
    compares : passes with a key.
    key_columns : driven key columns, over all passes.
    written_columns : driven written columns, over all passes.
    most_keys : key columns of the pass that drives most.
    """

    columns: np.ndarray
    arrays: PassArrays
    per_tag: np.ndarray
    passes: int
    compares: int
    key_columns: int
    written_columns: int
    most_keys: int

    def count_horizontal(self, tagged: np.ndarray, rows: int) -> Counts:
        """Count a run in horizontal mode.

        Parameters
        ----------
        tagged : tags that each pass set, shape (passes,).
        rows : that took part, of all groups together.
        """
        written, matched, enabled = (self.per_tag @ tagged).tolist()
        return Counts(
            compares=self.compares,
            writes=self.passes,
            compare_rows=self.compares * rows,
            key_cells=self.key_columns * rows,
            cells_written=written,
            rows_matched=matched,
            words_written=enabled,
            lines_driven=self.written_columns * rows,
        )

    def count_vertical(self, tagged: np.ndarray, runs: int, segments: int) -> Counts:
        """Count runs in vertical mode, each with the hand-over to the next column.

        A hand-over is: compare, shift the column tags, clear the row, write it.

        Parameters
        ----------
        tagged : tags that each pass set, then those of the hand-over's compare and its last write.
        runs : one after the other.
        segments : sets of rows in all runs, times columns.
        """
        handed_over = int(tagged[-1])
        written, _, enabled = (self.per_tag @ tagged[:-2]).tolist()
        return Counts(
            compares=(self.passes + 1) * runs,
            writes=(self.passes + 2) * runs,
            shifts=runs,
            compare_rows=(self.passes + 1) * segments,
            key_cells=(self.key_columns + 1) * segments,
            cells_written=written + segments + handed_over,
            tags_shifted=segments,
            rows_matched=int(tagged[:-1].sum()),
            words_written=enabled + segments + handed_over,
            lines_driven=(self.written_columns + 2) * segments,
        )


def lowered(program: Sequence[Pass]) -> LoweredProgram:
    """Return a program as arrays, each program once.

    Raises
    ------
    BfimnaError
        If it is not a sequence of passes that key and write bits of 0 or 1.
    """
    try:
        return _lowered(program if isinstance(program, tuple) else tuple(program))
    except TypeError:  # not even hashable
        raise BfimnaError(f"a program wants passes of pairs, not {shown(program)}") from None


@lru_cache(maxsize=256)
def _lowered(passes: tuple[Pass, ...]) -> LoweredProgram:
    _check(passes)
    columns = sorted({c for step in passes for c, _ in (*step.key, *step.write)})
    line_of = {column: line for line, column in enumerate(columns)}
    keys = [pair for step in passes for pair in step.key]
    writes = [pair for step in passes for pair in step.write]
    key_sizes = np.array([len(step.key) for step in passes], np.int64)
    write_sizes = np.array([len(step.write) for step in passes], np.int64)
    steps = _steps(passes)
    arrays = PassArrays(
        np.array([table for table, _, _ in steps], np.int64),
        np.array([_four([line_of[c] for c in at]) for _, at, _ in steps], np.int64),
        np.array([first for _, _, first in steps], np.int64),
        np.append(0, key_sizes.cumsum()),
        np.array([line_of[c] for c, _ in keys], np.int64),
        np.array([0 if bit else ALL_ONES for _, bit in keys], np.uint64),
        np.append(0, write_sizes.cumsum()),
        np.array([line_of[c] for c, _ in writes], np.int64),
        np.array([bit for _, bit in writes], bool),
    )
    compared = (key_sizes > 0).astype(np.int64)
    per_tag = np.stack([write_sizes, compared, np.ones_like(write_sizes)])
    sizes = len(passes), int(compared.sum()), len(keys), len(writes), int(key_sizes.max(initial=0))
    return LoweredProgram(np.array(columns, np.int64), arrays, per_tag, *sizes)


def _four(lines: list[int]) -> list[int]:
    """Pad a step's lines to the four that every loop takes (it reads its own only)."""
    return (lines + [0] * 4)[:4]


def _check(passes: Sequence[Pass]) -> None:
    for i, step in enumerate(passes):
        if not isinstance(step, Pass):
            raise BfimnaError(
                f"pass {i} of a program is {shown(step)}; want a bfimna.ap.passes.Pass"
            )
        try:
            pairs = [(column, bit) for column, bit in (*step.key, *step.write)]
        except (TypeError, ValueError):
            raise BfimnaError(f"pass {i} of a program: want pairs, not {shown(step)}") from None
        for column, bit in pairs:
            is_column = isinstance(column, int | np.integer) and 0 <= column < MAX_COLUMN
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

    >>> _columns_of(FULL_ADD, FULL_ADD.at((7, 3, 5)))
    (7, 3, 5)
    """
    if len(passes) < len(lut):
        return None
    columns: dict[int, int] = {}
    for own, step in zip(lut.passes, passes, strict=True):
        for pattern, pairs in ((own.key, step.key), (own.write, step.write)):
            if len(pattern) != len(pairs):
                return None
            for (position, bit), (column, its_bit) in zip(pattern, pairs, strict=True):
                if bit != its_bit or columns.setdefault(position, column) != column:
                    return None
    if len(set(columns.values())) < len(lut.columns):
        return None
    return tuple(columns[position] for position in range(len(lut.columns)))
