"""Multiplication in every row: the tables, passes, counts, expected cells.

Matches and cells written are expected values for uniformly random operands: exact for operands of
up to 16 bits together, of which every pair is enumerated; for longer ones the mean over a fixed,
evenly spread sample, within 0.3 %.
"""

from collections.abc import Callable
from functools import cache

import numpy as np

from bfimna.ap.addition import add_bits, subtract_bits
from bfimna.ap.events import MAX_WORD_BITS, Amount, Counts, tabulated
from bfimna.ap.passes import Lut, Pass, Row, Word, cached_program, check_ranges, count_table, ripple
from bfimna.ap.truth import generate
from bfimna.errors import BfimnaError

MAX_MULTIPLICAND_BITS = 48  # leaves 16 bits of a 64-bit product to the multiplier
EXACT_BITS = 16  # of both operands together, up to which every pair is enumerated
SAMPLE_BITS = 12  # beyond, 2^12 pairs for each partial product


def if_control(step: Callable[..., Row]) -> Callable[..., Row]:
    """Return a step on (b, …) that leaves a row as it is where the control bit b is 0."""
    return lambda b, *apc: (b, *step(*apc)) if b else (b, *apc)


# the carry stays 0 where the control bit is 0, so those rows never occur
_NO_CARRY: list[Row] = [(0, a, p, 1) for a in (0, 1) for p in (0, 1)]
CONTROLLED_ADD = generate("bapc", if_control(add_bits), _NO_CARRY)
CONTROLLED_SUBTRACT = generate("bapc", if_control(subtract_bits), _NO_CARRY)


@cached_program
def multiply(
    multiplier: Word,
    a: Word,
    product: Word,
    signed: tuple[bool, bool] = (False, False),
    borrow: int | None = None,
) -> tuple[Pass, ...]:
    """Multiply, product := multiplier · a, one partial product per multiplier bit.

    The carry of partial product j lives in product column j + len(a), which is still 0. A signed
    multiplier's last partial product is subtracted. A signed a is taken as unsigned, which is
    2^len(a) · multiplier too much where its sign is 1: that is subtracted at the end from the upper
    product columns, controlled by the sign, with a borrow column of its own.

    Parameters
    ----------
    signed : whether the multiplier is signed, and whether a is.
    borrow : a column that starts at 0, needed for a signed a.
    """
    spare = () if borrow is None else (borrow,)
    check_ranges("multiply", multiplier, a, product, spare)
    m, n = len(multiplier), len(a)
    if len(product) != m + n:
        raise BfimnaError(f"multiply: {m} × {n} bits give {m + n} columns, not {len(product)}")
    if signed[1] and borrow is None:
        raise BfimnaError("multiply: a signed multiplicand needs a borrow column")
    steps: tuple[Pass, ...] = ()
    for j, control in enumerate(multiplier):
        negative = signed[0] and j == m - 1
        lut = CONTROLLED_SUBTRACT if negative else CONTROLLED_ADD
        steps += ripple(lut, a, product[j : j + n], product[j + n], control)
    if signed[1]:
        assert borrow is not None
        steps += ripple(CONTROLLED_SUBTRACT, multiplier, product[n:], borrow, a[-1])
    return steps


def multiply_counts(
    multiplier_bits: Amount, bits: Amount, signed: tuple[bool, bool] = (False, False)
) -> Counts:
    """Multiply into product columns that start at 0.

    The carry of partial product j lives in product column j + `bits`, which is still 0. A signed
    multiplier takes a subtraction in the last partial product, of the same length. A signed
    multiplicand is taken as unsigned and costs one more subtraction, of the multiplier.

    Parameters
    ----------
    signed : whether the multiplier is signed, and whether the multiplicand is.

    >>> multiply_counts(8, 8).cycles, multiply_counts(8, 8, (True, True)).cycles
    (512, 576)
    """
    tagged = _multiply_tagged(multiplier_bits, bits, int(signed[0]), int(signed[1]))
    steps = multiplier_bits * (bits + signed[1])
    return count_table(CONTROLLED_ADD, steps, tagged)


