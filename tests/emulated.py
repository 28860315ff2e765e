"""Runs on the emulator, checked against the NumPy reference and the plan's counts."""

import numpy as np
from reproduction.studies import oracle
from reproduction.studies.exactness import wrong_counts

from bfimna import Chip
from bfimna.emulator.infer import infer
from bfimna.emulator.quantise import random_images, synthetic
from bfimna.operators.constants import Constants


def compare(network, precision, images=2, seed=0, **options):
    """Run random parameters and images, and check every tensor; return the report of the run."""
    parameters = drawn(network, precision, seed)
    x = random_images(network, precision, images, seed)
    output, report = infer(network, parameters, x, precision, keep=True, **options)
    chip = options.get("chip", Chip.limited())
    expected = oracle.infer(network, parameters, x, precision, chip.columns)
    for name, tensor in report.tensors.items():
        np.testing.assert_array_equal(tensor, expected[name], err_msg=name)
    last = expected[network.layers[-1].name]
    np.testing.assert_array_equal(output, last.reshape(output.shape))
    assert np.unique(last).size > 1  # the network has not died on the way
    return report


def drawn(network, precision, seed=0):
    """Return random parameters of every layer; a view that changes sizes repeats and leaves out."""
    parameters, random = synthetic(network, precision, seed), np.random.default_rng(seed)
    for layer in network.layers:
        if layer.kind == "view":
            size, own = (np.prod(network.shapes[n]) for n in (layer.inputs[0], layer.name))
            if size != own:
                parameters[layer.name] = Constants(index=random.integers(-1, size, own))
    return parameters


def check_counts(network, precision, report, chip, images):
    """Cycles and events of every layer and phase are the plan's; cells follow the data."""
    assert not wrong_counts(network, precision, report, chip, images)
