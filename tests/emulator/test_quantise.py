"""Quantisation: exact scales, parameters within their widths, errors for all others."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bfimna import BfimnaError, Precision, data
from bfimna.emulator import digits
from bfimna.emulator.integer import check, integer_format, ranges
from bfimna.emulator.quantise import (
    best_scale,
    dyadic,
    quantise,
    random_images,
    synthetic,
    whole,
)
from bfimna.network import zoo
from bfimna.network.graph import Layer
from bfimna.operators.avgpool import average_scale

from ..networks import chained, everything


@given(st.integers(1, 400), st.integers(1, 16))
def test_averages_never_overflow_and_keep_whole_means(elements, bits):
    b, shift = average_scale(elements, bits)
    assert b < 2 ** (bits + 1)
    for value in {0, 1, 2**bits // 3, 2**bits - 1}:
        assert value * elements * b >> shift == value


@given(st.integers(2, 17), st.floats(1e-6, 0.9), st.floats(1, 50))
def test_dyadic_scales_are_near(bits, scale, ratio):
    scales = np.array([scale, scale / ratio])
    b, shift = dyadic(scales, bits, 60)
    assert b.max() < 2**bits
    np.testing.assert_allclose(b[0] / 2.0**shift, scale, rtol=2.0 ** (1 - bits))
    assert abs(b[1] / 2.0**shift - scales[1]) <= 2.0**-shift


def test_best_scale_clips_less_where_there_are_more_bits():
    weights = np.random.default_rng(0).standard_normal((4, 500))
    steps = [best_scale(weights, bits) * 2 ** (bits - 1) for bits in (2, 4, 8)]
    assert (steps[0] < steps[1]).all()
    assert (steps[1] < steps[2]).all()
    errors = [np.abs(whole(weights / s[:, None], 8)).max() for s in (best_scale(weights, 8),)]
    assert errors[0] <= 128


@pytest.mark.parametrize("network", [digits.network(), everything()], ids=lambda n: n.name)
@pytest.mark.parametrize("bits", range(1, 17))
def test_synthetic_parameters_fit_at_any_width(network, bits):
    precision = Precision.fixed(network, bits)
    check(integer_format(network, precision), synthetic(network, precision, seed=bits))


def test_synthetic_is_seeded():
    network = digits.network()
    bits = Precision.fixed(network, 4)
    first, again, other = (synthetic(network, bits, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first["fc"].weights, again["fc"].weights)
    assert (first["fc"].weights != other["fc"].weights).any()
    assert (random_images(network, bits, seed=1) == random_images(network, bits, seed=1)).all()


def test_a_residual_chain_shares_one_range():
    tied = ranges(zoo.resnet18())
    names = "conv2", "add", "relu"
    stage = {tied[f"layer2.{block}.{name}"] for block in (0, 1) for name in names}
    assert stage == {"layer2.0.conv2"}
    assert tied["layer2.0.downsample.0"] == "layer2.0.conv2"
    assert tied["layer2.0.conv1"] == "layer2.0.conv1"


def test_words_have_the_bits_of_the_most_demanding_reader():
    network = digits.network()
    precision = Precision.of(network, {"block.conv1": (4, 3), "conv2": (4, 6)}, default=4)
    form = integer_format(network, precision)
    assert form.words["conv1.relu"].width == 6  # conv2 reads it through the residual add
    assert form.words["block.conv2"].width == 7
    assert form.words["fc"].width == form.products[-1].width == 4 + 4 + 6


SHAPE = (10, 64, 1, 1)  # of the last layer's weights


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": np.full(SHAPE, 8, np.int8)}, "weights must be from -8 to 7, not 8"),
        ({"weights": np.zeros((10, 63, 1, 1), np.int8)}, r"weights of shape .*want \(10, 64, 1"),
        ({"weights": np.zeros((10, 1, 64, 1), np.int8)}, r"want \(10, 64, 1, 1\)"),
        ({"weights": np.zeros((64, 10, 1, 1), np.int8)}, r"want \(10, 64, 1, 1\)"),
        ({"weights": np.full(SHAPE, 0.5)}, "weights must be integers, not float64"),
        ({"weights": [[1], [1, 2]]}, "weights must be an array of integers"),
        ({"bias": np.zeros(1, np.int64)}, r"bias of shape \(1,\), want \(10,\)"),
        ({"bias": np.full(10, np.nan)}, "bias must be integers, not float64"),
        ({"bias": np.full(10, 2**63, np.uint64)}, "bias must be below 2"),
        ({"multiplier": np.ones(1, np.int64)}, r"multiplier of shape \(1,\), want \(0,\)"),
        ({"shift": 0.5}, "shift must be a whole number"),
        ({"shift": None}, "shift must be a whole number"),
        ({"bias": np.full(10, 10**6)}, "sum with bias must be from -8192 to 8191"),
    ],
)
def test_parameters_that_do_not_fit(change, message):
    network = digits.network()
    precision = Precision.fixed(network, 4)
    own = synthetic(network, precision)

    def changed():
        parameters = {**own, "fc": replace(own["fc"], **change)}
        check(integer_format(network, precision), parameters)

    with pytest.raises(BfimnaError, match=message):
        changed()


def test_parameters_missing_or_of_another_precision():
    network = digits.network()
    own = synthetic(network, Precision.fixed(network, 4))
    with pytest.raises(BfimnaError, match="int3: weights must be from -4 to 3"):
        check(integer_format(network, Precision.fixed(network, 3)), own)
    del own["fc"]
    with pytest.raises(BfimnaError, match="'fc' of 'digits' at int4: no parameters"):
        check(integer_format(network, Precision.fixed(network, 4)), own)


@pytest.mark.parametrize(
    ("kind", "change", "message"),
    [
        (
            "hardswish",
            {"offset": None},
            r"\(hardswish\): no constants given; it takes multiplier, off",
        ),
        ("scale", {"multiplier": np.array([16, 32])}, r"multiplier must be from 0 to 31, not 32"),
        (
            "scale",
            {"multiplier": np.array([1, 2, 3])},
            r"multiplier of shape \(3,\), want 2 integers",
        ),
        ("scale", {"shift": 5}, "shift must be from 0 to 4, not 5"),
        ("hardsigmoid", {"multiplier": np.array([1, 2])}, "multiplier of shape"),
        ("lookup", {"table": np.zeros(31, int)}, r"table of shape \(31,\), want 32 integers"),
        ("lrn", {"table": np.full(32, -1)}, "table must be from 0 to 15, not -1"),
        ("mul", {"product_shift": 11}, "product shift must be from 0 to 9, not 11"),
        ("bias", {"offset": np.array([16])}, "offset must be from -16 to 15, not 16"),
    ],
)
def test_constants_that_do_not_fit(kind, change, message):
    b = chained(*() if kind == "mul" else (kind,), size=2)
    last = b.layers[-1].name
    if kind == "mul":
        last = b.append(Layer("product", "mul", (last, last)))
    network = b.network()
    precision = Precision.fixed(network, 4)
    own = synthetic(network, precision)
    if None in [value if value is None else 0 for value in change.values()]:
        del own[last]
    else:
        own[last] = replace(own[last], **change)
    with pytest.raises(BfimnaError, match=message):
        check(integer_format(network, precision), own)


def floats():
    """The digits network's real weights and a range for each group of its tensors."""
    net, stored = digits.network(), data.digits()
    real = {
        name: (stored[f"float/{name}/weights"], stored[f"float/{name}/bias"])
        for name in net.gemm_names
    }
    return net, real, dict.fromkeys(ranges(net).values(), 1.0)


