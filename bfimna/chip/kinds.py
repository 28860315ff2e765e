"""One entry per kind of layer without weights: its phase, what it runs, what it moves.

Each element of a result takes a row of its own; words have B bits and a sign column, M = B + 1
columns. The programs derive from those in `bfimna.ap.counts`. For most the literature has no closed
forms: then both sets of counts use them. Constants (scales b / 2^c) are as in integer-only
inference. `bfimna.emulator.unweighted` runs the same programs bit by bit.

==============  =========================================================================
kind            program
==============  =========================================================================
relu            clear the word where its sign is 1
maxpool         stream: each element is loaded beside the running maximum
avgpool         stream into a running sum, or a reduction over rows, whichever takes fewer
                cycles; then shifted columns, or a multiply by b / 2^c
add             load both words, their signs twice, add in place, clamp
mul             product of two words, scaled and clamped; one factor may be one word a channel
scale           multiply by b, take shifted columns, clamp
bias            load the constant, add in place, clamp
clip            clamp to the range of a word one column shorter
lookup          any function of one word (sigmoid, tanh, ...): per bit pattern of the word one
                compare and one write of the result, 2^M passes
leakyrelu       max(x, x · b / 2^c) with a copy of x, or a look-up: whichever takes fewer cycles
hardsigmoid     scale, add a constant, clamp; or a look-up
hardswish       a hard sigmoid of a copy, times x; or a look-up
lrn             x · (k + α/n Σ x²)^-β over n channels: square; read the squares and load and add
                those of n - 1 neighbours; scale the sum; look up the power; multiply by x
==============  =========================================================================

A concatenation and a view (reshape, transpose, pad, slice, upsample) cost nothing of their own:
their parts lie in the MAPs already, and who reads them addresses them in the other order, which the
MAPs, read word by word, allow. Producers of a concatenation scale to its common step.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np

from bfimna.ap import counts as ap
from bfimna.ap.counts import Amount, Counts, CountSet
from bfimna.chip.parts import Parts
from bfimna.chip.resident import (
    SIGN,
    bias,
    clip,
    function,
    look_up,
    lrn,
    product,
    scale,
    tabulated,
)
from bfimna.network.layer import Layer
from bfimna.network.precision import MAX_BITS


@dataclass(frozen=True, eq=False)
class Alike:
    """A network's layers of one kind, side by side; arrays over them, for the whole batch.

    Attributes
    ----------
    at : positions in the network.
    layers : the layers themselves.
    elements : of the results.
    sources : elements that are taken of each input's tensor, each once; shape (inputs, n).
    signs : whether each input's words have a sign column, shape (inputs, n).
    in_place : whether the word is taken where the layer before left it.
    window : elements of a pooling window, or channels that an LRN adds up.
    columns : of an array.
    folds : times that the chip is filled with the elements, one per row.
    parts : how windows share arrays, one element of a window per row.
    """

    at: np.ndarray
    layers: tuple[Layer, ...]
    elements: np.ndarray
    sources: np.ndarray
    signs: np.ndarray
    in_place: np.ndarray
    window: np.ndarray
    columns: int
    folds: np.ndarray
    parts: Parts


@dataclass(frozen=True)
class Words:
    """The words that layers work on, shape (..., n); `bfimna.chip.words` has the rule.

    Attributes
    ----------
    bits : of the words, without sign columns.
    kept : columns of the result that are read, with its sign column if it has one.
    """

    bits: np.ndarray
    kept: np.ndarray

    def of(self, at: np.ndarray) -> "Words":
        """Return those of the layers at these positions."""
        return Words(self.bits[..., at], self.kept[..., at])


Program = Callable[[Alike, Words, CountSet], Counts]
Moved = tuple[np.ndarray, np.ndarray]


# ---- programs of whole layers, with the loads and reads of their words -----------------------


def _packed(program: Program) -> Program:
    """Run the program of one element on all, densely packed: one per row."""

    def run(x: Alike, words: Words, counts: CountSet) -> Counts:
        return program(x, words, counts).repeat(x.folds, x.elements)

    return run


def _one_word(program: Callable[[Amount], Counts]) -> Program:
    """Take one word and return one, both in place where the layer before left it there."""

    @_packed
    def run(x: Alike, words: Words, counts: CountSet) -> Counts:
        return program(words.bits + SIGN) + _in_and_out(x, words)

    return run


def _in_and_out(x: Alike, words: Words) -> Counts:
    return (ap.load(words.bits + x.signs[0]) + ap.read(words.kept)) * (1.0 - x.in_place)


@_packed
def _relu(x: Alike, words: Words, counts: CountSet) -> Counts:
    """Clear negative words; the published form moves the word, resident or not."""
    program = ap.relu(words.bits + SIGN, counts)
    return program if counts == "published" else program + _in_and_out(x, words)


@_packed
def _maximum(x: Alike, words: Words, counts: CountSet) -> Counts:
    """Stream the window: each element is loaded beside the running maximum."""
    width = words.bits + x.signs[0]
    steps = ap.maximum(width, counts) * (x.window - 1)
    return ap.load(width) * x.window + steps + ap.read(words.kept)


@_packed
def _average_as_stream(x: Alike, words: Words, counts: CountSet) -> Counts:
    """Stream the window into a sum of words in excess form, which have no negative values."""
    bits = words.bits + x.signs[0]
    steps = ap.load(bits) * x.window + ap.add(bits + ap.levels(x.window)) * (x.window - 1)
    return steps + _mean(x, bits) + ap.read(words.kept)


def _mean(x: Alike, bits: np.ndarray) -> Counts:
    """Divide a sum by its number of words: shift the columns read, or scale."""
    width, m = bits + ap.levels(x.window), ap.scale_bits(bits)  # such that it cannot overflow
    over = np.where(mean_overlaps(bits, x.window, x.columns), 1.0, 0.0)
    apart, onto = ap.multiply(width, m), ap.multiply(width + 1, m, (True, False))
    onto = onto + Counts(writes=width, cells_written=width)
    return (ap.load(m) + apart * (1.0 - over) + onto * over) * ~_power_of_two(x.window)


def _average_over_rows(x: Alike, words: Words) -> Counts:
    """Load a window's elements in a row each and add up the rows, as in a dot product."""
    bits, p = words.bits + x.signs[0], x.parts
    total, left = bits + ap.levels(x.window), p.rows_left("microcode")
    spread = ap.load(bits) + Counts(cells_written=total - bits)
    in_folds = spread.repeat(p.folds, p.dots * x.window) + p.reduce(total, "microcode")
    in_folds = in_folds + ap.read(total).repeat(p.folds, p.dots * left)
    carry = ap.load(total) * left + ap.add(total) * (left - 1)
    dense = carry + _mean(x, bits) + ap.read(words.kept)
    return in_folds + dense.repeat(x.folds, x.elements)


