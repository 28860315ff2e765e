"""What moves between the arrays of a chip: over the clusters' buses, the mesh and from DRAM.

Operands cross the mesh, from MAPs spread evenly over the clusters, and then the bus of the cluster
that computes; results cross its bus. In a fold a cluster computes a tile of the output, some
channels × some positions. With multicast the tile's distinct weights and input pixels cross the bus
once, in the shape of tile that moves least; without it both operands of every row do, which are
im2col's copies. Buses and links share the traffic evenly, so times are lower bounds. Biases and
scales, a few words a layer, are left out.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import prod

import numpy as np

from bfimna.ap.counts import CountSet
from bfimna.chip import elementwise
from bfimna.chip.chip import Chip
from bfimna.chip.geometry import SIGN, Geometry, geometry, sum_bits
from bfimna.network.graph import Network


@dataclass(frozen=True)
class Traffic:
    """Bits moved by the layers that move any, for the whole batch; arrays of shape (..., n).

    Attributes
    ----------
    layers : positions in the network.
    bus_bits : over cluster buses. mesh_bit_hops : over the mesh, each bit times its hops.
    dram_bits : weights from DRAM.
    transfer_s : seconds on bus or mesh, whichever takes longer (DRAM's rate is the technology's).
    """

    layers: np.ndarray
    bus_bits: np.ndarray
    mesh_bit_hops: np.ndarray
    dram_bits: np.ndarray
    transfer_s: np.ndarray


@dataclass(frozen=True)
class _Plane:
    """The weighted layers' outputs as planes of channels × positions to be cut into tiles.

    Arrays over the weighted layers: i output channels of a group, u positions of the batch, dot
    products `share` of a cluster in a fold, `times` that many; input channels of a group; height,
    width, kernel, stride and input extent of (vertical, horizontal).
    """

    i: np.ndarray
    u: np.ndarray
    share: np.ndarray
    times: np.ndarray
    channels: np.ndarray
    image: np.ndarray
    size: np.ndarray
    kernel: np.ndarray
    reach: np.ndarray
    stride: np.ndarray
    extent: np.ndarray
    weights: np.ndarray

    def pixels(self, positions: np.ndarray) -> np.ndarray:
        """Distinct input values of one group that a run of positions in raster order reads."""
        images = np.maximum(positions / self.image, 1.0)
        within = np.minimum(positions, self.image)
        rows, columns = np.ceil(within / self.size[1]), np.minimum(within, self.size[1])
        spans = [
            np.minimum((count - 1) * self.stride[axis] + self.reach[axis], self.extent[axis])
            for axis, count in enumerate((rows, columns))
        ]
        copies = within * self.kernel
        return images * self.channels * np.minimum(spans[0] * spans[1], copies)


@lru_cache(maxsize=256)
def _plane(network: Network, chip: Chip, batch: int) -> _Plane:
    g = geometry(network, chip, batch)
    share = np.maximum(g.dots / (g.folds * chip.clusters), 1.0)
    layers = [gemm.layer for gemm in network.gemms]
    per_axis = lambda values: np.array(list(values), dtype=float).reshape(-1, 2).T  # noqa: E731
    size = per_axis(gemm.output_shape[1:] for gemm in network.gemms)
    return _Plane(
        i=np.array([gemm.i for gemm in network.gemms], dtype=float),
        u=np.array([gemm.u * batch for gemm in network.gemms], dtype=float),
        share=share,
        times=g.dots / share,
        channels=np.array([m.input_shape[0] // m.layer.groups for m in network.gemms], dtype=float),
        image=size[0] * size[1],
        size=size,
        kernel=np.array([prod(layer.kernel) for layer in layers], dtype=float),
        reach=per_axis(
            [d * (k - 1) + 1 for d, k in zip(layer.dilation, layer.kernel, strict=True)]
            for layer in layers
        ),
        stride=per_axis(layer.stride for layer in layers),
        extent=per_axis(gemm.input_shape[1:] for gemm in network.gemms),
        weights=np.array([gemm.weights for gemm in network.gemms], dtype=float),
    )


def operand_bits(
    network: Network, g: Geometry, weight_bits: np.ndarray, activation_bits: np.ndarray
) -> np.ndarray:
    """Bits of weights and activations that the weighted layers' folds bring to the clusters."""
    if not g.chip.multicast:
        return g.products * (weight_bits + activation_bits)
    plane = _plane(network, g.chip, g.batch)
    step = np.minimum(g.j, plane.channels * plane.stride[0] * plane.stride[1])
    balanced = np.sqrt(plane.share * step * activation_bits / (g.j * weight_bits))
    wanted = np.empty((3, *balanced.shape))
    wanted[0], wanted[1], wanted[2] = balanced, plane.share, 1.0  # as many channels as that, or fit
    channels = np.minimum(np.maximum(wanted, np.maximum(plane.share / plane.u, 1.0)), plane.i)
    positions = np.minimum(plane.share / channels, plane.u)
    tiles = plane.share / (channels * positions)
    bits = channels * g.j * weight_bits + plane.pixels(positions) * activation_bits
    return (tiles * bits).min(axis=0) * plane.times


