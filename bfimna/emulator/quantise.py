"""Quantise real weights to the integers of a network, at any precision.

For post-training quantisation, and for the export of quantisation-aware training, which uses the
same scales. Scales are chosen so that each channel's multiplier b / 2^c is exact: training
simulates exactly what the integers compute.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from bfimna.ap.counts import scale_bits
from bfimna.emulator.integer import (
    FIXED_RANGES,
    IntegerFormat,
    LayerParameters,
    ProductFormat,
    integer_format,
    ranges,
    sum_bounds,
    zero_sums,
)
from bfimna.errors import BfimnaError, positive_number, unknown, whole_number, wrong_type
from bfimna.network.graph import Network
from bfimna.network.precision import Precision
from bfimna.operators import OPERATORS, WEIGHTED
from bfimna.operators.constants import Constants, random_constants
from bfimna.operators.words import Word

CLIPPING = np.linspace(0.3, 1.0, 36)  # full scales that are tried, over the largest weight
LARGEST = 1e15  # real weight: squares of larger ones overflow 32-bit floats
SAMPLE = 1024  # weights per channel on which scales are tried

RealPair = tuple[np.ndarray, np.ndarray]


def best_scale(weights: np.ndarray, bits: int) -> np.ndarray:
    """Return each channel's step with the least squared error of its weights, rounded and clipped.

    >>> best_scale(np.array([[-4.0, -1.0, 3.0]]), 3)
    array([1.])
    """
    flat = weights.reshape(len(weights), -1)
    top = max(2 ** (bits - 1) - 1, 1)
    full = np.maximum(flat.max(axis=1) / top, -flat.min(axis=1) / 2 ** (bits - 1))
    full = np.maximum(full, np.finfo(np.float32).tiny)
    sample = flat[:, :: 1 + flat.shape[1] // SAMPLE]
    errors = []
    for share in CLIPPING:
        step = (full * share)[:, None]
        error = whole(sample / step, bits) * step - sample
        errors.append(np.square(error).sum(axis=1))
    return full * CLIPPING[np.argmin(errors, axis=0)]


def whole(values: np.ndarray, bits: int) -> np.ndarray:
    """Round to the nearest signed `bits`-bit integers."""
    return np.clip(np.rint(values), -(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def dyadic(scale: np.ndarray, bits: int, widest_shift: int) -> tuple[np.ndarray, int]:
    """Return `bits`-bit b, and c, with b / 2^c nearest to each scale; all scales share c.

    >>> dyadic(np.array([0.5, 0.3]), 4, 20)
    (array([8, 5]), 4)
    """
    shift = int(np.floor(np.log2((2**bits - 1) / scale.max())))
    shift = min(max(shift, 0), widest_shift)
    return np.clip(np.rint(scale * 2.0**shift), 1, 2**bits - 1).astype(np.int64), shift


def activation_step(full_scale: float, word: Word, bits: int) -> float:
    """Return the step of the top `bits` columns of a word that spans `full_scale`."""
    return full_scale / 2 ** (bits - word.signed)


def quantise_layer(
    weights: np.ndarray, bias: np.ndarray, product: ProductFormat, spans: tuple[float, float]
) -> LayerParameters:
    """Quantise one layer.

    Parameters
    ----------
    weights, bias : real; shaped as in `LayerParameters`.
    spans : full-scale ranges of the tensors before and after.
    """
    bits, width = product.right_bits, product.width
    step_in = activation_step(spans[0], product.source, bits)
    step = best_scale(weights, product.left_bits)
    multiplier, shift, offset = np.zeros(0, dtype=np.int64), 0, np.zeros(1)
    if product.keeps_sum:
        step = np.full(len(step), step.max())  # logits of all channels on one scale
    else:
        out = product.target.bits
        step_out, m = spans[1] / 2**out, int(scale_bits(out))
        multiplier, shift = dyadic(step * step_in / step_out, m, width + m - out - 2)
        step = multiplier / 2.0**shift * step_out / step_in
        offset = 2.0 ** (shift - 1) / multiplier  # half a step of the result
    by_channel = step.reshape(-1, *(1,) * (weights.ndim - 1)).astype(weights.dtype)
    integers = whole(weights / by_channel, product.left_bits)
    integers = integers.astype(np.int8 if product.left_bits <= 8 else np.int16)
    low, high = sum_bounds(integers, bits)
    zero, limit = zero_sums(integers, product.source, bits), 2 ** (width - 1)
    whole_bias = np.rint(bias / (step * step_in) + offset)
    whole_bias = np.clip(whole_bias, zero - limit - low, zero + limit - 1 - high).astype(np.int64)
    return LayerParameters(integers, whole_bias, multiplier, shift)


def quantise_activations(
    product: ProductFormat, spans: tuple[float, float, float]
) -> LayerParameters:
    """Scale a product of two activations.

    Parameters
    ----------
    spans : full-scale ranges of the left and right tensors and of the result.
    """
    channels, width = product.weight_shape[0], product.width
    none, bias = np.zeros(product.weight_shape, np.int8), np.zeros(channels, np.int64)
    if product.keeps_sum:
        return LayerParameters(none, bias, np.zeros(0, np.int64), 0)
    out, m = product.target.bits, int(scale_bits(product.target.bits))
    step = spans[0] / 2 ** (product.left_bits - 1)  # read as a signed word
    step = step * activation_step(spans[1], product.source, product.right_bits)
    scale = np.array([step / (spans[2] / 2**out)])
    multiplier, shift = dyadic(scale, m, width + m - out - 2)
    half, limit = np.rint(2.0 ** (shift - 1) / multiplier), 2 ** (width - 1)
    low, high = product.sum_bounds(none)
    bias = bias + np.clip(half, -limit - low, limit - 1 - high).astype(np.int64)
    return LayerParameters(none, bias, multiplier.repeat(channels), shift)


def quantise(
    network: Network,
    real: Mapping[str, RealPair] | Callable[[str], RealPair],
    full_scale: Mapping[str, float],
    precision: Precision,
) -> dict[str, LayerParameters]:
    """Quantise a network's weights and biases.

    Parameters
    ----------
    real : (weights, bias) by layer name, or a function of the name that makes them one at a time;
        a product of two activations has none.
    full_scale : range of each group of tied tensors, by the name that `ranges` gives it; not of
        those whose kind sets it (`bfimna.emulator.integer.FIXED_RANGES`). That of a softmax's
        scores is 8 times what divides them, √d.
    """
    form = integer_format(network, precision)
    if not callable(real) and not isinstance(real, Mapping):
        raise wrong_type("real", real, "(weights, bias) by layer name, or a function of the name")
    tied, layers = ranges(network), {}
    spans = {name: FIXED_RANGES.get(network[name].kind) or _span(name, full_scale)
             for name in dict.fromkeys(tied.values())}  # fmt: skip
    for product in form.products:
        name = product.matmul.layer.name
        if not product.matmul.left.constant:
            tensors = (*product.matmul.layer.inputs, name)
            left, right, result = (spans[tied[tensor]] for tensor in tensors)
            layers[name] = quantise_activations(product, (left, right, result))
            continue
        if not callable(real) and name not in real:
            raise unknown("layer of the real weights", name, real)
        pair = _checked_pair(name, real(name) if callable(real) else real[name], product)
        ends = spans[tied[product.matmul.right.source]], spans[tied[name]]
        layers[name] = quantise_layer(*pair, product, ends)
    return layers


def _span(name: str, full_scale: Mapping[str, float]) -> float:
    """Return the range of a group of tensors, or raise unless it is finite and above 0."""
    if not isinstance(full_scale, Mapping) or name not in full_scale:
        raise BfimnaError(f"full_scale has no range for {name!r}")
    return positive_number(f"full_scale of {name!r}", full_scale[name])


def _checked_pair(name: str, pair: object, product: ProductFormat) -> RealPair:
    """Return a layer's real weights and bias, or raise for another shape, infinity or NaN."""
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise wrong_type(f"real weights of layer {name!r}", pair, "a pair (weights, bias)")
    shape = product.weight_shape
    weights = _checked_reals(f"layer {name!r}: weights", pair[0], shape)
    return weights, _checked_reals(f"layer {name!r}: bias", pair[1], shape[:1])


