"""The bit-exact associative processor: a CAM as packed bit planes that runs programs pass by pass.

Model document, section 1. The array is an oracle: it compares, writes, loads, reads and shifts, and
counts what it does. Energy events that depend on the data (cells written, tags set) are counted
from the data.

The rows are `groups` × `rows`: a dot product is a group, and vertical mode works on the rows of all
groups at once (an array without segmentation takes one group after the other). In memory, a word
holds the same row of 64 groups.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, get_args

import numpy as np

from bfimna.ap.compiled import ALL, compiled
from bfimna.ap.events import ApKind, Counts
from bfimna.ap.faults import Faults
from bfimna.ap.lut import Lut, Pass
from bfimna.errors import BfimnaError, unknown, whole_number

COLUMNS = 72  # 16 + 16 bit operands, 32 bit product, carry and flags
NOTHING = np.uint64(0)


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@lru_cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads)


class Array:
    """An array of CAM cells.

    Parameters
    ----------
    groups : groups of rows (dot products); words without groups are groups of one row.
    rows : rows of a group.
    columns : columns of the array.
    kind : whether there is a vertical mode, and whether its match lines are segmented.
    runs : the groups lie in memory as so many runs of equal length, each from a new word on.
    threads : processor threads that share the work; 0 for all.
    number : of this array among others, so that each has match errors of its own.
    faults : defects, drawn at random from their seed. `wear`: count the writes of each cell.

    Attributes
    ----------
    counts : what the array has done since it was made. `tags_set` : tags that compares have set.
    wear : writes of each cell, (columns, rows, groups), if asked for.

    Examples
    --------
    >>> from bfimna.ap import programs
    >>> array = Array(groups=3, columns=10)
    >>> array.load([1, 2, 3], range(0, 4), clear=range(8, 9))
    >>> array.load([9, 9, 9], range(4, 8))
    >>> array.run(programs.add(range(0, 4), range(4, 8), carry=8))
    >>> array.read(range(4, 9)), array.counts.cycles
    (array([[10, 11, 12]]), 45)
    """

    def __init__(
        self,
        groups: int,
        rows: int = 1,
        columns: int = COLUMNS,
        kind: ApKind = "2d-segmented",
        runs: int = 1,
        threads: int = 0,
        faults: Faults | None = None,
        wear: bool = False,
        number: int = 0,
    ) -> None:
        if kind not in get_args(ApKind):
            raise unknown("AP kind", kind, get_args(ApKind))
        self.groups, self.rows = whole_number("groups", groups, 1), whole_number("rows", rows, 1)
        self.columns, self.kind = whole_number("columns", columns, 1), kind
        self.runs, self.threads = runs, threads or processors()
        run = self.groups // runs
        self.words = runs * -(-run // 64)  # per row of a group
        shape = (self.columns, self.rows * self.words)
        self.planes = np.zeros(shape, np.uint64)
        self._valid = np.full(shape[1], ALL)
        if run % 64:
            per_run = self.words // runs
            self._valid[per_run - 1 :: per_run] = 2 ** (run % 64) - 1
        self.counts, self.tags_set, self._runs = Counts(), 0, number << 16
        self._wear = np.zeros((self.columns, 64 * shape[1]), np.uint32) if wear else None
        self.faults = faults or Faults()
        self._stuck, self._stuck_value = self.faults.draw(shape)
        if self._stuck.size:
            self.planes |= self._stuck_value & self._valid

    @property
    def wear(self) -> np.ndarray:
        """Writes of each cell so far: (columns, rows, groups)."""
        if self._wear is None:
            raise BfimnaError("this array does not count writes per cell: make it with wear=True")
        return self._wear.reshape(self.columns, self.rows, -1)[:, :, : self.groups]

    # ---- columns in and out ------------------------------------------------------------------

    def load(self, values: Any, columns: range, clear: range = range(0), rows: int = 0) -> None:
        """Load a word in the first `rows` rows of every group (0: all), one column a cycle.

        Parameters
        ----------
        values : integers, (rows, groups) or what broadcasts to it.
        clear : columns that are cleared in the first of these cycles, which costs no further one.
        """
        from bfimna.ap import kernels

        rows = rows or self.rows
        numbers = np.asarray(values)
        if numbers.size and not -(1 << (len(columns) - 1)) <= numbers.min() <= numbers.max() < (
            1 << len(columns)
        ):
            raise BfimnaError(
                f"values from {numbers.min()} to {numbers.max()} do not fit {len(columns)} bits"
            )
        numbers = np.broadcast_to(numbers, (rows, self.groups)).reshape(rows * self.runs, -1)
        packed = np.empty((len(columns), len(numbers), self.words // self.runs), np.uint64)
        kernels.pack(np.ascontiguousarray(numbers, np.int64), packed)
        self.load_planes(packed.reshape(len(columns), rows, -1), columns, clear)

    def load_planes(self, packed: np.ndarray, columns: range, clear: range = range(0)) -> None:
        """Load words given as bit planes, (bits, rows, words): the first rows of every group."""
        self._check_columns((*columns, *clear))
        stop = packed.shape[1] * self.words
        if clear:
            self._overwrite(clear, NOTHING, stop)
        self._overwrite(columns, packed.reshape(len(columns), stop), stop)
        cells = packed.shape[1] * self.groups
        self.counts += Counts(
            loads=len(columns),
            cells_loaded=len(columns) * cells,
            cells_written=len(clear) * cells,
        )

    def _overwrite(self, columns: range, packed: np.ndarray | np.uint64, stop: int) -> None:
        """Put bits into columns, whatever they held; stuck cells keep theirs."""
        where = slice(columns.start, columns.stop)
        self.planes[where, :stop] = packed & self._valid[:stop]
        if self._stuck.size:
            stuck, value = self._stuck[where, :stop], self._stuck_value[where, :stop]
            self.planes[where, :stop] = self.planes[where, :stop] & ~stuck | value
        if self._wear is not None:
            self._wear[where, : 64 * stop] += 1

    def read(self, columns: range, signed: bool = False, rows: int = 0) -> np.ndarray:
        """Read a word of the first `rows` rows of every group (0: all), one column a cycle."""
        from bfimna.ap import kernels

        rows = rows or self.rows
        numbers = np.empty((rows * self.runs, self.groups // self.runs), np.int64)
        planes = self.read_planes(columns, rows).reshape(len(columns), len(numbers), -1)
        kernels.unpack(planes, signed, numbers)
        return numbers.reshape(rows, self.groups)

    def read_planes(self, columns: range, rows: int = 0) -> np.ndarray:
        """Read words as bit planes: (bits, rows, words)."""
        self._check_columns(columns)
        rows = rows or self.rows
        cells = len(columns) * rows * self.groups
        self.counts += Counts(reads=len(columns), cells_read=cells)
        planes = self.planes[columns.start : columns.stop, : rows * self.words]
        return planes.reshape(len(columns), rows, self.words)

    # ---- programs ----------------------------------------------------------------------------

    def run(self, program: Sequence[Pass], rows: int = 0) -> None:
        """Run passes in horizontal mode, on the first `rows` rows of every group (0: all).

        A pass without a key is a write in every row.
        """
        from bfimna.ap import kernels

        program = program if isinstance(program, tuple) else tuple(program)
        rows = rows or self.rows
        if not program:
            return
        columns, steps, sizes = compiled(program)
        self._check_columns(columns)
        lines = kernels.Lines(np.array(columns), np.zeros(len(columns), np.intp), 1)
        tagged = self._execute(rows * self.words, lines, steps, -1, len(program))[:-2]
        compared = np.diff(steps.key_at) > 0
        self.tags_set += int(tagged[compared].sum())
        cells, compares = rows * self.groups, int(compared.sum())
        self.counts += Counts(
            compares=compares,
            writes=len(program),
            compare_rows=compares * cells,
            key_cells=len(steps.key_line) * cells,
            cells_written=int(tagged @ sizes),
        )

    def add_rows(self, lut: Lut, rows: Sequence[int], times: int, columns: range) -> None:
        """Run a table in vertical mode, rows as keys, and hand its last line on by one column.

        The program runs on `times` neighbouring sets of rows in every group at once if the array
        is segmented, and else on one after the other. Handing on is: compare, shift the column
        tags, clear the row, write it.

        Parameters
        ----------
        rows : first row for each of the table's names; the k-th set has each of them + k.
        """
        from bfimna.ap import kernels

        self._check_columns(columns)
        if self.kind == "1d":
            raise BfimnaError("a 1D AP has no vertical mode: rows cannot be keys")
        if max(rows) + times > self.rows:
            raise BfimnaError(f"row {max(rows) + times - 1} of a group of {self.rows} rows")
        _, steps, sizes = compiled(lut.passes)
        lines = kernels.Lines(
            np.full(len(rows), columns.start), np.array(rows) * self.words, len(columns)
        )
        tagged = self._execute(times * self.words, lines, steps, len(rows) - 1, len(lut))
        self.tags_set += int(tagged[:-1].sum())
        cells = times * self.groups * len(columns)
        again = 1 if self.kind == "2d-segmented" else times * self.groups
        self.counts += Counts(
            compares=(len(lut) + 1) * again,
            writes=(len(lut) + 2) * again,
            shifts=again,
            compare_rows=(len(lut) + 1) * cells,
            key_cells=(lut.key_columns + 1) * cells,
            cells_written=int(tagged[:-2] @ sizes) + cells + int(tagged[-1]),
            tags_shifted=cells,
        )

    def move_rows(self, first: int, count: int, source: range, target: range, clear: range) -> None:
        """Copy words of rows from `first` on to the first rows' other columns, a word at a time.

        A read and a load of one word each, group after group; `clear` is cleared in the same load.
        """
        self._check_columns((*source, *target, *clear))
        start, stop = first * self.words, (first + count) * self.words
        self._overwrite(clear, NOTHING, stop - start)
        self._overwrite(target, self.planes[source.start : source.stop, start:stop], stop - start)
        moved = count * self.groups
        cells = moved * len(source)
        self.counts += Counts(
            reads=moved,
            loads=moved,
            cells_read=cells,
            cells_loaded=cells,
            cells_written=moved * len(clear),
        )

    def _execute(self, stop: int, lines: Any, steps: Any, carry: int, passes: int) -> np.ndarray:
        """Run the kernel on words 0 to `stop` of each line, a share of them in each thread."""
        from bfimna.ap import kernels

        self._runs += 1
        seed = (self.faults.seed << 20) + self._runs
        defects = kernels.Defects(
            self._stuck, self._stuck_value, float(self.faults.match_error), seed
        )
        wear = np.zeros((0, 0), np.uint32) if self._wear is None else self._wear
        share = -(-stop // (self.threads * kernels.BLOCK)) * kernels.BLOCK

        def work(lo: int) -> np.ndarray:
            tagged = np.zeros(passes + 2, np.int64)
            hi = min(lo + share, stop)
            kernels.execute(
                self.planes, self._valid, lo, hi, lines, steps, carry, defects, wear, tagged
            )
            return tagged

        starts = range(0, stop, share)
        if len(starts) == 1:
            return work(0)
        return np.sum(list(_pool(self.threads).map(work, starts)), axis=0)

    def _check_columns(self, columns: Sequence[int]) -> None:
        if len(columns) and not 0 <= min(columns) <= max(columns) < self.columns:
            raise BfimnaError(
                f"columns {min(columns)} to {max(columns)} of an array of {self.columns} columns"
            )