def averaged_over_rows(x: Alike, bits: np.ndarray) -> np.ndarray:
    """Whether windows of words of so many bits are averaged over rows: for large ones, mostly."""
    return _shorter_over_rows(x)[bits, np.arange(len(x.layers))]


@lru_cache(maxsize=256)
def _shorter_over_rows(x: Alike) -> np.ndarray:
    """Tabulate whether that takes fewer cycles than a stream, by bits and layer.

    A 1D AP has the stream only, since it adds up rows word by word.
    """
    bits = np.repeat(np.arange(1, MAX_BITS + 1)[:, None], len(x.layers), axis=1)
    words = Words(bits, bits)
    shorter = np.zeros((MAX_BITS + 1, len(x.layers)), dtype=bool)
    if x.parts.kind != "1d":
        stream = _average_as_stream(x, words, "microcode").cycles
        shorter[1:] = _average_over_rows(x, words).cycles < stream
    shorter.flags.writeable = False
    return shorter


def _average(x: Alike, words: Words, counts: CountSet) -> Counts:
    """Average as a stream or over rows, whichever takes fewer cycles; published: as a stream."""
    rows = averaged_over_rows(x, words.bits)
    if counts == "published" or not rows.any():
        return _average_as_stream(x, words, counts)
    if rows.all():
        return _average_over_rows(x, words)
    return _average_as_stream(x, words, counts) * ~rows + _average_over_rows(x, words) * rows


def _power_of_two(window: Amount) -> np.ndarray:
    """Whether a mean is a shift of the columns read."""
    return np.asarray(window == 2 ** ap.levels(window))


def mean_overlaps(bits: Amount, window: Amount, columns: int) -> np.ndarray:
    """Whether the scaled sum of a mean takes over the sum's columns, since too few are left.

    >>> [bool(mean_overlaps(bits, 49, 72)) for bits in (13, 14)]
    [False, True]
    """
    width = bits + ap.levels(window)
    return np.asarray(3 * width + 1 + ap.scale_bits(bits) > columns)


@_packed
def _add(x: Alike, words: Words, counts: CountSet) -> Counts:
    """Load both words, their signs twice so that the sum has a column to grow into; add; clamp."""
    bits = words.bits + SIGN
    program = ap.load(2 * (bits + 1)) + ap.add(bits + 1) + ap.read(words.kept)
    return program if counts == "published" else program + ap.saturate(bits, bits + 1)


@_packed
def _mul(x: Alike, words: Words, counts: CountSet) -> Counts:
    return _load_all(x, words) + product(words.bits + SIGN) + ap.read(words.kept)


@_packed
def _lrn(x: Alike, words: Words, counts: CountSet) -> Counts:
    return _load_all(x, words) + lrn(words.bits + SIGN, x.window, x.columns) + ap.read(words.kept)


def _load_all(x: Alike, words: Words) -> Counts:
    return ap.load(words.bits * len(x.signs) + x.signs.sum(axis=0))


# ---- words that cross the bus ----------------------------------------------------------------


def _each(x: Alike, words: Words, multicast: bool, counts: CountSet) -> Moved:
    """Every input once with multicast, else once per row that takes it; the result once."""
    taken = np.zeros_like(words.bits, dtype=float)
    for elements, sign in zip(x.sources, x.signs, strict=True):
        taken += (elements if multicast else x.elements) * (words.bits + sign)
    return taken, x.elements * words.kept


