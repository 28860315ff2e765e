"""Add a signed word, or a product, to a wider signed word in place: passes, counts, cells."""

from functools import cache

from bfimna.ap.addition import ADDERS, FULL_ADD, Adder, expect_add
from bfimna.ap.events import MAX_WORD_BITS, Amount, Counts, tabulated
from bfimna.ap.multiplication import (
    CONTROLLED_ADD,
    CONTROLLED_SUBTRACT,
    MAX_MULTIPLICAND_BITS,
    multiply_counts,
)
from bfimna.ap.passes import Pass, Word, cached_program, check_ranges, count_table, ripple
from bfimna.ap.truth import generate
from bfimna.ap.word_access import clear, clear_counts
from bfimna.errors import BfimnaError

#: a carry, or a borrow, on its way through columns to which nothing else is added
HALF_ADD = generate("pc", lambda p, c: (p ^ c, p & c))
HALF_SUBTRACT = generate("pc", lambda p, c: (p ^ c, c & (1 - p)))


@cached_program
def accumulate(a: Word, p: Word, carry: int, adder: Adder = "four-pass") -> tuple[Pass, ...]:
    """Add in place, p += a, where p has columns more: there a's sign is added once more.

    Both are signed. The sign must be kept for these columns, which take four passes each.

    >>> len(accumulate(range(0, 8), range(8, 19), 19, "three-pass")) == 3 * 7 + 4 * 4
    True
    """
    check_ranges("accumulate", a, p, (carry,))
    n = len(a)
    if len(p) <= n:
        raise BfimnaError(f"accumulate: {len(p)} columns for a word of {n}: want more")
    low = ripple(ADDERS[adder], a[:-1], p[: n - 1], carry)
    return low + ripple(FULL_ADD, [a[-1]] * (len(p) - n + 1), p[n - 1 :], carry)


def accumulate_counts(bits: Amount, wide_bits: Amount, adder: Adder = "four-pass") -> Counts:
    """Add a signed word of `bits` columns to one of `wide_bits` columns; the carry starts at 0.

    >>> accumulate_counts(8, 11, "three-pass").cycles
    74
    """
    low, high = bits - 1, wide_bits - bits + 1
    tagged = _tagged(bits, wide_bits, int(adder == "three-pass"))
    return count_table(ADDERS[adder], low, (0, 0)) + count_table(FULL_ADD, high, tagged)


@tabulated(MAX_WORD_BITS, MAX_WORD_BITS, 1)
def _tagged(bits: int, wide_bits: int, three_pass: int) -> tuple[float, float]:
    """Return expected matches and cells of all passes, of random words."""
    adder: Adder = "three-pass" if three_pass else "four-pass"
    matches, cells, carry = expect_add(ADDERS[adder], max(bits - 1, 0))
    more = _signs(max(wide_bits - bits + 1, 0), carry)
    return matches + more[0], cells + more[1]


@cache
def _signs(columns: int, carry: float) -> tuple[float, float]:
    matches = cells = 0.0
    for _ in range(columns):
        matched, written, (_, _, carry) = FULL_ADD.expect(0.5, 0.5, carry)
        matches, cells = matches + matched, cells + written
    return matches, cells


@cached_program
def multiply_accumulate(multiplier: Word, a: Word, p: Word, carry: int) -> tuple[Pass, ...]:
    """Add a product to a wider signed word, p += multiplier · a, one partial product a bit.

    The multiplier is signed, a is not. Each carry runs to the top of p and is cleared there, so
    that no columns are needed for the product.

    >>> len(multiply_accumulate(range(0, 2), range(2, 5), range(5, 11), 11))
    36
    """
    check_ranges("multiply_accumulate", multiplier, a, p, (carry,))
    m, n = len(multiplier), len(a)
    if len(p) < m + n:
        raise BfimnaError(f"multiply_accumulate: {len(p)} columns for {m} × {n} bits: want more")
    steps: tuple[Pass, ...] = ()
    for j, control in enumerate(multiplier):
        last = j == m - 1
        lut, half = (CONTROLLED_SUBTRACT, HALF_SUBTRACT) if last else (CONTROLLED_ADD, HALF_ADD)
        steps += ripple(lut, a, p[j : j + n], carry, control)
        for column in p[j + n :]:
            steps += half.at((column, carry))
        steps += clear((carry,))
    return steps


def multiply_accumulate_counts(multiplier_bits: Amount, bits: Amount, wide_bits: Amount) -> Counts:
    """Add a product to a signed word of `wide_bits` columns; the carry starts at 0.

    >>> multiply_accumulate_counts(2, 3, 6).cycles
    70
    """
    m = multiplier_bits
    above = m * (wide_bits - bits) - m * (m - 1) // 2  # columns that carries run through
    carried = _carries(multiplier_bits, bits, wide_bits)
    each = multiply_counts(m, bits, (True, False)) + count_table(HALF_ADD, above, carried)
    return each + clear_counts(1, m)


@tabulated(MAX_WORD_BITS, MAX_MULTIPLICAND_BITS, MAX_WORD_BITS)
def _carries(multiplier_bits: int, bits: int, wide_bits: int) -> tuple[float, float]:
    """Return expected matches and cells of the carries' passes, of random words."""
    _, _, carry = expect_add(ADDERS["four-pass"], bits)
    matches = cells = 0.0
    for j in range(multiplier_bits):
        one = 0.5 * carry  # half of the multiplier's bits are 0
        for _ in range(wide_bits - bits - j):
            matched, written, (_, one) = HALF_ADD.expect(0.5, one)
            matches, cells = matches + matched, cells + written
    return matches, cells
