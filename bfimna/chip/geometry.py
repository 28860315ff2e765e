"""What a placement needs to know of a network on a chip before any bits are chosen."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from bfimna.ap import counts as ap
from bfimna.chip.chip import Chip, fit
from bfimna.network.graph import Network
from bfimna.network.layer import ELEMENTWISE, GEMM, IN_ROWS, Layer

SIGN = 1  # a tensor that may be negative takes a sign bit more than the unsigned one after a ReLU


@dataclass(frozen=True)
class Geometry:
    """Arrays over the weighted layers (in order), then over all or the other layers.

    Attributes
    ----------
    index : position of each weighted layer in the network.
    j, dots, splits, part, per_cap : see `bfimna.chip.chip.Fit`; for the whole batch.
    folds : times the chip is filled with a layer's products.
    read_on : whether a weighted layer reads the result, so that it is requantised.
    read_by : for each layer's tensor the weighted layer that sets its bits, or, numbered on from
        the weighted layers, the entry of `joins`: groups of such that set them together.
    in_place : for every layer, whether it takes its word where the layer before left it.
    rectified : for every layer, whether a ReLU takes its word where it lies, as the only taker.
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
    read_by: np.ndarray
    joins: tuple[np.ndarray, ...]
    in_place: np.ndarray
    rectified: np.ndarray
    others: dict[str, np.ndarray]
    elements: np.ndarray

    @property
    def products(self) -> np.ndarray:
        """Rows that hold a product, over all folds."""
        return self.dots * self.j

    def dense_folds(self, elements: np.ndarray) -> np.ndarray:
        """Folds of elements that are packed one a row."""
        return np.ceil(elements / self.chip.product_rows)


def in_place(network: Network, layer: Layer) -> bool:
    """Whether an element-wise layer finds its word where the layer before left it.

    So it is where no other layer takes that word; else it loads the word and reads its own.
    """
    if layer.kind not in ("relu", *ELEMENTWISE):
        return False
    source = network[layer.inputs[0]]
    return source.kind in IN_ROWS and len(network.consumers[source.name]) == 1


def _rectified(network: Network, layer: Layer) -> bool:
    takers = [network[name] for name in network.consumers[layer.name]]
    return bool(takers) and takers[0].kind == "relu" and in_place(network, takers[0])


@lru_cache(maxsize=256)
def geometry(network: Network, chip: Chip, batch: int) -> Geometry:
    """Work out once what serves every precision."""
    position = {layer.name: k for k, layer in enumerate(network.layers)}
    fits = [fit(gemm, chip.rows, batch) for gemm in network.gemms]
    columns = np.array([(f.dots, f.splits, f.part, f.per_cap) for f in fits], dtype=float)
    dots, splits, part, per_cap = columns.reshape(-1, 4).T
    read_by, joins = _read_by(network)
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
        read_on=np.array([read_by[name] is not None for name in network.gemm_names]),
        read_by=np.array(
            [network.makers[name] if by is None else by for name, by in read_by.items()],
            dtype=np.intp,
        ),
        joins=joins,
        in_place=np.array([in_place(network, layer) for layer in network.layers]),
        rectified=np.array([_rectified(network, layer) for layer in network.layers]),
        others={
            kind: np.array(
                [k for k, layer in enumerate(network.layers) if layer.kind == kind], dtype=np.intp
            )
            for kind in kinds - set(GEMM)
        },
        elements=np.array([np.prod(network.shapes[x.name]) for x in network.layers], float) * batch,
    )


def _read_by(network: Network) -> tuple[dict[str, int | None], tuple[np.ndarray, ...]]:
    """Return `Geometry.read_by` (None where no weighted layer reads a tensor) and `joins`.

    A join names at most its direct readers, so that this stays linear in the graph's edges.
    """
    position = {name: k for k, name in enumerate(network.gemm_names)}
    joins: dict[tuple[int, ...], int] = {}
    found: dict[str, int | None] = {}
    for layer in reversed(network.layers):
        direct = (position.get(name, found.get(name)) for name in network.consumers[layer.name])
        by = tuple(sorted({k for k in direct if k is not None}))
        if len(by) > 1:
            found[layer.name] = joins.setdefault(by, len(position) + len(joins))
        else:
            found[layer.name] = by[0] if by else None
    in_order = {layer.name: found[layer.name] for layer in network.layers}
    return in_order, tuple(np.array(by, dtype=np.intp) for by in joins)


def tensor_bits(geometry: Geometry, activation_bits: np.ndarray) -> np.ndarray:
    """Bits at which each layer's tensor is stored, shape (..., layers).

    The most that a weighted layer reads of it, directly or through layers without weights; a tensor
    that none reads keeps its last weighted layer's.
    """
    n = activation_bits.shape[-1]
    wanted = np.empty((*activation_bits.shape[:-1], n + len(geometry.joins)), activation_bits.dtype)
    wanted[..., :n] = activation_bits
    for k, by in enumerate(geometry.joins):  # each names only what stands before it
        wanted[..., n + k] = wanted[..., by].max(axis=-1)
    return wanted[..., geometry.read_by]


def sum_bits(g: Geometry, w: np.ndarray, a: np.ndarray) -> np.ndarray:
    """Width of a dot product: weight bits + activation bits + ⌈log2 j⌉."""
    return w + a + ap.levels(g.j)
