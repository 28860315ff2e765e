"""Programs on words of M columns that lie in their rows: what layers without weights run.

They derive from those in `bfimna.ap.counts`; `bfimna.emulator.resident` runs them bit by bit.
"""

from collections.abc import Callable

import numpy as np

from bfimna.ap import counts as ap
from bfimna.ap.counts import Amount, Counts

SIGN = 1  # a word that may be negative takes a sign column more


def scale(bits: Amount) -> Counts:
    """Multiply by a constant b / 2^c and clamp."""
    return rescale(bits, bits)


def rescale(word_bits: Amount, bits: Amount) -> Counts:
    """Multiply a word by a constant b / 2^c and clamp it to `bits` columns.

    The product's lowest columns and the flag are cleared along with the constant's load.
    """
    b = ap.scale_bits(bits - SIGN)
    return ap.load(b) + ap.clear_along(b + 2) + ap.requantise(word_bits, b, bits)


def bias(bits: Amount) -> Counts:
    """Add a constant per row, in a column more, and clamp."""
    return _shift(bits) + ap.clamp(bits, bits + 1)


def clip(bits: Amount) -> Counts:
    """Clamp to the range of a word one column shorter, after a write that clears the flag."""
    return ap.clear(1) + ap.clamp(bits - SIGN, bits)


def _shift(bits: Amount) -> Counts:
    return ap.load(bits) + ap.clear_along(3) + ap.sign_extend(1) + ap.add(bits + 1)


def product(bits: Amount) -> Counts:
    """Multiply two resident words into columns that are cleared, scale and clamp."""
    cleared = ap.clear(2 * bits + 1)
    return cleared + ap.multiply(bits, bits, (True, True)) + rescale(2 * bits, bits)


def copy(bits: Amount) -> Counts:
    """Copy a word within its row into columns that are cleared."""
    return ap.clear(bits) + ap.copy(bits)


def _leaky_relu(bits: Amount) -> Counts:
    """Return the larger of the word and its multiple; scaling needs a copy."""
    return copy(bits) + scale(bits) + ap.maximum(bits)


def _hard_sigmoid(bits: Amount) -> Counts:
    """Clamp a scaled and shifted word to what is not negative."""
    return scale(bits) + _shift(bits) + ap.clamp(bits - SIGN, bits + 1, signed=False)


def _hard_swish(bits: Amount) -> Counts:
    """Multiply a word by the hard sigmoid of a copy."""
    return copy(bits) + _hard_sigmoid(bits) + product(bits)


#: functions of one word that arithmetic computes too
ARITHMETIC: dict[str, Callable[[Amount], Counts]] = {
    "leakyrelu": _leaky_relu,
    "hardsigmoid": _hard_sigmoid,
    "hardswish": _hard_swish,
}


def tabulated(kind: str, bits: Amount) -> np.ndarray | bool:
    """Whether such a function is looked up, which is shorter for few bits.

    >>> [bool(tabulated("leakyrelu", bits)) for bits in (8, 9)]
    [True, False]
    """
    return ap.look_up(bits).cycles <= ARITHMETIC[kind](bits).cycles


def function(kind: str, bits: Amount) -> Counts:
    """Compute a function of `ARITHMETIC` by whichever program takes fewer cycles.

    >>> [float(function("leakyrelu", bits).cycles) for bits in (5, 8, 9)]
    [64.0, 512.0, 745.0]
    """
    by_table = np.where(tabulated(kind, bits), 1.0, 0.0)
    return ap.look_up(bits) * by_table + ARITHMETIC[kind](bits) * (1.0 - by_table)


def lrn(bits: Amount, channels: Amount, columns: int) -> Counts:
    """Normalise a word by the squares of `channels` neighbouring channels."""
    square, total = 2 * bits, 2 * bits + ap.levels(channels)
    multiply = ap.multiply(bits, bits, (True, True))
    squared = copy(bits) + ap.clear(square + 1) + multiply + ap.read(square)
    growth = total - square  # columns of the sum and of its operand above a square's; a carry
    each = ap.load(square) + ap.clear_along(growth + 1) + ap.add(total)
    neighbours = each * (channels - 1) + ap.clear_along(growth)
    scaled = squares_scaled(bits, channels, columns)
    power = rescale(scaled, bits) + ap.look_up(bits)
    return squared + neighbours + power + product(bits)


def squares_scaled(bits: Amount, channels: Amount, columns: int) -> Amount:
    """Columns of the sum of squares that are scaled: all, or the top ones that there is room for.

    >>> int(squares_scaled(9, 5, 72)), int(squares_scaled(17, 5, 72))
    (21, 19)
    """
    return np.minimum(2 * bits + ap.levels(channels), columns - 3 * bits - 2)