def _checked_reals(what: str, values: Any, shape: tuple[int, ...]) -> np.ndarray:
    try:
        array = np.asarray(values)
    except ValueError:  # ragged lists
        raise BfimnaError(f"{what} must be an array of numbers") from None
    if array.shape != shape or array.dtype.kind not in "iuf":
        raise BfimnaError(
            f"{what} of shape {array.shape} ({array.dtype}); want real numbers of shape {shape}"
        )
    if not np.abs(array).max() < LARGEST:  # also false for NaN
        raise BfimnaError(f"{what} must be finite, and below {LARGEST:g}")
    return array if array.dtype.kind == "f" else array.astype(float)


def synthetic(
    network: Network, precision: Precision, seed: int = 0
) -> dict[str, LayerParameters | Constants]:
    """Draw a network's integers: seeded random weights (He's initialisation), quantised.

    Ranges are those expected for inputs of uniform pixels, so that activations use their bits as in
    a trained network, and ReLU zeroes half of them.

    >>> from bfimna.emulator import digits
    >>> net = digits.network()
    >>> synthetic(net, Precision.fixed(net, 4), seed=1)["conv1"].weights.shape
    (8, 1, 3, 3)
    """
    form = integer_format(network, precision)
    seed = whole_number("seed", seed, 0)
    shapes = {product.matmul.layer.name: product.weight_shape for product in form.products}
    order = {name: k for k, name in enumerate(shapes)}

    def real(name: str) -> RealPair:
        random = np.random.default_rng([seed, order[name]])
        shape = shapes[name]
        values = random.standard_normal(shape, dtype=np.float32)
        values *= np.float32(np.sqrt(2.0 / np.prod(shape[1:])))
        return values, 0.1 * random.standard_normal(shape[0])

    constants: dict[str, LayerParameters | Constants] = {}
    for k, layer in enumerate(network.layers):
        rules, channels = OPERATORS[layer.kind].constants, network.shapes[layer.name][0]
        if rules.names:
            random, bits = np.random.default_rng([seed, k]), form.words[layer.name].bits
            constants[layer.name] = random_constants(layer, rules, bits, channels, random)
    return {**quantise(network, real, _expected_ranges(form), precision), **constants}


