"""The bit-exact associative processor: a CAM as packed bit planes that runs programs pass by pass.

Model document, section 1. The array is an oracle: it compares, writes, loads, reads and shifts, and
counts its cycles and events. Events that depend on the data (cells written, tags set) are counted
from the data.

The rows are `groups` × `rows`: a dot product is a group, and vertical mode works on the rows of all
groups at once (an array without segmentation takes one group after the other). In memory, a word
holds the same row of 64 groups.
"""

from collections.abc import Sequence

import numpy as np

from bfimna.ap.arguments import row_sets
from bfimna.ap.bit_planes import ZERO, RowSets
from bfimna.ap.column_access import ColumnAccess
from bfimna.ap.events import Counts
from bfimna.ap.lowering import lowered
from bfimna.ap.passes import Lut, Pass
from bfimna.errors import BfimnaError, instance, whole_number, wrong_type


class Array(ColumnAccess):
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
