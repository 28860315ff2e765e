"""A seeded part of the campaign of odd calls, and what it once met."""

import numpy as np
import pytest

import bfimna as bf

from . import fuzz_calls


def test_odd_calls_are_answered_or_refused():
    tally = fuzz_calls.campaign(800, seed=0)
    assert min(tally["answered"], tally["refused"]) > 50, tally


@pytest.mark.parametrize("name", fuzz_calls.CALLS)
def test_the_arguments_before_damage_are_answered(name):
    function, arguments = fuzz_calls.CALLS[name]
    function(**arguments)


def test_what_the_campaign_has_met():
    net = fuzz_calls.NET
    with pytest.raises(bf.BfimnaError, match=r"bits of a plan must be a Precision.* not \[\]"):
        fuzz_calls.PLAN.at([])
    with pytest.raises(bf.BfimnaError, match=r"mapping must be a Mapping or a name, not \[\] \(list\)"):
        bf.simulate(net, 8, "LR", fuzz_calls.TECH, mapping=[])
    with pytest.raises(bf.BfimnaError, match=r"tensor_bits .* must be a mapping of layers to bits"):
        bf.Precision.by_layer(net, {}, default=4, tensors=2.5)
    with pytest.raises(bf.BfimnaError, match=r"grid: rows must be a list of values"):
        bf.search.search_chips(net, fuzz_calls.TECH, 8, {"rows": np.array(3)})
