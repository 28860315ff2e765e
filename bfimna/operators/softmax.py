"""Softmax over the channels of each position, integers only, in three passes over its rows.

1. The rows of a group search their maximum and take the exponential of their distance to it, by
   shifts; 2. the reduction adds up the exponentials, and each sum is completed in a row of its own;
3. every row divides its exponential by the sum: on an AP that takes no longer than one reciprocal,
   and no product after it. Where a group takes several arrays, their maxima are compared first.

Scores of B bits have steps of 2^-(B - 3): their range is ±8. Results have steps of 2^-B.
"""

from typing import Generic, NamedTuple, TypeVar

import numpy as np

from bfimna.ap import counts as ap
from bfimna.ap import programs
from bfimna.ap.array import Array
from bfimna.ap.counts import Counts, CountSet
from bfimna.ap.exponential import shift_exponential, shift_exponential_counts
from bfimna.ap.group_maximum import (
    distance_counts,
    search_columns_counts,
    search_maximum,
    search_rows_counts,
)
from bfimna.ap.rows import Rows
from bfimna.operators.grouped_rows import (
    GroupedRows,
    check_vertical,
    choose_groups,
    divide,
    division_counts,
    groups,
    left_counts,
    sum_counts,
)
from bfimna.operators.one_word import broadcast_operands
from bfimna.operators.operator import (
    LayerBatch,
    Machine,
    Moved,
    Operator,
    Step,
    Tensor,
)
from bfimna.operators.shapes import same_shape
from bfimna.operators.words import Words

RANGE_BITS = 3  # of the scores' range, ±2^3


Width = TypeVar("Width", int, np.ndarray)


class Widths(NamedTuple, Generic[Width]):
    """Columns of a softmax's words.

    Attributes
    ----------
    score : of a word of the input.
    step : f, bits of the scores below 1.
    fraction : N, bits of the exponential below that of the maximum.
    exponential, total : of an exponential, and of a group's sum.
    dropped : lowest columns of both that the division leaves out, since an array has no room.
    """

    score: Width
    step: Width
    fraction: Width
    exponential: Width
    total: Width
    dropped: Width

    @property
    def scratch(self) -> Width:
        """Columns that one write clears between the distance and its exponential."""
        return self.score + 2 + self.total

    @property
    def narrow(self) -> tuple[Width, Width]:
        """Columns of an exponential and of a sum as they are divided."""
        return self.exponential - self.dropped, self.total - self.dropped


