"""Products of two activations: exact on the emulator, counted as the plan prices them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reproduction.studies import oracle

from bfimna import BfimnaError, Chip, Mapping, Precision
from bfimna.emulator.infer import infer
from bfimna.emulator.integer import LayerParameters
from bfimna.emulator.quantise import random_images, synthetic
from bfimna.mapping.plan import plan
from bfimna.mapping.storage import storage
from bfimna.mapping.tiles import best_tile, candidates, moved
from bfimna.network.bits import Bits
from bfimna.network.graph import Builder, Layer, Network
from bfimna.operators.constants import Constants

from ..emulated import check_counts, compare
from ..networks import SMALL


def product(left, right, *, signed=(True, True), after=()):
    """Return a network of one product: tensors of these shapes, each of a convolution."""
    layers, names = [], []
    for side, shape, may_be_negative in zip(("left", "right"), (left, right), signed, strict=True):
        layers.append(Layer(f"{side}.input", "input", channels=3, size=shape[1:]))
        layers.append(Layer(side, "conv", (f"{side}.input",), shape[0]))
        if not may_be_negative:
            layers.append(Layer(f"{side}.relu", "relu", (side,)))
        names.append(layers[-1].name)
    layers.append(Layer("product", "matmul", tuple(names)))
    for kind in after:
        layers.append(Layer(f"then.{kind}", kind, (layers[-1].name,)))
    return Network("product", tuple(layers))


def transposed(shape, axes):
    """Return a view's index that transposes a tensor."""
    return Constants(index=np.arange(np.prod(shape)).reshape(shape).transpose(axes).ravel())


def attention(dim=8, heads=2, kv_heads=1, tokens=6):
    """Return a block of self-attention, and the addresses of its views."""
    b, d = Builder("attention", (dim, 1, tokens)), dim // heads
    b.append(Layer("norm", "layernorm", (b.input,)))
    b.append(Layer("gamma", "scale", ("norm",)))
    b.append(Layer("beta", "bias", ("gamma",)))
    index = {}
    for name, count in (("q", heads), ("k", kv_heads), ("v", kv_heads)):
        b.conv(name, "beta", count * d, 1)
        size, axes = ((count, tokens), (1, 0, 2)) if name != "v" else ((count, d), (2, 0, 1))
        channels = tokens if name == "v" else d
        b.append(Layer(f"{name}.heads", "view", (name,), channels, size=size))
        index[f"{name}.heads"] = transposed((count, d, tokens), axes)
    b.append(Layer("scores", "matmul", ("k.heads", "q.heads")))
    b.append(Layer("softmax", "softmax", ("scores",)))
    b.append(Layer("values", "matmul", ("v.heads", "softmax")))
    b.append(Layer("joined", "view", ("values",), dim, size=(1, tokens)))
    index["joined"] = transposed((d, heads, tokens), (1, 0, 2))
    b.add("residual", b.conv("out", "joined", dim, 1), b.input)
    b.append(Layer("last", "rmsnorm", ("residual",)))
    return b.network(), index


@settings(deadline=None, max_examples=30)
@given(
    st.integers(1, 40), st.integers(1, 3), st.integers(1, 3), st.integers(1, 9), st.integers(1, 9),
    st.integers(2, 16), st.integers(2, 16), st.booleans(), st.booleans(),
    st.sampled_from([Chip.limited(), SMALL]), st.sampled_from(["1d", "2d", "2d-segmented"]),
    st.sampled_from([1, 3]), st.sampled_from([(), ("relu",), ("softmax",), ("scale",)]),
)  # fmt: skip
def test_any_shape_at_any_width(
    k, groups, shared, m, n, left, right, signed_left, signed_right, chip, kind, images, after
):
    """On 40 rows dot products are split, and several share an array."""
    if kind == "1d" and after == ("softmax",):
        after = ()
    shapes = (k, groups, m), (k, groups * shared, n)
    network = product(*shapes, signed=(signed_left, signed_right), after=after)
    bits = {"left": 8, "right": 8, "product": (left, right)}
    precision, chip = Precision.by_layer(network, bits), replace(chip, ap_kind=kind)
    parameters = synthetic(network, precision)
    x = random_images(network, precision, images)
    output, report = infer(network, parameters, x, precision, chip=chip, keep=True)
    expected = oracle.infer(network, parameters, x, precision, chip.columns)
    for name, tensor in report.tensors.items():
        np.testing.assert_array_equal(tensor, expected[name], err_msg=name)
    last = expected[network.layers[-1].name]
    np.testing.assert_array_equal(output.reshape(last.shape), last)
    check_counts(network, precision, report, chip, images)


