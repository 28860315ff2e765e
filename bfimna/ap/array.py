"""The bit-exact associative processor: a CAM as packed bit planes that runs programs pass by pass.

Model document, section 1. The array is an oracle: it compares, writes, loads, reads and shifts, and
counts its cycles and events. Events that depend on the data (cells written, tags set) are counted
from the data.

The rows are `groups` × `rows`: a dot product is a group, and vertical mode works on the rows of all
groups at once (an array without segmentation takes one group after the other). In memory, a word
holds the same row of 64 groups.
"""

from collections.abc import Callable, Sequence
from typing import Any, get_args

import numpy as np

from bfimna.ap.arguments import integers_to_load, row_sets, word_bits
from bfimna.ap.bit_planes import COLUMNS, ZERO, Cells, RowSets, pack, processors, unpack
from bfimna.ap.events import ApKind, Counts
from bfimna.ap.faults import Faults
from bfimna.ap.lowering import lowered
from bfimna.ap.passes import Lut, Pass
from bfimna.errors import BfimnaError, instance, one_of, shown, truth, whole_number, wrong_type


class Array:
    """An array of CAM cells.

    Parameters
    ----------
    groups : groups of rows (dot products); words without groups are groups of one row.
    rows : rows of a group.
    columns : columns of the array.
    kind : whether there is a vertical mode, and whether its match lines are segmented.
    runs : of equal length, into which the groups are divided in memory; each starts a new word.
    threads : processor threads that share the work; 0 for all.
    faults : defects, drawn at random from their seed.
    wear : whether the writes of each cell are counted.
    number : of this array among others: each number has match errors of its own, see `restart`.
    side_by_side : groups of one array, where `groups` are those of several arrays that work at the
        same time; steps taken group after group then cost the cycles of one array. 0 for all.

    Attributes
    ----------
    counts : cycles and events since the array was made.
    tags_set : tags that compares have set.
    wear : writes of each cell, (columns, rows, groups), if it is counted.
    max_driven_keys : key columns that a pass may drive; None for any number.

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
        side_by_side: int = 0,
    ) -> None:
        one_of("AP kind", kind, get_args(ApKind))
        self.groups, self.rows = whole_number("groups", groups, 1), whole_number("rows", rows, 1)
        self.columns, self.kind = whole_number("columns", columns, 1), kind
        self.runs = whole_number("runs", runs, 1, self.groups)
        self.side_by_side = whole_number("groups side by side", side_by_side, 0) or self.groups
        self.max_driven_keys: int | None = None
        self.threads = whole_number("threads", threads, 0) or processors()
        run, rest = divmod(self.groups, self.runs)
        if rest:
            raise BfimnaError(f"{groups} groups are no {runs} runs of equal length")
        per_run = -(-run // 64)
        self.words = self.runs * per_run  # per row of a group
        self.faults = Faults() if faults is None else faults
        instance("faults", self.faults, Faults, "Faults")
        self.counts, self.tags_set = Counts(), 0
        try:
            self._cells = Cells(
                self.columns, self.rows, self.words, per_run, run % 64, self.faults,
                truth("wear", wear), self.threads,
            )  # fmt: skip
        except (MemoryError, ValueError) as error:
            sizes = (self.groups, self.rows, self.columns)
            cells = " × ".join(map(shown, sizes))
            raise BfimnaError(f"an array of {cells} cells: {error}") from None
        self.planes = self._cells.planes
        self.restart(number)

    def restart(self, number: int) -> None:
        """Draw match errors from here on as an array of this number does from its start."""
        self._cells.restart(whole_number("number", number, 0))

    @property
    def wear(self) -> np.ndarray:
        """Writes of each cell so far: (columns, rows, groups)."""
        if self._cells.wear is None:
            raise BfimnaError("this array does not count writes per cell: make it with wear=True")
        by_run = self._cells.wear.reshape(self.columns, self.rows, self.runs, -1)
        return by_run[..., : self.groups // self.runs].reshape(self.columns, self.rows, -1)

    def forget_wear(self) -> None:
        """Count the writes of each cell from 0 again."""
        if self._cells.wear is not None:
            self._cells.wear[:] = 0

    # ---- columns in and out ------------------------------------------------------------------

    def load(self, values: Any, columns: range, clear: range = range(0), rows: int = 0) -> None:
        """Load a word in the first `rows` rows of every group (0: all), one column a cycle.

        Parameters
        ----------
        values : integers, (rows, groups), or of a shape that broadcasts to it.
        clear : columns that are cleared along; see `clear_along`.
        """
        rows, bits = self._first_rows(rows), word_bits("load", columns)
        numbers = integers_to_load(values, bits, (rows, self.groups))
        packed = pack(numbers.reshape(rows * self.runs, -1), bits)
        self.load_planes(packed.reshape(bits, rows, -1), columns, clear)

    def load_planes(
        self, packed: np.ndarray, columns: range, clear: range = range(0), first: int = 0
    ) -> None:
        """Load words from bit planes, (bits, rows, words), into rows of every group.

        Parameters
        ----------
        first : row of each group that takes the first of them.
        """
        packed = np.asarray(packed)
        self._check_columns(columns, clear)
        shape = packed.shape
        fits = len(shape) == 3 and shape[0] == len(columns) and shape[2] == self.words
        first = whole_number("first row", first, 0, self.rows)
        if not fits or first + shape[1] > self.rows:
            raise BfimnaError(
                f"planes of shape {shape}, want ({len(columns)} bits, up to {self.rows} rows, "
                f"{self.words} words)"
            )
        if packed.dtype != np.uint64:
            raise BfimnaError(f"planes must be uint64, not {packed.dtype}")
        start, stop = first * self.words, (first + shape[1]) * self.words
        self.clear_along((clear,), shape[1], first)
        self._cells.overwrite(columns, packed.reshape(len(columns), stop - start), stop, start)
        self._count_load(len(columns), shape[1] * self.groups)

    def load_by(
        self, fill: Callable[[np.ndarray], Any], columns: range, clear: range = range(0)
    ) -> None:
        """Load every row by a function that fills the columns' planes, (bits, rows, words).

        The same as `load_planes`, but the planes need not be copied.
        """
        self._check_columns(columns, clear)
        stop = self.rows * self.words
        where = slice(columns.start, columns.stop)
        if not callable(fill):
            raise wrong_type("fill", fill, "a function of planes")
        self.clear_along((clear,))
        fill(self.planes[where].reshape(len(columns), self.rows, self.words))
        if self._cells.ragged or not self._cells.healthy:
            self._cells.overwrite(columns, self.planes[where], stop)
        self._count_load(len(columns), self.rows * self.groups)

    def clear_along(self, columns: Sequence[range], rows: int = 0, first: int = 0) -> None:
        """Clear columns of `rows` rows of every group (0: all) along with a load.

        It counts as one of `Counts.clears`, however many columns it clears.
        """
        self._check_columns(*columns)
        rows = whole_number("rows", rows, 0, self.rows - first) or self.rows - first
        for some in columns:
            self._cells.overwrite(some, ZERO, (first + rows) * self.words, first * self.words)
        if cells := sum(map(len, columns)) * rows * self.groups:
            self.counts += Counts(
                cells_written=cells, lines_driven=cells, clears=1, rows_cleared=rows * self.groups
            )

    def _count_load(self, columns: int, rows: int) -> None:
        self.counts += Counts(loads=columns, cells_loaded=columns * rows)

    def read(self, columns: range, signed: bool = False, rows: int = 0) -> np.ndarray:
        """Read a word of the first `rows` rows of every group (0: all), one column a cycle."""
        rows, bits = self._first_rows(rows), word_bits("read", columns)
        signed = truth("signed", signed)
        if bits == 64 and not signed:
            raise BfimnaError("read: an unsigned word of 64 columns does not fit a signed integer")
        planes = self.read_planes(columns, rows).reshape(bits, rows * self.runs, -1)
        numbers = unpack(planes, self.groups // self.runs, signed)
        return numbers.reshape(rows, self.groups)

    def read_planes(self, columns: range, rows: int = 0, first: int = 0) -> np.ndarray:
        """Read words of rows from `first` on as bit planes: (bits, rows, words)."""
        self._check_columns(columns)
        first = whole_number("first row", first, 0, self.rows - 1)
        rows = whole_number("rows", rows, 0, self.rows - first) or self.rows - first
        self.counts += Counts(reads=len(columns), cells_read=len(columns) * rows * self.groups)
        start, stop = first * self.words, (first + rows) * self.words
        planes = self.planes[columns.start : columns.stop, start:stop]
        return planes.reshape(len(columns), rows, self.words)

    def holds(self, packed: np.ndarray, columns: range) -> bool:
        """Whether all rows hold these bit planes, (bits, rows, words); no event of the array."""
        expected = packed.reshape(len(columns), -1) & self._cells.valid
        return np.array_equal(self.planes[columns.start : columns.stop], expected)

    # ---- programs ----------------------------------------------------------------------------

    def run(self, program: Sequence[Pass], rows: int = 0) -> None:
        """Run passes in horizontal mode, on the first `rows` rows of every group (0: all).

        A pass without a key is a write in every row.
        """
        rows = self._first_rows(rows)
        if not isinstance(program, Sequence):
            raise wrong_type("program", program, "a sequence of passes")
        own = lowered(program)
        if not own.passes:
            return
        if len(own.columns) and own.columns[-1] >= self.columns:
            self._check_within(int(own.columns[0]), int(own.columns[-1]))
        if self.max_driven_keys is not None and own.most_keys > self.max_driven_keys:
            raise BfimnaError(
                f"a pass drives {own.most_keys} key columns; max_driven_keys="
                f"{self.max_driven_keys} of the array allows no more"
            )
        tagged = self._cells.run_program(own, rows * self.words)
        self._count_run(own.count_horizontal(tagged, rows * self.groups))

    def add_levels(self, lut: Lut, levels: Sequence[RowSets], columns: range) -> None:
        """Run a table in vertical mode, rows as keys, and hand its last line on by one column.

        The program runs on a level's sets of rows in every group at once if the array is segmented,
        and else on one after the other (of each array, see `side_by_side`). Handing on is: compare,
        shift the column tags, clear the row, write it.

        Parameters
        ----------
        levels : one after the other, each (rows, times): the first row for each of the table's
            names, and how many neighbouring sets there are; the k-th has each of the rows + k.
        """
        if self.kind == "1d":
            raise BfimnaError("a 1D AP has no vertical mode: rows cannot be keys")
        self._check_columns(columns)
        instance("table", lut, Lut)
        levels = row_sets(lut.columns, levels, self.rows)
        if not levels:
            return
        own = lowered(lut.passes)
        at_once = self.threads == 1 and self._cells.healthy  # threads share one level's words
        parts = [levels] if at_once else [(level,) for level in levels]
        tagged = np.sum([self._cells.run_levels(own, part, columns) for part in parts], axis=0)
        sets = sum(times for _, times in levels)
        runs = len(levels) if self.kind == "2d-segmented" else sets * self.side_by_side
        self._count_run(own.count_vertical(tagged, runs, sets * self.groups * len(columns)))

    def fill_empty(self, column: int) -> None:
        """Write ones in a column of every group in which no row holds a one, in vertical mode.

        One compare with the group's rows as key, all 0, and a write of all rows of tagged columns.
        An array without segments takes one group after the other, see `side_by_side`.
        """
        if self.kind == "1d":
            raise BfimnaError("a 1D AP has no vertical mode: rows cannot be keys")
        self._check_columns(range(column, column + 1))
        tagged = self._cells.fill_empty(column)
        times = 1 if self.kind == "2d-segmented" else self.side_by_side
        self._count_run(Counts(
            compares=times, writes=times, compare_rows=self.groups,
            key_cells=self.rows * self.groups, cells_written=self.rows * tagged,
            rows_matched=tagged, words_written=tagged, lines_driven=self.rows * self.groups,
        ))  # fmt: skip

    def _count_run(self, run: Counts) -> None:
        self.tags_set += int(run.rows_matched)
        self.counts += run

    def move_rows(self, first: int, count: int, source: range, target: range, clear: range) -> None:
        """Copy words of rows from `first` on to the first rows' other columns, a word at a time.

        A read and a load of one word each, group after group; `clear` is cleared in the same load.
        """
        first = whole_number("first row", first, 0, self.rows)
        count = whole_number("rows to move", count, 0, self.rows - first)
        self._check_columns(source, target, clear)
        if len(source) != len(target):
            raise BfimnaError(f"a word of {len(source)} columns does not fit {len(target)} columns")
        start, stop = first * self.words, (first + count) * self.words
        self._cells.overwrite(clear, ZERO, stop - start)
        moving = self.planes[source.start : source.stop, start:stop]
        self._cells.overwrite(target, moving, stop - start)
        cycles, words = count * self.side_by_side, count * self.groups
        self.counts += Counts(
            reads=cycles,
            loads=cycles,
            cells_read=words * len(source),
            cells_loaded=words * len(source),
            cells_written=words * len(clear),
            lines_driven=words * len(clear),
        )

    # ---- ranges, which compiled code does not check -------------------------------------------

    def _first_rows(self, rows: int) -> int:
        return whole_number("rows", rows, 0, self.rows) or self.rows

    def _check_columns(self, *ranges: range) -> None:
        for columns in ranges:
            if not isinstance(columns, range):
                raise wrong_type("columns", columns, "a range")
            if columns.step != 1:
                raise BfimnaError(f"{columns}: a word's columns are neighbours, lowest bit first")
            if columns:
                self._check_within(columns[0], columns[-1])

    def _check_within(self, first: int, last: int) -> None:
        if not 0 <= first <= last < self.columns:
            raise BfimnaError(
                f"columns {shown(first)} to {shown(last)} of an array of {self.columns} columns"
            )
