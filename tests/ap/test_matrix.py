"""Matrix products on the array against NumPy's, and their counts against the closed forms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bfimna as bf
from bfimna.ap import counts as closed
from bfimna.ap import matrix
from bfimna.ap.events import Counts

from .test_arithmetic import assert_counts, draw

BITS = st.integers(1, 16)


def closed_form(i, j, u, w, a, signed, kind, rows):
    """Load, multiply, extend, reduce and read each part; then resolve the carries densely."""
    dots, parts = i * u, -(-j // rows)
    part = -(-j // parts)
    width = w + a + closed.levels(j)
    m, n, signs = (a, w, (True, False)) if signed == (False, True) else (w, a, signed)
    overlap = width + w + a + all(signed) > 72

    def products(length):
        cleared = min(width, 72 - w - a - all(signed)) + all(signed)
        row = closed.load(w + a) + closed.multiply(m, n, signs) + closed.clear_along(cleared)
        row = row + (closed.clear(closed.levels(j)) if overlap else Counts())
        narrow = width - closed.levels(length)
        extended = narrow - w - a if kind == "1d" else closed.levels(j)
        row = row + (closed.sign_extend(extended) if any(signed) else Counts())
        beside = 72 - width - 1
        form = closed.reduce(length, narrow, kind, groups=dots, signed=any(signed), beside=beside)
        left = closed.rows_left(length, kind)
        read = closed.read(width).over(left * dots)
        return row.over(length * dots) + form.over(dots) + read

    total = products(part)
    for k in range(1, parts):  # in lockstep: no cycles of their own
        more = products(min(part, j - k * part))
        energy = more.amounts.keys() - set(closed.CYCLES)
        total = total + Counts(**{event: more.amounts[event] for event in energy})
    words = sum(int(closed.rows_left(min(part, j - k * part), kind)) for k in range(parts))
    added = (closed.add(width) + closed.clear_along(1)) * (words - 1)
    dense = closed.load(width) * words + added + closed.read(width)
    return total + dense.over(dots)


@settings(max_examples=40, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 5), st.integers(1, 40), st.integers(1, 70)),
    widths=st.tuples(BITS, BITS),
    signed=st.tuples(st.booleans(), st.booleans()),
    rows=st.sampled_from([3, 16, 4800]),
    data=st.sampled_from(["random", "ones", "extremes"]),
)
def test_gemm(shape, widths, signed, rows, data):
    i, j, u = shape
    w, a = draw(data, widths[0], signed[0], (i, j)), draw(data, widths[1], signed[1], (j, u), 1)
    product, counted = bf.ap.gemm(w, a, *widths, signed, rows=rows)
    np.testing.assert_array_equal(product, w @ a)
    assert_counts(counted, closed_form(i, j, u, *widths, signed, "2d-segmented", rows))


@pytest.mark.parametrize(("i", "j", "u"), [(64, 27, 49), (3, 147, 196), (130, 9, 1)])
def test_gemm_whichever_operand_is_packed(i, j, u):
    w, a = draw("random", 8, True, (i, j)), draw("random", 8, False, (j, u))
    for threads in (1, 2):
        product, counted = bf.ap.gemm(w, a, threads=threads)
        np.testing.assert_array_equal(product, w @ a)
        assert_counts(counted, closed_form(i, j, u, 8, 8, (True, False), "2d-segmented", 4800))


@pytest.mark.parametrize("rows", [4, 3])
def test_gemm_in_chunks_of_unequal_size(monkeypatch, rows):
    """Dot products come in chunks that the cache holds: here 2, 2 and 1 rows of the scalars."""
    w, a = draw("random", 5, True, (5, 4)), draw("random", 3, False, (4, 64))
    monkeypatch.setattr(matrix, "BATCH", 8 if rows == 4 else 4)  # parts of 4 rows, or of 2 and 2
    product, counted = bf.ap.gemm(w, a, 5, 3, rows=rows)
    np.testing.assert_array_equal(product, w @ a)
    form = closed_form(5, 4, 64, 5, 3, (True, False), "2d-segmented", rows)
    assert_counts(counted, form)


@pytest.mark.parametrize("kind", ["1d", "2d"])
@pytest.mark.parametrize(("rows", "batch"), [(4800, 16384), (4, 4)])
def test_gemm_without_segments_takes_one_dot_product_after_the_other(
    monkeypatch, kind, rows, batch
):
    """All dot products of an array; how many the cache holds at a time is no matter."""
    w, a = draw("random", 4, True, (4, 10)), draw("random", 4, False, (10, 6))
    monkeypatch.setattr(matrix, "BATCH", batch)
    product, counted = bf.ap.gemm(w, a, 4, 4, kind=kind, rows=rows)
    np.testing.assert_array_equal(product, w @ a)
    assert_counts(counted, closed_form(4, 10, 6, 4, 4, (True, False), kind, rows))


@pytest.mark.parametrize("signed", [(False, False), (True, True)])
def test_gemm_on_a_1d_ap_in_slices(signed):
    """Sums of 39 columns beside which there are 32."""
    w, a = draw("extremes", 16, signed[0], (2, 100)), draw("ones", 16, signed[1], (100, 3))
    product, counted = bf.ap.gemm(w, a, 16, 16, signed, kind="1d", rows=48)
    np.testing.assert_array_equal(product, w @ a)
    assert_counts(counted, closed_form(2, 100, 3, 16, 16, signed, "1d", 48))


def test_gemm_whose_sum_grows_over_the_operands():
    """16 + 16 bits and 9 columns of growth are more than 72 columns: some are cleared first."""
    w, a = draw("extremes", 16, True, (2, 300)), draw("ones", 16, False, (300, 3))
    product, counted = bf.ap.gemm(w, a, 16, 16)
    np.testing.assert_array_equal(product, w @ a)
    form = closed_form(2, 300, 3, 16, 16, (True, False), "2d-segmented", 4800)
    assert_counts(counted, form)


def test_faults_do_harm_and_are_reproducible():
    w, a = draw("random", 8, True, (8, 50)), draw("random", 8, False, (50, 64))
    faults = bf.ap.Faults(stuck_at_1=1e-3, match_error=1e-5, seed=1)
    broken, _ = bf.ap.gemm(w, a, faults=faults, threads=1)
    again, _ = bf.ap.gemm(w, a, faults=faults, threads=2)
    assert (broken != w @ a).any()
    np.testing.assert_array_equal(broken, again)


def test_an_array_of_just_the_columns_of_a_product_is_enough():
    """Operands of 8 bits beside a product of 16."""
    assert matrix.product_layout(8, 8, 1, (False, False), 32).product == range(16)
    with pytest.raises(bf.BfimnaError, match="gemm needs 32 columns; the array has 31"):
        matrix.product_layout(8, 8, 1, (False, False), 31)
