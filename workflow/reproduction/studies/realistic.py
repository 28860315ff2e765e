"""Synthetic weights and images with realistic statistics, for networks without trained weights.

Everything is sampled from a seed, so that a run can be repeated anywhere.

- Weights: a Laplace distribution per layer, as trained layers are bell-shaped with heavy tails
  (Banner, Nahshan and Soudry, "Post training 4-bit quantization of convolutional networks for
  rapid-deployment", NeurIPS 2019). Their scale needs no choice, since each layer is followed by:
- Batch norm, folded as HAWQ-V3 folds it: each channel is divided by the deviation that its sums
  have on an image and loses their mean, then gets a gain and an offset. This makes ranges differ
  from channel to channel (Nagel et al., "Data-free quantization through weight equalization
  and bias correction", ICCV 2019). Gains are log-normal, offsets normal and negative on average,
  so that a ReLU zeroes a little more than half. Where a channel has one position (fully
  connected), the deviation is the layer's. AlexNet and VGG16, published without batch norm, are
  scaled alike: so a trained network keeps its signals in range, with or without it.
- Images: noise whose amplitude falls as 1/f, the spectrum of natural images (Field, "Relations
  between the statistics of natural images and the response properties of cortical cells",
  J. Opt. Soc. Am. A 4, 1987), its colour channels correlated.

The gains and offsets are assumptions. Bit-exactness and counts do not depend on them; the energy
of the activity does.
"""

from collections.abc import Callable, Mapping

import numpy as np

from bfimna.emulator.integer import LayerParameters, integer_format, ranges
from bfimna.emulator.quantise import quantise
from bfimna.errors import BfimnaError
from bfimna.network.graph import GEMM, Layer, Network
from bfimna.network.layer import ADDRESSING, POOL
from bfimna.network.precision import Precision
from bfimna.operators.constants import Constants
from reproduction.studies import oracle

GAIN_SPREAD = 0.5  # deviation of the logarithm of a channel's gain
OFFSET_MEAN, OFFSET_SPREAD = -0.2, 0.5  # of a channel's offset, in its gains
# full-scale range in deviations: a line through the best clips of Laplace tensors at 2 to 8 bits,
# 2.83, 3.89, 5.03, ..., 9.89 times their scale parameter (Banner et al., as above)
CLIP, CLIP_PER_BIT = 0.35, 0.83
MEAN, CONTRAST = 0.45, 0.22  # of pixels from 0 to 1, about those of photographs
OWN_COLOUR = 0.3  # deviation of a colour channel's own noise, relative to the shared noise's
DIGITS = 10  # bits of folded factors, few enough to hide a machine's order of summation

Reals = tuple[np.ndarray, np.ndarray]


