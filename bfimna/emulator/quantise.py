"""Real weights and ranges → the integers of a network, for any precision.

Post-training quantisation, and the export of quantisation-aware training, which uses the same
scales. Scales are chosen such that each channel's multiplier b / 2^c is exact: what training
simulates is what the integers compute.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from bfimna.ap.counts import scale_bits
from bfimna.emulator.integer import (
    LayerParameters,
    full_sums,
    ranges,
    sum_bits,
    sum_bounds,
    weight_shape,
    words,
    zero_point,
)
from bfimna.errors import (
    BfimnaError,
    instance,
    positive_number,
    unknown,
    whole_number,
    wrong_type,
)
from bfimna.network.graph import GEMM, Network
from bfimna.network.matmul import Matmul
from bfimna.network.precision import Precision
from bfimna.operators import OPERATORS
from bfimna.operators.constants import Constants, random_constants
from bfimna.operators.words import Word

CLIPPING = np.linspace(0.3, 1.0, 36)  # shares of the largest weight tried as the full scale
LARGEST = 1e15  # real weight: squares of larger ones overflow 32-bit floats
SAMPLE = 1024  # weights a channel that the trials look at


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
    """Return `bits`-bit b and c with b / 2^c nearest to each scale; c common to the layer.

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
    weights: np.ndarray,
    bias: np.ndarray,
    weight_bits: int,
    bits: int,
    source: tuple[float, Word],
    target: tuple[float, Word],
    width: int,
    last: bool,
) -> LayerParameters:
    """Quantise one layer.

    Parameters
    ----------
    weights, bias : real; as in `LayerParameters`.
    weight_bits, bits : of the weights and of the activations that the layer reads.
    source, target : full-scale range and word of the tensors before and after.
    width : bits of the sum.
    last : whether the sums are the output, so that nothing is scaled.
    """
    step_in = activation_step(source[0], source[1], bits)
    step = best_scale(weights, weight_bits)
    multiplier, shift = np.zeros(0, dtype=np.int64), 0
    if last:
        step = np.full(len(step), step.max())  # logits of all channels on one scale
    else:
        out = target[1].bits
        step_out, m = target[0] / 2**out, int(scale_bits(out))
        multiplier, shift = dyadic(step * step_in / step_out, m, width + m - out - 2)
        step = multiplier / 2.0**shift * step_out / step_in
    shaped = step.reshape(-1, *(1,) * (weights.ndim - 1)).astype(weights.dtype)
    integers = whole(weights / shaped, weight_bits).astype(
        np.int8 if weight_bits <= 8 else np.int16
    )
    offset = 0.0 if last else 2.0 ** (shift - 1) / multiplier  # half a step of the result
    whole_bias = np.rint(bias / (step * step_in) + offset)
    low, high = sum_bounds(integers, bits)
    zero = zero_point(source[1], bits) * integers.reshape(len(step), -1).sum(1, dtype=np.int64)
    limit = 2 ** (width - 1)
    whole_bias = np.clip(whole_bias, zero - limit - low, zero + limit - 1 - high).astype(np.int64)
    return LayerParameters(integers, whole_bias, multiplier, shift)


def quantise(
    network: Network,
    real: Mapping[str, tuple[np.ndarray, np.ndarray]] | Callable[[str], tuple],
    full_scale: Mapping[str, float],
    precision: Precision,
) -> dict[str, LayerParameters]:
    """Quantise a network's weights and biases.

    Parameters
    ----------
    real : (weights, bias) by layer name, or a function of the name that makes them one at a time.
    full_scale : range of each group of tied tensors, by the name that `ranges` gives it.
    """
    _check(network, precision)
    if not callable(real) and not isinstance(real, Mapping):
        raise wrong_type("real", real, "(weights, bias) by layer name, or a function of the name")
    stored, sums, tied = words(network, precision), sum_bits(network, precision), ranges(network)
    found, outputs = {}, full_sums(network)
    spans = {name: _span(name, full_scale) for name in dict.fromkeys(tied.values())}
    for gemm, (weight_bits, bits) in zip(network.gemms, precision.of_network(network), strict=True):
        name, before = gemm.layer.name, gemm.layer.inputs[0]
        source = spans[tied[before]], stored[before]
        target = spans[tied[name]], stored[name]
        last = name in outputs
        if not callable(real) and name not in real:
            raise unknown("layer of the real weights", name, real)
        weights, bias = _reals(name, real(name) if callable(real) else real[name], gemm)
        found[name] = quantise_layer(
            weights, bias, weight_bits, bits, source, target, sums[name], last
        )
    return found


