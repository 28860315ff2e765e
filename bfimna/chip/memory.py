"""The memory that a network's live tensors take, step by step."""

import numpy as np

from bfimna.chip.words import in_place
from bfimna.network.graph import Network
from bfimna.network.layer import ADDRESSING, Layer


def live_bits(network: Network, kept: np.ndarray) -> np.ndarray:
    """Bits of the tensors that are live while each layer runs, one image, in the layers' order.

    A tensor lives from the layer that makes it to the last that reads it. A flatten, view or
    concatenation is its inputs' words under other addresses; an element-wise layer works in place
    on a result that no other layer reads. Neither takes memory of its own.

    Parameters
    ----------
    kept : columns of each layer's tensor in which its elements are read, shape (layers,); see
        `bfimna.chip.alike.Words`.

    Returns
    -------
    int array of shape (layers,); its maximum is what the activations need.

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
    change = np.zeros(len(last) + 1, dtype=np.int64)
    for k, layer in enumerate(network.layers):
        if not borrows[k]:
            channels, height, width = network.shapes[layer.name]
            bits = channels * height * width * int(kept[k])
            change[k] += bits
            change[last[k] + 1] -= bits
    return np.cumsum(change)[:-1]


def _borrows(network: Network, layer: Layer) -> bool:
    """Whether a layer's tensor lies where its inputs' do."""
    if layer.kind in ADDRESSING:
        return layer.kind != "input"
    return in_place(network, layer)