def replaced(what, value):
    """The weights (0) or the bias (1) of conv1, one of them or all replaced."""
    pair = [array.copy() for array in floats()[1]["conv1"]]
    one = isinstance(value, float)
    pair[what] = np.full_like(pair[what], value) if one else value
    return tuple(pair)


@pytest.mark.parametrize(
    ("conv1", "message"),
    [
        (replaced(0, np.nan), "weights must be finite"),
        (replaced(0, np.inf), "weights must be finite"),
        (replaced(0, 1e30), "weights must be finite, and below 1e[+]15"),
        (replaced(1, np.nan), "bias must be finite"),
        (replaced(1, np.inf), "bias must be finite"),
        (replaced(1, np.zeros(1)), r"bias of shape \(1,\).* of shape \(8,\)"),
        (replaced(1, None), r"bias of shape \(\)"),
        (replaced(0, np.zeros((8, 1, 3, 2))), r"weights of shape \(8, 1, 3, 2\)"),
        (replaced(0, np.zeros((1, 8, 3, 3))), r"weights of shape \(1, 8, 3, 3\)"),
        (replaced(0, np.zeros((8, 1, 3, 3), complex)), "want real numbers"),
        (replaced(0, [[1], [2, 3]]), "weights must be an array of numbers"),
        (np.zeros(8), "must be a pair"),
    ],
)  # fmt: skip
def test_real_weights_of_another_shape_or_type_or_not_finite_are_refused(conv1, message):
    net, real, spans = floats()
    with pytest.raises(BfimnaError, match=message):
        quantise(net, {**real, "conv1": conv1}, spans, Precision.fixed(net, 4))


@pytest.mark.parametrize("span", [0, -1.0, np.nan, np.inf, "1", None])
def test_ranges_that_are_not_finite_and_positive_are_refused(span):
    net, real, spans = floats()
    with pytest.raises(BfimnaError, match="full_scale of 'conv1' must be a finite number above 0"):
        quantise(net, real, {**spans, "conv1": span}, Precision.fixed(net, 4))
    del spans["conv1"]
    with pytest.raises(BfimnaError, match="full_scale has no range for 'conv1'"):
        quantise(net, real, spans, Precision.fixed(net, 4))


def test_whole_weights_are_quantised_as_the_same_real_ones():
    net, real, spans = floats()
    bits = Precision.fixed(net, 4)
    integers = np.rint(10 * real["conv1"][0]).astype(int)
    from_integers, from_floats = (
        quantise(net, {**real, "conv1": (weights, real["conv1"][1])}, spans, bits)["conv1"]
        for weights in (integers, integers.astype(float))
    )
    np.testing.assert_array_equal(from_integers.weights, from_floats.weights)
    np.testing.assert_array_equal(from_integers.bias, from_floats.bias)


@pytest.mark.parametrize("images", [17, -1, 1.5, np.nan])
def test_pixels_out_of_range_are_refused(images):
    with pytest.raises(BfimnaError, match="whole numbers from 0 to 16"):
        digits.pixels(np.full((1, 8, 8), images))
