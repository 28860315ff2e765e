"""How a tensor is stored: its bits, its sign column, and whether it is updated in place.

The one place of this rule; plan, traffic, memory, search and emulator ask here. Model document,
section 3.

- A tensor has the bits of its most demanding reader: a product that takes it, directly or through
  layers without products. A reader of fewer bits takes the top columns. A product of two
  activations reads each of its tensors at the bits of that operand.
- What no product reads is an output. A product's sum is kept in full, through ReLU and views; any
  other layer (to pool full sums would take more columns than there are) has words of stated width,
  that of the last product before it, as though that one read it again.
- A precision may give a tensor a width of its own (`Precision.tensor_bits`), at least the bits of
  each reader; what it is computed from has as many.
- A tensor that may be negative has a sign column more.
- A layer that works on single words takes its word where the layer before left it, if no other
  layer takes it. It is read once, when the last of such a chain is done.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from bfimna.ap.counts import levels
from bfimna.errors import BfimnaError
from bfimna.network.bits import Bits
from bfimna.network.graph import Network
from bfimna.network.layer import PRODUCTS, Layer
from bfimna.operators import OPERATORS
from bfimna.operators.words import SIGN, Words

#: kinds of one input that leave a product's full sum as it is
_KEEP_SUMS = ("relu", "flatten", "view")


@dataclass(frozen=True, eq=False)
class Storage:
    """What the rule says before any bits are chosen; read-only arrays over a network's layers.

    Attributes
    ----------
    index : position of each product's layer in the network.
    growth : columns by which a dot product is wider than its products.
    source : what sets the bits of each tensor: the product k that reads it as its right operand
        (k), or whose full sum it is (n + k, of n), or that reads it as its left one (2 n + k), or
        one of the joins (numbered on from 3 n).
    joins : such sources that set a tensor's bits together, the most of them.
    keeps_sum : whether each product's sums are kept in full.
    signed : whether a tensor may be negative.
    in_place : whether a layer takes its word where the layer before left it.
    ends : position of the last layer that takes a layer's word in place (its own, if none does).
    constant : whether each product's left operand is constants (weights).
    both_signed : whether each product's right operand is signed too.
    """

    network: Network
    index: np.ndarray
    growth: np.ndarray
    source: np.ndarray
    joins: tuple[np.ndarray, ...]
    keeps_sum: np.ndarray
    signed: np.ndarray
    in_place: np.ndarray
    ends: np.ndarray
    constant: np.ndarray
    both_signed: np.ndarray

    def sum_bits(self, bits: Bits) -> np.ndarray:
        """Width of each product's sums: left bits + right bits + ⌈log2 k⌉."""
        return bits.left + bits.right + self.growth

    def bits(self, bits: Bits) -> np.ndarray:
        """Bits of each layer's tensor without sign columns, shape (..., layers)."""
        n = bits.right.shape[-1]
        shape = (*bits.right.shape[:-1], 3 * n + len(self.joins))
        asked = np.empty(shape, dtype=np.int64)
        asked[..., :n] = bits.right
        asked[..., n : 2 * n] = self.sum_bits(bits) - SIGN
        asked[..., 2 * n : 3 * n] = bits.left
        for k, by in enumerate(self.joins):  # each names only what stands before it
            asked[..., 3 * n + k] = asked[..., by].max(axis=-1)
        by_readers = asked[..., self.source]
        return by_readers if bits.tensors is None else self._widened(by_readers, bits)

    def words(self, bits: Bits) -> Words:
        """Return each layer's word: its bits, and the columns in which its result is read."""
        stored = self.bits(bits)
        return Words(stored, stored + SIGN * self.signed[self.ends])

    def readers(self, source: int) -> tuple[int, ...]:
        """Return the products whose bits a source is the most of."""
        n, products, ahead = len(self.index), set(), [source]
        while ahead:
            k = ahead.pop()
            if k < 3 * n:
                products.add(k % n)
            else:
                ahead += self.joins[k - 3 * n].tolist()
        return tuple(sorted(products))

    @cached_property
    def _consumers(self) -> list[tuple[list[int], list[int]]]:
        """The products that take each tensor (as in `source`) and the other layers' positions."""
        position = {name: k for k, name in enumerate(self.network.shapes)}
        operands, product = operand_readers(self.network), self.network.matmul_index
        return [
            (
                operands[name],
                [position[x] for x in self.network.consumers[name] if x not in product],
            )
            for name in position
        ]

    def _widened(self, by_readers: np.ndarray, bits: Bits) -> np.ndarray:
        """Give tensors their own widths, and what they are computed from as many."""
        assert bits.tensors is not None
        stored, names = by_readers.copy(), list(self.network.shapes)
        own = np.zeros_like(stored)
        earlier: dict[int, str] = {}
        for k, end in enumerate(self.ends.tolist()):  # a chain in place has one width
            mine = bits.tensors[..., k]
            if np.any((own[..., end] > 0) & (mine > 0) & (own[..., end] != mine)):
                raise BfimnaError(
                    f"tensors {earlier[end]!r} and {names[k]!r} are one word, updated in place: "
                    "want one width for both"
                )
            if np.any(mine):
                own[..., end], earlier[end] = np.maximum(own[..., end], mine), names[k]
        full_sums = (self.source >= len(self.index)) & (self.source < 2 * len(self.index))
        if np.any(own[..., full_sums]):
            k = int(np.flatnonzero(own.reshape(-1, len(names)).any(axis=0) & full_sums)[0])
            raise BfimnaError(
                f"tensor {names[k]!r} is an output that keeps its sums in full: it takes no width"
            )
        for k in range(len(names) - 1, -1, -1):
            products, others = self._consumers[k]
            sides = [(bits.right if p < len(self.index) else bits.left)[..., p % len(self.index)]
                     for p in products]  # fmt: skip
            asked = sides + [stored[..., c] for c in others]
            needed = np.max(asked, axis=0) if asked else stored[..., k]
            if self.ends[k] != k:
                stored[..., k] = stored[..., self.ends[k]]
                continue
            narrow = (own[..., k] > 0) & (own[..., k] < needed)
            if np.any(narrow):
                raise BfimnaError(
                    f"tensor {names[k]!r} has {int(own[..., k][narrow].min())} bits; what reads it "
                    f"takes {int(np.max(needed[narrow]))}"
                )
            if asked or np.any(own[..., k]):
                stored[..., k] = np.where(own[..., k] > 0, own[..., k], needed)
        return stored


