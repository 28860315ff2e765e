"""Totals of a network on a chip: events summed over layers, and the headline figures of points.

Seconds and joules are linear in the counts (`bfimna.cost.formulas`), so prices that differ between
technologies, supplies or Monte Carlo samples are multiplied once per point, not per layer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from bfimna.ap.counts import Amount, Counts, CountSet
from bfimna.cost import formulas, limits
from bfimna.cost.power import PhasePower
from bfimna.mapping.chip import Chip
from bfimna.mapping.schedule import Schedule
from bfimna.mapping.work import Vertical, Work
from bfimna.network.graph import Network
from bfimna.network.precision import Precision
from bfimna.technology.prices import AnyPrices, Price, with_layer_axis
from bfimna.technology.technology import Technology

#: first columns of summaries and sweeps: which point a row is
POINT_LABELS = (
    "network", "precision", "mean_bits", "technology", "supply_v", "chip", "counts", "batch",
)  # fmt: skip
#: a column's line with nothing attached; with one row; within one mat; over twice as many mats
UNATTACHED, ONE_ROW = Vertical(0.0), Vertical(1.0)
ONE_SPAN, ONE_DOUBLING = Vertical(0.0, span=1.0), Vertical(0.0, mats=1.0)


@dataclass(frozen=True)
class EventTotals:
    """Events of a schedule of shape (points, ...), summed over its layers.

    Prices are numbers, or arrays with as many axes behind their own as the schedule has of points.

    Attributes
    ----------
    schedule : whose events they are.
    horizontal : counts of the phases in horizontal mode, summed over layers and phases.
    vertical : counts of the phases in vertical mode, summed likewise.
    vertical_rows, vertical_span, vertical_mats : the same, each layer's times what its lines have
        attached: see `Vertical`.
    entries, entered_rows, cut_rows : of `Vertical`, summed over the layers that are reduced.
    bus_bits, mesh_bit_hops, dram_bits : the traffic, summed over the layers.
    """

    schedule: Schedule
    horizontal: Counts
    vertical: Counts
    vertical_rows: Counts
    vertical_span: Counts
    vertical_mats: Counts
    entries: Amount
    entered_rows: Amount
    cut_rows: Amount
    bus_bits: np.ndarray
    mesh_bit_hops: np.ndarray
    dram_bits: np.ndarray

    def seconds(self, prices: AnyPrices) -> Price:
        """Seconds of the batch under each price list, stretched where the chip has limits."""
        return self._unlimited_seconds(prices) + self.throttled_seconds(prices)

    def throttled_seconds(self, prices: AnyPrices) -> Price:
        """Seconds of these that the chip's limits of power density and current cost."""
        chip = self.schedule.chip
        if not limits.is_limited(chip):
            return 0.0
        if chip.overlap:
            limited = self._seconds_by_layer(prices, limited=True)
            return np.maximum(limited - self._seconds_by_layer(prices), 0.0)  # but for rounding
        return self.power.throttled_seconds(prices, limits.switching_room(chip, prices))

    @cached_property
    def power(self) -> PhasePower:
        """Power of each layer's phase."""
        return PhasePower(self.schedule)

    def _unlimited_seconds(self, prices: AnyPrices) -> Price:
        chip = self.schedule.chip
        if chip.overlap:
            return self._seconds_by_layer(prices)
        return (
            self._moving(prices)
            + formulas.latency(self.horizontal, prices, chip)
            + self._vertical_seconds(prices)
        )

    def _vertical_seconds(self, prices: AnyPrices) -> Price:
        """Seconds in vertical mode: a cycle takes a + b · span + c · mats."""
        chip = self.schedule.chip
        seconds = formulas.latency(self.vertical, prices, chip, UNATTACHED)
        for counts, one in ((self.vertical_span, ONE_SPAN), (self.vertical_mats, ONE_DOUBLING)):
            seconds = seconds + formulas.latency(counts, prices, chip, one)
            seconds = seconds - formulas.latency(counts, prices, chip, UNATTACHED)
        return seconds + formulas.mode_seconds(self.entries, prices)

    def _moving(self, prices: AnyPrices) -> Price:
        """Seconds of the traffic where nothing overlaps: each layer's slower of links and DRAM.

        Layer by layer, so that no array has draws × points × layers entries; what a layer waits for
        DRAM is added, so that a point is the same to the last bit whatever stands beside it.
        """
        traffic, links = self.schedule.traffic, prices.interconnect
        on_links = formulas.link_latency(traffic, self.schedule.chip)
        uses_dram = traffic.dram_bits.reshape(-1, traffic.dram_bits.shape[-1]).any(axis=0)
        seconds = on_links.sum(axis=-1) / links.link_speed
        for k in np.flatnonzero(uses_dram):
            dram = formulas.dram_latency(traffic.dram_bits[..., k], links)
            seconds = seconds + np.maximum(dram - on_links[..., k] / links.link_speed, 0.0)
        return seconds

    def _seconds_by_layer(self, prices: AnyPrices, *, limited: bool = False) -> Price:
        """Seconds where the slower of traffic and computing counts, layer by layer."""
        chip, traffic = self.schedule.chip, self.schedule.traffic
        by_layer = with_layer_axis(prices)
        works = list(self.schedule.phases.values())
        if limited:
            load = self.schedule.phases["load"]
            works = [w for w in works if w is not load] + limits.load_parts(self.schedule)
        phases = [part for work in works for part in work.by_mode()]
        positions = [traffic.layers, *(work.layers for work in phases)]
        layers = max(int(layers.max(initial=0)) for layers in positions) + 1
        each = [formulas.latency(work.counts, by_layer, chip, work.mode) for work in phases]
        room = limits.switching_room(chip, by_layer) if limited else np.inf
        spent = [
            formulas.energy(work.counts, by_layer, chip, work.mode) if limited else 0.0
            for work in phases
        ]
        shapes = (np.shape(amount)[:-1] for amount in (*each, *spent, room))
        computing, joules = np.zeros((2, *np.broadcast_shapes(*shapes), layers))
        for work, seconds, energy in zip(phases, each, spent, strict=True):
            computing[..., work.layers] += np.maximum(seconds, limits.shortest(energy, room))
            joules[..., work.layers] += energy
        moving = (
            limits.exposed_latency(self.schedule, by_layer, computing, joules, room)
            if limited
            else formulas.exposed_latency(self.schedule, by_layer, computing)
        )
        # in one order, so that a point's sum is the same to the last bit whatever stands beside it
        return np.ascontiguousarray(moving).sum(axis=-1) + computing.sum(axis=-1)

    def joules(self, prices: AnyPrices, seconds: Price) -> Price:
        """Joules of the batch under each price list, leakage over its seconds included."""
        chip = self.schedule.chip
        # a vertical line takes a + b · rows: Σ counts · (a + b · rows) from two totals
        slope = formulas.energy(self.vertical_rows, prices, chip, ONE_ROW)
        slope = slope - formulas.energy(self.vertical_rows, prices, chip, UNATTACHED)
        return (
            formulas.transfer_energy(
                self.bus_bits, self.mesh_bit_hops, self.dram_bits, chip, prices.interconnect
            )
            + formulas.energy(self.horizontal, prices, chip)
            + formulas.energy(self.vertical, prices, chip, UNATTACHED)
            + slope
            + formulas.mode_joules(self.entered_rows, self.cut_rows, prices, chip)
            + seconds * formulas.leakage_power(chip, prices)
        )


