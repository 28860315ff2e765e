"""Layers whose positions' channels are rows of a group: what softmax and norms share.

The rows of a group work as one word each; a reduction adds them up in vertical mode, and each sum
is completed in a row of its own. Closed form and emulated pass stand side by side.
"""

import numpy as np

from bfimna.ap import counts as ap
from bfimna.ap import programs
from bfimna.ap.array import Array
from bfimna.ap.counts import Amount, Counts
from bfimna.ap.passes import Pass, count_passes
from bfimna.ap.rows import Rows
from bfimna.errors import BfimnaError
from bfimna.operators.operator import Grouped, LayerBatch, Machine, Step


def check_vertical(x: LayerBatch) -> None:
    """Raise on a 1D AP, whose rows cannot be keys."""
    if x.sums.kind == "1d":
        layer = x.layers[0]
        raise BfimnaError(
            f"layer {layer.name!r}: a {layer.kind} needs a vertical mode, which a 1D AP has not; "
            "choose AP kind '2d' or '2d-segmented'"
        )


def groups(x: LayerBatch) -> tuple[np.ndarray, np.ndarray]:
    """Return how often the chip is filled with a row per group, and these rows."""
    return np.ceil(x.sums.sums / x.chip_rows), x.sums.sums


def choose_groups(x: LayerBatch, bits: np.ndarray) -> list[Grouped]:
    """Return how each layer's groups share arrays, whatever their bits."""
    sums, (folds, _) = x.sums, groups(x)
    columns = sums.part, sums.side_by_side, sums.folds, folds
    return [Grouped(*map(int, share)) for share in zip(*columns, strict=True)]


def left_counts(x: LayerBatch, total: np.ndarray) -> Counts:
    """Read the rows that the reduction leaves of each sum, of `total` columns."""
    left = x.sums.rows_left("microcode")
    return ap.read(total).repeat(x.sums.folds, x.sums.sums * left)


def sum_counts(x: LayerBatch, total: np.ndarray) -> Counts:
    """Complete a sum in a row of its own: per group."""
    left = x.sums.rows_left("microcode")
    return (ap.load(total) + ap.clear_along(1)) * left + ap.add(total, x.adder) * (left - 1)


def division_counts(bits: Amount, part: Amount, whole: Amount) -> Counts:
    """Count what `divide` does after its loads: per row; clamping a quotient of 1 is rare."""
    clamped = count_passes(1, 1, tags=0.0, cells=0.0, lines=bits + 1)
    return ap.clear_along(bits + whole - part + 2) + ap.fraction(bits, part, whole) + clamped


def divide(
    rows: Rows, bits: int, part: tuple[np.ndarray, int], whole: tuple[np.ndarray, int]
) -> tuple[tuple[int, ...], int]:
    """Divide each row's part by its group's whole, to `bits` bits; clamp a quotient of 1.

    Parameters
    ----------
    part, whole : words of every row, and their columns.

    Returns
    -------
    Columns of the quotient, with a top one of zeros; and a column that is 0. The one below the
    quotient and the second behind the whole are free.
    """
    (parts, m), (wholes, n) = part, whole
    below, of_part = tuple(range(bits)), tuple(range(bits, bits + m))
    above = tuple(range(bits + m, bits + n + 1))
    of_whole = tuple(range(bits + n + 1, bits + 2 * n + 1))
    borrow = of_whole[-1] + 1
    rows.load(parts, of_part, clear=(*below, *above, borrow))
    rows.load(wholes, of_whole)
    rows.run(programs.fraction(of_part, above, of_whole, below, borrow))
    *word, top = range(n, n + bits + 1)
    rows.run((Pass(((top, 1),), ((top, 0), *((column, 1) for column in word))),))
    return (*word, top), borrow


class GroupedRows:
    """The arrays of a layer with grouped rows on the emulator, and their accounts.

    Parameters
    ----------
    step : of the layer; its choice says how groups share arrays.
    first : whether these are the layer's first elements: their cycles are booked for all.
    """

    def __init__(self, machine: Machine, step: Step, first: bool) -> None:
        assert isinstance(step.choice, Grouped)
        self._machine, self._step, self._first = machine, step, first
        self.share = step.choice

    def parts(self, words: np.ndarray) -> list[tuple[np.ndarray, bool]]:
        """Split a group's rows over arrays: return each part, and whether its cycles count."""
        part = self.share.part
        starts = range(0, len(words), part)
        return [(words[lo : lo + part], self._first and not lo) for lo in starts]

    def array(self, words: np.ndarray) -> Array:
        """Return an array for words of shape (rows of a group, groups)."""
        rows, count = words.shape
        return self._machine.array(count, rows, self._step.columns, self.share.side_by_side)

    def book(self, array: Array, first: bool, vertical: bool = False) -> None:
        """Book what an array of grouped rows has done since the last booking."""
        phase = "reduce" if vertical else self._step.operator.phase
        self._machine.account(array, self._step.layer.name, phase, self.share.folds, first)

    def reduce(self, array: Array, columns: range, first: bool) -> list[np.ndarray]:
        """Add up the rows of every group; return the planes of those that are left."""
        self.book(array, first)
        rows = programs.reduce(array, columns, adder=self._step.adder)
        if array.counts.amounts:  # two rows are a sum and a carry already
            self.book(array, first, vertical=True)
        planes = array.read_planes(columns, rows).copy()  # the array is used again
        self.close(array, "rows", first)
        return [planes[:, row : row + 1] for row in range(rows)]

    def close(self, array: Array, stage: str, first: bool) -> None:
        """Book an array of grouped rows for the last time in this stage, and its wear."""
        self.book(array, first)
        self._machine.record_wear(array, self._step.layer.name, stage, self.share.folds)

    def dense(self, count: int) -> Array:
        """Return an array with a row per group."""
        return self._machine.array(count, 1, self._step.columns)

    def close_dense(self, array: Array, stage: str) -> None:
        """Book an array with a row per group, and its wear."""
        name, phase = self._step.layer.name, self._step.operator.phase
        self._machine.account(array, name, phase, self.share.sums_folds, self._first)
        self._machine.record_wear(array, name, stage, self.share.sums_folds)

    def sums(self, left: list[np.ndarray], array: Array, columns: range, beside: range) -> None:
        """Complete sums in `columns` of an array with a row per group, from the rows left of each.

        Parameters
        ----------
        beside : columns for the second row, and one more for the carry.
        """
        other, carry = beside[:-1], beside[-1]
        array.load_planes(left[0], columns, range(carry, carry + 1))
        for row in left[1:]:
            array.load_planes(row, other, range(carry, carry + 1))
            array.run(programs.add(other, columns, carry, self._step.adder))
