"""What moves between the arrays of a chip: over the clusters' buses, the mesh and from DRAM.

Operands cross the mesh, from MAPs spread evenly over the clusters, and then the bus of the cluster
that computes; results cross its bus. In a fold a cluster computes a tile of the output, some
channels × some positions. With multicast the tile's distinct weights and input pixels cross the bus
once, in the shape of tile that moves least; without it both operands of every row do, which are
im2col's copies. Biases and scales, a few words a layer, are left out.
"""

from dataclasses import dataclass

import numpy as np

from bfimna.ap.counts import CountSet
from bfimna.mapping.alike import Words
from bfimna.mapping.geometry import Geometry
from bfimna.mapping.kinds import KINDS
from bfimna.mapping.memory import streamed_weights
from bfimna.mapping.tiles import tile_bits
from bfimna.network.graph import Network


@dataclass(frozen=True)
class Traffic:
    """Bits moved by the layers that move any, for the whole batch; arrays of shape (..., n).

    Attributes
    ----------
    layers : positions in the network.
    bus_bits : over cluster buses. mesh_bit_hops : over the mesh, each bit times its hops.
    dram_bits : weights from DRAM.
    """

    layers: np.ndarray
    bus_bits: np.ndarray
    mesh_bit_hops: np.ndarray
    dram_bits: np.ndarray


def operand_bits(
    network: Network, g: Geometry, weight_bits: np.ndarray, activation_bits: np.ndarray
) -> np.ndarray:
    """Bits of weights and activations that the weighted layers' folds bring to the clusters."""
    if not g.chip.multicast:
        return g.products * (weight_bits + activation_bits)
    return tile_bits(network, g.chip, g.batch, weight_bits, activation_bits)


def traffic(
    network: Network,
    g: Geometry,
    weight_bits: np.ndarray,
    activation_bits: np.ndarray,
    words: Words,
    counts: CountSet,
) -> Traffic:
    """Traffic of every layer; `words` are those of each layer's tensor, shape (..., layers)."""
    chip, index = g.chip, g.storage.index
    taken = [operand_bits(network, g, weight_bits, activation_bits)]
    sums = g.parts.rows_left(counts) * g.storage.sum_bits(weight_bits, activation_bits)
    returned = [g.parts.dots * (sums + words.kept[..., index])]
    layers = [index]
    for kind, alike in g.alike.items():
        one, other = KINDS[kind].moved(alike, words.of(alike.at), chip.multicast, counts)
        taken.append(one)
        returned.append(other)
        layers.append(alike.at)
    read, wrote = np.concatenate(taken, axis=-1), np.concatenate(returned, axis=-1)
    dram = np.zeros_like(read)
    if chip.weights != "resident":
        dram[..., : len(index)] = streamed_weights(network, chip, g.batch, weight_bits, words.kept)
    return Traffic(np.concatenate(layers), read + wrote, read * chip.mean_hops, dram)
