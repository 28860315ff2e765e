"""Faults: invalid rates are refused, and each array and run has errors of its own."""

import itertools

import numpy as np
import pytest

import bfimna as bf
from bfimna.ap.faults import Faults


def test_seeds_of_match_errors_do_not_collide():
    triples = itertools.product((0, 1, 2**40), (0, 1, 16, 2**20), (1, 2, 2**16))
    seeds = [Faults(seed=seed).match_seed(number, run) for seed, number, run in triples]
    assert len(set(seeds)) == len(seeds) == 36
    assert Faults(seed=3).match_seed(1, 2) == Faults(seed=3).match_seed(1, 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": -1}, "seed must be a whole number of at least 0, not -1"),
        ({"seed": 0.5}, "seed must be a whole number"),
        ({"match_error": float("nan")}, r"match_error must lie in \[0, 1\), not nan"),
        ({"stuck_at_0": "1"}, r"stuck_at_0 must lie in \[0, 1\), not '1'"),
        ({"stuck_at_1": 1.0}, r"stuck_at_1 must lie in"),
        ({"stuck_at_0": 0.6, "stuck_at_1": 0.5}, "together exceed 1"),
    ],
)
def test_invalid_faults_are_refused(options, message):
    with pytest.raises(bf.BfimnaError, match=message):
        Faults(**options)


@pytest.mark.parametrize(("zeros", "ones"), [(0.25, 0.0), (0.0, 0.25), (0.25, 0.5)])
def test_rates_of_stuck_cells(zeros, ones):
    stuck, value = Faults(zeros, ones, seed=1).draw((4, 500))
    cells = 4 * 500 * 64
    assert not (value & ~stuck).any()
    assert np.bitwise_count(value).sum() / cells == pytest.approx(ones, abs=0.01)
    assert np.bitwise_count(stuck & ~value).sum() / cells == pytest.approx(zeros, abs=0.01)
    assert (Faults(zeros, ones, seed=2).draw((4, 500))[0] != stuck).any()