def picture(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Generate an image of 1/f noise, (channels, y, x), from 0 to below 1.

    >>> pixels = picture((3, 64, 64))
    >>> pixels.shape, bool(pixels.min() >= 0), bool(pixels.max() < 1)
    ((3, 64, 64), True, True)
    """
    random = np.random.default_rng([seed, 0])
    channels, height, width = shape
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    frequency[0, 0] = np.inf  # the mean is set below
    white = np.fft.rfft2(random.standard_normal((channels + 1, height, width)))
    noise = np.fft.irfft2(white / frequency, s=(height, width))
    noise /= np.maximum(noise.std(axis=(1, 2), keepdims=True), np.finfo(float).tiny)
    mixed = (noise[0] + OWN_COLOUR * noise[1:]) / np.hypot(1, OWN_COLOUR)
    return (MEAN + CONTRAST * mixed).clip(0, 1 - 2.0**-16)


def images(network: Network, precision: Precision, count: int = 1, seed: int = 0) -> np.ndarray:
    """Generate images in the input's word, (count, channels, y, x): the top bits of one picture.

    Raises
    ------
    BfimnaError
        For a network of several inputs.
    """
    first = _only_input(network)
    pixels = [picture(network.shapes[first.name], seed + k) for k in range(count)]
    word = integer_format(network, precision).words[first.name]
    return np.floor(np.stack(pixels) * (word.high + 1)).astype(np.int64)


def parameters(
    network: Network, precision: Precision, seed: int = 0
) -> dict[str, LayerParameters | Constants]:
    """Return a network's integer parameters at a precision: `folded` weights, quantised.

    >>> from bfimna.emulator import digits
    >>> net = digits.network()
    >>> parameters(net, Precision.fixed(net, 4))["conv1"].weights.shape
    (8, 1, 3, 3)
    """
    real, rms = folded(network, seed)
    tied, stored = ranges(network), integer_format(network, precision).words
    full_scale: dict[str, float] = {}
    for layer in network.layers:
        clip = CLIP + CLIP_PER_BIT * stored[layer.name].bits
        wide = clip * rms[layer.name] if layer.inputs else 1.0
        full_scale[tied[layer.name]] = max(wide, full_scale.get(tied[layer.name], 0.0))
    return {**quantise(network, real, full_scale, precision)}


def folded(network: Network, seed: int = 0) -> tuple[Callable[[str], Reals], Mapping[str, float]]:
    """Generate a network's real weights and biases, normalised on `picture`.

    Returns
    -------
    A function from a layer's name to its weights (channels, inputs, y, x) and bias, evaluated one
    layer at a time to save memory; and each tensor's root mean square.

    Raises
    ------
    BfimnaError
        For layers other than weighted ones, ReLU, pooling, addition, flatten and concatenation.
    """
    first = _only_input(network)
    tensors = {first.name: picture(network.shapes[first.name], seed)[None]}
    factors: dict[str, Reals] = {}
    rms: dict[str, float] = {}
    readers = {name: layer.name for layer in network.layers for name in layer.inputs}  # the last
    for layer in network.layers:
        if layer.kind in GEMM:
            weights = _laplace(network, layer.name, seed)
            sums = oracle.sums(tensors[layer.inputs[0]], weights, layer, network.shapes[layer.name])
            gain, bias = factors[layer.name] = _normalised(network, layer.name, sums, seed)
            tensors[layer.name] = gain[:, None, None] * sums + bias[:, None, None]
        elif layer.kind != "input":
            tensors[layer.name] = _unweighted(network, layer, [tensors[n] for n in layer.inputs])
        rms[layer.name] = float(np.sqrt(np.mean(tensors[layer.name] ** 2)))
        for name in layer.inputs:
            if readers[name] == layer.name:
                tensors.pop(name, None)

    def real(name: str) -> Reals:
        gain, bias = factors[name]
        weights = _laplace(network, name, seed)
        weights *= gain.astype(np.float32)[:, None, None, None]
        return weights, bias

    return real, {name: float(_short(np.array(size))) for name, size in rms.items()}


def _only_input(network: Network) -> Layer:
    inputs = [layer for layer in network.layers if layer.kind == "input"]
    if len(inputs) != 1:
        raise BfimnaError(
            f"network {network.name!r} has {len(inputs)} inputs: realistic weights need exactly one"
        )
    return inputs[0]


def _laplace(network: Network, name: str, seed: int) -> np.ndarray:
    """Sample a layer's weights before folding: Laplace, as the difference of two exponentials."""
    k = network.gemm_names.index(name)
    gemm = network.gemms[k]
    shape = (gemm.output_shape[0], gemm.input_shape[0] // gemm.layer.groups, *gemm.layer.kernel)
    random = np.random.default_rng([seed, 1, k])
    weights = random.standard_exponential(shape, dtype=np.float32)
    weights -= random.standard_exponential(shape, dtype=np.float32)
    return weights


def _normalised(network: Network, name: str, sums: np.ndarray, seed: int) -> Reals:
    """Return each channel's factor and bias: batch norm of these sums, then gain and offset."""
    random = np.random.default_rng([seed, 2, network.gemm_names.index(name)])
    channels, positions = sums.shape[1], sums[0, 0].size
    gain = np.exp(GAIN_SPREAD * random.standard_normal(channels))
    offset = gain * (OFFSET_MEAN + OFFSET_SPREAD * random.standard_normal(channels))
    if positions > 1:
        mean, deviation = sums.mean(axis=(0, 2, 3)), sums.std(axis=(0, 2, 3))
        deviation = np.maximum(deviation, 1e-3 * deviation.max())  # a constant channel's
    else:
        mean, deviation = np.zeros(channels), np.full(channels, sums.std())
    if not deviation.all():
        raise BfimnaError(f"layer {name!r} of {network.name!r}: all its sums are the same")
    factor = _short(gain / deviation)
    return factor, _short(offset - factor * mean)


def _short(values: np.ndarray) -> np.ndarray:
    """Round to `DIGITS` significant bits."""
    mantissa, exponent = np.frexp(values)
    return np.ldexp(np.rint(mantissa * 2**DIGITS) / 2**DIGITS, exponent)


def _unweighted(network: Network, layer: Layer, inputs: list[np.ndarray]) -> np.ndarray:
    """Evaluate a layer without weights, in real numbers."""
    shape = network.shapes[layer.name]
    if layer.kind == "relu":
        return np.maximum(inputs[0], 0)
    if layer.kind == "add":
        return inputs[0] + inputs[1]
    if layer.kind in POOL:
        largest = layer.kind == "maxpool"
        view = oracle.windows(inputs[0], layer, -np.inf if largest else 0.0)
        view = view[:, :, : shape[1], : shape[2]]
        return view.max((4, 5)) if largest else view.mean((4, 5))
    if layer.kind == "concat":
        return np.concatenate(inputs, axis=1)
    if layer.kind in ADDRESSING and inputs[0][0].size == np.prod(shape):
        return inputs[0].reshape(len(inputs[0]), *shape)
    raise BfimnaError(
        f"layer {layer.name!r} of {network.name!r}: realistic weights do not cover {layer.kind!r}; "
        "use bfimna.emulator.synthetic"
    )
