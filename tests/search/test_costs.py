"""The integer program's costs against the simulator, layer widths drawn at random."""

import dataclasses

import numpy as np
import pytest

import bfimna as bf
from bfimna.search.costs import ap_costs, model_costs, value
from bfimna.search.sensitivity import hawq_sensitivity
from bfimna.search.space import Space

from ..close import close

CHIPS = {
    "LR": bf.Chip.limited(),
    "IR": bf.Chip.unlimited(),
    "streamed, overlapped": dataclasses.replace(
        bf.Chip.limited(), weights="streamed", overlap=True, multicast=False
    ),
}


@pytest.mark.parametrize("chip", CHIPS.values(), ids=CHIPS)
@pytest.mark.parametrize("technology", ["sram-14nm-lstp", "reram-14nm-lstp"])
@pytest.mark.parametrize("name", ["resnet18", "resnet50_v1"])
def test_predicted_is_simulated(name, technology, chip):
    network, technology = bf.zoo.load(name), bf.data.load_technology(technology)
    space = Space(network, hawq_sensitivity(network), (2, 3, 5, 8))
    costs = model_costs(space) | ap_costs(space, chip, technology)
    random = np.random.default_rng(1)
    for _ in range(3):
        allowed = np.isfinite(space.program.omega)
        choice = np.array([random.choice(np.flatnonzero(row)) for row in allowed])
        precision = space.precision(choice, "drawn")
        report = bf.simulate(network, precision, chip, technology)
        for quantity in ("latency_s", "energy_j", "edp_js"):
            predicted = value(space, costs, choice, quantity)
            assert predicted == close(getattr(report, quantity), rel=1e-12)
        assert value(space, costs, choice, "bops") == precision.bops(network)
        assert value(space, costs, choice, "size_bits") == precision.size_bits(network)
