"""What MAPs must hold: a network's live tensors, step by step, and the weights beside them."""

import numpy as np

from bfimna.mapping.chip import Chip
from bfimna.mapping.storage import in_place_layers
from bfimna.network.bits import Bits
from bfimna.network.graph import Network
from bfimna.network.layer import ADDRESSING
from bfimna.operators.words import Words


def live_bits(network: Network, read_bits: np.ndarray) -> np.ndarray:
    """Bits of the tensors that are live while each layer runs, one image, in the layers' order.

    A tensor lives from the layer that makes it to the last that reads it, one that is kept across
    inferences all the time. A flatten, view or
    concatenation is its inputs' words under other addresses; an element-wise layer works in place
    on a result that no other layer reads. Neither takes memory of its own.

    Parameters
    ----------
    read_bits : columns of each layer's tensor in which its elements are read, shape (..., layers);
        see `bfimna.operators.words.Words`.

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
    borrows = [  # whose tensors lie where their inputs' do
        layer.kind != "input" if layer.kind in ADDRESSING else in_place
        for layer, in_place in zip(network.layers, in_place_layers(network), strict=True)
    ]
    consumers, tensors = network.consumers, network.tensors
    last = list(range(len(network.layers)))
    for k, layer in reversed(list(enumerate(network.layers))):
        for reader in (position[name] for name in consumers[layer.name]):
            last[k] = max(last[k], last[reader] if borrows[reader] else reader)
    change = np.zeros((*np.shape(read_bits)[:-1], len(last) + 1), dtype=np.int64)
    for k, layer in enumerate(network.layers):
        if not borrows[k]:
            tensor = tensors[layer.name]
            bits = tensor.elements * np.asarray(read_bits[..., k], dtype=np.int64)
            if tensor.lifetime == "kept":
                change[..., 0] += bits
            else:
                change[..., k] += bits
                change[..., last[k] + 1] -= bits
    return np.cumsum(change, axis=-1)[..., :-1]


def streamed_weights(
    network: Network, chip: Chip, batch: int, bits: Bits, words: Words
) -> np.ndarray:
    """Bits of each product's weights that come from DRAM anew for every batch.

    "auto" goes through the layers in the network's order; each whose weights still fit the room
    that is left beside the batch's live tensors, where those take most, stays in the MAPs.

    Parameters
    ----------
    words : of each layer's tensor, shape (..., layers).

    Returns
    -------
    float array of shape (..., products).
    """
    sizes = np.array([product.weights for product in network.matmuls], dtype=float) * bits.left
    if chip.weights != "auto":
        return sizes * (chip.weights == "streamed")
    live = live_bits(network, words.read_bits).max(axis=-1).astype(float)
    room = chip.map_bits - batch * live
    for k in range(sizes.shape[-1]):
        fits = sizes[..., k] <= room
        room = room - sizes[..., k] * fits
        sizes[..., k] *= ~fits
    return sizes
