"""Layer norm and RMS norm over the channels of each position, integers only.

1. The reduction adds up a position's words, and their mean is taken in a row of its own (layer norm
only); 2. every row subtracts the mean and squares what is left, and the reduction adds up the
squares, whose mean has its root taken; 3. every row divides by the root. Results have steps of
2^-(B - 3) of a standard deviation: a range of ±8. What a model multiplies and adds per channel
afterwards are layers of their own, "scale" and "bias", in place.
"""

from functools import partial
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from bfimna.ap import counts as ap
from bfimna.ap import programs
from bfimna.ap.array import Array
from bfimna.ap.counts import Counts, CountSet
from bfimna.ap.moments import (
    MomentProgram,
    mean_of_sum,
    mean_of_sum_counts,
    root_of_mean,
    root_of_mean_counts,
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
from bfimna.operators.operator import LayerBatch, Machine, Moved, Operator, Step, Tensor
from bfimna.operators.shapes import same_shape
from bfimna.operators.words import Words

RANGE_BITS = 3  # of the results' range, ±2^3 standard deviations; and of the root below 1
Width = TypeVar("Width", int, np.ndarray)


class Widths(NamedTuple, Generic[Width]):
    """Columns of a norm's words.

    Attributes
    ----------
    word : of a word of the input, in excess form.
    growth : by which a sum over the channels is wider.
    dropped : lowest columns that are left out before words are squared.
    """

    word: Width
    growth: Width
    dropped: Width

    @property
    def total(self) -> Width:
        """Columns of a sum of words."""
        return self.word + self.growth

    @property
    def square(self) -> Width:
        """Columns of a square."""
        return 2 * (self.word - self.dropped)

    @property
    def squares(self) -> Width:
        """Columns of a sum of squares."""
        return self.square + self.growth

    @property
    def below(self) -> Width:
        """Columns of zeros below a sum of squares, which give its root steps of 2^-3."""
        return 2 * (RANGE_BITS + self.dropped)

    @property
    def root(self) -> Width:
        """Columns of a root of the mean square."""
        return self.word + RANGE_BITS


def widths(
    bits: np.ndarray, sign: np.ndarray, length: np.ndarray, columns: int
) -> Widths[np.ndarray]:
    """Return the columns of a norm over `length` words of `bits` bits.

    >>> [int(w) for w in widths(np.array(8), np.array(1), np.array(768), 72)]
    [9, 10, 0]
    """
    word, growth = bits + sign, ap.levels(length)
    over = 2 * (2 * word + growth) + 1 - columns  # a sum of squares and what is added to it
    return Widths(word, growth, np.maximum((over + 3) // 4, 0))


# ---- closed forms ----------------------------------------------------------------------------


def _widths(x: LayerBatch, bits: np.ndarray, centred: bool) -> Widths[np.ndarray]:
    return widths(bits, x.signs[0] if centred else np.ones_like(bits), x.window, x.columns)


def _counts(x: LayerBatch, words: Words, counts: CountSet, centred: bool) -> Counts:
    """Count all passes but the reductions; the literature has no forms of its own."""
    own = _widths(x, words.bits, centred)
    m, kept = own.word, own.word - own.dropped
    if centred:
        each = ap.load(2 * m) + ap.clear_along(1) + ap.clear_along(2)
        each = each + ap.subtract(m + 1) + ap.clear(1)
        each = each + ap.absolute(m + 1)
    else:
        each = ap.load(words.bits + x.signs[0]) + ap.clear_along(2 - x.signs[0]) + ap.absolute(m)
    squared = ap.clear(kept + own.squares) + ap.copy(kept) + ap.multiply(kept, kept)
    each = each + ap.read(m + 1) + squared
    rows = each.repeat(x.sums.folds, x.elements) + left_counts(x, own.squares)
    per_group = sum_counts(x, own.squares) + ap.read(own.root)
    per_group = per_group + root_of_mean_counts(own.squares, own.below, x.window, own.root)
    if centred:
        spread = ap.load(m) + ap.clear_along(own.growth)
        rows = rows + spread.repeat(x.sums.folds, x.elements) + left_counts(x, own.total)
        per_group = per_group + sum_counts(x, own.total) + mean_of_sum_counts(own.total, x.window)
        per_group = per_group + ap.read(m)
    return rows + per_group.repeat(*groups(x)) + _division_counts(x, words, own)


def _division_counts(x: LayerBatch, words: Words, own: Widths[np.ndarray]) -> Counts:
    """Divide each magnitude by its group's root, clamp, and give it its sign."""
    m, bits = own.word, words.bits
    each = ap.load(m + 1 + own.root) + ap.read(words.read_bits)
    each = each + division_counts(bits, m, own.root) + ap.negate_if(bits + 1)
    return each.repeat(x.folds, x.elements)


def _vertical_counts(x: LayerBatch, words: Words, counts: CountSet, centred: bool) -> Counts:
    """Count the reductions of the words, for their mean, and of their squares."""
    check_vertical(x)
    own = _widths(x, words.bits, centred)
    squares = x.sums.reduce(own.squares, "microcode", adder=x.adder)
    return squares + x.sums.reduce(own.total, "microcode", adder=x.adder) if centred else squares


def _columns(x: LayerBatch, bits: np.ndarray, centred: bool) -> np.ndarray:
    """Return the columns of the widest pass: square, sum, mean, root or division."""
    own = _widths(x, bits, centred)
    m, kept = own.word, own.word - own.dropped
    above = ap.levels(x.window + 1)
    root = own.squares + 2 + own.below + above
    passes = [m + 2 + kept + own.squares, 2 * own.squares + 1, root, bits + 2 * m + 9]
    if centred:
        passes += [2 * m + 4, 2 * own.total + 1, own.total + 2 + above]
    return np.maximum.reduce(np.broadcast_arrays(*passes))


def _moved(x: LayerBatch, words: Words, multicast: bool, counts: CountSet, centred: bool) -> Moved:
    """Move words in, for each pass anew, and means and roots to all rows of their groups."""
    own, left = _widths(x, words.bits, centred), x.sums.rows_left("microcode")
    number, copies = x.sums.sums, x.sums.sums if multicast else x.elements
    taken = x.elements * (2 * own.word + 1) + copies * own.root + number * left * own.squares
    returned = x.elements * (own.word + 1 + words.read_bits)
    returned = returned + number * (left * own.squares + own.root)
    if centred:
        taken = taken + (x.elements + copies) * own.word + number * left * own.total
        returned = returned + number * (left * own.total + own.word)
    return taken, returned


# ---- emulated pass ---------------------------------------------------------------------------


def _run(
    machine: Machine, rows: Rows, step: Step, operands: list[Tensor], first: bool, centred: bool
) -> None:
    length, word = step.shape[0], step.sources[0]
    sign = word.signed if centred else True
    arrays = widths(np.array(word.bits), np.array(sign), np.array(length), step.columns)
    own, grouped = Widths(*map(int, arrays)), GroupedRows(machine, step, first)
    words = operands[0].reshape(-1, length).T
    if centred:
        words = words - word.low  # in excess form
        means = _means(grouped, own, words)
    size = own.word + centred  # of the signed word that is squared
    flag = 2 * own.word + 3 if centred else size + 1
    squares, magnitudes = [], []
    for part, counted in grouped.parts(words):
        array = grouped.array(part)
        if centred:
            _subtract(array, own.word, part, means)
        else:
            array.load(part, range(1, 1 + word.width), range(1 + word.width, size + 2))
        array.run(programs.absolute(range(1, 1 + size), 0, flag))
        numbers = array.read(range(own.word)), array.read(range(size, size + 1))
        magnitudes.append(np.stack(numbers))
        squares += _square(grouped, own, array, counted)
    root = root_of_mean(own.squares, own.below, length, own.root)
    roots = _dense(grouped, squares, own.squares, root, own.root, "roots", words.shape[1])
    numbers = (*np.concatenate(magnitudes, axis=1), np.broadcast_to(roots, words.shape))
    _divide(rows, own, word.bits, *(x.T.reshape(-1) for x in numbers))


def _means(grouped: GroupedRows, own: Widths[int], words: np.ndarray) -> np.ndarray:
    """Return the mean of each group's words, (rows of a group, groups), to the nearest."""
    left = []
    for part, first in grouped.parts(words):
        array = grouped.array(part)
        array.load(part, range(own.word), range(own.word, own.total))
        left += grouped.reduce(array, range(own.total), first)
    mean = mean_of_sum(own.total, len(words))
    return _dense(grouped, left, own.total, mean, own.word, "means", words.shape[1])


def _dense(
    grouped: GroupedRows, left: list[np.ndarray], total: int, own: MomentProgram, bits: int,
    stage: str, count: int,
) -> np.ndarray:  # fmt: skip
    """Complete the groups' sums and run a program on them; return its lowest `bits` bits."""
    array = grouped.dense(count)
    grouped.sums(left, array, range(total), range(total, 2 * total + 1))
    array.run(programs.clear(range(total, own.columns)))
    array.run(own.program)
    result = Rows(array, np.zeros(0, np.intp)).read(own.result[:bits], signed=False)
    grouped.close_dense(array, stage)
    return result


def _subtract(array: Array, m: int, words: np.ndarray, means: np.ndarray) -> None:
    """Subtract the mean of its group from each word, of m columns: into columns 1 to m + 1."""
    array.load(words, range(1, m + 1), range(m + 1, m + 2))
    array.load(means, range(m + 2, 2 * m + 2), range(2 * m + 2, 2 * m + 4))
    borrow = 2 * m + 3
    array.run(programs.subtract(range(m + 2, 2 * m + 3), range(1, m + 2), borrow))
    array.run(programs.clear((borrow,)))


def _square(grouped: GroupedRows, own: Widths[int], array: Array, first: bool) -> list[np.ndarray]:
    """Square the magnitudes in columns 0 to m - 1, without their lowest columns, and add up."""
    base = own.word + 2
    kept = range(own.dropped, own.word)
    copied = range(base, base + len(kept))
    squares = range(copied.stop, copied.stop + own.squares)
    array.run(programs.clear(range(base, squares.stop)))
    array.run(programs.copy(kept, copied))
    array.run(programs.multiply(copied, kept, squares[: 2 * len(kept)]))
    return grouped.reduce(array, squares, first)


def _divide(
    rows: Rows, own: Widths[int], bits: int, magnitudes: np.ndarray, signs: np.ndarray,
    roots: np.ndarray,
) -> None:  # fmt: skip
    """Divide each row's magnitude by its group's root; clamp; negate where the sign says so."""
    root, sign = own.root, bits + 2 * own.root + 2
    rows.load(signs, (sign,))
    word, clear = divide(rows, bits, (magnitudes, own.word), (roots, root))
    rows.run(programs.negate_if(word, root - 1, sign, clear))
    rows.word = (root - 1, *word[:-1])


def _norm(kind: str, centred: bool) -> Operator:
    return Operator(
        kind, same_shape, phase="elementwise", counts=partial(_counts, centred=centred),
        columns=partial(_columns, centred=centred), moved=partial(_moved, centred=centred),
        operands=broadcast_operands, run=partial(_run, centred=centred), signed=True,
        over_rows=partial(_vertical_counts, centred=centred), choose=choose_groups,
        over_channels=True, reductions=1 + centred,
    )  # fmt: skip


OPERATORS = (_norm("layernorm", True), _norm("rmsnorm", False))
