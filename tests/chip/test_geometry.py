"""The bits of each tensor, against the definition; and that it stays linear in the graph."""

import numpy as np
import pytest

from bfimna.chip.chip import Chip
from bfimna.chip.geometry import geometry, tensor_bits
from bfimna.network import zoo
from bfimna.network.graph import Layer, Network


def diamond():
    """Return branches that join in additions and concatenations, and a tensor that none reads."""
    layers = [Layer("x", "input", channels=4, size=(8, 8))]
    for name, kind, *inputs in (
        ("a", "conv", "x"), ("r", "relu", "a"), ("b", "conv", "r"), ("c", "conv", "r"),
        ("j", "concat", "b", "c", "r"), ("d", "conv", "j"), ("s", "add", "d", "b"),
        ("e", "conv", "s"), ("f", "conv", "x"), ("m", "mul", "e", "f"), ("end", "relu", "m"),
    ):  # fmt: skip
        layers.append(Layer(name, kind, tuple(inputs), 4 * (kind == "conv")))
    return Network("diamond", tuple(layers))


@pytest.mark.parametrize("network", [diamond(), zoo.resnet50(), zoo.vgg16()], ids=lambda n: n.name)
def test_tensor_bits_are_the_most_that_a_reader_wants(network):
    bits = np.random.default_rng(0).integers(1, 17, (3, len(network.gemms)))
    stored = tensor_bits(geometry(network, Chip.limited(), 1), bits)
    for k, layer in enumerate(network.layers):
        by = list(network.readers[layer.name]) or [network.makers[layer.name]]
        np.testing.assert_array_equal(stored[:, k], bits[:, by].max(axis=1), layer.name)


def test_long_residual_chain_takes_linear_memory():
    layers, last = [Layer("x", "input", channels=4, size=(2, 2))], "x"
    for k in range(5000):
        layers += [Layer(f"c{k}", "conv", (last,), 4), Layer(f"a{k}", "add", (last, f"c{k}"))]
        last = f"a{k}"
    g = geometry(Network("chain", tuple(layers)), Chip.limited(), 1)
    assert sum(len(by) for by in g.joins) <= len(layers)