def widths(
    bits: np.ndarray, sign: np.ndarray, length: np.ndarray, columns: int
) -> Widths[np.ndarray]:
    """Return the columns of a softmax over `length` words of `bits` bits.

    >>> [int(w) for w in widths(np.array(8), np.array(1), np.array(197), 72)]
    [9, 5, 8, 14, 22, 0]
    """
    score, step, growth = bits + sign, np.maximum(bits - RANGE_BITS, 0), ap.levels(length)
    room = np.minimum(columns - 2 * score - 2, (columns - 1) // 2) - step - 1 - growth
    fraction = np.clip(room, 1, bits)
    exponential = fraction + step + 1
    total = exponential + growth
    over = np.maximum(bits + 2 * total + 2 - columns, 0)
    return Widths(score, step, fraction, exponential, total, (over + 1) // 2)


# ---- closed forms ----------------------------------------------------------------------------


def _counts(x: LayerBatch, words: Words, counts: CountSet) -> Counts:
    """Count all passes but those in vertical mode; the literature has no forms of its own."""
    own = _widths(x, words.bits)
    apart = 1.0 * (x.sums.splits > 1)  # maxima of a group's parts are compared before
    searched = ap.load(own.score) + ap.clear_along(2 * own.score + 2)
    loaded = ap.load(2 * own.score) + ap.clear_along(1) + ap.subtract(own.score)
    each = searched + distance_counts(own.score) * (1.0 - apart) + loaded * apart
    each = each + ap.clear(own.scratch) + ap.read(own.exponential)
    each = each + shift_exponential_counts(own.score, own.step, own.fraction)
    grouped = each.repeat(x.sums.folds, x.elements) + left_counts(x, own.total)
    grouped = grouped + x.sums.each(lambda length: search_rows_counts(own.score, length))
    parts = ap.read(own.score).repeat(x.sums.folds, x.sums.sums * x.sums.splits) * apart
    per_group = sum_counts(x, own.total) + ap.read(own.total) + _maxima_counts(x, own) * apart
    return grouped + parts + per_group.repeat(*groups(x)) + _division_counts(x, words, own)


def _widths(x: LayerBatch, bits: np.ndarray) -> Widths[np.ndarray]:
    return widths(bits, x.signs[0], x.window, x.columns)


def _maxima_counts(x: LayerBatch, own: Widths[np.ndarray]) -> Counts:
    """Compare the maxima of a group's parts, a group per row."""
    load, one = ap.load(own.score), ap.maximum(own.score)
    return load * x.sums.splits + one * (x.sums.splits - 1) + ap.read(own.score)


def _division_counts(x: LayerBatch, words: Words, own: Widths[np.ndarray]) -> Counts:
    """Divide each exponential by its group's sum, and clamp."""
    loaded = ap.load(sum(own.narrow))
    each = loaded + division_counts(words.bits, *own.narrow) + ap.read(words.read_bits)
    return each.repeat(x.folds, x.elements)


def _vertical_counts(x: LayerBatch, words: Words, counts: CountSet) -> Counts:
    """Count the search's compares of whole columns, and the reduction."""
    check_vertical(x)
    own, kind, beside = _widths(x, words.bits), x.sums.kind, x.sums.side_by_side
    search = x.sums.each(lambda length: search_columns_counts(own.score, length, kind, beside))
    return search + x.sums.reduce(own.total, "microcode", adder=x.adder)


def _search_steps(x: LayerBatch, words: Words) -> np.ndarray:
    """Return the bits that a search goes through."""
    return _widths(x, words.bits).score


def _columns(x: LayerBatch, bits: np.ndarray) -> np.ndarray:
    """Return the columns of the widest pass: search, exponential, sum or division."""
    own = _widths(x, bits)
    division = bits + 2 + 2 * own.narrow[1]
    passes = 3 * own.score + 2, own.score + own.scratch, 2 * own.total + 1, division
    return np.maximum.reduce(passes)


def _moved(x: LayerBatch, words: Words, multicast: bool, counts: CountSet) -> Moved:
    """Move scores in, exponentials out and in again, and a group's sum to all of its rows."""
    own, left = _widths(x, words.bits), x.sums.rows_left("microcode")
    number, copies = x.sums.sums, x.sums.sums if multicast else x.elements
    exponential, total = own.narrow
    taken = x.elements * (own.score + exponential) + copies * total + number * left * own.total
    returned = x.elements * (own.exponential + words.read_bits) + number * (left + 1) * own.total
    splits, apart = x.sums.splits, x.sums.splits > 1
    again = x.elements + copies + number * splits  # scores, maxima, maxima of parts
    taken = taken + again * own.score * apart
    return taken, returned + number * (splits + 1) * own.score * apart


# ---- emulated pass ---------------------------------------------------------------------------


def _run(machine: Machine, rows: Rows, step: Step, operands: list[Tensor], first: bool) -> None:
    length, word = step.shape[0], step.sources[0]
    arrays = widths(np.array(word.bits), np.array(word.signed), np.array(length), step.columns)
    own, grouped = Widths(*map(int, arrays)), GroupedRows(machine, step, first)
    scores = operands[0].reshape(-1, length).T
    exponentials, left = _exponentials(grouped, own, scores, word.signed)
    array = grouped.dense(scores.shape[1])
    total, beside = range(own.total), range(own.total, 2 * own.total + 1)
    grouped.sums(left, array, total, beside)
    totals = np.broadcast_to(array.read(total), scores.shape)
    grouped.close_dense(array, "sums")
    words = (x.T.reshape(-1) >> own.dropped for x in (exponentials, totals))
    rows.word, _ = divide(rows, word.bits, *zip(words, own.narrow, strict=True))


def _exponentials(
    grouped: GroupedRows, own: Widths[int], scores: np.ndarray, signed: bool
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return the exponential of each score's distance to its group's maximum, and sums.

    Parameters
    ----------
    scores : (rows of a group, groups).

    Returns
    -------
    Integers of the scores' shape, and the planes of the rows that the reduction leaves.
    """
    m, parts = own.score, grouped.parts(scores)
    maxima = _maxima(grouped, m, parts, signed) if len(parts) > 1 else None
    program, result, _ = shift_exponential(m, 1 << own.step, own.fraction)
    values, left = [], []
    for part, first in parts:
        array = grouped.array(part)
        if maxima is None:
            _search(grouped, array, m, part, first, signed)
            words = _word(m), range(m, 2 * m), range(m)
            array.run(programs.distance_to_maximum(*words, 2 * m + 1, signed))
        else:
            array.load(maxima, range(m))
            array.load(part, range(m, 2 * m), range(2 * m, 2 * m + 1))
            array.run(programs.subtract(range(m, 2 * m), range(m), 2 * m))
        array.run(programs.clear(range(m, m + own.scratch)))
        array.run(program)
        values.append(array.read(result))
        left += grouped.reduce(array, range(result.start, result.start + own.total), first)
    return np.concatenate(values), left


def _word(m: int) -> range:
    """Columns of a score above its distance, the maximum's complement, candidate and carry."""
    return range(2 * m + 2, 3 * m + 2)


def _search(
    grouped: GroupedRows, array: Array, m: int, scores: np.ndarray, first: bool, signed: bool
) -> None:
    array.load(scores, _word(m), range(2 * m + 2))
    search_maximum(
        array, _word(m), range(m, 2 * m), 2 * m, signed,
        lambda vertical: grouped.book(array, first, vertical),
    )  # fmt: skip


def _maxima(
    grouped: GroupedRows, m: int, parts: list[tuple[np.ndarray, bool]], signed: bool
) -> np.ndarray:
    """Return the maximum of every group that takes several arrays."""
    of_parts = []
    for part, first in parts:
        array = grouped.array(part)
        _search(grouped, array, m, part, first, signed)
        maxima = 2**m - 1 - array.read(range(m, 2 * m), rows=1)[0]  # of its complement
        of_parts.append(maxima - 2 ** (m - 1) if signed else maxima)
        grouped.close(array, "maxima", first)
    array, best, other = grouped.dense(len(of_parts[0])), range(m), range(m, 2 * m)
    array.load(of_parts[0], best)
    for more in of_parts[1:]:
        array.load(more, other)
        array.run(programs.maximum(other, best, 2 * m, 2 * m + 1, signed))
    largest = array.read(best, signed=signed)[0]
    grouped.close_dense(array, "maxima of groups")
    return largest


OPERATORS = (
    Operator(
        "softmax", same_shape, phase="elementwise", counts=_counts, columns=_columns,
        moved=_moved, operands=broadcast_operands, run=_run, signed=False,
        over_rows=_vertical_counts, choose=choose_groups, search_steps=_search_steps,
        over_channels=True,
    ),
)  # fmt: skip
