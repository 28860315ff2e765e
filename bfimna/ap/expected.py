"""What the passes of a program are expected to match and write in a row of random operand bits.

All else that a program does is exact and stands in `counts`; these two follow the data. They are
exact for sums, differences and maxima, and for products of up to 16 bits in all (every pair of
operands is looked at); for longer products they are the mean over a fixed, evenly spread sample.
"""

from collections.abc import Callable
from functools import cache, lru_cache, wraps
from typing import NamedTuple

import numpy as np

from bfimna.ap import tables
from bfimna.ap.lut import Lut
from bfimna.errors import BfimnaError

Amount = int | float | np.ndarray
WIDEST = 64  # widest operand that the tables below cover
WIDEST_MULTIPLICAND = 48  # leaves 16 bits of a 64-bit product to the multiplier
EXACT_BITS = 16  # of both operands together, up to which every pair is looked at
SAMPLE_BITS = 13  # beyond, 2^13 pairs: within 0.3 % of the mean over all


class Tagged(NamedTuple):
    """Expected per row: passes that match, and cells that they write."""

    matches: Amount
    cells: Amount


LookUp = Callable[..., Tagged]


def _tabulated(*highest: int) -> Callable[[Callable[..., tuple[float, float]]], LookUp]:
    """Make a scalar function of whole numbers accept arrays, computing each entry once.

    Parameters
    ----------
    highest : value of each argument.
    """

    def decorate(function: Callable[..., tuple[float, float]]) -> LookUp:
        table = np.full((2, *(h + 1 for h in highest)), np.nan)

        @wraps(function)
        def look_up(*arguments: Amount) -> Tagged:
            index = tuple(np.asarray(x, dtype=np.intp) for x in arguments)
            for at, high in zip(index, highest, strict=True):
                if at.size and not 0 <= at.min() <= at.max() <= high:
                    wrong = at.min() if at.min() < 0 else at.max()
                    raise BfimnaError(f"a word of {wrong} bits: programs take 0 to {high}")
            found = table[:, *index]
            if np.isnan(found).any():
                grid = np.broadcast_arrays(*index)
                for entry in set(zip(*(g.ravel().tolist() for g in grid), strict=True)):
                    table[:, *entry] = function(*entry)
                found = table[:, *index]
            return Tagged(*found) if found.ndim > 1 else Tagged(*found.tolist())

        return look_up

    return decorate


def _ripple(lut: Lut, bits: int) -> tuple[float, float]:
    """Return matches and cells of a full adder's or subtractor's passes; the carry starts at 0."""
    matches, cells, carry = 0.0, 0.0, 0.0
    for _ in range(bits):
        matched, written, (_, _, carry) = lut.expect(0.5, 0.5, carry)
        matches, cells = matches + matched, cells + written
    return matches, cells


@_tabulated(WIDEST)
def add_tagged(bits):  # type: ignore[no-untyped-def]
    """Return what an addition tags."""
    return _ripple(tables.FULL_ADD, bits)


@_tabulated(WIDEST)
def subtract_tagged(bits):  # type: ignore[no-untyped-def]
    """Return what a subtraction tags."""
    return _ripple(tables.FULL_SUBTRACT, bits)


@_tabulated(WIDEST)
def maximum_tagged(bits):  # type: ignore[no-untyped-def]
    """Return what the passes of a maximum tag; the flags' clearing is not among them."""
    matches, cells, greater, less, lut = 0.0, 0.0, 0.0, 0.0, tables.MAXIMUM_TOP
    for _ in range(bits):  # the flags exclude each other, so they are no independent columns
        undecided = lut.expect(0.5, 0.5, 0.0, 0.0)
        copied = tables.MAXIMUM.expect(0.5, 0.5, 1.0, 0.0)
        kept = tables.MAXIMUM.expect(0.5, 0.5, 0.0, 1.0)
        still = 1.0 - greater - less
        matches += still * undecided.matches + greater * copied.matches + less * kept.matches
        cells += still * undecided.cells + greater * copied.cells + less * kept.cells
        greater, less = greater + still * undecided.after[2], less + still * undecided.after[3]
        lut = tables.MAXIMUM
    return matches, cells


# ---- multiplication: the bits of a partial product depend on each other ----------------------


