"""Mean Hessian traces of a float network's loss, from which its sensitivities follow.

Hutchinson's estimate needs v·Hv only, for random signs v, and a central difference of the loss
gives that with forward passes: no gradients.
"""

from collections.abc import Mapping

import numpy as np

from bfimna.errors import BfimnaError
from bfimna.network.graph import Layer, Network
from bfimna.operators import PRODUCTS

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

    >>> from bfimna.emulator import digits
    >>> from reproduction.studies.digits_search import inputs, weights
    >>> forward(digits.network(), weights(), inputs()[:3]).shape
    (3, 10)
    """
    tensors = {network.layers[0].name: images}
    for layer in network.layers[1:]:
        x = tensors[layer.inputs[0]]
        if layer.kind in PRODUCTS:
            if layer.groups > 1 or layer.dilation != (1, 1):
                raise BfimnaError(f"layer {layer.name!r}: no float groups or dilation here")
            weights, bias = real[layer.name]
            shaped = weights.reshape(len(weights), x.shape[1], *layer.kernel)
            y = np.tensordot(_windows(x, layer, 0.0), shaped, axes=((1, 4, 5), (1, 2, 3)))
            tensors[layer.name] = np.moveaxis(y + bias, -1, 1)
        elif layer.kind == "add":
            tensors[layer.name] = np.sum([tensors[name] for name in layer.inputs], axis=0)
        elif layer.kind == "relu":
            tensors[layer.name] = np.maximum(x, 0.0)
        elif layer.kind == "maxpool":
            tensors[layer.name] = _windows(x, layer, -np.inf).max(axis=(4, 5))
        elif layer.kind == "avgpool":
            tensors[layer.name] = _windows(x, layer, 0.0).mean(axis=(4, 5))
        elif layer.kind in ("flatten", "view"):
            tensors[layer.name] = x.reshape(len(x), *network.shapes[layer.name])
        else:
            raise BfimnaError(f"layer {layer.name!r}: no float {layer.kind} here")
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
    draws: int = 10,
    seed: int = 0,
) -> dict[str, float]:
    """Return each layer's mean Hessian trace: E[v·Hv] / weights over random signs v."""
    random = np.random.default_rng(seed)
    at = cross_entropy(forward(network, real, images), labels)
    traces = {}
    for name in network.matmul_names:
        weights, bias = real[name]
        curvatures = []
        for _ in range(draws):
            v = random.choice([-STEP, STEP], weights.shape)
            moved = [{**real, name: (weights + sign * v, bias)} for sign in (1, -1)]
            ends = [cross_entropy(forward(network, m, images), labels) for m in moved]
            curvatures.append((sum(ends) - 2 * at) / STEP**2)
        traces[name] = max(float(np.mean(curvatures)) / weights.size, 0.0)
    return traces
