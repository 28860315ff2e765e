"""Sensitivities computed here: mean Hessian traces of a float network, and its weights' errors.

Hutchinson's estimate needs v·Hv only, for random signs v, and a central difference of the loss gives
that with forward passes: no gradients.
"""

from collections.abc import Iterable, Mapping

import numpy as np

from bfimna import data, digits
from bfimna.ap.quantise import best_scale, whole
from bfimna.errors import BfimnaError
from bfimna.network import GEMM, Layer, Network
from bfimna.search.sensitivity import Sensitivity

Weights = Mapping[str, tuple[np.ndarray, np.ndarray]]  # weights and bias by layer

STEP = 1e-3  # of the difference: small beside weights of about 0.1, large beside rounding


def _windows(x: np.ndarray, layer: Layer, fill: float) -> np.ndarray:
    """Windows of (images, channels, y, x), shape (images, channels, y, x, kernel y, kernel x)."""
    top, left, bottom, right = layer.padding
    padded = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), constant_values=fill)
    windows = np.lib.stride_tricks.sliding_window_view(padded, layer.kernel, axis=(2, 3))
    return windows[:, :, :: layer.stride[0], :: layer.stride[1]]


def forward(network: Network, real: Weights, images: np.ndarray) -> np.ndarray:
    """Return the output of a float network, (images, features).

    >>> net = digits.network()
    >>> forward(net, digits_weights(), digits_inputs()[:3]).argmax(axis=1) == digits.labels()[:3]
    array([ True,  True,  True])
    """
    tensors = {network.layers[0].name: images}
    for layer in network.layers[1:]:
        x = tensors[layer.inputs[0]]
        if layer.kind in GEMM:
            if layer.groups > 1 or layer.dilation != (1, 1):
                raise BfimnaError(f"layer {layer.name!r}: no float groups or dilation here")
            weights, bias = real[layer.name]
            shaped = weights.reshape(len(weights), x.shape[1], *layer.kernel)
            y = np.tensordot(_windows(x, layer, 0.0), shaped, axes=((1, 4, 5), (1, 2, 3)))
            tensors[layer.name] = np.moveaxis(y + bias, -1, 1)
        elif layer.kind == "add":
            tensors[layer.name] = sum(tensors[name] for name in layer.inputs)
        elif layer.kind == "relu":
            tensors[layer.name] = np.maximum(x, 0.0)
        elif layer.kind == "maxpool":
            tensors[layer.name] = _windows(x, layer, -np.inf).max(axis=(4, 5))
        elif layer.kind == "avgpool":
            tensors[layer.name] = _windows(x, layer, 0.0).mean(axis=(4, 5))
        else:  # flatten
            tensors[layer.name] = x.reshape(len(x), *network.shapes[layer.name])
    return tensors[network.layers[-1].name].reshape(len(images), -1)


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean cross-entropy in nats.

    >>> round(cross_entropy(np.zeros((4, 10)), np.arange(4)), 6) == round(float(np.log(10)), 6)
    True
    """
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_sum = np.log(np.exp(shifted).sum(axis=1))
    return float((log_sum - shifted[np.arange(len(labels)), labels]).mean())


def mean_traces(
    network: Network,
    real: Weights,
    images: np.ndarray,
    labels: np.ndarray,
    draws: int = 32,
    seed: int = 0,
) -> dict[str, float]:
    """Return each layer's mean Hessian trace: E[v·Hv] / weights over random signs v."""
    random = np.random.default_rng(seed)
    at = cross_entropy(forward(network, real, images), labels)
    traces = {}
    for name in network.gemm_names:
        weights, bias = real[name]
        curvatures = []
        for _ in range(draws):
            v = random.choice([-STEP, STEP], weights.shape)
            moved = [{**real, name: (weights + sign * v, bias)} for sign in (1, -1)]
            ends = [cross_entropy(forward(network, m, images), labels) for m in moved]
            curvatures.append((sum(ends) - 2 * at) / STEP**2)
        traces[name] = max(float(np.mean(curvatures)) / weights.size, 0.0)
    return traces


def digits_weights() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the digits network's float weights and biases."""
    stored = data.digits()
    return {
        name: tuple(stored[f"float/{name}/{what}"].astype(float) for what in ("weights", "bias"))
        for name in digits.network().gemm_names
    }


def digits_inputs() -> np.ndarray:
    """Return the digits' images as the float network takes them, (360, 1, 8, 8)."""
    stored = data.digits()
    return stored["images"] / 256.0 * stored["range/input"][7]


def digits_sensitivity(choices: Iterable[int] = range(2, 9), every: int = 2) -> Sensitivity:
    """Return the digits network's sensitivities: traces on every second image, measured errors.

    The errors are those of post-training quantisation at each width, so none is interpolated. The
    other images are left for measuring what the sensitivities predict.
    """
    network, real = digits.network(), digits_weights()
    trace = mean_traces(network, real, digits_inputs()[::every], digits.labels()[::every])
    error = {}
    for name, (weights, _) in real.items():
        flat = weights.reshape(len(weights), -1)
        error[name] = {}
        for bits in choices:
            step = best_scale(flat, bits)[:, None]
            error[name][bits] = float(np.square(whole(flat / step, bits) * step - flat).sum())
    return Sensitivity(trace, error)
