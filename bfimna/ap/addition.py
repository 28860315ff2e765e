"""Addition and subtraction in place, in every row: the tables, passes, counts, expected cells."""

from functools import cache
from typing import Literal

from bfimna.ap.events import MAX_WORD_BITS, Amount, Counts, tabulated
from bfimna.ap.passes import Lut, Pass, Row, Word, cached_program, check_ranges, count_table, ripple
from bfimna.ap.truth import generate


def add_bits(a: int, p: int, c: int) -> Row:
    """Full adder: a stays, p becomes the sum, c the carry."""
    return a, a ^ p ^ c, (a & p) | (a & c) | (p & c)


def subtract_bits(a: int, p: int, c: int) -> Row:
    """Full subtractor: a stays, p becomes the difference p - a - c, c the borrow."""
    return a, a ^ p ^ c, (a & c) | ((1 - p) & (a | c))


Adder = Literal["four-pass", "three-pass"]

FULL_ADD = generate("apc", add_bits)
#: where nothing reads the operand a afterwards, three passes do
THREE_PASS_ADD = generate("apc", add_bits, dead="a")
ADDERS: dict[Adder, Lut] = {"four-pass": FULL_ADD, "three-pass": THREE_PASS_ADD}
FULL_SUBTRACT = generate("apc", subtract_bits)


@cached_program
def add(a: Word, p: Word, carry: int, adder: Adder = "four-pass") -> tuple[Pass, ...]:
    """Add in place, p += a, from the lowest bit up; the carry out stays in `carry`.

    Parameters
    ----------
    adder : "four-pass" keeps a; "three-pass" loses it.

    >>> word, total = range(0, 8), range(8, 16)
    >>> len(add(word, total, carry=16)), len(add(word, total, 16, "three-pass"))
    (32, 24)
    """
    return _in_place("add", ADDERS[adder], a, p, carry)


@cached_program
def subtract(a: Word, p: Word, borrow: int) -> tuple[Pass, ...]:
    """Subtract in place, p -= a; the borrow out stays (the sign, if the words are unsigned)."""
    return _in_place("subtract", FULL_SUBTRACT, a, p, borrow)


def _in_place(what: str, lut: Lut, a: Word, p: Word, carry: int) -> tuple[Pass, ...]:
    check_ranges(what, a, p, (carry,))
    check_ranges(what, a, p, equal=True)
    return ripple(lut, a, p, carry)


def add_counts(bits: Amount, adder: Adder = "four-pass") -> Counts:
    """Add in place, p += a, over `bits` columns; the carry column starts at 0.

    Parameters
    ----------
    adder : "four-pass" keeps a; "three-pass" loses it.

    >>> add_counts(8).cycles, add_counts(8, "three-pass").cycles
    (64, 48)
    """
    tagged = _add_tagged if adder == "four-pass" else _three_pass_tagged
    return count_table(ADDERS[adder], bits, tagged(bits))


def subtract_counts(bits: Amount) -> Counts:
    """Subtract in place, p -= a: the same passes with another table."""
    return count_table(FULL_SUBTRACT, bits, _subtract_tagged(bits))


@tabulated(MAX_WORD_BITS)
def _add_tagged(bits: int) -> tuple[float, ...]:
    return expect_add(FULL_ADD, bits)[:2]


@tabulated(MAX_WORD_BITS)
def _three_pass_tagged(bits: int) -> tuple[float, ...]:
    return expect_add(THREE_PASS_ADD, bits)[:2]


@tabulated(MAX_WORD_BITS)
def _subtract_tagged(bits: int) -> tuple[float, ...]:
    return expect_add(FULL_SUBTRACT, bits)[:2]


@cache
def expect_add(lut: Lut, bits: int) -> tuple[float, float, float]:
    """Return expected matches, cells and carry of `bits` columns of random words.

    The carry into a column depends on those below only.
    """
    if not bits:
        return 0.0, 0.0, 0.0
    matches, cells, carry = expect_add(lut, bits - 1)
    matched, written, (_, _, carry) = lut.expect(0.5, 0.5, carry)
    return matches + matched, cells + written, carry
