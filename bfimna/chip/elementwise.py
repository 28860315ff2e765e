"""What an AP runs for layers without weights that a stranger's network may have.

Per output element, on a row of its own, in signed words of M bits (the tensor's stored bits and a
sign). All derive from the programs in `bfimna.ap.counts`, of which the literature has no closed
forms: both sets of counts use them. Constants (scales b / 2^c) are as in integer-only inference.

==============  =========================================================================
kind            program
==============  =========================================================================
scale           multiply by b, take shifted columns, clamp
bias            load the constant, add in place, clamp
clip            clamp: the word's step is such that the bounds are its extreme codes (ReLU6
                is the range of an unsigned word)
lookup          any function of one word (sigmoid, tanh, ...): per bit pattern of the word one
                compare and one write of the result, 2^M passes
leakyrelu       max(x, x · b / 2^c) with a copy of x, or a look-up: whichever takes fewer cycles
hardsigmoid     scale, add a constant, clamp; or a look-up
hardswish       a hard sigmoid of a copy, times x; or a look-up
mul             product of two words, scaled and clamped; one factor may be one word a channel
lrn             x · (k + α/n Σ x²)^-β over n channels: square; read the squares and load and add
                those of n - 1 neighbours; scale the sum; look up the power; multiply by x
==============  =========================================================================

A concatenation and a view (reshape, transpose, pad, slice, upsample) cost nothing of their own:
their parts lie in the MAPs already, and who reads them addresses them in the other order, which the
MAPs, read word by word, allow. Producers of a concatenation scale to its common step.
"""

from collections.abc import Callable

import numpy as np

from bfimna.ap import counts as ap
from bfimna.ap.counts import Amount, Counts
from bfimna.chip.geometry import SIGN, Geometry
from bfimna.network.graph import Network
from bfimna.network.layer import ELEMENTWISE

#: kinds whose program this module states
KINDS = (*ELEMENTWISE, "mul", "lrn")


def scale(bits: Amount) -> Counts:
    """Multiply by a constant b / 2^c and clamp."""
    b = ap.scale_bits(bits - SIGN)
    return ap.load(b) + ap.requantise(bits, b, bits)


def bias(bits: Amount) -> Counts:
    """Add a constant a row and clamp."""
    return ap.load(bits) + ap.add(bits + 1) + ap.saturate(bits)


def product(bits: Amount) -> Counts:
    """Multiply two resident words, scale and clamp."""
    b = ap.scale_bits(bits - SIGN)
    rescaled = ap.load(b) + ap.requantise(2 * bits, b, bits)
    return ap.multiply(bits, bits, (True, True)) + rescaled


def copy(bits: Amount) -> Counts:
    """Copy a word within its row: scaling and multiplying need their operands apart."""
    return ap.sign_extend(1) * bits


def look_up(bits: Amount) -> Counts:
    """Any function of one word: per bit pattern a compare, and a write of the result beside it.

    Every row is tagged once. The operand stays, so the order of the passes does not matter.

    >>> look_up(5).cycles, look_up(9).cycles
    (64.0, 1024.0)
    """
    patterns = 2.0**bits
    return Counts(
        compares=patterns,
        writes=patterns,
        compare_rows=patterns,
        key_cells=bits * patterns,
        cells_written=bits,
    )


def _cheaper(one: Counts, other: Counts) -> Counts:
    """Return, for each width, the program of fewer cycles."""
    first = one.cycles <= other.cycles
    return one * np.where(first, 1.0, 0.0) + other * np.where(first, 0.0, 1.0)


def leaky_relu(bits: Amount) -> Counts:
    """Return the larger of the word and its multiple: a look-up up to 8 bits, arithmetic above.

    >>> [float(leaky_relu(bits).cycles) for bits in (5, 8, 9)]
    [64.0, 512.0, 744.0]
    """
    return _cheaper(look_up(bits), copy(bits) + scale(bits) + ap.maximum(bits))


def hard_sigmoid(bits: Amount) -> Counts:
    """Clamp a scaled and shifted word: arithmetic, or a look-up where that is shorter."""
    return _cheaper(look_up(bits), scale(bits) + bias(bits))


def hard_swish(bits: Amount) -> Counts:
    """Multiply a word by its hard sigmoid, or look it up where that is shorter."""
    return _cheaper(look_up(bits), copy(bits) + scale(bits) + bias(bits) + product(bits))


def lrn(bits: Amount, channels: Amount) -> Counts:
    """Normalise a word by the squares of `channels` neighbouring channels."""
    square, total = 2 * bits, 2 * bits + ap.levels(channels)
    squared = copy(bits) + ap.multiply(bits, bits, (True, True)) + ap.read(square)
    neighbours = (ap.load(square) + ap.add(total)) * (channels - 1)
    b = ap.scale_bits(bits - SIGN)
    power = ap.load(b) + ap.requantise(total, b, bits) + look_up(bits)
    return squared + neighbours + power + product(bits)


_PROGRAMS: dict[str, Callable[[Amount], Counts]] = {
    "scale": scale,
    "bias": bias,
    "clip": ap.saturate,
    "lookup": look_up,
    "leakyrelu": leaky_relu,
    "hardsigmoid": hard_sigmoid,
    "hardswish": hard_swish,
}


def program(network: Network, g: Geometry, at: np.ndarray, bits: np.ndarray) -> Counts:
    """Count a row of layers of one kind, with the loads and reads of their words.

    Parameters
    ----------
    at : positions of the layers in the network. bits : of their words, shape (..., layers).
    """
    kind = network.layers[at[0]].kind
    if kind == "mul":
        return ap.load(2 * bits) + product(bits) + ap.read(bits)
    if kind == "lrn":
        channels = np.array([network.layers[k].kernel[0] for k in at])
        return ap.load(bits) + lrn(bits, channels) + ap.read(bits)
    return _PROGRAMS[kind](bits) + (ap.load(bits) + ap.read(bits)) * (1.0 - g.in_place[at])


def elements_moved(network: Network, g: Geometry, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Count the words that layers of one kind take from MAPs, and those that they return.

    An LRN moves its squares, of twice the bits, out and in again, with multicast each once.
    """
    kind, elements, multicast = network.layers[at[0]].kind, g.elements[at], g.chip.multicast
    if kind == "lrn":
        copies = np.array([1 if multicast else network.layers[k].kernel[0] - 1 for k in at])
        return elements * (1 + 2 * copies), elements * 3
    if kind != "mul":
        return (elements * ~g.in_place[at],) * 2
    shapes = [[network.shapes[name] for name in network.layers[k].inputs] for k in at]
    sizes = np.array([[np.prod(shape, dtype=float) for shape in pair] for pair in shapes])
    share = sizes / sizes.max(axis=1, keepdims=True) if multicast else np.ones_like(sizes)
    return elements * share.sum(axis=1), elements
