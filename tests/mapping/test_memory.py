"""Live tensors of branching graphs, against a step-by-step simulation of what must be kept."""

from dataclasses import replace

import numpy as np
import pytest

import bfimna as bf
from bfimna.mapping.lifetimes import live_bits
from bfimna.network.graph import Builder, Layer, Network

from ..close import close
from ..networks import diamond


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


def four_convolutions():
    """1 × 1 convolutions 4 → 4 → 16 → 4 → 4 on 2 × 2 pixels: 16, 64, 64 and 16 weights."""
    b = Builder("four", (4, 2, 2))
    x = b.input
    for k, channels in enumerate((4, 16, 4, 4)):
        x = b.conv(f"conv{k}", x, channels, 1)
    return b.network()


ONE_ARRAY = bf.Chip(name="one", clusters=1, caps_per_cluster=1, rows=30, activations="resident")
SRAM = bf.data.load_technology("sram-14nm-lstp")


def test_auto_keeps_what_fits_beside_the_live_activations_by_hand():
    """One CAP, one MAP of 30 × 72 = 2160 bits; 8 bits.

    conv1's input (16 words of 8 bits and a sign) and result (64) are live at once, 720 bits; 1440
    are left. conv0's 128 bits stay (1312 left), conv1's 512 (800), conv2's 512 (288), conv3's 128.
    A batch of 2 leaves 720: 128, 512 and 80 of conv2's 512 stay. Of 3, nothing is left.
    """
    net = four_convolutions()
    streamed = {1: [0, 0, 0, 0], 2: [0, 0, 432, 128], 3: [128, 512, 512, 128]}
    said = {1: "", 2: "560 bit of 1.28 kbit of weights do not", 3: "1.28 kbit of 1.28 kbit of"}
    for batch, expected in streamed.items():
        report = bf.simulate(net, 8, ONE_ARRAY, SRAM, batch)
        assert report.peak_live_bits == 720
        assert report.schedule.traffic.dram_bits.tolist() == expected
        assert "".join(report.notes).startswith(said[batch])
        assert len(report.notes) == bool(said[batch])
    # 3 MAPs of 360 bits leave 360: 128 and 232 of the second layer's
    report = bf.simulate(net, 8, replace(ONE_ARRAY, rows=5, maps_per_cluster=3), SRAM)
    assert report.schedule.traffic.dram_bits.tolist() == [0, 280, 512, 128]


def test_auto_lies_between_resident_and_streamed_and_is_vectorised():
    net, lr = bf.zoo.resnet18(), bf.Chip.paper()
    chips = {w: replace(lr, weights=w) for w in ("resident", "auto", "streamed")}
    energies = [bf.simulate(net, 8, chip, SRAM).energy_j for chip in chips.values()]
    assert energies == sorted(set(energies))
    table = bf.sweep(net, [1, 2, 5, 8], chips["auto"], SRAM)
    for bits, row in zip((1, 2, 5, 8), table.itertuples(), strict=True):
        one = bf.simulate(net, bits, chips["auto"], SRAM)
        assert (row.energy_j, row.latency_s) == close((one.energy_j, one.latency_s))
        left = one.weights_bits - one.schedule.traffic.dram_bits.sum()
        assert left + one.peak_live_bits <= lr.map_bits
    everything = replace(lr, maps_per_cluster=64)
    fits, same = (
        bf.simulate(net, 8, replace(everything, weights=w), SRAM) for w in ("auto", "resident")
    )
    assert (fits.edp_js, fits.notes) == (same.edp_js, ())
    none = bf.simulate(net, 8, replace(chips["auto"], maps_per_cluster=0), SRAM)
    assert none.schedule.traffic.dram_bits.sum() == none.weights_bits
    # intervals know of what is streamed too
    low, _, high = bf.simulate(net, 8, chips["auto"], SRAM).interval("energy_j", 500)
    assert low < energies[1] < high
