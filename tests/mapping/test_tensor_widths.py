"""Tensors with widths of their own: a residual stream, stored wider than its readers ask."""

import numpy as np
import pytest
from reproduction.studies.exactness import wrong_counts, wrong_tensors

import bfimna as bf
from bfimna.emulator.infer import infer
from bfimna.emulator.quantise import random_images, synthetic
from bfimna.mapping.lifetimes import live_bits
from bfimna.mapping.plan import plan
from bfimna.mapping.storage import storage
from bfimna.network.bits import Bits
from bfimna.network.graph import Builder, Layer, Network

from ..networks import everything, shrunk


def residual(size=6):
    """Two residual blocks: conv → (conv → relu → conv) + → relu → the same → fc."""
    b = Builder("residual", (3, size, size))
    x = b.relu(b.conv("stem", b.input, 4, 3, padding=1))
    for k in range(2):
        y = b.relu(b.conv(f"{k}.conv1", x, 4, 3, padding=1))
        x = b.relu(b.add(f"{k}.add", b.conv(f"{k}.conv2", y, 4, 3, padding=1), x))
    b.linear("fc", b.flatten(x), 3)
    return b.network()


def with_stream(network, bits, width, *names):
    layers = dict.fromkeys(network.matmul_names, bits)
    return bf.Precision.by_layer(network, layers, tensors=dict.fromkeys(names, width))


def words_of(network, precision):
    stored = storage(network).bits(Bits.from_precision(network, precision))
    return dict(zip(network.shapes, stored.tolist(), strict=True))


def test_what_a_stream_is_computed_from_is_as_wide_by_hand():
    net = residual()
    stored = words_of(net, with_stream(net, 4, 9, "1.add"))
    # the operands of the wide addition, and what those are computed from without a product
    wide = {"1.conv2", "1.add", "1.add.relu", "0.add", "0.add.relu", "0.conv2", "stem", "stem.relu"}
    assert {name for name, bits in stored.items() if bits == 9} == wide | set()
    assert stored["1.conv1"] == stored["input"] == 4
    narrow = words_of(net, bf.Precision.fixed(net, 4))
    assert set(narrow.values()) == {4, 4 + 4 + 8 - 1}  # all but the sums at the end


def test_a_chain_in_place_is_one_word():
    net = residual()
    for name in ("0.add", "0.add.relu"):
        stored = words_of(net, with_stream(net, 4, 8, name))
        assert stored["0.add"] == stored["0.add.relu"] == 8
    both = bf.Precision.by_layer(
        net, dict.fromkeys(net.matmul_names, 4), tensors={"0.add": 8, "0.add.relu": 7}
    )
    with pytest.raises(bf.BfimnaError, match=r"'0.add' and '0.add.relu' are one word"):
        words_of(net, both)


def test_widths_that_cannot_be_are_refused_with_the_tensor_s_name():
    net = residual()
    with pytest.raises(bf.BfimnaError, match=r"'0.add.relu' has 3 bits; what reads it takes 4"):
        words_of(net, with_stream(net, 4, 3, "0.add.relu"))
    with pytest.raises(bf.BfimnaError, match="'fc' is an output that keeps its sums in full"):
        words_of(net, with_stream(net, 4, 12, "fc"))
    with pytest.raises(bf.BfimnaError, match="'fc' is an output that keeps its sums in full"):
        words_of(net, with_stream(net, 4, 12, "0.add", "fc"))
    with pytest.raises(bf.BfimnaError, match="unknown tensor of residual 'addd'"):
        with_stream(net, 4, 8, "addd")
    with pytest.raises(bf.BfimnaError, match=r"bits of tensor '0\.add' must be"):
        with_stream(net, 4, 17, "0.add")
    with pytest.raises(bf.BfimnaError, match="tensor_bits of precision 'x' must be"):
        bf.Precision("x", net.matmul_names, (4,) * 6, (4,) * 6, 7)


@pytest.mark.parametrize(
    ("network", "names", "bits", "width"),
    [
        (residual(), ("0.add", "1.add"), 4, 16),
        (residual(), ("1.add",), 2, 5),
        (everything(), ("one", "unsigned"), 3, 7),
        (shrunk("resnet18", 32), ("layer1.0.add", "layer2.1.add"), 4, 8),
    ],
    ids=lambda value: value.name if isinstance(value, Network) else str(value),
)
def test_wide_streams_are_exact_on_the_emulator(network, names, bits, width):
    precision = with_stream(network, bits, width, *names)
    chip = bf.Chip(rows=64, clusters=2)
    own, images = synthetic(network, precision, seed=3), random_images(network, precision, 1)
    out, report = infer(network, own, images, precision, chip=chip, keep=True)
    assert wrong_tensors(network, own, images, precision, out, report, chip) == []
    assert wrong_counts(network, precision, report, chip, 1) == []


def test_a_wider_stream_costs_more_and_many_precisions_are_those_of_each():
    net = bf.zoo.resnet18()
    adds = [layer.name for layer in net.layers if layer.kind == "add"]
    many = [bf.Precision.fixed(net, 4), with_stream(net, 4, 16, *adds)]
    costs = [bf.simulate(net, p, "LR", "sram-14nm-lstp") for p in many]
    assert costs[1].latency_s > 1.02 * costs[0].latency_s
    assert costs[1].peak_live_bits > costs[0].peak_live_bits
    together = plan(net, bf.Chip.limited()).at(many)
    for k, one in enumerate(costs):
        np.testing.assert_array_equal(together.words.bits[k], one.schedule.words.bits)


def test_a_kept_tensor_is_live_all_the_time():
    def chain(lifetime):
        layers = (
            Layer("x", "input", channels=2, size=(1, 1)),
            Layer("a", "conv", ("x",), 3, lifetime=lifetime),
            Layer("b", "conv", ("a",), 5),
            Layer("c", "conv", ("b",), 7),
        )
        return live_bits(Network("n", layers), np.ones(4)).tolist()

    assert chain("inference") == [2, 5, 8, 12]
    assert chain("kept") == [5, 5, 8, 15]
    with pytest.raises(bf.BfimnaError, match="unknown lifetime of layer 'a' 'forever'"):
        chain("forever")


def test_tensors_have_any_rank_but_windows_need_images():
    deep = Layer("x", "input", channels=2, size=(3, 4, 5))
    relu = Layer("r", "relu", ("x",))
    assert Network("n", (deep, relu)).tensors["r"].shape == (2, 3, 4, 5)
    assert Network("n", (deep, relu)).tensors["r"].elements == 120
    flat = Layer("f", "flatten", ("r",))
    net = Network("n", (deep, relu, flat, Layer("fc", "linear", ("f",), 3)))
    assert bf.simulate(net, 4, "LR", "sram-14nm-lstp").latency_s > 0
    with pytest.raises(bf.BfimnaError, match=r"'c' \(conv\) takes a tensor of \(channels, height"):
        Network("n", (deep, Layer("c", "conv", ("x",), 3)))
