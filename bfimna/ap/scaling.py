"""Scaling by integers only, in every row: multiply, shift, clamp; passes and counts."""

import numpy as np

from bfimna.ap.clamping import saturate, saturate_counts
from bfimna.ap.events import MAX_WORD_BITS, Amount, Counts, tabulated
from bfimna.ap.multiplication import (
    CONTROLLED_ADD,
    CONTROLLED_SUBTRACT,
    MAX_MULTIPLICAND_BITS,
    multiply_counts,
)
from bfimna.ap.passes import Pass, cached_program, check_ranges, ripple
from bfimna.ap.word_access import clear, clear_counts
from bfimna.errors import whole_number


def scale_bits(out_bits: Amount) -> Amount:
    """Width of the dyadic multiplier b: keeps its rounding below half a step of the result."""
    return out_bits + 1


@cached_program
def scale_up(multiplier: range, a: range) -> tuple[Pass, ...]:
    """Multiply a signed word by an unsigned a, into its own columns and the len(a) + 1 below it.

    A multiplier bit is used once, so its column is free for the growing product one step later,
    after a write that clears it. This is how a long word is scaled in few columns.
    """
    n = len(a)
    product = range(multiplier.start - n - 1, multiplier.stop - 1)
    check_ranges("scale_up", product[: n + 1], multiplier, a)
    steps: tuple[Pass, ...] = ()
    for j, control in enumerate(multiplier):
        top = j == len(multiplier) - 1
        lut = CONTROLLED_SUBTRACT if top else CONTROLLED_ADD
        carry = product[j + n]
        steps += clear((carry,)) if j else ()
        steps += ripple(lut, a, product[j : j + n], carry, control)
    return steps


@cached_program
def requantise(
    word: range, scale: range, shift: int, bits: int, flag: int, signed: bool = True
) -> tuple[Pass, ...]:
    """Scale a signed word by integers only: clamp(⌊word · scale / 2^shift⌋) to `bits` bits.

    The result starts `shift` columns above the product, which lies as in `scale_up`. Rounding to
    nearest needs no step of its own: half a step of the result, 2^(shift-1) / scale, belongs into
    the bias that was added to the word.

    Parameters
    ----------
    signed : whether the result is signed.
    """
    product = range(word.start - len(scale) - 1, word.stop - 1)
    check_ranges("requantise", product[: len(scale) + 1], word, scale, (flag,))
    shift = whole_number("requantise: shift", shift, 0, len(product))
    return scale_up(word, scale) + saturate(product[shift:], bits, flag, signed)


def requantise_counts(
    bits: Amount,
    scale_bits: Amount,
    out_bits: Amount,
    shift: Amount | None = None,
    signed: bool = True,
) -> Counts:
    """Scale a signed word by b / 2^c, integers only: multiply by `scale_bits`-bit b, shift, clamp.

    The product takes over the word's columns one by one, so that both fit the array,
    each after a write that clears it.

    Parameters
    ----------
    shift : c; unless given, one that leaves `out_bits` + 1 columns.
    signed : whether the result is signed.
    """
    excess = 1 if shift is None else bits + scale_bits - shift - out_bits
    scaled = multiply_counts(bits, scale_bits, (True, False))
    clamped = clamp_product_counts(bits, scale_bits, out_bits, excess, signed)
    return scaled + clamped + clear_counts(1, bits - 1)


def clamp_product_counts(
    bits: Amount, scale_bits: Amount, out_bits: Amount, excess: Amount = 1, signed: bool = True
) -> Counts:
    """Clamp the product of a word and a scale to `out_bits` bits.

    Parameters
    ----------
    excess : columns of the shifted product beyond the result's.
    """
    (fitting,) = _fitting(bits, scale_bits, excess, int(signed))
    return saturate_counts(out_bits, out_bits + excess, signed, fitting)


@tabulated(MAX_WORD_BITS, MAX_MULTIPLICAND_BITS, MAX_WORD_BITS, 1, values=1)
def _fitting(bits: int, scale_bits: int, excess: int, signed: int) -> float:
    """Return the share of products of random words and scales that need no clamping.

    Exact for scales of up to 12 bits: for each, the words whose product fits are a range. Longer
    scales count by their top bits.
    """
    used = min(scale_bits, 12)
    scales = np.arange(1, 1 << used) * 2.0 ** (scale_bits - used)
    half = 2.0 ** (bits - 1)
    limit = 2.0 ** (bits + scale_bits - excess - signed) / scales
    fits = np.minimum(np.ceil(limit), half)
    if signed:
        fits = fits + np.minimum(np.floor(limit), half)
    zero = 2 * half  # a scale of 0 makes every word fit
    return (fits.sum() + zero) / (2 * half) / 2.0**used
