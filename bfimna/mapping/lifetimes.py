"""Lifetimes of a network's tensors: from which layer to which each is live, and what reads it."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np

from bfimna.mapping.storage import freeze, in_place_layers
from bfimna.network.graph import Network
from bfimna.network.layer import ADDRESSING

OUTSIDE = -1  # the reader of results


@dataclass(frozen=True, eq=False)
class Transfers:
    """Bits that layers move to and from DRAM, by tensor.

    Attributes
    ----------
    tensors, shares : of each transfer, ordered by layers: which tensor, and how much of it.
    starts : first transfer of each layer that has some.
    layers : positions of these layers.
    """

    tensors: np.ndarray
    shares: np.ndarray
    starts: np.ndarray
    layers: np.ndarray

    @classmethod
    def from_shares(cls, shares: dict[tuple[int, int], float]) -> "Transfers":
        """Return the transfers of which a share is given by (layer, tensor)."""
        keys = sorted(shares)
        at, tensors = np.array(keys, dtype=np.intp).reshape(-1, 2).T
        layers, starts = np.unique(at, return_index=True)
        transfers = cls(tensors, np.array([shares[key] for key in keys]), starts, layers)
        freeze(transfers)
        return transfers

    def add_to(self, layers: np.ndarray, tensors: np.ndarray) -> None:
        """Add the transfers of tensors' bits, (..., tensors), to layers' bits, (..., layers)."""
        if len(self.layers):
            moved = tensors[..., self.tensors] * self.shares
            layers[..., self.layers] += np.add.reduceat(moved, self.starts, axis=-1)


@dataclass(frozen=True, eq=False)
class Lifetimes:
    """Tensors with memory of their own, in the order in which they take it.

    Those that are kept across inferences come first, the others in the order of their layers.

    Attributes
    ----------
    layers : position of each tensor's layer, shape (tensors,).
    elements : of each tensor.
    first, last : positions of the layers from and to which it is live.
    by_end : the tensors in the order of `last`.
    begun, ended : tensors that are live no later than each layer, and that are gone before it.
    written, read : transfers of what lies in DRAM: one by the layer that computes it (an image is
        there), and one by each that reads it, as far as it reads the tensor.
    brought, returned : transfers of what lies in the MAPs: an image comes in, unless it is kept
        there, and a result goes out.
    """

    layers: np.ndarray
    elements: np.ndarray
    first: np.ndarray
    last: np.ndarray
    by_end: np.ndarray
    begun: np.ndarray
    ended: np.ndarray
    written: Transfers
    read: Transfers
    brought: Transfers
    returned: Transfers

    @property
    def gone(self) -> Iterator[np.ndarray]:
        """The tensors that are gone when each is made, and were not when the one before was."""
        ends = [0, *self.ended[self.first].tolist()]
        return (self.by_end[before:until] for before, until in pairwise(ends))

    def live(self, sizes: np.ndarray) -> np.ndarray:
        """Add up what is live while each layer runs: (..., tensors) to (..., layers)."""
        begun, ended = _sums(sizes), _sums(sizes[..., self.by_end])
        return begun[..., self.begun] - ended[..., self.ended]


def _sums(sizes: np.ndarray) -> np.ndarray:
    """Return the sums of the first 0, 1, 2, … of them."""
    sums = np.zeros((*sizes.shape[:-1], sizes.shape[-1] + 1), dtype=sizes.dtype)
    np.cumsum(sizes, axis=-1, out=sums[..., 1:])
    return sums


@lru_cache(maxsize=256)
def lifetimes(network: Network) -> Lifetimes:
    """Work out once which tensors a network has, how long each is live, and what reads it.

    A tensor lives from the layer that makes it to the last that reads it, one that is kept across
    inferences all the time. A flatten, view or concatenation is its inputs' words under other
    addresses; an element-wise layer works in place on a result that no other layer reads. Neither
    takes memory of its own.
    """
    layers, tensors = network.layers, list(network.tensors.values())
    borrows = [  # whose tensors lie where their inputs' do
        layer.kind != "input" if layer.kind in ADDRESSING else in_place
        for layer, in_place in zip(layers, in_place_layers(network), strict=True)
    ]
    read = _read(network, borrows)
    kept = np.array([tensor.lifetime == "kept" for tensor in tensors])
    own = np.array(sorted(np.flatnonzero(~np.array(borrows)), key=lambda k: (not kept[k], k)))
    last = np.array(_last(network, borrows))
    first, last = np.where(kept, 0, range(len(layers)))[own], np.where(kept, len(layers) - 1, last)
    last = last[own]
    shares: dict[str, dict[tuple[int, int], float]] = {
        way: {} for way in ("written", "read", "brought", "returned")
    }
    for n, k in enumerate(own.tolist()):
        parts = {reader: part / tensors[k].elements for reader, part in read[k].items()}
        result = parts.pop(OUTSIDE, 0.0)
        shares["read"] |= {(reader, n): part for reader, part in parts.items()}
        if layers[k].kind != "input":
            shares["written"][k, n] = 1.0
            shares["returned"] |= {(k, n): result} if result else {}
        elif parts and not kept[k]:
            shares["brought"][min(parts), n] = 1.0
    by_end, every = np.argsort(last, kind="stable"), np.arange(len(layers))
    lives = Lifetimes(
        layers=own,
        elements=np.array([tensors[k].elements for k in own], dtype=np.int64),
        first=first,
        last=last,
        by_end=by_end,
        begun=np.searchsorted(first, every, side="right"),
        ended=np.searchsorted(last[by_end], every, side="left"),
        **{way: Transfers.from_shares(share) for way, share in shares.items()},
    )
    freeze(lives)
    return lives


def _read(network: Network, borrows: list[bool]) -> list[dict[int, int]]:
    """Return the elements of each layer's tensor that each reader reads, by position.

    `OUTSIDE` reads what no layer does. Through a view or a part of it a layer reads no more
    elements than each of these has; what it reads along two ways it reads twice, but never more
    than the tensor.
    """
    position = {layer.name: k for k, layer in enumerate(network.layers)}
    elements = [tensor.elements for tensor in network.tensors.values()]
    read: list[dict[int, int]] = [{} for _ in elements]
    for k, layer in reversed(list(enumerate(network.layers))):
        takers = [position[name] for name in network.consumers[layer.name]]
        ways = [read[taker] if borrows[taker] else {taker: elements[k]} for taker in takers]
        for way in ways or [{OUTSIDE: elements[k]}]:
            for reader, part in way.items():
                read[k][reader] = min(read[k].get(reader, 0) + part, elements[k])
    return read


def _last(network: Network, borrows: list[bool]) -> list[int]:
    """Return the position to which each layer's tensor is live: of a reader, or an output's own."""
    position = {layer.name: k for k, layer in enumerate(network.layers)}
    last = list(range(len(borrows)))
    for k, layer in reversed(list(enumerate(network.layers))):
        for taker in (position[name] for name in network.consumers[layer.name]):
            last[k] = max(last[k], last[taker] if borrows[taker] else taker)
    return last


def live_bits(network: Network, read_bits: np.ndarray) -> np.ndarray:
    """Bits of the tensors that are live while each layer runs, one image, in the layers' order.

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
    lives = lifetimes(network)
    return lives.live(lives.elements * np.asarray(read_bits[..., lives.layers], dtype=np.int64))
