"""A placement's events summed over its layers: every price list then costs a few products.

Seconds and joules are linear in the counts (`bfimna.cost.cost`), so what differs between
technologies, supplies or draws of their parameters is multiplied once per point, not per layer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from types import SimpleNamespace
from typing import Any

import numpy as np

from bfimna.ap.counts import Counts
from bfimna.cost import cost
from bfimna.mapping.placement import Placement, Work
from bfimna.mapping.traffic import Traffic
from bfimna.technology.interconnect import Interconnect
from bfimna.technology.technology import Technology


@dataclass(frozen=True)
class Sums:
    """Totals of a placement of shape (points, ...); prices have that many axes behind their own.

    Attributes
    ----------
    placement : whose events they are.
    flat : counts of the phases on rows, summed over layers and phases.
    upright : counts of the vertical phases, summed likewise.
    by_segment : the same, each layer's times its rows per segment.
    moved : bits of the traffic, summed over the layers.
    """

    placement: Placement
    flat: Counts
    upright: Counts
    by_segment: Counts
    moved: SimpleNamespace

    def seconds(self, prices: cost.Prices) -> Any:
        """Seconds of the batch under each price list."""
        traffic, chip = self.placement.traffic, self.placement.chip
        if chip.overlap or np.any(traffic.dram_bits):
            return self._seconds_by_layer(prices)
        return (
            cost.link_latency(traffic, chip).sum(axis=-1) / prices.interconnect.link_speed
            + cost.latency(self.flat, prices, chip)
            + cost.latency(self.upright, prices, chip, segment=0)
        )

    def _seconds_by_layer(self, prices: cost.Prices) -> Any:
        """Seconds where layer by layer the slower of two counts, which no sum knows."""
        traffic, chip = self.placement.traffic, self.placement.chip
        by_layer, phases = _with_layers(prices), self.placement.phases.values()
        moved: list[Traffic | Work] = [traffic, *phases]
        layers = max(int(x.layers.max(initial=0)) for x in moved) + 1
        each = [cost.latency(x.counts, by_layer, chip, x.segment) for x in phases]
        points = np.broadcast_shapes(*(np.shape(seconds)[:-1] for seconds in each))
        computing = np.zeros((*points, layers))
        for work, seconds in zip(phases, each, strict=True):
            computing[..., work.layers] += seconds
        moving = cost.moving_latency(self.placement, by_layer, computing)
        return moving.sum(axis=-1) + computing.sum(axis=-1)

    def joules(self, prices: cost.Prices, seconds: Any) -> Any:
        """Joules of the batch under each price list, leakage over its seconds included."""
        chip = self.placement.chip
        # a vertical line takes a + b · segment: Σ counts · (a + b · segment) from two totals
        slope = cost.energy(self.by_segment, prices, chip, 1.0)
        slope = slope - cost.energy(self.by_segment, prices, chip, 0.0)
        return (
            cost.transfer_energy(self.moved, prices.interconnect)
            + cost.energy(self.flat, prices, chip)
            + cost.energy(self.upright, prices, chip, 0.0)
            + slope
            + seconds * cost.leakage_power(chip, prices)
        )


def summed(placement: Placement) -> Sums:
    """Sum a placement's events over its layers."""
    works = list(placement.phases.values())
    flat = [work for work in works if work.segment is None]
    upright = [(work, work.segment) for work in works if work.segment is not None]
    moved = {
        what: getattr(placement.traffic, what).sum(axis=-1)
        for what in ("bus_bits", "mesh_bit_hops", "dram_bits")
    }
    return Sums(
        placement,
        _total([(work, np.ones(len(work.layers))) for work in flat]),
        _total([(work, np.ones(len(work.layers))) for work, _ in upright]),
        _total([(work, np.asarray(segment, dtype=float)) for work, segment in upright]),
        SimpleNamespace(**moved),
    )


def _total(works: list[tuple[Work, np.ndarray]]) -> Counts:
    """Return the counts of several phases summed over their layers, each layer weighted."""
    total = Counts()
    for work, weights in works:
        amounts = work.counts.amounts.items()
        total = total + Counts(**{event: _dot(amount, weights) for event, amount in amounts})
    return total


def _dot(amounts: Any, weights: np.ndarray) -> Any:
    # row by row, so that a point's sum is the same to the last bit whatever stands beside it
    return np.vecdot(amounts, weights) if np.ndim(amounts) else amounts * weights.sum()


def stacked(technologies: Sequence[Technology]) -> SimpleNamespace:
    """Return technologies as one price list of arrays of shape (technologies, 1).

    A number that all of them share stays a number.
    """
    links = _stacked([technology.interconnect for technology in technologies])
    return SimpleNamespace(**_stacked(technologies), interconnect=SimpleNamespace(**links))


def _stacked(items: Sequence[Technology] | Sequence[Interconnect]) -> dict[str, Any]:
    prices: dict[str, Any] = {}
    for field in fields(items[0]):
        if field.type in ("float", float):
            values = [getattr(item, field.name) for item in items]
            same = all(value == values[0] for value in values)
            prices[field.name] = values[0] if same else np.array(values)[:, None]
    return prices


def _with_layers(prices: SimpleNamespace) -> SimpleNamespace:
    """Return the prices with one more axis behind the others, for the layers."""

    def wider(value: Any) -> Any:
        if isinstance(value, SimpleNamespace):
            return _with_layers(value)
        return value[..., None] if isinstance(value, np.ndarray) else value

    return SimpleNamespace(**{name: wider(value) for name, value in vars(prices).items()})
