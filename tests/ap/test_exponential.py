"""Exponentials: the definitions in the code of I-ViT and I-BERT, transcribed here in floats."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bfimna as bf
from bfimna.ap.array import Array
from bfimna.ap.expectation import program_counts
from bfimna.ap.exponential import (
    error_in_steps,
    polynomial_exponential,
    polynomial_exponential_values,
    shift_exponential,
    shift_exponential_values,
)
from tests.ap.test_expected import assert_same, every

FORMS = (
    (shift_exponential, shift_exponential_values),
    (polynomial_exponential, polynomial_exponential_values),
)


def i_vit(x, scale, n):
    """`int_exp_shift` of I-ViT's quant_modules.py, with its straight-through floors as floors."""
    x = x + np.floor(x / 2) - np.floor(x / 2**4)
    x0 = np.floor(-1.0 / scale)
    x = np.maximum(x, n * x0)
    q = np.floor(x / x0)
    r = x - x0 * q
    return np.maximum(np.floor((r / 2 - x0) * 2.0 ** (n - q)), 0)


def i_bert(x, scale, n):
    """`int_exp` and `int_polynomial` of I-BERT's quant_modules.py."""
    coefficients = [0.35815147, 0.96963238, 1.0]
    x0 = np.floor(-0.6931 / scale)
    x = np.maximum(x, n * x0)
    q = np.floor(x / x0)
    r = x - x0 * q
    b = np.floor(coefficients[1] / coefficients[0] / scale)
    c = np.floor(coefficients[2] / coefficients[0] / scale**2)
    return np.maximum(np.floor((r * (r + b) + c) * 2.0 ** (n - q)), 0)


@pytest.mark.parametrize("fraction", [1, 8, 15])
@pytest.mark.parametrize("unit", [1, 2, 4, 8, 16, 64, 256])  # scales that a float holds exactly
def test_values_are_those_of_the_published_code(unit, fraction):
    """Down to 2^-N; below, the published code stays there and this goes on to 0."""
    z = np.arange(2**10)
    x = -z.astype(float)
    for values, published in (
        (shift_exponential_values, i_vit), (polynomial_exponential_values, i_bert)
    ):  # fmt: skip
        if unit > 1 or published is i_vit:
            ours, theirs = values(z, unit, fraction), published(x, 1 / unit, fraction)
            last = np.flatnonzero(theirs > theirs[-1])[-1] if theirs.max() > theirs[-1] else 0
            np.testing.assert_array_equal(ours[: last + 1], theirs[: last + 1])
            assert (ours[last + 1 :] <= theirs[last + 1 :]).all()
            assert (np.diff(ours[::unit]) <= 0).all()


@settings(deadline=None, max_examples=40)
@given(
    st.sampled_from(FORMS), st.integers(1, 16), st.integers(2, 300), st.integers(1, 16),
    st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_programs_compute_their_values(form, bits, unit, fraction, seed):
    make, values = form
    own = make(bits, unit, fraction)
    z = np.random.default_rng(seed).integers(0, 2**bits, 100)
    z[:2] = (0, 2**bits - 1)
    array = Array(len(z), columns=own.columns)
    array.load(z, range(bits), clear=range(bits, own.columns))
    array.run(own.program)
    np.testing.assert_array_equal(array.read(own.result)[0], values(z, unit, fraction))


@pytest.mark.parametrize("make", [shift_exponential, polynomial_exponential])
def test_every_event(make):
    own = make(6, 5, 4)
    counts = program_counts(own.program, range(6))
    assert_same(own.program, every(6), counts, spare=own.columns - 6)


def test_errors_are_those_of_the_published_approximations():
    """A few per cent by shifts, and less than 3 by the polynomial, at a fine step."""
    z = np.arange(2**12)
    shifts, polynomial = (error_in_steps(values(z, 512, 20), z, 512) for _, values in FORMS)
    assert 0.04 < shifts < 0.06
    assert polynomial < 0.03


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((0, 16, 8), "bits"), ((18, 16, 8), "bits"), ((8, 0, 8), "unit"), ((8, 16, 31), "fraction")],
)
def test_what_no_program_takes(arguments, message):
    for make, _ in FORMS:
        with pytest.raises(bf.BfimnaError, match=f"exponential: {message}"):
            make(*arguments)
