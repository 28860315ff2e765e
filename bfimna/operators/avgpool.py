"""Average pooling: a stream into a running sum, or a reduction over rows, if that is shorter.

Then shifted columns are read, or the sum is multiplied by b / 2^c. Words are taken in excess form
(less their lowest value), so that none is negative.
"""

from functools import lru_cache

import numpy as np

from bfimna.ap import counts as ap
from bfimna.ap import programs
from bfimna.ap.counts import Amount, Counts, CountSet
from bfimna.ap.rows import Columns, Rows
from bfimna.operators.maxpool import window_operands, windows_moved
from bfimna.operators.operator import (
    LayerBatch,
    Machine,
    Moved,
    Operator,
    OverRows,
    Step,
    Tensor,
    packed,
)
from bfimna.operators.shapes import windowed_shape
from bfimna.operators.words import MAX_BITS, Words


def average_scale(elements: int, bits: int) -> tuple[int, int]:
    """Return (b, c) with b / 2^c the least above 1 / elements that keeps an average in `bits` bits.

    A power of two needs no multiply: b is 1.

    >>> average_scale(16, 8), average_scale(49, 8)
    ((1, 4), (335, 14))
    """
    depth = int(ap.levels(elements))
    if elements == 2**depth:
        return 1, depth
    m = int(ap.scale_bits(bits))
    b, c = -(-(2 ** (m + depth - 1)) // elements), m + depth - 1
    return (b // 2, c - 1) if b == 2**m else (b, c)


# ---- closed forms ----------------------------------------------------------------------------


def _counts(x: LayerBatch, words: Words, counts: CountSet) -> Counts:
    """Average as a stream or over rows, whichever takes fewer cycles; published: as a stream.

    Without the reduction that adds up the rows, which is vertical.
    """
    over_rows = averaged_over_rows(x, words.bits)
    if counts == "published" or not over_rows.any():
        return _stream_counts(x, words, counts)
    if over_rows.all():
        return _over_rows_counts(x, words)
    return _stream_counts(x, words, counts) * ~over_rows + _over_rows_counts(x, words) * over_rows


@packed
def _stream_counts(x: LayerBatch, words: Words, counts: CountSet) -> Counts:
    """Stream the window into a running sum."""
    bits = words.bits + x.signs[0]
    growth = ap.levels(x.window)  # of the running sum and of its operand; and a carry
    steps = ap.load(bits) * x.window + ap.add(bits + growth) * (x.window - 1)
    return steps + ap.clear_along(2 * growth + 1) + _mean_counts(x, bits) + ap.read(words.read_bits)


def _mean_counts(x: LayerBatch, bits: np.ndarray) -> Counts:
    """Divide a sum by its number of words: shift the columns read, or scale."""
    width, m = bits + ap.levels(x.window), ap.scale_bits(bits)  # such that it cannot overflow
    over = np.where(mean_overlaps(bits, x.window, x.columns), 1.0, 0.0)
    apart, onto = ap.multiply(width, m), ap.multiply(width + 1, m, (True, False))
    onto = onto + ap.clear(1) * width + ap.clear_along(m + 2)
    apart = apart + ap.clear_along(width + m)
    return (ap.load(m) + apart * (1.0 - over) + onto * over) * ~_is_power_of_two(x.window)


def _over_rows_counts(x: LayerBatch, words: Words) -> Counts:
    """Load a window's elements in a row each and add up the rows, as in a dot product."""
    bits, sums = words.bits + x.signs[0], x.sums
    total, left = bits + ap.levels(x.window), sums.rows_left("microcode")
    spread = ap.load(bits) + ap.clear_along(total - bits)
    in_folds = spread.repeat(sums.folds, sums.sums * x.window)
    in_folds = in_folds + ap.read(total).repeat(sums.folds, sums.sums * left)
    carry = ap.load(total) * left + ap.clear_along(1) * left
    carry = carry + ap.add(total, x.adder) * (left - 1)
    dense = carry + _mean_counts(x, bits) + ap.read(words.read_bits)
    return in_folds + dense.repeat(x.folds, x.elements)


def _reduction_counts(x: LayerBatch, words: Words, counts: CountSet) -> Counts:
    """Add up the rows of windows that are averaged over rows; nothing for the others."""
    over_rows = averaged_over_rows(x, words.bits)
    if counts == "published" or not over_rows.any():
        return Counts()
    total = words.bits + x.signs[0] + ap.levels(x.window)
    return x.sums.reduce(total, "microcode", adder=x.adder) * over_rows


def averaged_over_rows(x: LayerBatch, bits: np.ndarray) -> np.ndarray:
    """Whether windows of words of so many bits are averaged over rows: for large ones, mostly."""
    return _shorter_over_rows(x)[bits, np.arange(len(x.layers))]


@lru_cache(maxsize=256)
def _shorter_over_rows(x: LayerBatch) -> np.ndarray:
    """Tabulate whether that takes fewer cycles than a stream, by bits and layer.

    A 1D AP has the stream only, since it adds up rows word by word.
    """
    bits = np.repeat(np.arange(1, MAX_BITS + 1)[:, None], len(x.layers), axis=1)
    words = Words(bits, bits)
    shorter = np.zeros((MAX_BITS + 1, len(x.layers)), dtype=bool)
    if x.sums.kind != "1d":
        stream = _stream_counts(x, words, "microcode").cycles
        total = bits + x.signs[0] + ap.levels(x.window)
        vertical = x.sums.reduce(total, "microcode", adder=x.adder).cycles
        shorter[1:] = _over_rows_counts(x, words).cycles + vertical < stream
    shorter.flags.writeable = False
    return shorter


def _choose(x: LayerBatch, bits: np.ndarray) -> list[OverRows | None]:
    """Return how each layer's windows share arrays at one precision; None for a stream."""
    sums = x.sums
    shares = zip(
        sums.part.tolist(), sums.side_by_side.astype(int).tolist(), sums.folds.astype(int).tolist(),
        strict=True,
    )  # fmt: skip
    chosen = zip(averaged_over_rows(x, bits), shares, strict=True)
    return [OverRows(*share) if over_rows else None for over_rows, share in chosen]


def _is_power_of_two(window: Amount) -> np.ndarray:
    """Whether a mean is a shift of the columns read."""
    return np.asarray(window == 2 ** ap.levels(window))


def mean_overlaps(bits: Amount, window: Amount, columns: int) -> np.ndarray:
    """Whether the scaled sum of a mean takes over the sum's columns, since too few are left.

    >>> [bool(mean_overlaps(bits, 49, 72)) for bits in (13, 14)]
    [False, True]
    """
    width = bits + ap.levels(window)
    return np.asarray(3 * width + 1 + ap.scale_bits(bits) > columns)


def _moved(x: LayerBatch, words: Words, multicast: bool, counts: CountSet) -> Moved:
    """Return the rows that a reduction leaves of a window too, where it is averaged over rows."""
    taken, returned = windows_moved(x, words, multicast, counts)
    total = words.bits + x.signs[0] + ap.levels(x.window)
    if counts == "published":
        return taken, returned
    left = x.elements * x.sums.rows_left("microcode") * total
    return taken, returned + left * averaged_over_rows(x, words.bits)


def _columns(x: LayerBatch, bits: np.ndarray) -> np.ndarray:
    """Return the columns of a running sum, its operand, a carry; then of a sum that is scaled."""
    bits = bits + x.signs[0]
    width = bits + ap.levels(x.window)
    scaled = width + 2 * ap.scale_bits(bits) + 2
    return np.where(_is_power_of_two(x.window), 2 * width + 1, np.maximum(2 * width + 1, scaled))


# ---- emulated pass ---------------------------------------------------------------------------


def _operands(step: Step, inputs: list[Tensor]) -> list[Tensor]:
    low = step.sources[0].low
    return window_operands(step, inputs[0] - low, -low)


def _run(machine: Machine, rows: Rows, step: Step, operands: list[Tensor], first: bool) -> None:
    bits = step.sources[0].width
    total, other, carry = _sum_columns(bits, len(operands))
    if isinstance(step.choice, OverRows):
        left = _reduce(machine, step, step.choice, operands, first)
        rows.array.load_planes(left[0], range(len(total)), range(carry, carry + 1))
        for more in left[1:]:
            rows.array.load_planes(more, range(other[0], carry), range(carry, carry + 1))
            rows.run(programs.add(other, total, carry, step.adder))
    else:
        rows.load(operands[0], total[:bits], clear=(*total[bits:], *other[bits:], carry))
        for element in operands[1:]:
            rows.load(element, other[:bits])
            rows.run(programs.add(other, total, carry))
    _mean(rows, step, len(operands))


def _reduce(
    machine: Machine, step: Step, share: OverRows, operands: list[Tensor], first: bool
) -> list[np.ndarray]:
    """Load the window's elements in a row each and reduce the rows; return the planes left."""
    size, bits, folds = len(operands[0]), step.sources[0].width, share.folds
    name, phase, total = step.layer.name, step.operator.phase, _sum_columns(bits, len(operands))[0]
    left = []
    for lo in range(0, len(operands), share.part):
        values = np.stack(operands[lo : lo + share.part])
        array = machine.array(size, len(values), step.columns, share.side_by_side)
        array.load(values, range(bits), clear=range(bits, len(total)))
        machine.account(array, name, phase, folds, first and not lo)
        rows = programs.reduce(array, range(len(total)), adder=step.adder)
        machine.account(array, name, "reduce", folds, first and not lo)
        planes = array.read_planes(range(len(total)), rows).copy()  # the array is used again
        left += [planes[:, row : row + 1] for row in range(rows)]
        machine.account(array, name, phase, folds, first and not lo)
        machine.record_wear(array, name, "windows", folds)
    return left


def _sum_columns(bits: int, window: int) -> tuple[Columns, Columns, int]:
    """Return the columns of a running sum, of what is added to it, and the carry."""
    width = bits + int(ap.levels(window))
    return tuple(range(width)), tuple(range(width, 2 * width)), 2 * width


def _mean(rows: Rows, step: Step, window: int) -> None:
    """Divide the sum by reading shifted columns, or multiply it by a scale first."""
    bits, rows.offset = step.sources[0].width, step.target.low
    (b, shift), m = average_scale(window, bits), int(ap.scale_bits(bits))
    total, other, carry = _sum_columns(bits, window)
    product: Columns = total
    if b > 1 and mean_overlaps(bits, window, step.columns):
        word = (*total, carry)  # with a sign, which is 0
        low = rows.spare(m + 1, word)
        factor = rows.spare(m, word, low)
        rows.load(np.array(b), factor, clear=(*low, carry))
        top = m + 1 + len(word)
        product = (*low, *word)
        rows.run(programs.scale_up(range(m + 1, top), range(top, top + m)), (*product, *factor))
    elif b > 1:
        product = tuple(range(carry + 1, carry + 1 + len(total) + m))
        rows.load(np.array(b), other[:m], clear=product)
        rows.run(programs.multiply(total, other[:m], product))
    rows.word = product[shift : shift + bits]


OPERATORS = (
    Operator(
        "avgpool", windowed_shape, phase="pool", counts=_counts, columns=_columns, moved=_moved,
        operands=_operands, run=_run, leaves_word=False, over_rows=_reduction_counts,
        choose=_choose,
    ),
)  # fmt: skip
