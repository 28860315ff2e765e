"""Exponential of words that are not positive, by shifts and by a polynomial: passes, values.

By shifts (I-ViT, arXiv 2207.01405, `int_exp_shift` of its code): e^x = 2^(x log2 e), where log2 e
is taken as 1 + 1/2 - 1/16, and 2^-f as 1 - f/2 for a fraction f. By a polynomial (I-BERT, arXiv
2101.01321, `int_exp` of its code): e^x = 2^-q e^r, where q = ⌊-x / ln 2⌋ and e^r is a parabola.
Both take the magnitude z = -x, an unsigned word in steps of 1 / `unit`, and end with a shift by q.
"""

from collections.abc import Sequence
from functools import lru_cache
from math import floor
from typing import NamedTuple

import numpy as np

from bfimna.ap.addition import FULL_ADD, FULL_SUBTRACT
from bfimna.ap.constant_operand import (
    ADD_OF,
    DIFFERENCE,
    SUBTRACT_OF,
    ripple_constant,
    same_column,
    set_where,
)
from bfimna.ap.division import divide_by
from bfimna.ap.events import Counts, by_width
from bfimna.ap.expectation import program_counts
from bfimna.ap.multiplication import multiply
from bfimna.ap.passes import Pass, Program, Word, cached_program, ripple
from bfimna.ap.shifting import shift_right
from bfimna.ap.word_access import clear, copy
from bfimna.errors import whole_number

MAX_BITS = 17  # of a magnitude: a word of 16 bits and a sign


class Exponential(NamedTuple):
    """A program and the columns where its result lies.

    Attributes
    ----------
    program : on a word z in columns 0 to `bits` - 1; all others start at 0.
    result : columns of 2^`fraction` · unit · e^(-z / unit), an unsigned word.
    columns : that the program needs, z included.
    """

    program: Program
    result: range
    columns: int


def shift_exponential(bits: int, unit: int, fraction: int) -> Exponential:
    """Return the program of the exponential by shifts.

    Parameters
    ----------
    bits : of z.
    unit : steps of 1: 1 / scale of the word. A power of two divides by addressing, without a pass.
    fraction : N, bits below the unit. What is smaller falls to 0; the published code raises it to
        2^-N, which the sum of a softmax's many small terms would feel where N is small.

    Examples
    --------
    >>> own = shift_exponential(8, 16, 8)
    >>> len(own.result), own.columns
    (13, 31)
    """
    _check(bits, unit, fraction)
    return _shift_exponential(bits, unit, fraction)


@by_width
def shift_exponential_counts(bits: int, unit_bits: int, fraction: int) -> Counts:
    """Count the exponential by shifts of words whose unit is 2^`unit_bits`.

    >>> shift_exponential_counts(8, 4, 8).cycles
    328
    """
    return program_counts(shift_exponential(bits, 1 << unit_bits, fraction).program, range(bits))


def _check(bits: int, unit: int, fraction: int) -> None:
    whole_number("exponential: bits", bits, 1, MAX_BITS)
    whole_number("exponential: unit", unit, 1, 2**16)
    whole_number("exponential: fraction bits", fraction, 1, 30)


def shift_exponential_values(z: np.ndarray, unit: int, fraction: int) -> np.ndarray:
    """Return what the exponential by shifts computes, as integers.

    >>> shift_exponential_values(np.array([0, 16, 160]), 16, 8)
    array([4096, 1600,    0])
    """
    q, r = np.divmod(_log2_scaled_values(z), unit)
    return ((2 * unit - r) << fraction) >> np.minimum(q + 1, 62)