def _pairs(bits: int, multiplier_bits: int) -> tuple[np.ndarray, np.ndarray]:
    """Return multiplicands and multipliers that broadcast: all of them, or a fixed sample."""
    if bits + multiplier_bits <= EXACT_BITS:
        a, b = np.arange(1 << bits, dtype=np.uint32), np.arange(1 << multiplier_bits)
        return a[:, None], b.astype(np.uint32)
    a, b = _sample()
    return a >> np.uint64(64 - bits), b >> np.uint64(64 - multiplier_bits)


@lru_cache
def _sample() -> tuple[np.ndarray, np.ndarray]:
    """Pairs of 64-bit words: evenly spread top bits (Hammersley's points), random lower ones."""
    n, random = 1 << SAMPLE_BITS, np.random.default_rng(0)
    index = np.arange(n, dtype=np.uint64)
    mirrored = np.zeros(n, np.uint64)
    for k in range(SAMPLE_BITS):
        mirrored |= ((index >> np.uint64(k)) & np.uint64(1)) << np.uint64(SAMPLE_BITS - 1 - k)
    low = random.integers(0, 1 << (64 - SAMPLE_BITS), (2, n), dtype=np.uint64)
    top = np.uint64(64 - SAMPLE_BITS)
    return (index << top) | low[0], (mirrored << top) | low[1]


def _tags(lut: Lut, a: np.ndarray, p: np.ndarray, bits: int) -> tuple[float, float]:
    """Return mean matches and cells of p += a (or -=) over `bits` columns, where it is controlled.

    All columns at once: the carries into them are where sum and carry-less sum differ.
    """
    carry = ((p - a) if lut is tables.CONTROLLED_SUBTRACT else (p + a)) ^ p ^ a
    mask = a.dtype.type((1 << bits) - 1)
    matches = cells = 0.0
    for (control, *pattern), _, matched, written in lut.outcomes:
        if control and matched:
            columns = mask
            for word, bit in zip((a, p, carry), pattern, strict=True):
                columns = columns & (word if bit else ~word)
            share = float(np.bitwise_count(columns).mean())
            matches, cells = matches + matched * share, cells + written * share
    return matches, cells


@cache
def _partial_product(j: int, bits: int, last_of_signed: bool) -> tuple[float, float]:
    """Return what partial product j tags: the product so far, from column j on, += multiplicand.

    What j multiplier bits have made of the multiplicand a, from column j on, is ⌊a · b / 2^j⌋.
    """
    used = min(j, 64 - bits)  # of a longer multiplier only the top bits count, but for 1 in 2^used
    a, b = _pairs(bits, used)
    so_far = (a * b) >> a.dtype.type(used)
    lut = tables.CONTROLLED_SUBTRACT if last_of_signed else tables.CONTROLLED_ADD
    matches, cells = _tags(lut, a, so_far, bits)
    return 0.5 * matches, 0.5 * cells  # half of the rows have a multiplier bit of 1


@cache
def _sign_of_multiplicand(m: int, bits: int, signed: bool) -> tuple[float, float]:
    """Return what the subtraction of the multiplier tags where the multiplicand is negative."""
    used = min(m, 64 - bits)  # as above
    a, b = _pairs(bits, used)
    word = a.dtype.type
    a = a | word(1 << (bits - 1))  # half of the rows; the others are left alone
    value = b - ((b >> word(used - 1)) << word(used)) if signed else b
    upper = ((a * value) >> word(bits)) & word((1 << used) - 1)
    matches, cells = _tags(tables.CONTROLLED_SUBTRACT, b, upper, used)
    return 0.5 * matches * m / used, 0.5 * cells * m / used


@_tabulated(WIDEST, WIDEST_MULTIPLICAND, 1, 1)
def multiply_tagged(multiplier_bits, bits, signed, operand_signed):  # type: ignore[no-untyped-def]
    """Return what a multiplication tags, by the operands' widths and signs (0 or 1)."""
    if not bits or not multiplier_bits:
        return 0.0, 0.0
    parts = [
        _partial_product(j, bits, bool(signed) and j == multiplier_bits - 1)
        for j in range(multiplier_bits)
    ]
    if operand_signed:
        parts.append(_sign_of_multiplicand(multiplier_bits, bits, bool(signed)))
    return sum(p[0] for p in parts), sum(p[1] for p in parts)
