"""A plan at given widths: work by phase, traffic, and the words that it works on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import repeat
from typing import TYPE_CHECKING

import numpy as np

from bfimna.ap.counts import Amount, Counts, CountSet
from bfimna.display import html_table, quantity
from bfimna.mapping.chip import Chip
from bfimna.network.bits import Bits
from bfimna.operators.words import Words

if TYPE_CHECKING:
    from bfimna.mapping.memory import Residency
    from bfimna.mapping.plan import Plan

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


@dataclass(frozen=True, eq=False, repr=False)
class Schedule:
    """A `Plan` at given widths: what the model prices and the emulator executes.

    Attributes
    ----------
    plan : network × chip × mapping × batch.
    bits : the widths, of one precision or many.
    counts : the set of AP counts.
    words : of each layer's tensor, shape (..., layers).
    """

    plan: "Plan"
    bits: Bits
    counts: CountSet
    words: Words

    @cached_property
    def phases(self) -> dict[str, Work]:
        """The AP's work by phase, worked out on first use."""
        return self.plan.work(self.bits, self.words, self.counts)

    @cached_property
    def traffic(self) -> Traffic:
        """What moves between the arrays, worked out on first use."""
        dram_bits = self.residency.dram_bits
        return self.plan.traffic(self.bits, self.words, self.counts, dram_bits)

    def with_dram(self, dram_bits: np.ndarray) -> "Schedule":
        """Return the schedule with other bits from and to DRAM, (..., layers of the network)."""
        other, traffic = replace(self), self.traffic
        vars(other)["phases"] = self.phases
        vars(other)["traffic"] = replace(traffic, dram_bits=dram_bits[..., traffic.layers])
        return other

    @cached_property
    def residency(self) -> "Residency":
        """What the MAPs hold of weights and tensors, worked out on first use."""
        return self.plan.residency(self.bits, self.words)

    @cached_property
    def driven_keys(self) -> tuple[str, int]:
        """The most key columns that a pass drives, and the layer that runs it."""
        return self.plan.driven_keys(self.words)

    @property
    def chip(self) -> Chip:
        """The chip, with the clusters that it has for this network."""
        return self.plan.chip

    @property
    def layers(self) -> np.ndarray:
        """Position in the network of each product's layer."""
        return self.plan.storage.index

    @property
    def folds(self) -> np.ndarray:
        """Times that the chip is filled with products; shape (products,)."""
        return self.plan.products.folds

    @property
    def utilisation(self) -> np.ndarray:
        """Share of the rows that hold a product, over these folds; shape (products,)."""
        return self.plan.utilisation

    @property
    def mean_utilisation(self) -> float:
        """Share of the CAP rows that hold a product, over all folds of all layers."""
        return float(np.average(self.utilisation, weights=self.folds))

    def __repr__(self) -> str:
        points = self.bits.left.shape[:-1]
        at = f" at {int(np.prod(points))} precisions" if points else ""
        return f"<Schedule of {self.plan!r}{at}, {self.counts} counts>"

    def _repr_html_(self) -> str:
        if self.bits.left.ndim > 1:
            return html_table(repr(self)[1:-1], ("precisions",), [(self.bits.left.shape[0],)])
        header = (
            "layer", "stays where", "bits", "tile per fold and cluster", "folds", "rows used",
            "cycles", "bits moved",
        )  # fmt: skip
        return html_table(repr(self)[1:-1], header, self.rows())

    def rows(self) -> list[tuple[str, ...]]:
        """Return a row per layer that runs: where its operands lie, tile, folds, rows, traffic.

        Of one precision. Work that a layer does in place on another's word has no traffic.
        """
        plan, names = self.plan, list(self.plan.network.shapes)
        moved = dict(zip(self.traffic.layers.tolist(), self.traffic.bus_bits, strict=True))
        cycles = np.zeros(len(names))
        rows = np.zeros(len(names))
        for work in self.phases.values():
            cycles[work.layers] += work.counts.cycles
            rows[work.layers] = np.maximum(rows[work.layers], work.rows)
        product = {int(k): n for n, k in enumerate(self.layers)}
        table: list[tuple[str, ...]] = []
        for k in np.flatnonzero(rows).tolist():
            stays = "updated in place" if plan.storage.in_place[k] else "one element per row"
            width, tile, folds = str(self.words.bits[k]), "", ""
            if (n := product.get(k)) is not None:
                stays = plan.products.placement
                width = f"{self.bits.left[n]} × {self.bits.right[n]}"
                tile = plan.products.tile(n, self.bits)
                folds = f"{self.folds[n]:.0f}"
            row = (names[k], stays, width, tile, folds, quantity(rows[k], ""),
                   quantity(cycles[k], ""), quantity(float(moved.get(k, 0.0)), "bit"))  # fmt: skip
            table.append(row)
        return table


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
