"""Booth's radix-4 digits of a signed word, as a load latch forms the addends of a product.

Two bits of the multiplier at a time, with the one below them, select 0, ±x or ±2x. A negative
addend is the complement of its field, so that no addend is negative; what that adds is the same for
every x, and is taken off with the bias.
"""

from collections.abc import Iterator

import numpy as np


def field_bits(digit: int, multiplier_bits: int, bits: int) -> int:
    """Return the columns of an addend: those of ±2x; of ±x in the top digit of an odd width.

    >>> [field_bits(digit, 3, 4) for digit in range(2)]
    [5, 4]
    """
    return bits + 1 - (multiplier_bits % 2 and digit == multiplier_bits // 2)


def booth_addends(multiplier: np.ndarray, x: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the addends of products: the lowest column of each field, and its bit planes.

    Parameters
    ----------
    multiplier : planes of signed words, (bits, rows, words).
    x : planes of unsigned words, likewise.
    """
    zero = np.zeros_like(x[0])
    sign = multiplier[-1]
    for digit in range(-(-len(multiplier) // 2)):
        low = multiplier[2 * digit - 1] if digit else zero
        mid = multiplier[2 * digit]
        top = multiplier[2 * digit + 1] if 2 * digit + 1 < len(multiplier) else sign
        one, two = mid ^ low, (top ^ mid) & ~(mid ^ low)
        width = field_bits(digit, len(multiplier), len(x))
        above, below = [*x, zero], [zero, *x]
        field = [(above[b] & one | below[b] & two) ^ top for b in range(width)]
        yield 2 * digit, np.stack(field)


def booth_excess(multipliers: np.ndarray, multiplier_bits: int, bits: int) -> np.ndarray:
    """Return what complemented addends make sums of products too large by.

    Parameters
    ----------
    multipliers : signed integers of each sum, one sum along the first axis.
    bits : of x.

    >>> booth_excess(np.array([[-2], [1]]), 2, 4).tolist()
    [31, 0]
    """
    flat = multipliers.reshape(len(multipliers), -1).astype(np.int64)
    excess = np.zeros(len(flat), np.int64)
    for digit in range(-(-multiplier_bits // 2)):
        top = min(2 * digit + 1, multiplier_bits - 1)
        full = (1 << field_bits(digit, multiplier_bits, bits)) - 1
        excess += (flat >> top & 1).sum(axis=1) * (full << 2 * digit)
    return excess
