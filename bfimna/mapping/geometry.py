"""What a placement needs to know of a network on a chip before any bits are chosen."""

from dataclasses import dataclass
from functools import lru_cache
from math import gcd, prod

import numpy as np

from bfimna.mapping.alike import Alike
from bfimna.mapping.chip import Chip, fit, fit_rows
from bfimna.mapping.kinds import KINDS
from bfimna.mapping.parts import Parts
from bfimna.mapping.words import Storage, freeze, storage
from bfimna.network.graph import Network
from bfimna.network.layer import POOL, Layer, Shape


@dataclass(frozen=True)
class Geometry:
    """Read-only arrays over the weighted layers, in order; for the whole batch.

    Attributes
    ----------
    lengths : products of a dot product.
    parts : how they share arrays.
    storage : how the network's tensors are stored.
    alike : the layers of each kind without weights.
    """

    chip: Chip
    batch: int
    storage: Storage
    lengths: np.ndarray
    parts: Parts
    alike: dict[str, Alike]

    @property
    def products(self) -> np.ndarray:
        """Rows that hold a product, over all folds."""
        return self.parts.dots * self.lengths

    def dense_folds(self, elements: np.ndarray) -> np.ndarray:
        """Folds of elements that are packed one per row."""
        return np.ceil(elements / self.chip.product_rows)


@lru_cache(maxsize=256)
def geometry(network: Network, chip: Chip, batch: int) -> Geometry:
    """Work out once what serves every precision."""
    fits = [fit(gemm, chip.rows, batch) for gemm in network.gemms]
    stored = storage(network)
    kinds = {layer.kind for layer in network.layers}
    found = Geometry(
        chip=chip,
        batch=batch,
        storage=stored,
        lengths=np.array([g.length for g in network.gemms], dtype=np.int64),
        parts=Parts.of(fits, chip),
        alike={kind: _alike(network, kind, stored, batch, chip) for kind in KINDS if kind in kinds},
    )
    freeze(found, found.parts, *found.alike.values(), *(x.parts for x in found.alike.values()))
    return found


def _alike(network: Network, kind: str, stored: Storage, batch: int, chip: Chip) -> Alike:
    at = [k for k, layer in enumerate(network.layers) if layer.kind == kind]
    layers = tuple(network.layers[k] for k in at)
    position = {layer.name: k for k, layer in enumerate(network.layers)}
    shapes = network.shapes
    inputs = list(zip(*(layer.inputs for layer in layers), strict=True))  # by number, then layer
    sources = [
        [_taken(*pair, shapes) for pair in zip(layers, names, strict=True)] for names in inputs
    ]
    signs = [[stored.signed[position[name]] for name in names] for names in inputs]
    elements = np.array([prod(shapes[layer.name]) for layer in layers], dtype=float) * batch
    windows = zip(layers, elements, strict=True)
    fits = [fit_rows(prod(layer.kernel), int(n), chip.rows) for layer, n in windows]
    return Alike(
        at=np.array(at, dtype=np.intp),
        layers=layers,
        elements=elements,
        sources=np.array(sources, dtype=float) * batch,
        signs=np.array(signs, dtype=bool),
        in_place=stored.in_place[at],
        window=np.array([prod(layer.kernel) for layer in layers]),
        folds=np.ceil(elements / chip.product_rows),
        parts=Parts.of(fits, chip),
        columns=chip.columns,
        chip_rows=chip.product_rows,
    )


def _taken(layer: Layer, source: str, shapes: dict[str, Shape]) -> int:
    """Count the elements of an input's tensor that a layer takes, each once.

    A pooling window that is smaller than its stride leaves some out.
    """
    channels, *extent = shapes[source]
    if layer.kind not in POOL:
        return prod(shapes[source])
    covered = (_covered(layer, axis, extent[axis], shapes[layer.name][1 + axis]) for axis in (0, 1))
    return channels * prod(covered)


def _covered(layer: Layer, axis: int, extent: int, count: int) -> int:
    stride, dilation = layer.stride[axis], layer.dilation[axis]
    starts, taps = (count, stride), (layer.kernel[axis], dilation)
    apart = gcd(stride, dilation)
    if min(count, dilation // apart) > min(taps[0], stride // apart):
        starts, taps = taps, starts  # the same sums; fewer classes to go through
    return covered(starts, taps, -layer.padding[axis], extent)


def covered(starts: tuple[int, int], taps: tuple[int, int], first: int, extent: int) -> int:
    """Count the places from 0 on, below `extent`, that windows take.

    In closed form, class by class of the starts modulo the taps' step: a file may ask for windows
    that no memory holds.

    Parameters
    ----------
    starts, taps : how many, and how far apart; a place is a start plus a tap.
    first : place of the first tap of the first window.

    >>> covered((3, 2), (2, 1), -1, 5), covered((2, 3), (2, 1), 0, 9)
    (5, 4)
    """
    (count, stride), (length, step) = starts, taps
    apart = gcd(stride, step)
    every = step // apart  # starts of one class
    total = 0
    for n in range(min(count, every)):
        alike = -(-(count - n) // every)
        base = first + n * stride
        low, high = -(base // step), -((base - extent) // step)
        below = (_below(at, alike, stride // apart, length) for at in (high, low))
        total += max(0, next(below) - next(below))
    return total


def _below(limit: int, count: int, apart: int, length: int) -> int:
    """Count the numbers below a limit in the union of k · apart + [0, length), k < count."""
    if apart <= length:  # one run
        count, length = 1, (count - 1) * apart + length
    whole = min(max((limit - length) // apart + 1, 0), count)
    cut = limit - whole * apart if whole < count else 0
    return whole * length + min(max(cut, 0), length)