def _log2_scaled_values(z: np.ndarray) -> np.ndarray:
    return z + -(-z // 2) - -(-z // 16)


@cached_program
def _log2_scaled(z: Word, u: Word, carry: int) -> tuple[Pass, ...]:
    """Compute u := z + ⌈z/2⌉ - ⌈z/16⌉ in columns that start at 0; what is shifted out rounds up."""
    n = len(z)
    steps: tuple[Pass, ...] = copy(z, u[:n])
    steps += set_where(carry, z[:1])
    steps += ripple(FULL_ADD, z[1:], u[: n - 1], carry)
    steps += ripple_constant(ADD_OF, 0, u[n - 1 :], same_column(carry, len(u) - n + 1))
    steps += clear((carry,)) + set_where(carry, z[:4])
    kept = max(n - 4, 0)
    steps += ripple(FULL_SUBTRACT, z[4:], u[:kept], carry)
    steps += ripple_constant(SUBTRACT_OF, 0, u[kept:], same_column(carry, len(u) - kept))
    return (*steps, *clear((carry,)))


def subtract_from(constant: int, word: Word, target: Word, borrow: int) -> tuple[Pass, ...]:
    """Compute target := constant - word, in columns that start at 0; the borrow is cleared."""
    n = len(word)
    steps = ripple_constant(DIFFERENCE, constant, word, same_column(borrow, n), target[:n])
    rest = target[n:]  # there the word has no columns: its bits are 0
    # constant bits above the word: 0 + 2^n · rest - borrow, in columns that start at 0
    high = constant >> n
    set_bits = tuple((c, 1) for k, c in enumerate(rest) if high >> k & 1)
    steps += (Pass((), set_bits),) if set_bits else ()
    steps += ripple_constant(SUBTRACT_OF, 0, rest, same_column(borrow, len(rest)))
    return (*steps, *clear((borrow,)))


@lru_cache
def _shift_exponential(bits: int, unit: int, fraction: int) -> Exponential:
    m = unit.bit_length()
    power = unit == 1 << (m - 1)
    z, u = range(bits), range(bits, 2 * bits + 1)
    above = range(u.stop, u.stop + (0 if power else m))
    flag = above.stop
    result = range(flag + 1, flag + 1 + fraction + m)
    steps: tuple[Pass, ...] = _log2_scaled(z, u, flag)
    split: Sequence[int] = (*u, *above)
    if not power:
        steps += divide_by(u, above, unit, flag)
    low = m - 1 if power else m
    most = int(_log2_scaled_values(np.array(2**bits - 1))) // unit
    r, q = split[:low], split[low:][: most.bit_length()]
    steps += subtract_from(2 * unit, r, result[fraction - 1 :], flag)
    steps += shift_right(result, q)
    return Exponential(Program(steps), result, result.stop)


@lru_cache
def polynomial_exponential(bits: int, unit: int, fraction: int) -> Exponential:
    """Return the program of the exponential by a polynomial; parameters as by shifts.

    The result is c / unit^2 times 2^`fraction` · unit^2 · e^(-z / unit), with c from
    `polynomial_units`.

    >>> own = polynomial_exponential(8, 16, 8)
    >>> len(own.result), own.columns
    (18, 47)
    """
    _check(bits, unit, fraction)
    ln2, b, c = polynomial_units(unit)
    m, wide = ln2.bit_length(), b.bit_length()
    z, above = range(bits), range(bits, bits + m)
    t = range(above.stop, above.stop + wide)
    product = range(t.stop, t.stop + m + wide)
    flag = product.stop
    result = range(flag + 1, flag + 1 + fraction + c.bit_length())
    steps: tuple[Pass, ...] = divide_by(z, above, ln2, flag)
    split = (*z, *above)
    r, q = split[:m], split[m:][: ((2**bits - 1) // ln2).bit_length()]
    steps += subtract_from(b, r, t, flag)
    steps += multiply(r, t, product)
    steps += subtract_from(c, product[: len(result) - fraction], result[fraction:], flag)
    steps += shift_right(result, q)
    return Exponential(Program(steps), result, result.stop)


def polynomial_units(unit: int) -> tuple[int, int, int]:
    """Return I-BERT's integers ⌊ln 2 · unit⌋, b and c of the parabola (x + b) x + c at a scale.

    >>> polynomial_units(16)
    (12, 43, 714)
    """
    a = 0.35815147
    return -floor(-0.6931 * unit), floor(0.96963238 / a * unit), floor(1.0 / a * unit**2)


def polynomial_exponential_values(z: np.ndarray, unit: int, fraction: int) -> np.ndarray:
    """Return what the exponential by a polynomial computes, as integers.

    >>> polynomial_exponential_values(np.array([0, 16, 160]), 16, 8)
    array([182784,  71424,     17])
    """
    ln2, b, c = polynomial_units(unit)
    q, r = np.divmod(z, ln2)
    return ((r * r - b * r + c) << fraction) >> np.minimum(q, 62)


def error_in_steps(values: np.ndarray, z: np.ndarray, unit: int) -> float:
    """Return the largest difference to e^(-z / unit), values scaled so that z = 0 gives 1."""
    return float(np.max(np.abs(values / values.max() - np.exp(-z / unit))))