def _unless_in_place(x: Alike, words: Words, multicast: bool, counts: CountSet) -> Moved:
    taken, returned = _each(x, words, multicast, counts)
    return taken * ~x.in_place, returned * ~x.in_place


def _window(x: Alike, words: Words, multicast: bool, counts: CountSet) -> Moved:
    """Every element that a window covers once with multicast, else once per window."""
    taken = x.sources[0] if multicast else x.elements * x.window
    return taken * (words.bits + x.signs[0]), x.elements * words.kept


def _mean_window(x: Alike, words: Words, multicast: bool, counts: CountSet) -> Moved:
    """Return the rows that a reduction leaves of a window too, where it is averaged over rows."""
    taken, returned = _window(x, words, multicast, counts)
    total = words.bits + x.signs[0] + ap.levels(x.window)
    if counts == "published":
        return taken, returned
    left = x.elements * x.parts.rows_left("microcode") * total
    return taken, returned + left * averaged_over_rows(x, words.bits)


def _with_squares(x: Alike, words: Words, multicast: bool, counts: CountSet) -> Moved:
    """Move the words, and their squares out and in again: with multicast each once."""
    taken, returned = _each(x, words, multicast, counts)
    square = 2 * (words.bits + SIGN)
    copies = 1 if multicast else x.window - 1
    return taken + x.elements * copies * square, returned + x.elements * square


@dataclass(frozen=True)
class Kind:
    """What the layers of a kind without weights cost.

    Attributes
    ----------
    phase : of the placement. program : of all elements, loads and reads included.
    columns : that the program needs, by the words' bits.
    moved : bits that all elements take from MAPs, and that they return.
    signed : whether the result may be negative; None: if one of the inputs may.
    leaves : whether the result stays in its row, so that an in-place layer finds it there.
    in_place : whether the layer takes a word where the layer before left it.
    """

    phase: str
    program: Program
    columns: Callable[[Alike, np.ndarray], np.ndarray]
    moved: Callable[[Alike, Words, bool, CountSet], Moved] = _each
    signed: bool | None = None
    leaves: bool = True
    in_place: bool = False


def _columns(words: int, more: int) -> Callable[[Alike, np.ndarray], np.ndarray]:
    """So many words of M columns side by side, and some columns for carries and flags."""
    return lambda x, bits: words * (bits + SIGN) + more


def _window_columns(x: Alike, bits: np.ndarray) -> np.ndarray:
    """Return the columns of a running maximum, its operand and two flags."""
    return 2 * (bits + x.signs[0]) + 2


def _mean_columns(x: Alike, bits: np.ndarray) -> np.ndarray:
    """Return the columns of a running sum, its operand, a carry; then of a sum that is scaled."""
    bits = bits + x.signs[0]
    width = bits + ap.levels(x.window)
    scaled = width + 2 * ap.scale_bits(bits) + 2
    return np.where(_power_of_two(x.window), 2 * width + 1, np.maximum(2 * width + 1, scaled))


def _lrn_columns(x: Alike, bits: np.ndarray) -> np.ndarray:
    """Return the columns of a word and its square's product, of its sum, of a product's scaling."""
    m = bits + SIGN
    return np.maximum(4 * m + 2, m + 2 * m + ap.levels(x.window) + 2)


def _elementwise(
    program: Callable[[Amount], Counts], words: int, more: int, signed: bool | None = None
) -> Kind:
    columns, takes = _columns(words, more), _one_word(program)
    return Kind("elementwise", takes, columns, _unless_in_place, signed=signed, in_place=True)


def _function(kind: str, words: int, more: int, signed: bool | None = None) -> Kind:
    def columns(x: Alike, bits: np.ndarray) -> np.ndarray:
        m = bits + SIGN
        return np.where(tabulated(kind, m), 2 * m, words * m + more)

    takes = _one_word(partial(function, kind))
    return Kind("elementwise", takes, columns, _unless_in_place, signed=signed, in_place=True)


_RELU = Kind("relu", _relu, _columns(1, 0), _unless_in_place, signed=False, in_place=True)
KINDS: dict[str, Kind] = {
    "relu": _RELU,
    "maxpool": Kind("pool", _maximum, _window_columns, _window, leaves=False),
    "avgpool": Kind("pool", _average, _mean_columns, _mean_window, leaves=False),
    "add": Kind("residual", _add, _columns(2, 4)),
    "mul": Kind("elementwise", _mul, _columns(4, 2)),
    "scale": _elementwise(scale, 3, 2),
    "bias": _elementwise(bias, 2, 3, signed=True),
    "clip": _elementwise(clip, 1, 1),
    "lookup": _elementwise(look_up, 2, 0, signed=True),
    "leakyrelu": _function("leakyrelu", 4, 2),
    "hardsigmoid": _function("hardsigmoid", 3, 2, signed=False),
    "hardswish": _function("hardswish", 4, 2),
    "lrn": Kind("elementwise", _lrn, _lrn_columns, _with_squares, leaves=False),
}
