"""One entry per kind of layer without weights: its phase, what it runs, what it moves.

Each element of a result takes a row of its own; words have B bits and a sign column, M = B + 1
columns. The programs derive from those in `bfimna.ap.counts`. For most the literature has no closed
forms: then both sets of counts use them. Constants (scales b / 2^c) are as in integer-only
inference. `bfimna.emulator.unweighted` runs the same programs bit by bit.

==============  =========================================================================
kind            program
==============  =========================================================================
relu            clear the word where its sign is 1
maxpool         stream: each element is loaded beside the running maximum; large windows in
                rounds, in which many rows take a part of the window each
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
from functools import partial

import numpy as np

from bfimna.ap import counts as ap
from bfimna.ap.counts import Amount, Counts, CountSet
from bfimna.mapping import pooling
from bfimna.mapping.alike import Alike, Moved, Program, Words, packed
from bfimna.mapping.resident import (
    SIGN,
    bias,
    clip,
    function,
    lrn,
    product,
    scale,
    tabulated,
)

# ---- programs of whole layers, with the loads and reads of their words -----------------------


def _one_word(program: Callable[[Amount], Counts]) -> Program:
    """Take one word and return one, both in place where the layer before left it there."""

    @packed
    def run(x: Alike, words: Words, counts: CountSet) -> Counts:
        return program(words.bits + SIGN) + _in_and_out(x, words)

    return run


def _in_and_out(x: Alike, words: Words) -> Counts:
    return (_load_all(x, words) + ap.read(words.kept)) * (1.0 - x.in_place)


@packed
def _relu(x: Alike, words: Words, counts: CountSet) -> Counts:
    """Clear negative words; the published form moves the word, resident or not."""
    program = ap.relu(words.bits + SIGN, counts)
    return program if counts == "published" else program + _in_and_out(x, words)


@packed
def _add(x: Alike, words: Words, counts: CountSet) -> Counts:
    """Load both words, their signs twice so that the sum has a column to grow into; add; clamp."""
    bits = words.bits + SIGN
    program = ap.load(2 * (bits + 1)) + ap.add(bits + 1) + ap.read(words.kept)
    exact = ap.clear_along(2) + ap.saturate(bits, bits + 1)  # a carry and a flag
    return program if counts == "published" else program + exact


@packed
def _mul(x: Alike, words: Words, counts: CountSet) -> Counts:
    return _load_all(x, words) + product(words.bits + SIGN) + ap.read(words.kept)


@packed
def _lrn(x: Alike, words: Words, counts: CountSet) -> Counts:
    return _load_all(x, words) + lrn(words.bits + SIGN, x.window, x.columns) + ap.read(words.kept)


def _load_all(x: Alike, words: Words) -> Counts:
    """Load every input's word; the sign column of one without a sign is cleared along with it."""
    signs = x.signs.sum(axis=0)
    return ap.load(words.bits * len(x.signs) + signs) + ap.clear_along(len(x.signs) - signs)


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
    phase : of the placement.
    program : of all elements, loads and reads included.
    columns : that the program needs, by the words' bits.
    moved : bits that all elements take from MAPs, and that they return.
    signed : whether the result may be negative; None: if one of the inputs may.
    leaves : whether the result stays in its row, so that an in-place layer finds it there.
    in_place : whether the layer takes a word where the layer before left it.
    upright : what it adds up over rows, in vertical mode: a phase "reduce" of its own.
    """

    phase: str
    program: Program
    columns: Callable[[Alike, np.ndarray], np.ndarray]
    moved: Callable[[Alike, Words, bool, CountSet], Moved] = _each
    signed: bool | None = None
    leaves: bool = True
    in_place: bool = False
    upright: Program | None = None


def _columns(words: int, more: int) -> Callable[[Alike, np.ndarray], np.ndarray]:
    """So many words of M columns side by side, and some columns for carries and flags."""
    return lambda x, bits: words * (bits + SIGN) + more


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
    "maxpool": Kind(
        "pool", pooling.maximum, pooling.window_columns, pooling.maximum_moved, leaves=False
    ),
    "avgpool": Kind(
        "pool",
        pooling.average,
        pooling.mean_columns,
        pooling.mean_moved,
        leaves=False,
        upright=pooling.reduction,
    ),
    "add": Kind("residual", _add, _columns(2, 4)),
    "mul": Kind("elementwise", _mul, _columns(4, 2)),
    "scale": _elementwise(scale, 3, 2),
    "bias": _elementwise(bias, 2, 3, signed=True),
    "clip": _elementwise(clip, 1, 1),
    "lookup": _elementwise(ap.look_up, 2, 0, signed=True),
    "leakyrelu": _function("leakyrelu", 4, 2),
    "hardsigmoid": _function("hardsigmoid", 3, 2, signed=False),
    "hardswish": _function("hardswish", 4, 2),
    "lrn": Kind("elementwise", _lrn, _lrn_columns, _with_squares, leaves=False),
}
