"""Columns of an array in and out: its cells, what loads and reads do to them, and checks of ranges.

Compiled code checks no range, so everything that reaches it is checked here.
"""

from collections.abc import Callable, Sequence
from typing import Any, get_args

import numpy as np

from bfimna.ap.arguments import integers_to_load, word_bits
from bfimna.ap.bit_planes import COLUMNS, ZERO, Cells, pack, processors, unpack
from bfimna.ap.events import ApKind, Counts
from bfimna.ap.faults import Faults
from bfimna.errors import BfimnaError, instance, one_of, shown, truth, whole_number, wrong_type


class ColumnAccess:
    """The part of an `bfimna.ap.array.Array` that loads and reads columns; see there."""

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
