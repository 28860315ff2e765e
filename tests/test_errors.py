"""Checks of numbers and booleans, and messages of bounded length."""

import time
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bfimna.errors import BfimnaError, as_int, positive_number, shown, truth, unknown, whole_number

KINDS = [np.int8, np.uint8, np.int16, np.uint32, np.int64, np.float32, np.float64, float, Fraction]


@given(number=st.integers(0, 100), kind=st.sampled_from(KINDS))
def test_whole_numbers_of_any_type_become_pythons_int(number, kind):
    for made in (whole_number("n", kind(number), 0), as_int(kind(number))):
        assert (made, type(made)) == (number, int)


@pytest.mark.parametrize(
    "value",
    [True, np.True_, np.bool_(False), 1.5, np.float64("nan"), float("inf"), "1", None, [1],
     np.array([1]), 1 + 0j, b"1", Fraction(1, 2),
     Fraction(10**400, 3)],
)  # fmt: skip
def test_other_values_are_refused_by_whole_number_and_unchanged_by_as_int(value):
    with pytest.raises(BfimnaError, match="n must be a whole number from 0 to 9, not "):
        whole_number("n", value, 0, 9)
    assert as_int(value) is value


@pytest.mark.parametrize("value", [0, -1.0, np.nan, np.inf, True, "1e9", None, Fraction(10**400)])
def test_a_positive_number_is_finite_and_above_0(value):
    with pytest.raises(BfimnaError, match="clock must be a finite number above 0"):
        positive_number("clock", value)
    assert type(positive_number("clock", np.float32(2))) is float


def test_truth_accepts_booleans_only():
    assert truth("x", np.True_) is True
    assert truth("x", np.False_) is False
    for value in (0, 1, 1.0, "true", None, np.array([True])):
        with pytest.raises(BfimnaError, match="x must be true or false"):
            truth("x", value)


def test_messages_stay_on_one_line_of_one_screen():
    known = [f"layer{n}" for n in range(5000)]
    values = ("a" * 10**6, 10**5000, "line\nline", list(range(10**5)), np.zeros(10**4))
    for value in values:
        for message in (shown(value), str(unknown("layer", value, known))):
            assert len(message) < 1000
            assert "\n" not in message


def test_a_list_of_lists_is_not_written_out():
    nested = ["x"]
    for _ in range(12):
        nested = [nested] * 9  # 9¹² elements
    begin = time.process_time()
    assert len(shown(nested)) < 120
    assert time.process_time() - begin < 1
