"""Mean of a sum and root of a mean square: NumPy is the oracle, counts equal closed forms."""

from math import isqrt

import numpy as np
import pytest

from bfimna.ap import programs
from bfimna.ap.array import Array
from bfimna.ap.moments import (
    mean_of_sum,
    mean_of_sum_counts,
    root_of_mean,
    root_of_mean_counts,
)
from bfimna.ap.rows import Rows
from tests.ap.test_expected import assert_same, every


def run(own, bits, values):
    array = Array(len(values), columns=own.columns)
    array.load(values, range(bits), clear=range(bits, own.columns))
    array.run(own.program)
    return Rows(array, np.zeros(0, int)).read(own.result, signed=False)


@pytest.mark.parametrize("length", [1, 2, 3, 5, 8, 197, 768, 1024])
def test_means_are_rounded_to_the_nearest(length):
    bits = 4 + int(np.ceil(np.log2(length)))
    sums = np.random.default_rng(0).integers(0, 15 * length + 1, 300)
    sums[:2] = (0, 15 * length)
    np.testing.assert_array_equal(
        run(mean_of_sum(bits, length), bits, sums), (sums + length // 2) // length
    )


@pytest.mark.parametrize("length", [2, 3, 5, 8, 197, 768, 1024])
def test_roots_of_mean_squares(length):
    growth = int(np.ceil(np.log2(length)))
    bits, root = 8 + growth, 7  # squares of 4 bits, in steps of 2^-6
    sums = np.random.default_rng(0).integers(0, 15**2 * length + 1, 300)
    sums[:2] = (0, 15**2 * length)
    expected = [max(isqrt(int(x) * 64 // length), 1) for x in sums]
    np.testing.assert_array_equal(run(root_of_mean(bits, 6, length, root), bits, sums), expected)


@pytest.mark.parametrize("length", [3, 4])
def test_every_event(length):
    for own, form in (
        (mean_of_sum(6, length), mean_of_sum_counts(6, length)),
        (root_of_mean(6, 6, length, 5), root_of_mean_counts(6, 6, length, 5)),
    ):
        cleared = programs.clear(range(6, own.columns))
        assert_same((*cleared, *own.program), every(6), form, spare=own.columns - 6)
