"""Functions of one word that arithmetic computes, or a look-up where that takes fewer cycles.

===========  ====================================================================
leakyrelu    max(x, x · b / 2^c) with a copy of x
hardsigmoid  scale, add a constant, clamp to what is not negative
hardswish    a hard sigmoid of a copy, times x
===========  ====================================================================
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from bfimna.ap import counts as ap
from bfimna.ap import programs
from bfimna.ap.counts import Amount, Counts
from bfimna.ap.rows import Columns, Rows
from bfimna.operators.constants import ConstantRules, Constants
from bfimna.operators.one_word import one_word
from bfimna.operators.operator import LayerBatch, Operator, Step
from bfimna.operators.word_programs import (
    codes,
    copy,
    copy_counts,
    look_up,
    product,
    product_counts,
    scale,
    scale_counts,
    scaled,
    shift,
    shift_counts,
)
from bfimna.operators.words import SIGN


def is_looked_up(arithmetic: Callable[[Amount], Counts], bits: Amount) -> np.ndarray | bool:
    """Whether a look-up takes no more cycles than arithmetic: so it is for words of few columns.

    >>> [bool(is_looked_up(leaky_relu_counts, bits)) for bits in (8, 9)]
    [True, False]
    """
    return ap.look_up(bits).cycles <= arithmetic(bits).cycles


def function_counts(arithmetic: Callable[[Amount], Counts], bits: Amount) -> Counts:
    """Compute a function of a word of so many columns by whichever way takes fewer cycles.

    >>> [float(function_counts(leaky_relu_counts, bits).cycles) for bits in (5, 8, 9)]
    [64.0, 512.0, 745.0]
    """
    by_table = np.where(is_looked_up(arithmetic, bits), 1.0, 0.0)
    return ap.look_up(bits) * by_table + arithmetic(bits) * (1.0 - by_table)


def _function(
    kind: str,
    arithmetic: Callable[[Amount], Counts],
    run: Callable[[Rows, Step], Columns],
    values: Callable[[np.ndarray, int, Constants], np.ndarray],
    words: int,
    constants: ConstantRules,
    signed: bool | None = None,
) -> Operator:
    """Return the operator of a function.

    Parameters
    ----------
    arithmetic, run : counts and pass of the arithmetic, by the columns of the word.
    values : the function on integers, for its table.
    words : that the arithmetic needs side by side, and two columns.
    """

    def columns(x: LayerBatch, bits: np.ndarray) -> np.ndarray:
        m = bits + SIGN
        return np.where(is_looked_up(arithmetic, m), 2 * m, words * m + 2)

    def on_rows(rows: Rows, step: Step) -> Columns:
        bits = len(rows.word) - SIGN
        if not is_looked_up(arithmetic, bits + SIGN):
            return run(rows, step)
        return look_up(rows, rows.word, values(codes(bits), bits, step.constants))

    def keys(bits: np.ndarray) -> np.ndarray:
        m = bits + SIGN
        return np.where(is_looked_up(arithmetic, m), m, 0)

    counts = partial(function_counts, arithmetic)
    return replace(one_word(kind, counts, on_rows, columns, constants, signed), keys=keys)


def leaky_relu_counts(bits: Amount) -> Counts:
    """Return the larger of the word and its multiple; scaling needs a copy."""
    return copy_counts(bits) + scale_counts(bits) + ap.maximum(bits)


def _leaky_relu(rows: Rows, step: Step) -> Columns:
    word, own = rows.word, step.constants
    multiple = scale(rows, copy(rows, word), len(word), own.multiplier, own.shift, word)
    won, lost = rows.spare(2, word, multiple)
    rows.run(programs.maximum(multiple, word, won, lost, True))
    return word


def _leaky_relu_values(x: np.ndarray, bits: int, own: Constants) -> np.ndarray:
    return np.maximum(x, scaled(x, bits, own.multiplier, own.shift))


def hard_sigmoid_counts(bits: Amount) -> Counts:
    """Clamp a scaled and shifted word to what is not negative."""
    return scale_counts(bits) + shift_counts(bits) + ap.clamp(bits - SIGN, bits + 1, signed=False)


def _hard_sigmoid_of(rows: Rows, step: Step, word: Columns, *kept: Columns) -> Columns:
    own = step.constants
    multiple = scale(rows, word, len(word), own.multiplier, own.shift, *kept)
    return shift(rows, multiple, own.offset, len(word) - SIGN, False, *kept)


def _hard_sigmoid(rows: Rows, step: Step) -> Columns:
    return _hard_sigmoid_of(rows, step, rows.word)


def _hard_sigmoid_values(x: np.ndarray, bits: int, own: Constants) -> np.ndarray:
    return np.clip(scaled(x, bits, own.multiplier, own.shift) + own.offset, 0, 2**bits - 1)


def hard_swish_counts(bits: Amount) -> Counts:
    """Multiply a word by the hard sigmoid of a copy."""
    return copy_counts(bits) + hard_sigmoid_counts(bits) + product_counts(bits)


def _hard_swish(rows: Rows, step: Step) -> Columns:
    word = rows.word
    sigmoid = _hard_sigmoid_of(rows, step, copy(rows, word), word)
    return product(rows, word, sigmoid, step.constants)


def _hard_swish_values(x: np.ndarray, bits: int, own: Constants) -> np.ndarray:
    product = x * _hard_sigmoid_values(x, bits, own)
    return scaled(product, bits, own.product_multiplier, own.product_shift)


OPERATORS = (
    _function(
        "leakyrelu", leaky_relu_counts, _leaky_relu, _leaky_relu_values, 4,
        ConstantRules(("multiplier",), attenuates=True),
    ),
    _function(
        "hardsigmoid", hard_sigmoid_counts, _hard_sigmoid, _hard_sigmoid_values, 3,
        ConstantRules(("multiplier", "offset")), signed=False,
    ),
    _function(
        "hardswish", hard_swish_counts, _hard_swish, _hard_swish_values, 4,
        ConstantRules(("multiplier", "offset", "product_multiplier")),
    ),
)  # fmt: skip
