"""How each tensor is stored, against the definition; and that it stays linear in the graph."""

import numpy as np
import pytest

from bfimna import BfimnaError
from bfimna.mapping.storage import storage
from bfimna.network import zoo
from bfimna.network.bits import Bits
from bfimna.network.graph import Builder, Layer, Network

from ..networks import diamond


@pytest.mark.parametrize("network", [diamond(), zoo.resnet50(), zoo.vgg16()], ids=lambda n: n.name)
def test_tensor_bits_are_the_most_that_a_reader_wants(network):
    bits = np.random.default_rng(0).integers(1, 17, (3, len(network.matmuls)))
    stored = storage(network).bits(Bits(bits, bits))
    for k, layer in enumerate(network.layers):
        by = list(network.readers[layer.name])
        if by:
            np.testing.assert_array_equal(stored[:, k], bits[:, by].max(axis=1), layer.name)


def test_a_source_names_the_weighted_layers_that_set_it():
    network = diamond()
    stored, n = storage(network), len(network.matmuls)
    for k, layer in enumerate(network.layers):
        by = network.readers[layer.name]
        if by:
            assert stored.readers(stored.source[k]) == tuple(sorted(by)), layer.name
    for k in range(n):  # a full sum's width is its own layer's
        assert stored.readers(n + k) == (k,)


def test_outputs_have_the_sum_s_bits_or_the_last_weighted_layer_s():
    network = diamond()  # e, f → m → end: a product wants words of stated width
    w, a = np.random.default_rng(0).integers(1, 17, (2, len(network.matmuls)))
    stored = dict(zip(network.shapes, storage(network).bits(Bits(w, a)).tolist(), strict=True))
    last = a[network.matmul_names.index("f")]
    assert [stored[name] for name in ("e", "f", "m", "end")] == [last] * 4
    net = zoo.vgg16()  # the last sum, of 4096 products
    assert storage(net).bits(Bits(np.full(16, 3), np.full(16, 5)))[-1] == 3 + 5 + 12 - 1


def test_a_full_sum_passes_through_relu_and_views_and_is_scaled_for_pooling():
    for pooled in (False, True):
        b = Builder("tail", (4, 6, 6))
        x = b.relu(b.conv("c", b.input, 2, 3))
        b.flatten(b.pool("p", x, 4, 4, kind="avgpool") if pooled else x)
        stored = storage(b.network())
        words = stored.words(Bits(np.array([3]), np.array([5])))
        out = 5 if pooled else 3 + 5 + 6 - 1  # less the sign
        assert (
            words.bits.tolist() == words.read_bits.tolist() == [5, *[out] * (len(words.bits) - 1)]
        )
        assert stored.keeps_sum.tolist() == [not pooled]


def test_sign_columns_and_words_that_stay():
    layers = [Layer("x", "input", channels=4, size=(4, 4))]
    for name, kind, *inputs in (
        ("a", "conv", "x"), ("r", "relu", "a"), ("r2", "relu", "r"), ("s", "bias", "r2"),
        ("p", "maxpool", "s"), ("q", "relu", "p"), ("h", "hardsigmoid", "q"), ("l", "lookup", "h"),
        ("g", "mul", "h", "l"), ("c", "clip", "g"), ("e", "conv", "c"),
    ):  # fmt: skip
        layers.append(Layer(name, kind, tuple(inputs), 4 * (kind == "conv")))
    network = Network("n", tuple(layers))
    stored, names = storage(network), list(network.shapes)
    bits = np.array([6, 7])
    words = stored.words(Bits(bits, bits))
    assert {n for n, s in zip(names, stored.signed, strict=True) if s} == set("asplgce")
    assert {n for n, p in zip(names, stored.in_place, strict=True) if p} == {
        "r",
        "r2",
        "s",
        "h",
        "c",
    }
    kept = dict(zip(names, words.read_bits.tolist(), strict=True))
    assert kept["x"] == 6
    assert kept["a"] == kept["r"] == kept["r2"] == kept["s"] == 8  # read once, as the bias left it
    assert (kept["p"], kept["q"], kept["h"], kept["l"], kept["g"]) == (8, 7, 7, 8, 8)
    assert kept["e"] == 7 + 7 + 2


def test_nothing_gives_a_width_to_a_network_without_weighted_layers():
    net = Network("n", (Layer("x", "input", channels=1), Layer("r", "relu", ("x",))))
    with pytest.raises(BfimnaError, match="'n' has no convolution or linear layer"):
        storage(net)


def test_long_residual_chain_takes_linear_memory():
    layers, last = [Layer("x", "input", channels=4, size=(2, 2))], "x"
    for k in range(5000):
        layers += [Layer(f"c{k}", "conv", (last,), 4), Layer(f"a{k}", "add", (last, f"c{k}"))]
        last = f"a{k}"
    network = Network("chain", tuple(layers))
    assert sum(len(by) for by in storage(network).joins) <= len(layers)
    assert len(network.readers["x"]) == 5000