def event_totals(schedule: Schedule) -> EventTotals:
    """Sum a schedule's events over its layers."""
    works = [part for work in schedule.phases.values() for part in work.by_mode()]
    horizontal = [work for work in works if not isinstance(work.mode, Vertical)]
    vertical = [(work, work.mode) for work in works if isinstance(work.mode, Vertical)]

    def weighted(field: str) -> Counts:
        return _weighted([(w, np.asarray(getattr(mode, field), float)) for w, mode in vertical])

    def entered(field: str) -> Amount:
        each = [_dot(w.counts.cycles > 0, getattr(mode, field)) for w, mode in vertical]
        return sum(each) if each else 0.0

    traffic = schedule.traffic
    return EventTotals(
        schedule,
        _weighted([(work, np.ones(len(work.layers))) for work in horizontal]),
        _weighted([(work, np.ones(len(work.layers))) for work, _ in vertical]),
        weighted("rows"),
        weighted("span"),
        weighted("mats"),
        entered("entries"),
        entered("entered_rows"),
        entered("cut_rows"),
        traffic.bus_bits.sum(axis=-1),
        traffic.mesh_bit_hops.sum(axis=-1),
        traffic.dram_bits.sum(axis=-1),
    )


def _weighted(works: list[tuple[Work, np.ndarray]]) -> Counts:
    """Return the counts of several phases summed over their layers, each layer weighted."""
    total = Counts()
    for work, weights in works:
        amounts = work.counts.amounts.items()
        total = total + Counts(**{event: _dot(amount, weights) for event, amount in amounts})
    return total


def _dot(amounts: Any, weights: np.ndarray) -> Any:
    # row by row, so that a point's sum is the same to the last bit whatever stands beside it
    return np.vecdot(amounts, weights) if np.ndim(amounts) else amounts * weights.sum(axis=-1)


def figures_of_merit(
    seconds: Amount, joules: Amount, operations: Amount, batch: int, area_m2: Amount
) -> dict[str, np.ndarray]:
    """Return the headline figures of points from the totals of their batch, all of one shape.

    `latency_s` until the batch is done, `seconds_per_inference` that divided by the images,
    `energy_j` of an inference, `edp_js` = energy_j · latency_s, and rates.
    """
    seconds, joules, area = np.broadcast_arrays(seconds, joules, area_m2)
    each, energy = seconds / batch, joules / batch
    efficiency = operations / energy
    return {
        "latency_s": seconds,
        "seconds_per_inference": each,
        "energy_j": energy,
        "edp_js": energy * seconds,
        "throughput_ops": operations / each,
        "efficiency_ops_per_w": efficiency,
        "area_m2": area,
        "area_efficiency_ops_per_w_m2": efficiency / area,
    }


def point_labels(
    network: Network,
    precisions: Sequence[Precision],
    mean_bits: Sequence[float] | np.ndarray,
    technologies: Sequence[Technology],
    chip: Chip,
    counts: CountSet,
    batch: int,
) -> dict[str, np.ndarray]:
    """Return the columns `POINT_LABELS` of points: by technology, then by precision."""
    n, points = len(precisions), len(technologies) * len(precisions)

    def each(value: object) -> np.ndarray:
        return np.full(points, value, dtype=object)

    return {
        "network": each(network.name),
        "precision": np.tile(np.array([p.name for p in precisions], object), len(technologies)),
        "mean_bits": np.tile(np.asarray(mean_bits), len(technologies)),
        "technology": np.repeat(np.array([t.name for t in technologies], object), n),
        "supply_v": np.repeat([t.supply_v for t in technologies], n),
        "chip": each(chip.name),
        "counts": each(counts),
        "batch": np.full(points, batch),
    }
