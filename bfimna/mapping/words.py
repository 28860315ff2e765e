"""How a tensor is stored: its bits, its sign column, and whether it lies where it was made.

The one place of this rule; placement, traffic, memory, search and emulator ask here. Model
document, section 3.

- A tensor has the bits of its most demanding reader: a weighted layer that takes it, directly or
  through layers without weights. A reader of fewer bits takes the top columns.
- What no weighted layer reads is an output. A weighted layer's sum is kept in full, through ReLU
  and views; any other layer (to pool full sums would take more columns than there are) wants a word
  of stated width, that of the last weighted layer before it, as though that one read it again.
- A tensor that may be negative has a sign column more.
- A layer that works on single words takes its word where the layer before left it, if no other
  layer takes it. It is read once, when the last of such a chain is done.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from bfimna.ap.counts import levels
from bfimna.errors import BfimnaError
from bfimna.mapping.alike import Words
from bfimna.mapping.kinds import KINDS
from bfimna.mapping.resident import SIGN
from bfimna.network.graph import Network
from bfimna.network.layer import GEMM, Layer

#: kinds of one input that leave a weighted layer's full sum as it is
_KEEP_SUMS = ("relu", "flatten", "view")


@dataclass(frozen=True)
class Storage:
    """What the rule says before any bits are chosen; read-only arrays over a network's layers.

    Attributes
    ----------
    index : position of each weighted layer in the network.
    growth : columns by which a dot product of each weighted layer is wider than its products.
    source : what sets the bits of each tensor: the weighted layer k that reads it (k), or whose
        full sum it is (n + k, of n), or one of the joins (numbered on from 2 n).
    joins : such sources that set a tensor's bits together, the most of them.
    summed : whether each weighted layer's sums are kept in full.
    signed : whether a tensor may be negative.
    in_place : whether a layer takes its word where the layer before left it.
    ends : position of the last layer that takes a layer's word in place (its own, if none does).
    """

    index: np.ndarray
    growth: np.ndarray
    source: np.ndarray
    joins: tuple[np.ndarray, ...]
    summed: np.ndarray
    signed: np.ndarray
    in_place: np.ndarray
    ends: np.ndarray

    def sum_bits(self, weight_bits: np.ndarray, activation_bits: np.ndarray) -> np.ndarray:
        """Width of each weighted layer's sums: weight bits + activation bits + ⌈log2 j⌉."""
        return weight_bits + activation_bits + self.growth

    def bits(self, weight_bits: np.ndarray, activation_bits: np.ndarray) -> np.ndarray:
        """Bits of each layer's tensor without sign columns, shape (..., layers)."""
        n = activation_bits.shape[-1]
        shape = (*activation_bits.shape[:-1], 2 * n + len(self.joins))
        wanted = np.empty(shape, dtype=np.int64)
        wanted[..., :n] = activation_bits
        wanted[..., n : 2 * n] = self.sum_bits(weight_bits, activation_bits) - SIGN
        for k, by in enumerate(self.joins):  # each names only what stands before it
            wanted[..., 2 * n + k] = wanted[..., by].max(axis=-1)
        return wanted[..., self.source]

    def words(self, weight_bits: np.ndarray, activation_bits: np.ndarray) -> Words:
        """Return each layer's word: its bits, and the columns in which its result is read."""
        bits = self.bits(weight_bits, activation_bits)
        return Words(bits, bits + SIGN * self.signed[self.ends])

    def readers(self, source: int) -> tuple[int, ...]:
        """Return the weighted layers whose bits a source is the most of."""
        n, found, ahead = len(self.index), set(), [source]
        while ahead:
            k = ahead.pop()
            if k < 2 * n:
                found.add(k % n)
            else:
                ahead += self.joins[k - 2 * n].tolist()
        return tuple(sorted(found))


@lru_cache(maxsize=256)
def storage(network: Network) -> Storage:
    """Work out once how a network's tensors are stored.

    >>> from bfimna.network import zoo
    >>> net = zoo.resnet18()
    >>> bits = np.full(21, 4)
    >>> net.layers[-1].name, int(storage(net).bits(bits, bits)[-1])  # a sum of 512 products
    ('fc', 16)
    """
    if not network.gemms:
        raise BfimnaError(
            f"network {network.name!r} has no convolution or linear layer: "
            "nothing gives its tensors a width"
        )
    position = {layer.name: k for k, layer in enumerate(network.layers)}
    source, joins, summed = _sources(network)
    signed: dict[str, bool] = {}
    for layer in network.layers:
        own = KINDS[layer.kind].signed if layer.kind in KINDS else None
        before = any(signed[name] for name in layer.inputs)
        signed[layer.name] = layer.kind in GEMM or (before if own is None else own)
    placed = [in_place(network, layer) for layer in network.layers]
    ends = np.arange(len(placed))
    for k, layer in reversed(list(enumerate(network.layers))):
        if placed[k]:
            ends[position[layer.inputs[0]]] = ends[k]
    found = Storage(
        index=np.array([position[name] for name in network.gemm_names], dtype=np.intp),
        growth=np.asarray(levels(np.array([gemm.length for gemm in network.gemms], dtype=float))),
        source=np.array(source, dtype=np.intp),
        joins=tuple(np.array(join, dtype=np.intp) for join in joins),
        summed=np.array(summed),
        signed=np.array([signed[layer.name] for layer in network.layers]),
        in_place=np.array(placed),
        ends=ends,
    )
    freeze(found)
    for join in found.joins:
        join.setflags(write=False)
    return found


def freeze(*records: object) -> None:
    """Make the arrays of records read-only: every caller of a cache gets the same ones."""
    for record in records:
        for value in vars(record).values():
            if type(value) is np.ndarray:
                value.setflags(write=False)


def in_place(network: Network, layer: Layer) -> bool:
    """Whether a layer takes its word where the layer before left it.

    So it is where no other layer takes that word; else it loads the word and reads its own.
    """
    if layer.kind not in KINDS or not KINDS[layer.kind].in_place:
        return False
    before = network[layer.inputs[0]]
    leaves = before.kind in GEMM or (before.kind in KINDS and KINDS[before.kind].leaves)
    return leaves and len(network.consumers[before.name]) == 1


def _sources(network: Network) -> tuple[list[int], list[tuple[int, ...]], list[bool]]:
    """Return `Storage.source`, `joins` and `summed`.

    A join names at most its direct readers, so that this stays linear in the graph's edges.
    """
    position = network.gemm_positions
    n = len(position)
    joins: dict[tuple[int, ...], int] = {}
    wanted: dict[str, int | None] = {}  # by what reads it; None: an output as it is
    for layer in reversed(network.layers):
        direct = (position.get(name, wanted[name]) for name in network.consumers[layer.name])
        by = tuple(sorted({k for k in direct if k is not None}))
        if len(by) > 1:
            wanted[layer.name] = joins.setdefault(by, 2 * n + len(joins))
        elif by:
            wanted[layer.name] = by[0]
        else:
            as_it_is = layer.kind in (*GEMM, "input", *_KEEP_SUMS)
            wanted[layer.name] = None if as_it_is else network.makers[layer.name]
    found: dict[str, int] = {}
    for layer in network.layers:
        by_reader = wanted[layer.name]
        if by_reader is not None:
            found[layer.name] = by_reader
        elif layer.name in position:
            found[layer.name] = n + position[layer.name]
        else:
            found[layer.name] = found[layer.inputs[0]] if layer.inputs else 0
    summed = [wanted[name] is None for name in network.gemm_names]
    return list(found.values()), list(joins), summed
