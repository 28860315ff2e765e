"""Live tensors of branching graphs, against a step-by-step simulation of what must be kept."""

import numpy as np
import pytest
from networks import diamond

import bfimna as bf
from bfimna.chip.memory import live_bits
from bfimna.network.graph import Layer, Network


def chain(*layers):
    return Network(
        "n", tuple(Layer(name, kind, tuple(i), c, size=s) for name, kind, i, c, s in layers)
    )


def test_chain_keeps_two_tensors():
    net = bf.zoo.vgg16()
    bits = live_bits(net, np.full(len(net.layers), 8)) // 8
    conv = 64 * 224 * 224
    assert bits.max() == 2 * conv  # between the first two convolutions; the ReLU is in place
    assert bits[-1] == 4096 + 1000


def test_residual_keeps_the_shortcut():
    net = bf.zoo.resnet18()
    at = [layer.name for layer in net.layers].index("layer1.0.conv2")
    assert live_bits(net, np.ones(len(net.layers)))[at] == 3 * 64 * 56 * 56


def test_bits_of_each_tensor_count():
    net = bf.zoo.alexnet()
    ones, stored = np.ones(len(net.layers)), np.full(len(net.layers), 4)
    np.testing.assert_array_equal(live_bits(net, stored), 4 * live_bits(net, ones))


def test_concatenation_and_views_take_no_memory():
    net = chain(
        ("x", "input", (), 2, (1, 1)),
        ("a", "conv", ("x",), 3, (1, 1)),
        ("b", "conv", ("x",), 5, (1, 1)),
        ("j", "concat", ("a", "b"), 0, (1, 1)),
        ("v", "view", ("j",), 4, (2, 1)),
        ("c", "conv", ("v",), 7, (1, 1)),
    )
    assert live_bits(net, np.ones(6)).tolist() == [2, 5, 10, 8, 8, 22]


def test_activation_of_a_shared_tensor_is_a_copy():
    net = chain(
        ("x", "input", (), 2, (1, 1)),
        ("a", "conv", ("x",), 3, (1, 1)),
        ("r", "relu", ("a",), 0, (1, 1)),
        ("s", "add", ("r", "a"), 0, (1, 1)),
    )
    assert live_bits(net, np.ones(4)).tolist() == [2, 5, 6, 9]


def brute_force(net):
    """Keep sets of owners of memory, walked forward and asked afresh at every step."""
    owners = {}
    for layer in net.layers:
        source = net[layer.inputs[0]] if layer.inputs else None
        free = layer.kind in ("concat", "view", "flatten")
        in_place = layer.kind == "relu" and source.kind in ("conv", "add", "mul", "linear")
        if free or (in_place and sum(source.name in x.inputs for x in net.layers) == 1):
            owners[layer.name] = set().union(*(owners[name] for name in layer.inputs))
        else:
            owners[layer.name] = {layer.name}
    steps = []
    for k, layer in enumerate(net.layers):
        live = set(owners[layer.name]).union(*(owners[name] for name in layer.inputs))
        made = set().union(*(owners[x.name] for x in net.layers[:k]))
        wanted = set().union(*(owners[i] for x in net.layers[k + 1 :] for i in x.inputs))
        steps.append(sum(int(np.prod(net.shapes[name])) for name in live | (made & wanted)))
    return steps


@pytest.mark.parametrize("net", [diamond(), bf.zoo.resnet50()], ids=lambda n: n.name)
def test_against_brute_force(net):
    assert live_bits(net, np.ones(len(net.layers))).tolist() == brute_force(net)


def test_report_has_the_peak():
    net = bf.zoo.resnet18()
    technology = bf.data.load_technology("sram-14nm-lstp")
    report = bf.simulate(net, bf.Precision.fixed(net, 4), bf.Chip.limited(), technology, batch=2)
    assert report.live_bits.max() == report.summary["peak_live_bits"]
    assert report.summary["peak_live_bits"] == 4 * (64 * 112**2 + 64 * 56**2)