def _check(network: object, precision: object) -> None:
    instance("precision", precision, Precision).of_network(instance("network", network, Network))


def _span(name: str, full_scale: Mapping[str, float]) -> float:
    """Return the range of a group of tensors, or raise if it is no number to divide by."""
    if not isinstance(full_scale, Mapping) or name not in full_scale:
        raise BfimnaError(f"full_scale wants a range for {name!r}")
    return positive_number(f"full_scale of {name!r}", full_scale[name])


def _reals(name: str, given: Any, gemm: Matmul) -> tuple[np.ndarray, np.ndarray]:
    """Return a layer's real weights and bias, or raise where they are of another shape, or NaN."""
    if not isinstance(given, tuple | list) or len(given) != 2:
        raise wrong_type(f"real weights of layer {name!r}", given, "a pair (weights, bias)")
    shape, found = weight_shape(gemm), []
    for what, values, wanted in zip(("weights", "bias"), given, (shape, shape[:1]), strict=True):
        try:
            array = np.asarray(values)
        except ValueError:
            raise BfimnaError(f"layer {name!r}: {what} are no array") from None
        if array.shape != wanted or array.dtype.kind not in "iuf":
            raise BfimnaError(
                f"layer {name!r}: {what} of shape {array.shape} ({array.dtype}); want real numbers "
                f"of shape {wanted}"
            )
        if not np.abs(array).max() < LARGEST:  # NaN neither
            raise BfimnaError(f"layer {name!r}: {what} must be finite, and below {LARGEST:g}")
        found.append(array if array.dtype.kind == "f" else array.astype(float))
    return found[0], found[1]


def synthetic(
    network: Network, precision: Precision, seed: int = 0
) -> dict[str, LayerParameters | Constants]:
    """Draw the integers of a network with seeded random weights (He's initialisation).

    Ranges follow from the second moments that such weights give each tensor for an input of uniform
    pixels, so that activations use their bits as in a trained network: ReLU zeroes half of them.

    >>> from bfimna.emulator import digits
    >>> net = digits.network()
    >>> synthetic(net, Precision.fixed(net, 4), seed=1)["conv1"].weights.shape
    (8, 1, 3, 3)
    """
    _check(network, precision)
    seed = whole_number("seed", seed, 0)
    tied, stored = ranges(network), words(network, precision)
    moments: dict[str, float] = {}
    full_scale: dict[str, float] = {}
    for layer in network.layers:
        before = [moments[name] for name in layer.inputs]
        factor = 2.0 if layer.kind in (*GEMM, "maxpool") else 0.5 if layer.kind == "relu" else 1.0
        moments[layer.name] = factor * sum(before) if before else 1.0 / 3.0  # of uniform on [0, 1)
        deviations = min(3.0, (1 + stored[layer.name].bits) / 2)  # few bits clip to spend them well
        reach = deviations * np.sqrt(moments[layer.name]) if before else 1.0
        full_scale[tied[layer.name]] = max(reach, full_scale.get(tied[layer.name], 0.0))
    shapes = {gemm.layer.name: weight_shape(gemm) for gemm in network.gemms}

    def real(name: str) -> tuple[np.ndarray, np.ndarray]:
        random = np.random.default_rng([seed, network.gemm_names.index(name)])
        shape = shapes[name]
        values = random.standard_normal(shape, dtype=np.float32)
        values *= np.float32(np.sqrt(2.0 / np.prod(shape[1:])))
        return values, 0.1 * random.standard_normal(shape[0])

    drawn = {}
    for k, layer in enumerate(network.layers):
        rules, channels = OPERATORS[layer.kind].constants, network.shapes[layer.name][0]
        if rules.names:
            random = np.random.default_rng([seed, k])
            bits = stored[layer.name].bits
            drawn[layer.name] = random_constants(layer, rules, bits, channels, random)
    return {**quantise(network, real, full_scale, precision), **drawn}


def random_images(
    network: Network, precision: Precision, count: int = 1, seed: int = 0
) -> np.ndarray | dict[str, np.ndarray]:
    """Draw images of uniform unsigned pixels in the input's word, (count, channels, y, x).

    A network of several inputs gets such images by name.
    """
    stored, found = words(network, precision), {}
    for k, layer in enumerate(layer for layer in network.layers if layer.kind == "input"):
        random = np.random.default_rng([seed, k] if k else seed)
        shape = (count, *network.shapes[layer.name])
        found[layer.name] = random.integers(0, stored[layer.name].high + 1, shape, dtype=np.int64)
    return found if len(found) > 1 else found.popitem()[1]