def _expected_ranges(form: IntegerFormat) -> dict[str, float]:
    """Return full-scale ranges of `synthetic` weights, from the tensors' second moments."""
    tied = ranges(form.network)
    moments: dict[str, float] = {}
    full_scale: dict[str, float] = {}
    for layer in form.network.layers:
        before = [moments[name] for name in layer.inputs]
        length = form.network.shapes[layer.inputs[0]][0] if before else 1
        if layer.kind == "matmul":
            moments[layer.name] = length * before[0] * before[1]
        elif layer.kind in FIXED_RANGES:  # a softmax's probabilities add up to 1; norms
            moments[layer.name] = 0.3 / length if layer.kind == "softmax" else 1.0
        else:
            twice, half = layer.kind in (*WEIGHTED, "maxpool"), layer.kind == "relu"
            factor = 2.0 if twice else 0.5 if half else 1.0
            moments[layer.name] = factor * sum(before) if before else 1.0 / 3.0  # uniform, [0, 1)
        deviations = min(3.0, (1 + form.words[layer.name].bits) / 2)  # of few bits: clip more
        reach = deviations * np.sqrt(moments[layer.name]) if before else 1.0
        full_scale[tied[layer.name]] = max(reach, full_scale.get(tied[layer.name], 0.0))
    return full_scale


def random_images(
    network: Network, precision: Precision, count: int = 1, seed: int = 0
) -> np.ndarray | dict[str, np.ndarray]:
    """Draw images of uniform pixels in the input's word, (count, channels, y, x).

    For a network of several inputs, images by name.
    """
    words, images = integer_format(network, precision).words, {}
    for k, layer in enumerate(layer for layer in network.layers if layer.kind == "input"):
        random = np.random.default_rng([seed, k] if k else seed)
        shape = (count, *network.shapes[layer.name])
        low, high = words[layer.name].low, words[layer.name].high
        images[layer.name] = random.integers(low, high + 1, shape, dtype=np.int64)
    return images if len(images) > 1 else images.popitem()[1]
