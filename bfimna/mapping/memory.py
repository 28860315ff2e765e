"""What MAPs must hold: a network's live tensors, step by step, and the weights beside them."""

import numpy as np

from bfimna.mapping.chip import Chip
from bfimna.mapping.words import in_place
from bfimna.network.graph import Network
from bfimna.network.layer import ADDRESSING, Layer


def live_bits(network: Network, kept: np.ndarray) -> np.ndarray:
    """Bits of the tensors that are live while each layer runs, one image, in the layers' order.

    A tensor lives from the layer that makes it to the last that reads it. A flatten, view or
    concatenation is its inputs' words under other addresses; an element-wise layer works in place
    on a result that no other layer reads. Neither takes memory of its own.

    Parameters
    ----------
    kept : columns of each layer's tensor in which its elements are read, shape (..., layers); see
        `bfimna.mapping.alike.Words`.

    Returns
    -------
    int array of shape (..., layers); its maximum is what the activations need.

    Examples
    --------
    >>> from bfimna.network import zoo
    >>> net = zoo.resnet18()
    >>> bits = live_bits(net, np.full(len(net.layers), 8))  # at conv1: the image and its result
    >>> int(bits[1]) == 8 * (3 * 224**2 + 64 * 112**2)
    True
    """
    position = {layer.name: k for k, layer in enumerate(network.layers)}
    borrows = [_borrows(network, layer) for layer in network.layers]
    last = list(range(len(network.layers)))
    for k, layer in reversed(list(enumerate(network.layers))):
        for reader in (position[name] for name in network.consumers[layer.name]):
            last[k] = max(last[k], last[reader] if borrows[reader] else reader)
    change = np.zeros((*np.shape(kept)[:-1], len(last) + 1), dtype=np.int64)
    for k, layer in enumerate(network.layers):
        if not borrows[k]:
            channels, height, width = network.shapes[layer.name]
            bits = channels * height * width * np.asarray(kept[..., k], dtype=np.int64)
            change[..., k] += bits
            change[..., last[k] + 1] -= bits
    return np.cumsum(change, axis=-1)[..., :-1]


def streamed_weights(
    network: Network, chip: Chip, batch: int, weight_bits: np.ndarray, kept: np.ndarray
) -> np.ndarray:
    """Bits of each weighted layer that come from DRAM anew for every batch.

    "auto" goes through the layers in the network's order; each whose weights still fit the room
    that is left beside the batch's live tensors, where those take most, stays in the MAPs.

    Parameters
    ----------
    weight_bits : shape (..., weighted layers). kept : as for `live_bits`.

    Returns
    -------
    float array of shape (..., weighted layers).
    """
    bits = np.array([gemm.weights for gemm in network.gemms], dtype=float) * weight_bits
    if chip.weights != "auto":
        return bits * (chip.weights == "streamed")
    room = chip.map_bits - batch * live_bits(network, kept).max(axis=-1).astype(float)
    for k in range(bits.shape[-1]):
        fits = bits[..., k] <= room
        room = room - bits[..., k] * fits
        bits[..., k] *= ~fits
    return bits


def _borrows(network: Network, layer: Layer) -> bool:
    """Whether a layer's tensor lies where its inputs' do."""
    if layer.kind in ADDRESSING:
        return layer.kind != "input"
    return in_place(network, layer)