@tabulated(MAX_WORD_BITS, MAX_MULTIPLICAND_BITS, 1, 1)
def _multiply_tagged(
    multiplier_bits: int, bits: int, signed: int, operand_signed: int
) -> tuple[float, float]:
    """Return expected matches and cells, by the operands' widths and signs (0 or 1)."""
    if not bits or not multiplier_bits:
        return 0.0, 0.0
    parts = [
        _partial_product(j, bits, bool(signed) and j == multiplier_bits - 1)
        for j in range(multiplier_bits)
    ]
    if operand_signed:
        parts.append(_sign_of_multiplicand(multiplier_bits, bits, bool(signed)))
    return sum(p[0] for p in parts), sum(p[1] for p in parts)


def _pairs(bits: int, multiplier_bits: int) -> tuple[np.ndarray, np.ndarray]:
    """Return multiplicands and multipliers that broadcast: all of them, or a fixed sample."""
    if bits + multiplier_bits <= EXACT_BITS:
        a, b = (np.arange(1 << n, dtype=np.uint16) for n in (bits, multiplier_bits))
        return a[:, None], b  # products fit; bits that wrap around are masked
    words, flips = _sample()
    a, b = words ^ flips[:, multiplier_bits, None]  # each partial product errs by itself
    return a >> np.uint64(64 - bits), b >> np.uint64(64 - multiplier_bits)


@cache
def _sample() -> tuple[np.ndarray, np.ndarray]:
    """Return pairs of 64-bit words, (2, pairs), and words to flip bits of all by, (2, columns).

    Every value of each operand's top bits occurs equally often (a Latin square); the other bits are
    random.
    """
    n, random = 1 << SAMPLE_BITS, np.random.default_rng(0)
    top = np.stack([np.arange(n, dtype=np.uint64), random.permutation(n).astype(np.uint64)])
    low = random.integers(0, 1 << (64 - SAMPLE_BITS), (2, n), dtype=np.uint64)
    flips = random.integers(0, 2**64, (2, MAX_WORD_BITS + 1), dtype=np.uint64)
    return top << np.uint64(64 - SAMPLE_BITS) | low, flips


def _tags(lut: Lut, a: np.ndarray, p: np.ndarray, bits: int) -> tuple[float, float]:
    """Return mean matches and cells of p += a (or -=) over `bits` columns, where it is controlled.

    All columns at once: the carries into them are where sum and carry-less sum differ.
    """
    carry = ((p - a) if lut is CONTROLLED_SUBTRACT else (p + a)) ^ p ^ a
    words = [(~word, word) for word in (a, p, carry)]
    mask = a.dtype.type((1 << bits) - 1)
    matches = cells = 0.0
    for (control, *pattern), _, matched, written in lut.outcomes:
        if control and matched:
            tags = mask
            for word, bit in zip(words, pattern, strict=True):
                tags = tags & word[bit]
            share = _ones(tags) / tags.size
            matches, cells = matches + matched * share, cells + written * share
    return matches, cells


def _ones(words: np.ndarray) -> int:
    """Count the ones of all words, 64 bits at a time where that is possible."""
    whole = words.reshape(-1).view(np.uint64) if words.nbytes % 8 == 0 else words
    return int(np.bitwise_count(whole).sum())


@cache
def _partial_product(j: int, bits: int, last_of_signed: bool) -> tuple[float, float]:
    """Return expected matches and cells of partial product j, which adds the multiplicand.

    The product of j multiplier bits, from column j on, is ⌊a · b / 2^j⌋.
    """
    used = min(j, 64 - bits)  # a longer multiplier is cut to its top bits, within 1 in 2^used
    a, b = _pairs(bits, used)
    so_far = (a * b) >> a.dtype.type(used)
    lut = CONTROLLED_SUBTRACT if last_of_signed else CONTROLLED_ADD
    matches, cells = _tags(lut, a, so_far, bits)
    return 0.5 * matches, 0.5 * cells  # half of the rows have a multiplier bit of 1


@cache
def _sign_of_multiplicand(m: int, bits: int, signed: bool) -> tuple[float, float]:
    """Return expected matches and cells of the correction for negative multiplicands."""
    used = min(m, 64 - bits)  # as above
    a, b = _pairs(bits, used)
    word = a.dtype.type
    a = a | word(1 << (bits - 1))  # half of the rows; the others are left alone
    value = b - ((b >> word(used - 1)) << word(used)) if signed else b
    upper = ((a * value) >> word(bits)) & word((1 << used) - 1)
    matches, cells = _tags(CONTROLLED_SUBTRACT, b, upper, used)
    return 0.5 * matches * m / used, 0.5 * cells * m / used