@lru_cache(maxsize=256)
def storage(network: Network) -> Storage:
    """Work out once how a network's tensors are stored.

    >>> from bfimna.network import zoo
    >>> net = zoo.resnet18()
    >>> bits = Bits(np.full(21, 4), np.full(21, 4))
    >>> net.layers[-1].name, int(storage(net).bits(bits)[-1])  # a sum of 512 products
    ('fc', 16)
    """
    if not network.matmuls:
        raise BfimnaError(
            f"network {network.name!r} has no convolution or linear layer: "
            "nothing gives its tensors a width"
        )
    position = {layer.name: k for k, layer in enumerate(network.layers)}
    source, joins, keeps_sum = _sources(network)
    in_place = in_place_layers(network)
    ends = np.arange(len(in_place))
    for k, layer in reversed(list(enumerate(network.layers))):
        if in_place[k]:
            ends[position[layer.inputs[0]]] = ends[k]
    stored = Storage(
        network=network,
        index=np.array([position[name] for name in network.matmul_names], dtype=np.intp),
        growth=np.asarray(
            levels(np.array([product.k for product in network.matmuls], dtype=float))
        ),
        source=np.array(source, dtype=np.intp),
        joins=tuple(np.array(join, dtype=np.intp) for join in joins),
        keeps_sum=np.array(keeps_sum),
        signed=np.array(list(network.signed.values())),
        in_place=np.array(in_place),
        ends=ends,
        constant=np.array([product.left.constant for product in network.matmuls]),
        both_signed=np.array([product.right.signed for product in network.matmuls]),
    )
    freeze(stored)
    for join in stored.joins:
        join.setflags(write=False)
    return stored


def freeze(*records: object) -> None:
    """Make the arrays of records read-only: every caller of a cache gets the same ones."""
    for record in records:
        for value in vars(record).values():
            if type(value) is np.ndarray:
                value.setflags(write=False)


def in_place_layers(network: Network) -> list[bool]:
    """Whether each layer takes its word where the layer before left it.

    So it is where no other layer takes that word; else it loads the word and reads its own.
    """
    kinds = {layer.name: layer.kind for layer in network.layers}
    consumers = network.consumers

    def takes(layer: Layer) -> bool:
        before = layer.inputs[0]
        operator = OPERATORS[kinds[before]]
        computes = operator.kind in PRODUCTS or operator.run is not None
        return computes and operator.leaves_word and len(consumers[before]) == 1

    return [OPERATORS[layer.kind].in_place and takes(layer) for layer in network.layers]


def operand_readers(network: Network) -> dict[str, list[int]]:
    """Return what reads each tensor as an operand, in the numbers of `Storage.source`."""
    readers: dict[str, list[int]] = {name: [] for name in network.shapes}
    for k, product in enumerate(network.matmuls):
        readers[product.right.source].append(k)
        if not product.left.constant:
            readers[product.left.source].append(2 * len(network.matmuls) + k)
    return readers


def _sources(network: Network) -> tuple[list[int], list[tuple[int, ...]], list[bool]]:
    """Return `Storage.source`, `joins` and `keeps_sum`.

    A join names at most its direct readers, so that this stays linear in the graph's edges.
    """
    position, operands = network.matmul_index, operand_readers(network)
    n = len(position)
    joins: dict[tuple[int, ...], int] = {}
    asked: dict[str, int | None] = {}  # by what reads it; None: an output as it is
    for layer in reversed(network.layers):
        others = (asked[x] for x in network.consumers[layer.name] if x not in position)
        by = tuple(sorted({k for k in (*operands[layer.name], *others) if k is not None}))
        if len(by) > 1:
            asked[layer.name] = joins.setdefault(by, 3 * n + len(joins))
        elif by:
            asked[layer.name] = by[0]
        else:
            as_it_is = layer.kind in (*PRODUCTS, "input", *_KEEP_SUMS)
            asked[layer.name] = None if as_it_is else network.makers[layer.name]
    sources: dict[str, int] = {}
    for layer in network.layers:
        by_reader = asked[layer.name]
        if by_reader is not None:
            sources[layer.name] = by_reader
        elif layer.name in position:
            sources[layer.name] = n + position[layer.name]
        else:
            sources[layer.name] = sources[layer.inputs[0]] if layer.inputs else 0
    keeps_sum = [asked[name] is None for name in network.matmul_names]
    return list(sources.values()), list(joins), keeps_sum
