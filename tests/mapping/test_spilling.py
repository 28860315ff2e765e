"""Tensors that exceed the MAPs go to DRAM and come back: by hand, step by step, and priced."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bfimna as bf
from bfimna.mapping.lifetimes import lifetimes
from bfimna.network.graph import Builder, Layer, Network

from .. import networks
from ..close import close
from ..emulated import check_counts, compare

SRAM = bf.data.load_technology("sram-14nm-lstp")
SPILLED = bf.Chip(
    name="small", clusters=2, caps_per_cluster=3, rows=40, weights="auto", activations="spilled",
    clears="own cycle",
)  # fmt: skip


def by_layer(network, bits, chip, batch=1):
    """Bits to and from DRAM by layer of the network, as the traffic has them."""
    schedule = bf.plan(network, chip, batch=batch).at(bf.Precision.fixed(network, bits))
    moved = dict.fromkeys(network.shapes, 0.0)
    names = list(moved)
    for k, dram in zip(schedule.traffic.layers, schedule.traffic.dram_bits, strict=True):
        moved[names[k]] += float(dram)
    return {name: dram for name, dram in moved.items() if dram}, schedule


def test_a_shortcut_by_hand():
    """x → a → b, s = a + b: 1 × 1 convolutions of 4 channels on 10 × 10, all words of 4 bits.

    400 elements each: x 1600 bits, a and b (signed) 2000 each, s an output of words of 4 bits and
    a sign, 2000. A MAP of 3000 bits: x takes 1600, a 1400 (600 spill). When b is made x is gone: b
    takes 1600 (400 spill). s is made beside a and b, and finds no room: it spills, as it would
    leave in any case. Weights, 64 bits a layer, find no room where tensors take most.
    """
    b = Builder("shortcut", (4, 10, 10))
    a = b.conv("a", b.input, 4, 1)
    b.add("s", b.conv("b", a, 4, 1), a)
    chip = bf.Chip(name="s", clusters=1, caps_per_cluster=1, rows=50, columns=60, weights="auto",
                   activations="spilled")  # fmt: skip
    moved, schedule = by_layer(b.network(), 4, chip)
    assert chip.map_bits == 3000
    assert schedule.residency.spilled.tolist() == [0, 600, 400, 2000]
    assert moved == {
        "a": 1600 + 600 + 64,  # the image comes in, what does not fit goes out
        "b": 600 + 400 + 64,
        "s": 600 + 400 + 2000,
    }
    resident, _ = by_layer(b.network(), 4, replace(chip, activations="resident"))
    assert resident == {"a": 64, "b": 64}
    assert (
        by_layer(b.network(), 4, replace(chip, activations="resident", weights="resident"))[0] == {}
    )
    held, schedule = by_layer(b.network(), 4, replace(chip, rows=200))
    assert not schedule.residency.spilled.any()
    assert held == {"a": 1600, "s": 2000}


def test_a_layer_reads_as_much_as_its_view_has():
    """c reads a through a view of a quarter, d reads the whole; e reads b and c joined."""
    layers = (
        Layer("x", "input", channels=4, size=(4, 4)),
        Layer("a", "conv", ("x",), 4),
        Layer("v", "view", ("a",), 1, size=(4, 4)),
        Layer("c", "conv", ("v",), 2),
        Layer("d", "conv", ("a",), 2),
        Layer("j", "concat", ("c", "d")),
        Layer("e", "conv", ("j",), 3),
        Layer("f", "flatten", ("e",)),
    )
    network = Network("views", layers)
    lives, at = lifetimes(network), {layer.name: k for k, layer in enumerate(layers)}
    moved = {}
    for n, name in enumerate("xacde"):
        bits = np.zeros(len(layers))
        lives.written.add_to(bits, np.eye(5)[n] * 16)
        lives.read.add_to(bits, np.eye(5)[n] * 16)
        moved[name] = {layer: bits[k] for layer, k in at.items() if bits[k]}
    assert moved == {
        "x": {"a": 16},
        "a": {"a": 16, "c": 4, "d": 16},
        "c": {"c": 16, "e": 16},
        "d": {"d": 16, "e": 16},
        "e": {"e": 16},
    }
    held = np.zeros(len(layers))
    lives.brought.add_to(held, np.ones(5))
    lives.returned.add_to(held, np.ones(5))
    assert {layer: held[k] for layer, k in at.items() if held[k]} == {"a": 1, "e": 1}


def stepwise(network, sizes, room):
    """Walk the layers and keep what lies in the MAPs: return the spilled bits of each tensor."""
    lives, tensors = lifetimes(network), [x.name for x in network.layers]
    names = [tensors[k] for k in lives.layers]
    size, lies = dict(zip(names, sizes, strict=True)), {}
    last = dict(zip(names, lives.last, strict=True))
    kept = [n for n in names if network.tensors[n].lifetime == "kept"]
    spilled = {}
    for k, layer in enumerate(network.layers):
        lies = {name: bits for name, bits in lies.items() if last[name] >= k}
        for name in [*(kept if not k else []), layer.name]:
            if name in size and name not in spilled:
                lies[name] = min(size[name], room - sum(lies.values()))
                spilled[name] = size[name] - lies[name]
        assert sum(lies.values()) <= room
    return [spilled[name] for name in names]


NETWORKS = [networks.everything(), networks.zoo_of_kinds(), networks.diamond()]


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(NETWORKS), st.integers(1, 8), st.integers(1, 9), st.integers(0, 4),
    st.integers(1, 60), st.integers(1, 3),
)  # fmt: skip
def test_spilled_bits_of_any_network_chip_and_batch(network, bits, batch, maps, rows, clusters):
    chip = replace(SPILLED, maps_per_cluster=maps, rows=rows, clusters=clusters)
    schedule = bf.plan(network, chip, batch=batch).at(bf.Precision.fixed(network, bits))
    lives, lies = lifetimes(network), schedule.residency
    sizes = batch * lives.elements * schedule.words.read_bits[lives.layers]
    assert (lies.spilled >= 0).all()
    assert lies.spilled.tolist() == stepwise(network, sizes.tolist(), chip.map_bits)
    most = lives.live(sizes).max()
    assert lies.spilled.any() == (most > chip.map_bits)
    weights = np.array([product.weights for product in network.matmuls]) * bits
    room = max(chip.map_bits - most, 0)
    assert lies.streamed.sum() == max(weights.sum() - room, 0)
    assert ((lies.streamed >= 0) & (lies.streamed <= weights)).all()
    assert schedule.traffic.dram_bits.sum() == lies.dram_bits.sum()
    # several precisions at once are what each is alone
    both = bf.plan(network, chip, batch=batch).at(
        [bf.Precision.fixed(network, b) for b in (bits, 3)]
    )
    assert (both.residency.spilled[0] == lies.spilled).all()
    assert (both.traffic.dram_bits[0] == schedule.traffic.dram_bits).all()


@pytest.mark.parametrize("make", [networks.everything, networks.zoo_of_kinds])
def test_what_lies_in_dram_changes_no_count_of_the_emulator(make):
    network = make()
    precision = bf.Precision.fixed(network, 3)
    report = compare(network, precision, images=2, chip=SPILLED)
    check_counts(network, precision, report, SPILLED, 2)


def with_dram_energy(factor):
    links = SRAM.interconnect
    return replace(SRAM, interconnect=replace(links, dram_j_per_bit=factor * links.dram_j_per_bit))


@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("name", ["vgg16", "resnet18", "alexnet"])
def test_doubled_dram_energy_costs_what_is_spilled_streamed_and_brought(name, batch):
    chip = replace(bf.Chip.limited(), weights="auto", activations="spilled")
    network = bf.zoo.load(name)
    once, twice = (
        bf.simulate(name, 8, chip, with_dram_energy(f), batch).energy_j * batch for f in (1, 2)
    )
    lies = bf.plan(network, chip, batch=batch).at(bf.Precision.fixed(network, 8)).residency
    lives = lifetimes(network)
    readers = {name: len(network.consumers[name]) for name in network.shapes}
    names = [network.layers[k].name for k in lives.layers]
    image, classes = 8 * 3 * 224**2 * batch, int(lies.spilled[-1])
    logits = batch * network.tensors[names[-1]].elements * _logit_bits(network)
    spilled = dict(zip(names, lies.spilled, strict=True))
    assert spilled[names[0]] == classes == 0
    moved = lies.streamed.sum() + image + logits
    for inner, bits in spilled.items():
        end = inner
        while len(network.consumers[end]) == 1 and network[network.consumers[end][0]].kind in (
            "relu", "flatten",
        ):  # fmt: skip
            end = network.consumers[end][0]
        moved += bits * (1 + readers[end])
    assert (name == "vgg16" or batch > 1) == any(spilled.values()) or name == "alexnet"
    price = SRAM.interconnect.dram_j_per_bit
    assert twice - once == close(moved * price, rel=1e-9)


def _logit_bits(network):
    """The last layer's sums are kept in full: 8 + 8 + ⌈log2 k⌉ columns."""
    return 16 + int(np.ceil(np.log2(network.matmuls[-1].k)))
