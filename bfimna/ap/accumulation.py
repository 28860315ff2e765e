"""Add a signed word to a wider one in place, in every row: passes, counts, expected cells."""

from functools import cache

from bfimna.ap.addition import ADDERS, FULL_ADD, Adder, expect_add
from bfimna.ap.events import MAX_WORD_BITS, Amount, Counts, tabulated
from bfimna.ap.passes import Pass, Word, cached_program, check_ranges, count_table, ripple
from bfimna.errors import BfimnaError


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