@pytest.mark.parametrize("mapping", [Mapping.paper("three-pass"), Mapping.fused()])
@pytest.mark.parametrize(("bits", "kv_heads"), [(2, 1), (4, 2), (8, 1), (12, 2), (16, 1)])
def test_a_block_of_attention(bits, kv_heads, mapping):
    network, index = attention(heads=4, kv_heads=kv_heads)
    precision = Precision.fixed(network, bits)
    parameters = {**synthetic(network, precision), **index}
    x = random_images(network, precision, 3)
    _, report = infer(network, parameters, x, precision, keep=True, mapping=mapping)
    expected = oracle.infer(network, parameters, x, precision)
    for name, tensor in report.tensors.items():
        np.testing.assert_array_equal(tensor, expected[name], err_msg=name)
    if mapping.name != "fused":
        schedule = plan(network, Chip.limited(), mapping, 3).at(precision)
        for phase, work in schedule.phases.items():
            for k, cycles in zip(work.layers, work.counts.cycles, strict=True):
                name = network.layers[k].name
                if (name, phase) in report.activity:
                    assert report.activity[name, phase].counts.cycles == cycles, (name, phase)


def test_bounds_of_the_sum_are_met():
    """Every operand at its least: the largest sum, with its largest bias, is exact."""
    network = product((7, 1, 2), (7, 2, 3))
    precision = Precision.fixed(network, 4)
    parameters = synthetic(network, precision)
    for name in ("left", "right"):
        own = parameters[name]
        zeros, least = np.zeros_like(own.weights), np.full_like(own.bias, -500)
        parameters[name] = LayerParameters(zeros, least, np.full_like(own.multiplier, 31), 3)
    limit = 2 ** (4 + 4 + 3 - 1) - 1
    top = replace(parameters["product"], bias=np.full(2, limit - 7 * 64))
    parameters["product"] = top
    x = random_images(network, precision, 1)
    output, _ = infer(network, parameters, x, precision)
    assert (output == limit).all()
    parameters["product"] = replace(top, bias=top.bias + 1)
    with pytest.raises(BfimnaError, match=r"'product'.*sum with bias must be from -1024 to 1023"):
        infer(network, parameters, x, precision)


def test_the_values_are_those_of_floats():
    network, index = attention(dim=64, heads=2, kv_heads=2, tokens=20)
    precision = Precision.fixed(network, 12)
    parameters = {**synthetic(network, precision), **index}
    x = random_images(network, precision, 1)
    _, report = infer(network, parameters, x, precision, keep=True)
    p, v, result = (report.tensors[n][0] / 2.0**12 for n in ("softmax", "v.heads", "values"))
    exact = np.einsum("khd,khq->dhq", v, p)
    inside = np.abs(result) < 0.99  # others are clamped
    assert inside.mean() > 0.5
    assert np.corrcoef(exact[inside], result[inside])[0, 1] > 0.9999


def test_each_tensor_is_as_wide_as_its_most_demanding_reader():
    """A cache of 4 bits beside queries of 8; a tensor that both sides read takes the most."""
    network, _ = attention()
    widths = {"scores": (4, 8), "values": (4, 6)}
    bits = Bits.from_precision(network, Precision.by_layer(network, widths, default=8))
    stored = dict(zip(network.shapes, storage(network).bits(bits).tolist(), strict=True))
    own = [stored[name] for name in ("k", "v", "q", "softmax", "scores")]
    assert own == [4, 4, 8, 6, 6]
    layers = [Layer("x", "input", channels=4, size=(3, 5)), Layer("y", "matmul", ("x", "x"))]
    square = Network("square", tuple(layers))
    precision = Precision.fixed(square, weights=8, activations=3)
    assert storage(square).bits(Bits.from_precision(square, precision))[0] == 8
    assert square.shapes["y"] == (5, 3, 5)
    report = compare(square, precision)
    check_counts(square, precision, report, Chip.limited(), 2)
    own = Precision.by_layer(network, widths, default=8, tensors={"q": 3})
    with pytest.raises(BfimnaError, match="tensor 'q' has 3 bits; what reads it takes 8"):
        plan(network, Chip.limited()).at(own)


