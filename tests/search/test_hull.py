"""Least products of sums: against all choices, and the bound against the least."""

from itertools import product

import numpy as np
import pytest

from bfimna.search.hull import corners, product_bound, sums


def costs(seed, options=4, layers=5):
    rng = np.random.default_rng(seed)
    one, other = rng.uniform(1, 2, (2, options, layers)) ** rng.choice([1, 8], (2, options, layers))
    if seed % 3 == 0:  # ties
        one, other = np.round(one), np.round(other)
    forbidden = rng.random((options, layers)) < 0.2
    forbidden[0] = False
    return np.where(forbidden, np.inf, one), np.where(forbidden, np.inf, other)


def every(options, layers):
    return np.array(list(product(range(options), repeat=layers)))


@pytest.mark.parametrize("seed", range(40))
def test_least_product_is_that_of_all_choices(seed):
    one, other = costs(seed)
    choices, multipliers = corners(one, other)
    best = (sums(one, choices) * sums(other, choices)).min()
    all_choices = every(*one.shape)
    with np.errstate(invalid="ignore"):
        least = np.nanmin(sums(one, all_choices) * sums(other, all_choices))
    assert best == pytest.approx(least, rel=1e-14)
    bound = product_bound(one, other, multipliers)
    assert least * (1 - 1e-6) < bound <= least * (1 + 1e-12)


@pytest.mark.parametrize("seed", range(10))
def test_corners_run_from_the_least_of_one_to_the_least_of_the_other(seed):
    one, other = costs(seed)
    choices, multipliers = corners(one, other)
    assert sums(one, choices[:1]) == pytest.approx(one.min(axis=0).sum())
    assert sums(other, choices[-1:]) == pytest.approx(other.min(axis=0).sum())
    assert (np.diff(multipliers) <= 0).all()
    assert (multipliers > 0).all()


@pytest.mark.parametrize("multipliers", [[], [1.0], [1e-3, 1.0, 1e3], [1.0, 1.0 + 1e-9]])
def test_any_multipliers_give_a_bound(multipliers):
    for seed in range(20):
        one, other = costs(seed)
        all_choices = every(*one.shape)
        with np.errstate(invalid="ignore"):
            least = np.nanmin(sums(one, all_choices) * sums(other, all_choices))
        assert product_bound(one, other, np.array(multipliers)) <= least * (1 + 1e-12)


def test_one_option_leaves_one_corner():
    one, other = np.array([[2.0, 3.0]]), np.array([[5.0, 7.0]])
    choices, multipliers = corners(one, other)
    assert choices.tolist() == [[0, 0]]
    assert not len(multipliers)
    assert product_bound(one, other, multipliers) == 60
