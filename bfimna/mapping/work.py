"""Work of a phase and bits that move, by layer, and the modes of the arrays that do the work."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import repeat

import numpy as np

from bfimna.ap.counts import Amount, Counts

#: phases with AP cycles, in the order in which a layer runs them
PHASES = (
    "load",
    "multiply",
    "reduce",
    "read",
    "carry",
    "bias",
    "requantise",
    "relu",
    "pool",
    "residual",
    "elementwise",
)


@dataclass(frozen=True)
class Horizontal:
    """Mode in which a row's lines move, with every column of the array attached."""


@dataclass(frozen=True)
class Vertical:
    """Mode in which a column's lines move, with the rows of a segment attached; for each layer.

    A reduction runs in levels. Each has as many cycles as any other, so that times depend on means
    over the levels; energies depend on means over the sets of rows that are added.

    Attributes
    ----------
    rows : mean rows attached to a line, over all sets.
    span : mean over the levels of the rows that a line has attached in one mat.
    mats : mean over the levels of how often the mats that a segment spans double.
    entries : times that the arrays change to vertical mode, and back.
    entered_rows : rows that change, summed over the entries.
    cut_rows : rows whose segment switches are set anew, summed over the levels of all entries.
    longest : most rows that a line has attached in one mat.
    """

    rows: Amount
    span: Amount = 0.0
    mats: Amount = 0.0
    entries: Amount = 0.0
    entered_rows: Amount = 0.0
    cut_rows: Amount = 0.0
    longest: Amount = 0.0


@dataclass(frozen=True, eq=False)
class Mixed:
    """Modes of layers that differ in a phase: several mappings on one chip.

    Attributes
    ----------
    modes : each of another kind.
    at : for each mode the layers that it holds for, by their number in the work.
    """

    modes: tuple[Horizontal | Vertical, ...]
    at: tuple[np.ndarray, ...]


Mode = Horizontal | Vertical | Mixed
HORIZONTAL = Horizontal()


@dataclass(frozen=True)
class Work:
    """One phase's counts for some layers.

    Attributes
    ----------
    layers : positions in the network, shape (n,).
    counts : arrays of shape (..., n), for the whole batch.
    rows : rows that take part, summed over the folds, shape (n,).
    mode : horizontal, or vertical with what a column's lines have attached, (..., n) each.
    """

    layers: np.ndarray
    counts: Counts
    rows: np.ndarray
    mode: Mode = HORIZONTAL

    def settled(self, own_cycle: bool) -> "Work":
        """Return the work with clears along with loads settled: see `Counts.settled`."""
        return Work(self.layers, self.counts.settled(own_cycle), self.rows, self.mode)

    def mode_at(self, n: int) -> Horizontal | Vertical:
        """Return the mode of the n-th of the layers alone."""
        own = next(work for work in self.by_mode() if self.layers[n] in work.layers)
        if not isinstance(own.mode, Vertical):
            return HORIZONTAL
        number = int(np.flatnonzero(own.layers == self.layers[n])[0])
        fields = vars(own.mode).values()
        return Vertical(*(float(np.broadcast_to(x, len(own.layers))[number]) for x in fields))

    def some(self, at: np.ndarray) -> "Work":
        """Return the work of some of the layers, by their number in a work of one mode."""
        n, mode = len(self.layers), self.mode
        amounts = {
            event: np.broadcast_to(amount, (*np.shape(amount)[:-1], n))[..., at]
            for event, amount in self.counts.amounts.items()
        }
        if isinstance(mode, Vertical):
            mode = Vertical(*(_of_layers(x, n)[..., at] for x in vars(mode).values()))
        return Work(self.layers[at], Counts(**amounts), self.rows[at], mode)

    def by_mode(self) -> list["Work"]:
        """Return the work of each mode by itself: what formulas price at once."""
        if not isinstance(self.mode, Mixed):
            return [self]
        plain = replace(self, mode=HORIZONTAL)
        pairs = zip(self.mode.modes, self.mode.at, strict=True)
        return [replace(plain.some(at), mode=mode) for mode, at in pairs]


def _of_layers(amounts: Amount, n: int) -> np.ndarray:
    """Return amounts with a last axis of n layers."""
    return np.broadcast_to(amounts, (*np.shape(amounts)[:-1], n))


@dataclass(frozen=True)
class Traffic:
    """Bits moved by the layers that move any, for the whole batch; arrays of shape (..., n).

    Attributes
    ----------
    layers : positions in the network.
    bus_bits : over cluster buses. mesh_bit_hops : over the mesh, each bit times its hops.
    dram_bits : from and to DRAM: weights, spilled tensors, images and results.
    """

    layers: np.ndarray
    bus_bits: np.ndarray
    mesh_bit_hops: np.ndarray
    dram_bits: np.ndarray


def joined(works: list[Work]) -> Work:
    """Lay the work of several kinds of layer in one phase side by side."""
    works = [part for work in works for part in work.by_mode()]
    if len(works) == 1:
        return works[0]
    occurring = sorted({event for w in works for event in w.counts.amounts})
    amounts = [getattr(w.counts, event) for w in works for event in occurring]
    shape = np.broadcast_shapes(*(np.shape(amount)[:-1] for amount in amounts))
    n = sum(len(w.layers) for w in works)

    def side_by_side(event: str) -> Amount:
        amounts = [getattr(w.counts, event) for w in works]
        row, at = np.empty((*shape, n)), 0
        for amount, w in zip(amounts, works, strict=True):
            row[..., at : at + len(w.layers)] = amount
            at += len(w.layers)
        return row

    return Work(
        np.concatenate([w.layers for w in works]),
        Counts(**{event: side_by_side(event) for event in occurring}),
        np.concatenate([w.rows for w in works]),
        _joined_mode(works),
    )


def _joined_mode(works: list[Work]) -> Mode:
    """Return the mode of works side by side, each of one mode."""
    numbers = np.split(np.arange(sum(sizes := [len(w.layers) for w in works])), np.cumsum(sizes))
    pairs = list(zip(works, numbers[:-1], strict=True))
    flat = [at for work, at in pairs if not isinstance(work.mode, Vertical)]
    upright = [at for work, at in pairs if isinstance(work.mode, Vertical)]
    rows = [vars(work.mode).values() for work in works if isinstance(work.mode, Vertical)]
    sizes = list(map(len, upright))
    if not upright:
        return HORIZONTAL
    vertical = Vertical(*map(_side_by_side, zip(*rows, strict=True), repeat(sizes)))
    if not flat:
        return vertical
    return Mixed((HORIZONTAL, vertical), (np.concatenate(flat), np.concatenate(upright)))


def _side_by_side(amounts: Sequence[Amount], sizes: Sequence[int]) -> np.ndarray:
    """Lay amounts of so many layers each side by side."""
    each = list(map(_of_layers, amounts, sizes))
    points = np.broadcast_shapes(*(x.shape[:-1] for x in each))
    return np.concatenate([np.broadcast_to(x, (*points, x.shape[-1])) for x in each], axis=-1)
