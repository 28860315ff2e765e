"""Costs of a choice against the simulator, at random widths per layer."""

import dataclasses

import numpy as np
import pytest

import bfimna as bf
from bfimna.search.costs import ApCosts, NetworkCosts, cost_of, of_quantity
from bfimna.search.sensitivity import hawq_sensitivity
from bfimna.search.space import SearchSpace

from ..close import close

PAPER = bf.Chip.paper()
CHIPS = {
    "LR": PAPER,
    "IR": dataclasses.replace(PAPER, name="IR", clusters=0),
    "streamed, overlapped": dataclasses.replace(
        PAPER, weights="streamed", overlap=True, multicast=False
    ),
}


@pytest.mark.parametrize("chip", CHIPS.values(), ids=CHIPS)
@pytest.mark.parametrize("technology", ["sram-14nm-lstp", "reram-14nm-lstp"])
@pytest.mark.parametrize("name", ["resnet18", "resnet50_v1"])
@pytest.mark.parametrize("stream", [False, True], ids=["by readers", "stream of 16 bits"])
def test_costs_of_a_choice_equal_the_simulator(name, technology, chip, stream):
    network, technology = bf.zoo.load(name), bf.data.load_technology(technology)
    own = bf.data.hawq_tensors(name) if stream else {}
    space = SearchSpace(network, hawq_sensitivity(network), (2, 3, 5, 8), own)
    on_ap = ApCosts(space, chip, technology)
    everything = np.isfinite(space.graph.omega)
    assert not on_ap.spread(everything).any()
    costs = {**NetworkCosts(space).of_any_widths, **on_ap.vectors(everything)}
    random = np.random.default_rng(1)
    for _ in range(3):
        allowed = np.isfinite(space.graph.omega)
        choice = np.array([random.choice(np.flatnonzero(row)) for row in allowed])
        precision = space.precision(choice, "drawn")
        report = bf.simulate(network, precision, chip, technology)
        for quantity in ("latency_s", "energy_j", "edp_js"):
            predicted = cost_of(space.graph, costs, choice, quantity)
            assert predicted == close(getattr(report, quantity), rel=1e-12)
            assert of_quantity(on_ap.exactly(choice), quantity) == close(predicted, rel=1e-12)
        assert cost_of(space.graph, costs, choice, "bops") == precision.bops(network)
        assert cost_of(space.graph, costs, choice, "size_bits") == precision.size_bits(network)