def traffic(
    network: Network,
    g: Geometry,
    weight_bits: np.ndarray,
    activation_bits: np.ndarray,
    stored: np.ndarray,
    counts: CountSet,
) -> Traffic:
    """Traffic of every layer; `stored` are the bits of each layer's tensor."""
    chip = g.chip
    operands = operand_bits(network, g, weight_bits, activation_bits)
    total = sum_bits(g, weight_bits, activation_bits)
    rows = 2 if counts == "microcode" and chip.ap_kind != "1d" else 1  # sum and carry
    kept = np.where(g.read_on, stored[..., g.index], total)
    results = g.dots * (g.splits * rows * total + kept)
    moved, others = [operands], []
    written = [results]
    for kind, words in _MOVED.items():
        if kind in g.others:
            at = g.others[kind]
            taken, returned = words(network, g, at)
            signed = kind == "add" or kind in elementwise.KINDS
            moved.append(taken * (stored[..., at] + SIGN * signed))
            written.append(returned * stored[..., at])
            others.append(at)
    read, wrote = np.concatenate(moved, axis=-1), np.concatenate(written, axis=-1)
    bus, mesh = read + wrote, read * chip.mean_hops
    dram = np.zeros_like(bus)
    if chip.weights == "streamed":
        dram[..., : len(g.index)] = _plane(network, chip, g.batch).weights * weight_bits
    bus_s = bus / (chip.clusters * chip.bus_bits * chip.clock_hz)
    mesh_s = mesh / (max(chip.mesh_links, 1) * chip.mesh_bits * chip.clock_hz)
    layers = np.concatenate([g.index, *others])
    return Traffic(layers, bus, mesh, dram, np.maximum(bus_s, mesh_s))


Moved = tuple[np.ndarray, np.ndarray]


def _words(network: Network, g: Geometry, at: np.ndarray) -> Moved:
    return elementwise.elements_moved(network, g, at)


def _pool_words(network: Network, g: Geometry, at: np.ndarray) -> Moved:
    layers = [network.layers[k] for k in at]
    if g.chip.multicast:
        taken = np.array([prod(network.shapes[x.inputs[0]]) for x in layers], float) * g.batch
    else:
        taken = g.elements[at] * np.array([prod(x.kernel) for x in layers])
    return taken, g.elements[at]


def _add_words(network: Network, g: Geometry, at: np.ndarray) -> Moved:
    return 2.0 * g.elements[at], g.elements[at]


#: kind of layer without weights → the elements that it takes from MAPs and returns
_MOVED = {
    "relu": _words,
    "maxpool": _pool_words,
    "avgpool": _pool_words,
    "add": _add_words,
    **dict.fromkeys(elementwise.KINDS, _words),
}
