"""A search for the largest word of every group: NumPy is the oracle, counts equal closed forms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bfimna as bf
from bfimna.ap.array import Array
from bfimna.ap.events import EVENTS, Counts
from bfimna.ap.faults import Faults
from bfimna.ap.group_maximum import (
    distance_counts,
    distance_to_maximum,
    search_columns_counts,
    search_maximum,
    search_rows_counts,
)

FOLLOW_DATA = ("cells_written", "rows_matched", "words_written")


def searched(x, bits, signed, kind="2d-segmented", **options):
    """Search an array of these words, (rows, groups); return it, its columns and its events."""
    rows, groups = x.shape
    array = Array(groups, rows, columns=3 * bits + 2, kind=kind, **options)
    word, complement = range(bits), range(bits, 2 * bits)
    array.load(x, word, clear=range(bits, 3 * bits + 2))
    array.counts = Counts()
    search_maximum(array, word, complement, 3 * bits, signed)
    return array, word, complement


@settings(deadline=None)
@given(
    st.integers(1, 12), st.integers(1, 70), st.integers(1, 130), st.booleans(),
    st.sampled_from(["2d", "2d-segmented"]), st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_every_row_learns_its_distance(bits, rows, groups, signed, kind, seed):
    low = -(2 ** (bits - 1)) if signed else 0
    x = np.random.default_rng(seed).integers(low, low + 2**bits, (rows, groups))
    array, word, complement = searched(x, bits, signed, kind)
    np.testing.assert_array_equal(array.read(range(3 * bits, 3 * bits + 1)), x == x.max(axis=0))
    array.counts = Counts()
    target, carry = range(2 * bits, 3 * bits), 3 * bits + 1
    array.run(distance_to_maximum(word, complement, target, carry, signed))
    assert array.counts.cycles == distance_counts(bits).cycles
    np.testing.assert_array_equal(array.read(target), x.max(axis=0) - x)


@pytest.mark.parametrize("kind", ["2d", "2d-segmented"])
@pytest.mark.parametrize(("bits", "rows"), [(1, 1), (3, 2), (5, 7), (8, 50)])
def test_every_event(bits, rows, kind):
    groups = 20_000
    x = np.random.default_rng(3).integers(0, 2**bits, (rows, groups))
    array, *_ = searched(x, bits, False, kind)
    form = search_rows_counts(bits, rows) + search_columns_counts(bits, rows, kind, groups)
    form = form.repeat(1, groups)
    for event in EVENTS:
        rel = 0.02 if event in FOLLOW_DATA else 0
        assert getattr(form, event) == pytest.approx(getattr(array.counts, event), rel=rel), event


def test_arrays_of_widths_and_groups():
    bits, rows = np.array([[2], [8]]), np.array([3, 197])
    for form in (search_rows_counts, search_columns_counts):
        many = form(bits, rows)
        for at in np.ndindex(2, 2):
            one = form(int(bits[at[0], 0]), int(rows[at[1]]))
            for event, amount in many.amounts.items():
                value = np.broadcast_to(amount, (2, 2))[at]
                assert value == pytest.approx(getattr(one, event)), event


def test_columns_are_filled_in_empty_groups_only():
    array = Array(70, 3, columns=2, wear=True)
    x = np.zeros((3, 70), int)
    x[1, ::2] = 1
    array.load(x, range(1))
    array.forget_wear()
    array.fill_empty(0)
    np.testing.assert_array_equal(array.read(range(1)), np.where(np.arange(70) % 2, 1, x))
    np.testing.assert_array_equal(array.wear[0], np.broadcast_to(np.arange(70) % 2, (3, 70)))


def test_a_column_that_errs_or_is_stuck():
    array = Array(640, 2, columns=1, faults=Faults(match_error=0.5, seed=1))
    array.fill_empty(0)
    assert 0.4 < array.read(range(1)).mean() < 0.6
    array = Array(640, 2, columns=1, faults=Faults(stuck_at_0=0.5, seed=1))
    array.fill_empty(0)
    assert 0.4 < array.read(range(1)).mean() < 0.6


def test_it_takes_a_vertical_mode():
    with pytest.raises(bf.BfimnaError, match="no vertical mode"):
        searched(np.zeros((2, 2), int), 2, False, "1d")
    with pytest.raises(bf.BfimnaError, match="columns 5 to 5"):
        Array(2, 2, columns=3).fill_empty(5)
