"""Element-wise operators: one result per element, each in a row of its own.

==========  ==================================================================================
add         load both words, their signs twice, add in place, clamp
mul         product of two words, scaled and clamped; one factor may be one word a channel
scale       multiply by b, take shifted columns, clamp
bias        load the constant, add in place, clamp
clip        clamp to the range of a word one column shorter
lookup      any function of one word: per bit pattern of the word one compare and one write of
            the result, 2^M passes
==========  ==================================================================================

For most of these programs the literature has no closed forms: then both sets of counts use ours.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import prod

from bfimna.ap import counts as ap
from bfimna.ap import programs
from bfimna.ap.counts import Counts, CountSet
from bfimna.ap.rows import Columns, Rows
from bfimna.errors import BfimnaError
from bfimna.operators import word_programs
from bfimna.operators.constants import NO_CONSTANTS, ConstantRules
from bfimna.operators.one_word import (
    broadcast_operands,
    load_counts,
    moved_once,
    one_word,
    word_columns,
    word_keys,
)
from bfimna.operators.operator import LayerBatch, Machine, Operator, Step, Tensor, packed
from bfimna.operators.shapes import LayerFields, Shape
from bfimna.operators.words import SIGN, Words

# ---- operators of one word -------------------------------------------------------------------


def _scale(rows: Rows, step: Step) -> Columns:
    own = step.constants
    return word_programs.scale(rows, rows.word, len(rows.word), own.multiplier, own.shift)


def _bias(rows: Rows, step: Step) -> Columns:
    return word_programs.shift(rows, rows.word, step.constants.offset, len(rows.word), True)


def _clip(rows: Rows, step: Step) -> Columns:
    return word_programs.clip(rows, rows.word)


def _look_up(rows: Rows, step: Step) -> Columns:
    return word_programs.look_up(rows, rows.word, step.constants.table)


# ---- operators of two words ------------------------------------------------------------------


def _added_shape(layer: LayerFields, shapes: Sequence[Shape]) -> Shape:
    if len(set(shapes)) > 1:
        raise BfimnaError(f"layer {layer.name!r} adds tensors of different shapes: {shapes}")
    return shapes[0]


@packed
def _add_counts(x: LayerBatch, words: Words, counts: CountSet) -> Counts:
    """Load both words, their signs twice so that the sum has a column to grow into; add; clamp."""
    bits = words.bits + SIGN
    added = ap.add(bits + 1, x.adder)
    program = ap.load(2 * (bits + 1)) + added + ap.read(words.read_bits)
    exact = ap.clear_along(2) + ap.saturate(bits, bits + 1)  # a carry and a flag
    return program if counts == "published" else program + exact


def _add(machine: Machine, rows: Rows, step: Step, operands: list[Tensor], first: bool) -> None:
    bits = step.target.bits + SIGN
    total, other = tuple(range(bits + 1)), tuple(range(bits + 1, 2 * bits + 2))
    carry, flag = 2 * bits + 2, 2 * bits + 3
    rows.load(operands[0], total, clear=(carry, flag))
    rows.load(operands[1], other)
    rows.run(programs.add(other, total, carry, step.adder))
    rows.run(programs.saturate(total, bits, flag))
    rows.word = total[:bits]


def _multiplied_shape(layer: LayerFields, shapes: Sequence[Shape]) -> Shape:
    small, large = sorted(shapes, key=prod)
    if small not in (large, (large[0], *(1,) * (len(large) - 1))):
        raise BfimnaError(
            f"layer {layer.name!r} multiplies {large} by {small}: want the same shape, or one "
            "factor a channel"
        )
    return large


@packed
def _mul_counts(x: LayerBatch, words: Words, counts: CountSet) -> Counts:
    product = word_programs.product_counts(words.bits + SIGN)
    return load_counts(x, words) + product + ap.read(words.read_bits)


def _mul(machine: Machine, rows: Rows, step: Step, operands: list[Tensor], first: bool) -> None:
    a = word_programs.load(rows, operands[0], step.sources[0])
    b = word_programs.load(rows, operands[1], step.sources[1], a)
    rows.word = word_programs.product(rows, a, b, step.constants)


OPERATORS = (
    Operator(
        "add", _added_shape, inputs=2, phase="residual", counts=_add_counts,
        columns=word_columns(2, 4), moved=moved_once, operands=broadcast_operands, run=_add,
    ),
    Operator(
        "mul", _multiplied_shape, inputs=2, phase="elementwise", counts=_mul_counts,
        columns=word_columns(4, 2), moved=moved_once, operands=broadcast_operands, run=_mul,
        constants=ConstantRules(("product_multiplier",)),
    ),
    one_word(
        "scale", word_programs.scale_counts, _scale, word_columns(3, 2),
        ConstantRules(("multiplier",), per_channel=True),
    ),
    one_word(
        "bias", word_programs.bias_counts, _bias, word_columns(2, 3),
        ConstantRules(("offset",), per_channel=True), signed=True,
    ),
    one_word("clip", word_programs.clip_counts, _clip, word_columns(1, 1), NO_CONSTANTS),
    replace(
        one_word(
            "lookup", ap.look_up, _look_up, word_columns(2, 0), ConstantRules(("table",)),
            signed=True,
        ),
        keys=word_keys,
    ),
)  # fmt: skip
