"""Quotients, roots, absolute values and shifts: NumPy is the oracle, counts equal closed forms."""

from math import isqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bfimna as bf
from bfimna.ap import counts as closed
from bfimna.ap import programs
from tests.ap.test_expected import assert_same, every

WIDTHS = st.integers(1, 16)


@settings(deadline=None)
@given(WIDTHS, WIDTHS, st.integers(0, 2**32 - 1))
def test_quotients(a_bits, b_bits, seed):
    random = np.random.default_rng(seed)
    a = random.integers(0, 2**a_bits, 70)
    b = random.integers(1, max(2, 2**b_bits), 70)
    b[:3], a[:3] = (1, 2**b_bits - 1, 2**b_bits - 1), (2**a_bits - 1, 2**a_bits - 1, 0)
    quotient, remainder, counts = bf.ap.divide(a, b, a_bits, b_bits)
    np.testing.assert_array_equal(quotient, a // b)
    np.testing.assert_array_equal(remainder, a % b)
    form = closed.divide(a_bits, b_bits) + closed.load(a_bits + b_bits)
    assert counts.cycles == form.cycles + a_bits + b_bits  # quotient and remainder are read


@settings(deadline=None)
@given(st.integers(1, 32), st.integers(0, 2**32 - 1))
def test_roots(bits, seed):
    a = np.random.default_rng(seed).integers(0, 2**bits, 70)
    a[:3] = (0, 2**bits - 1, (isqrt(2**bits - 1)) ** 2)
    root, counts = bf.ap.square_root(a, bits)
    np.testing.assert_array_equal(root, [isqrt(int(x)) for x in a])
    digits = -(-bits // 2)
    assert counts.cycles == (closed.square_root(digits) + closed.load(bits)).cycles + digits


@settings(deadline=None)
@given(WIDTHS, st.integers(0, 2**32 - 1))
def test_absolute_values(bits, seed):
    low = -(2 ** (bits - 1))
    a = np.random.default_rng(seed).integers(low, -low, 70)
    a[:2] = (low, -low - 1)
    result, counts = bf.ap.absolute(a, bits)
    np.testing.assert_array_equal(result, np.abs(a))
    assert counts.cycles == (closed.absolute(bits) + closed.load(bits)).cycles + bits


@settings(deadline=None)
@given(WIDTHS, st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_shifts(bits, amount_bits, seed):
    random = np.random.default_rng(seed)
    a, by = random.integers(0, 2**bits, 70), random.integers(0, 2**amount_bits, 70)
    result, counts = bf.ap.shift_right(a, by, bits, amount_bits)
    np.testing.assert_array_equal(result, a >> by)
    form = closed.shift_right(bits, amount_bits) + closed.load(bits + amount_bits)
    assert counts.cycles == form.cycles + bits


@pytest.mark.parametrize(("n", "m"), [(1, 1), (3, 2), (2, 4), (4, 4), (6, 3)])
def test_every_event_of_a_division(n, m):
    dividend, above = range(n), range(n + m, n + 2 * m)
    program = programs.divide(dividend, above, range(n, n + m), n + 2 * m)
    assert_same(program, every(n, m), closed.divide(n, m), spare=m + 1)


@pytest.mark.parametrize("divisor", [1, 2, 3, 5, 10, 49, 255])
def test_every_event_of_a_division_by_a_constant(divisor):
    m = divisor.bit_length()
    program = programs.divide_by(range(7), range(7, 7 + m), divisor, 7 + m)
    assert_same(program, every(7), closed.divide_by(7, divisor), spare=m + 1)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_every_event_of_a_root(n):
    program = programs.square_root(range(2 * n), 2 * n, 2 * n + 1)
    assert_same(program, every(2 * n), closed.square_root(n), spare=2)


@pytest.mark.parametrize("n", [1, 2, 7])
def test_every_event_of_a_negation(n):
    word, below, flag = range(n), n + 1, n + 2
    program = programs.negate_if(word, below, n, flag)
    assert_same(program, every(n, 1), closed.negate_if(n), spare=2)
    program = programs.absolute(word, n, n + 1)
    assert_same(program, every(n), closed.absolute(n), spare=2)


@pytest.mark.parametrize(("n", "k"), [(1, 1), (4, 2), (5, 4), (8, 3)])
def test_every_event_of_a_shift(n, k):
    program = programs.shift_right(range(n), range(n, n + k))
    assert_same(program, every(n, k), closed.shift_right(n, k))


def test_events_of_long_words_are_sampled_closely():
    random = np.random.default_rng(1)
    planes = [random.integers(0, 2**64, 4096, dtype=np.uint64) for _ in range(28)]
    program = programs.divide(range(16), range(28, 40), range(16, 28), 40)
    assert_same(program, planes, closed.divide(16, 12), spare=13, rel=0.01)


@pytest.mark.parametrize(
    "form",
    [lambda b: closed.divide(b, 5), lambda b: closed.divide(6, b), closed.square_root,
     closed.absolute, closed.negate_if, lambda b: closed.shift_right(b, 3)],
)  # fmt: skip
def test_arrays_of_widths_give_what_each_width_gives(form):
    widths = np.array([[1, 5], [3, 8]])
    many = form(widths)
    for at in np.ndindex(widths.shape):
        for event, amount in many.amounts.items():
            value = np.broadcast_to(amount, widths.shape)[at]
            assert value == pytest.approx(getattr(form(int(widths[at])), event)), event


def test_a_quotient_by_zero_is_all_ones_in_its_row_only():
    array = bf.ap.Array(2, columns=13)
    array.load([9, 9], range(4), clear=range(4, 8))
    array.load([0, 2], range(8, 12), clear=range(12, 13))
    array.run(programs.divide(range(4), range(4, 8), range(8, 12), 12))
    np.testing.assert_array_equal(array.read(range(4, 8))[0], [15, 4])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bf.ap.divide([1], [0]), "divide: a divisor of 0"),
        (lambda: bf.ap.divide([300], [1]), "300 does not fit 8"),
        (lambda: bf.ap.divide([1], [1], 40, 40), "columns"),
        (lambda: bf.ap.square_root([-1]), "-1 is negative"),
        (lambda: bf.ap.absolute([200]), "200 does not fit 8 signed"),
        (lambda: bf.ap.shift_right([1], [9]), "amount: 9 does not fit 3"),
        (lambda: programs.divide(range(4), range(4, 6), range(6, 9), 9), "want the divisor's 3"),
        (lambda: programs.divide_by(range(4), range(4, 6), 9, 6), "a divisor of 9 takes 4"),
        (lambda: programs.divide_by(range(4), range(4, 6), 0, 6), "divisor must be"),
        (lambda: programs.square_root(range(3), 3, 4), "3 columns, want an even number"),
        (lambda: programs.negate_if(range(4), 4, 2, 5), "control in column 2"),
        (lambda: programs.shift_right(range(4), range(3, 5)), r"overlap in \[3\]"),
    ],
)
def test_invalid_operands_are_refused(call, message):
    with pytest.raises(bf.BfimnaError, match=message):
        call()
