"""What a placement needs to know of a network on a chip before any bits are chosen."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from bfimna.ap import counts as ap
from bfimna.chip import Chip, fit
from bfimna.network import GEMM, Layer, Network

SIGN = 1  # a tensor that may be negative takes a sign bit more than the unsigned one after a ReLU


@dataclass(frozen=True)
class Geometry:
    """Arrays over the weighted layers (in order), then over all or the other layers.

    Attributes
    ----------
    index : position of each weighted layer in the network.
    j, dots, splits, part, per_cap : see `bfimna.chip.Fit`; for the whole batch.
    folds : times the chip is filled with a layer's products.
    read_on : whether a weighted layer reads the result, so that it is requantised.
    rectified : for every layer, whether a ReLU takes its word where it lies, as the only taker.
    flat, starts : the readers of every tensor, one after the other, and where each tensor's begin.
    others : positions of the layers of each kind without weights.
    elements : output elements of every layer, for the whole batch.
    """

    chip: Chip
    batch: int
    index: np.ndarray
    j: np.ndarray
    dots: np.ndarray
    splits: np.ndarray
    part: np.ndarray
    per_cap: np.ndarray
    folds: np.ndarray
    read_on: np.ndarray
    rectified: np.ndarray
    flat: np.ndarray
    starts: np.ndarray
    others: dict[str, np.ndarray]
    elements: np.ndarray

    @property
    def products(self) -> np.ndarray:
        """Rows that hold a product, over all folds."""
        return self.dots * self.j

    def dense_folds(self, elements: np.ndarray) -> np.ndarray:
        """Folds of elements that are packed one a row."""
        return np.ceil(elements / self.chip.product_rows)


def _rectified(network: Network, layer: Layer) -> bool:
    takers = network.consumers[layer.name]
    return layer.kind in (*GEMM, "add") and len(takers) == 1 and network[takers[0]].kind == "relu"


@lru_cache(maxsize=256)
def geometry(network: Network, chip: Chip, batch: int) -> Geometry:
    """Work out once what serves every precision."""
    position = {layer.name: k for k, layer in enumerate(network.layers)}
    fits = [fit(gemm, chip.rows, batch) for gemm in network.gemms]
    columns = np.array([(f.dots, f.splits, f.part, f.per_cap) for f in fits], dtype=float)
    dots, splits, part, per_cap = columns.reshape(-1, 4).T
    readers = [
        network.readers[layer.name] or (network.makers[layer.name],) for layer in network.layers
    ]
    kinds = {layer.kind for layer in network.layers}
    return Geometry(
        chip=chip,
        batch=batch,
        index=np.array([position[name] for name in network.gemm_names], dtype=np.intp),
        j=np.array([g.j for g in network.gemms], dtype=np.int64),
        dots=dots,
        splits=splits,
        part=part.astype(np.int64),
        per_cap=per_cap,
        folds=np.ceil(dots * splits / (per_cap * chip.caps)),
        read_on=np.array([bool(network.readers[name]) for name in network.gemm_names]),
        rectified=np.array([_rectified(network, layer) for layer in network.layers]),
        flat=np.concatenate([np.array(r, dtype=np.intp) for r in readers]),
        starts=np.cumsum([0] + [len(r) for r in readers[:-1]]),
        others={
            kind: np.array(
                [k for k, layer in enumerate(network.layers) if layer.kind == kind], dtype=np.intp
            )
            for kind in kinds - set(GEMM)
        },
        elements=np.array([np.prod(network.shapes[x.name]) for x in network.layers], float) * batch,
    )


def tensor_bits(geometry: Geometry, activation_bits: np.ndarray) -> np.ndarray:
    """Bits at which each layer's tensor is stored, shape (..., layers).

    The most that a weighted layer reads of it, directly or through layers without weights; a tensor
    that none reads keeps its last weighted layer's.
    """
    wanted = activation_bits[..., geometry.flat]
    return np.maximum.reduceat(wanted, geometry.starts, axis=-1)


def sum_bits(g: Geometry, w: np.ndarray, a: np.ndarray) -> np.ndarray:
    """Width of a dot product: weight bits + activation bits + ⌈log2 j⌉."""
    return w + a + ap.levels(g.j)
