"""Bits to and from DRAM from below, by a layer's own width and its tensor's, for some choices.

What the MAPs leave to a layer depends on the widths of all others. Where each group of layers may
have several, a layer has at best the room that the others leave at their lowest widths.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bfimna.mapping.lifetimes import Lifetimes, lifetimes
from bfimna.mapping.memory import most_room
from bfimna.mapping.plan import Plan
from bfimna.network.bits import Bits
from bfimna.search.space import SearchSpace


@dataclass(frozen=True)
class _Sizes:
    """Bits of tensors where some widths are allowed.

    Attributes
    ----------
    low, high : least and greatest, shape (tensors,).
    least : by width of a reader, shape (widths, tensors).
    room : the most that they leave to weights.
    """

    low: np.ndarray
    high: np.ndarray
    least: np.ndarray
    room: float


@dataclass(frozen=True, eq=False)
class DramBounds:
    """Least bits to and from DRAM of a space's choices by a plan."""

    space: SearchSpace
    plan: Plan

    @cached_property
    def _lives(self) -> Lifetimes:
        return lifetimes(self.space.network)

    @cached_property
    def _by_width(self) -> np.ndarray:
        """Bits of each tensor where all layers have one width, shape (widths, tensors)."""
        widths = np.repeat(np.array(self.space.widths)[:, None], len(self.space.group_of), axis=1)
        read_bits = self.plan.at(Bits(widths, widths, self.space.own_widths)).words.read_bits
        return (self._lives.elements * read_bits[:, self._lives.layers]).astype(float)

    @cached_property
    def _readers(self) -> list[list[int]]:
        """The groups that read each tensor."""
        layers = self.space.network.layers
        return [list(self.space.readers[layers[k].name]) for k in self._lives.layers]

    @cached_property
    def _groups(self) -> np.ndarray:
        return np.array([self.space.group_of[k] for k in range(len(self.space.group_of))])

    @cached_property
    def _weights(self) -> np.ndarray:
        """Bits of each product's weights by width, shape (widths, products)."""
        weights = np.array([product.weights for product in self.space.network.matmuls])
        return np.outer(self.space.widths, weights).astype(float)

    def _ends(self, allowed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return each group's lowest and highest width, as indices."""
        return allowed.argmax(axis=1), allowed.shape[1] - 1 - allowed[:, ::-1].argmax(axis=1)

    def _sizes(self, allowed: np.ndarray) -> _Sizes:
        ends, tensors = self._ends(allowed), np.arange(len(self._readers))
        floor, top = (np.array([end[g].max() for g in self._readers]) for end in ends)
        low = self._by_width[floor, tensors]
        at = np.maximum(np.arange(len(self._by_width))[:, None], floor)
        room = max(self.plan.chip.map_bits - self._lives.live(low).max(), 0.0)
        return _Sizes(low, self._by_width[top, tensors], self._by_width[at, tensors], room)

    def least(self, allowed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the least bits of each layer, and such bits that their sum is least.

        Both have the shape (own width, stored width, layers). The first bound every layer from
        below, the second only their sum, but more closely: all weights that do not fit the room,
        whichever layers they are of.
        """
        sizes = self._sizes(allowed)
        layers = len(self.space.network.layers)
        taken, left = (np.zeros((len(self._by_width), layers)) for _ in range(2))
        if self.plan.chip.activations == "spilled":
            spilled = self._spilled(sizes)
            self._lives.read.add_to(taken, spilled)
            self._lives.brought.add_to(taken, sizes.least - spilled)
            self._lives.written.add_to(left, spilled)
            self._lives.returned.add_to(left, sizes.least - spilled)
        each = taken[:, None] + left
        streamed, together = self._streamed(allowed, sizes)
        total, index = each.copy(), self.plan.storage.index
        each[..., index] += streamed[:, None]
        if together is streamed:
            return each, each
        total[..., index] += together[:, None]
        return each, total + self._displaced(sizes)

    def _spilled(self, sizes: _Sizes) -> np.ndarray:
        """Return the least bits of each tensor that spill, by its width: (widths, tensors)."""
        room = float(self.plan.chip.map_bits)
        if self._lives.live(sizes.high).max() <= room:
            return np.zeros_like(sizes.least)
        free = most_room(self._lives, sizes.low, sizes.high, room)
        return np.maximum(sizes.least - free, 0.0)

    def _streamed(self, allowed: np.ndarray, sizes: _Sizes) -> tuple[np.ndarray, np.ndarray]:
        """Return weights from DRAM by width, each layer's least and those of the least sum."""
        weights, how = self._weights, self.plan.chip.weights
        if how != "auto":
            alike = weights * (how == "streamed")
            return alike, alike
        low = weights[self._ends(allowed)[0][self._groups], np.arange(weights.shape[1])]
        upto = np.cumsum(low)
        each = np.clip(upto - low + weights - sizes.room, 0.0, weights)
        if upto[-1] < sizes.room or not sizes.room:
            return each, each
        # the room is full whatever the widths are: each bit more is a bit more from DRAM
        return each, np.maximum(np.clip(upto - sizes.room, 0.0, low) + weights - low, 0.0)

    def _displaced(self, sizes: _Sizes) -> np.ndarray:
        """Return weights that wider tensors displace, by stored width: (widths, layers)."""
        lives = self._lives
        peak = int(lives.live(sizes.low).argmax())
        more = np.zeros((len(sizes.least), len(self.space.network.layers)))
        if lives.live(sizes.high)[peak] <= self.plan.chip.map_bits:
            live = (lives.first <= peak) & (peak <= lives.last)
            more[:, lives.layers[live]] = (sizes.least - sizes.low)[:, live]
        return more

    def _loose(self, allowed: np.ndarray, sizes: _Sizes) -> np.ndarray:
        """Return whether the weights of each product may stay in part, by other layers' widths."""
        columns, ends = np.arange(self._weights.shape[1]), self._ends(allowed)
        least, most = (np.cumsum(self._weights[end[self._groups], columns]) for end in ends)
        if self.plan.chip.weights != "auto":
            return np.zeros(len(columns), dtype=bool)
        room = max(self.plan.chip.map_bits - self._lives.live(sizes.high).max(), 0.0)
        low = self._weights[ends[0][self._groups], columns]
        return (most > room) & (least - low < sizes.room)

    def loose_layers(self, allowed: np.ndarray) -> np.ndarray:
        """Return the positions of layers that `least` bounds more closely together than each."""
        return self.plan.storage.index[self._loose(allowed, self._sizes(allowed))]

    def spread(self, allowed: np.ndarray) -> np.ndarray:
        """Return by group the bits by which its widths change what the MAPs have left.

        0 for all groups where the bounds are exact.
        """
        sizes, ends, chip = self._sizes(allowed), self._ends(allowed), self.plan.chip
        low, high = (self._lives.live(size).max() for size in (sizes.low, sizes.high))
        bits = np.zeros(len(allowed))
        spills = chip.activations == "spilled" and high > chip.map_bits
        columns = np.arange(self._weights.shape[1])
        least, most = (self._weights[end[self._groups], columns] for end in ends)
        last = int(np.flatnonzero(self._loose(allowed, sizes)).max(initial=-1))
        np.add.at(bits, self._groups[: max(last, 0)], (most - least)[: max(last, 0)])
        if spills or (last >= 0 and high > low):
            for groups, more in zip(self._readers, sizes.high - sizes.low, strict=True):
                bits[groups] += more
        return bits * (allowed.sum(axis=1) > 1)