def test_images_share_weights_but_no_activations():
    network = product((64, 2, 50), (64, 4, 30))
    weighted, both = network.matmuls[0], network.matmuls[2]
    assert both.weights == 0
    assert both.macs == 64 * 4 * 50 * 30
    assert (both.groups, both.m, both.n, both.k) == (2, 50, 60, 64)
    channels, positions = candidates(both, 8, 4000)
    assert positions.max() == 60
    assert (moved(both, 8, channels, positions)[0] >= 8 * 2 * 50 * 64).all()
    assert best_tile(both, 8, 4000, 8, 8) == (50, 60)
    assert candidates(weighted, 8, 4000)[1].max() > weighted.n


def test_the_product_that_the_model_document_computes_by_hand():
    shapes = (64, 3, 197), (64, 3, 197)
    schedule = plan(product(*shapes), Chip.limited()).at(Precision.fixed(product(*shapes), 8))
    cycles = {phase: work.counts.cycles[-1] for phase, work in schedule.phases.items()}
    assert (cycles["load"], cycles["multiply"], schedule.folds[-1]) == (18, 8 * 8 * 9 + 2, 1)


def test_what_does_not_match_is_refused_by_name():
    with pytest.raises(BfimnaError, match=r"'product' .*not \(8, 2, 5\) and \(9, 2, 5\)"):
        product((8, 2, 5), (9, 2, 5))
    with pytest.raises(BfimnaError, match=r"'product': 4 groups of \(8, 4, 5\) cannot be split"):
        product((8, 3, 5), (8, 4, 5))
    with pytest.raises(BfimnaError, match=r"'x' \(matmul\) takes 2 inputs, not 1"):
        Network("n", (Layer("i", "input", channels=2), Layer("x", "matmul", ("i",))))
    network, _ = attention()
    for mapping in (Mapping.accumulating(2), Mapping.stationary()):
        with pytest.raises(BfimnaError, match=r"'scores': mapping .* with weights only"):
            plan(network, Chip.limited(), mapping)
    weighted = {name: Mapping.accumulating(2) for name in ("q", "k", "v", "out")}
    plan(network, Chip.limited(), Mapping.by_layer(Mapping.paper(), weighted))
    booth = replace(Chip.limited(), latch="booth")
    with pytest.raises(BfimnaError, match=r"'scores': mapping 'carry-save' .* with weights only"):
        plan(network, booth, Mapping.carry_save())


def test_a_softmax_too_long_is_refused_by_name():
    network = product((4, 1, 2**12), (4, 1, 1), after=("softmax",))
    with pytest.raises(BfimnaError, match=r"'then.softmax' needs .* columns in phase elementwise"):
        plan(network, Chip(name="narrow", columns=38)).at(Precision.fixed(network, 8))


def test_wrong_constants_are_refused_by_name():
    network = product((4, 1, 2), (4, 1, 3), after=("relu", "softmax"))
    precision = Precision.fixed(network, 4)
    parameters = synthetic(network, precision)
    own = parameters["product"]
    x = random_images(network, precision, 1)
    weights = LayerParameters(np.ones((2, 4, 1, 1), int), own.bias, own.multiplier, own.shift)
    with pytest.raises(BfimnaError, match=r"'product'.* weights of shape \(2, 4, 1, 1\), want"):
        infer(network, {**parameters, "product": weights}, x, precision)


def test_the_search_refuses_such_a_network():
    from bfimna.search.sensitivity import Sensitivity
    from bfimna.search.space import SearchSpace

    network, _ = attention()
    error = {name: {4: 8.0} for name in network.matmul_names}
    sensitivity = Sensitivity(dict.fromkeys(error, 0.5), error)
    with pytest.raises(BfimnaError, match="layer 'scores' of 'attention' multiplies two"):
        SearchSpace(network, sensitivity, (4, 8))
