"""A plan at given widths: work by phase, traffic, and the words that it works on."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from bfimna.ap.counts import CountSet
from bfimna.display import html_table, quantity
from bfimna.mapping.chip import Chip
from bfimna.mapping.work import Traffic, Work
from bfimna.network.bits import Bits
from bfimna.operators.words import Words

if TYPE_CHECKING:
    from bfimna.mapping.memory import Residency
    from bfimna.mapping.plan import Plan


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
