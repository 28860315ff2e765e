"""Power of every layer's phase, and what limits of it cost in time, under many prices at once.

A phase's energy and time are sums of amounts × prices (`bfimna.cost.formulas`); laid side by side
they are two matrix products for all phases, points and price lists.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from bfimna.ap.counts import CYCLES, ENERGY_EVENTS, EVENTS, SEGMENT_AMOUNTS
from bfimna.cost import formulas
from bfimna.cost.formulas import ALL_PHASES, TRAFFIC
from bfimna.cost.limits import LOAD, load_parts, moving_joules, shortest
from bfimna.mapping.chip import Chip
from bfimna.mapping.schedule import Schedule
from bfimna.mapping.work import HORIZONTAL, Mode, Traffic, Vertical, Work
from bfimna.technology.prices import LINK_PRICES, AnyPrices, LinkPrices, Price, with_layer_axis

MOST_NUMBERS = 2**16  # of an array over draws and phases: what fits a processor's cache
FEW_LISTS = 256  # prices of a sweep are fewer, draws are more
IDLE = "idle_rows"  # compared rows without data
ENTERED = ("entries", "entered_rows", "cut_rows")  # of a vertical mode


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Pairs of layer and phase in one mode: energy and time as sums of amounts × prices.

    Attributes
    ----------
    names : of the amounts: events, cycles; in vertical mode these times what is attached, entries.
    amounts : shape (points, names, pairs).
    layers, phases : which layer and phase a pair is, shape (pairs,).
    """

    names: tuple[str, ...]
    amounts: np.ndarray
    layers: np.ndarray
    phases: np.ndarray
    vertical: bool

    def priced(self, prices: AnyPrices, chip: Chip) -> tuple[list[Price], list[Price]]:
        """Return joules and seconds of one of each amount, 0 where it costs none of these."""
        mode: Mode = Vertical(0.0) if self.vertical else HORIZONTAL
        joules = dict(formulas.phase_joules(prices, chip, mode))
        seconds = dict(formulas.phase_seconds(prices, chip, mode))
        if self.vertical:
            attached = formulas.phase_joules(prices, chip, Vertical(1.0))
            joules |= {_per("rows", e): attached[e] - joules[e] for e in ENERGY_EVENTS}
            for field in ("span", "mats"):
                one = formulas.phase_seconds(prices, chip, replace(Vertical(0.0), **{field: 1.0}))
                seconds |= {_per(field, cycle): one[cycle] - seconds[cycle] for cycle in CYCLES}
            seconds["entries"] = formulas.mode_seconds(1.0, prices)
            joules["entered_rows"] = formulas.mode_joules(1.0, 0.0, prices, chip)
            joules["cut_rows"] = formulas.mode_joules(0.0, 1.0, prices, chip)
        else:
            joules[IDLE] = prices.idle_rows * joules["compare_rows"]
        return [joules.get(n, 0.0) for n in self.names], [seconds.get(n, 0.0) for n in self.names]


def _per(field: str, event: str) -> str:
    return f"{event} times {field}"


def _groups(works: Sequence[tuple[int, Work]], points: tuple[int, ...], chip: Chip) -> list[_Pairs]:
    """Lay the amounts of several phases' layers side by side, for each mode."""
    modes = {False: [], True: []}  # type: dict[bool, list[tuple[int, Work]]]
    for k, work in works:
        modes[isinstance(work.mode, Vertical)].append((k, work))
    return [_pairs(those, points, chip, mode) for mode, those in modes.items() if those]


def _pairs(
    phases: Sequence[tuple[int, Work]], points: tuple[int, ...], chip: Chip, vertical: bool
) -> _Pairs:
    works = [work for _, work in phases]
    occurring = {event for work in works for event in work.counts.amounts}
    events = [event for event in (*EVENTS, *SEGMENT_AMOUNTS) if event in occurring]
    scaled = [(e, field) for e in events for field in _scaling(e)] if vertical else []
    further = [*(_per(field, e) for e, field in scaled), *ENTERED] if vertical else [IDLE]
    names = (*events, *further)
    sizes = [len(work.layers) for work in works]
    amounts, start = np.zeros((*points, len(names), sum(sizes))), 0
    for work, size in zip(works, sizes, strict=True):
        part = amounts[..., start : start + size]
        for event, amount in work.counts.amounts.items():
            part[..., names.index(event), :] = amount
            if isinstance(work.mode, Vertical):
                for field in _scaling(event):
                    scale = getattr(work.mode, field)
                    part[..., names.index(_per(field, event)), :] = amount * scale
        if isinstance(work.mode, Vertical):
            for field in ENTERED:
                entered = getattr(work.mode, field) * (work.counts.cycles > 0)
                part[..., names.index(field), :] = entered
        else:
            idle = work.counts.compares * chip.product_rows - work.counts.compare_rows
            part[..., names.index(IDLE), :] = idle
        start += size
    return _Pairs(
        names,
        amounts.reshape(-1, *amounts.shape[-2:]),
        np.concatenate([work.layers for work in works]),
        np.repeat([k for k, _ in phases], sizes),
        vertical,
    )


def _scaling(event: str) -> tuple[str, ...]:
    """Return what of a vertical mode scales an event's energy, or a cycle's time."""
    return ("rows",) if event in ENERGY_EVENTS else ("span", "mats")


@dataclass(frozen=True, eq=False)
class PhasePower:
    """Power of every layer's phase, under many price lists at once.

    Prices are numbers, or arrays with as many axes of length 1 behind their own as the schedule has
    of points. Results have the shape (prices' own axes, points).
    """

    schedule: Schedule

    @property
    def _points(self) -> tuple[int, ...]:
        return self.schedule.traffic.bus_bits.shape[:-1]

    @property
    def _phases(self) -> list[tuple[int, Work]]:
        return [
            (ALL_PHASES.index(phase), part)
            for phase, work in self.schedule.phases.items()
            for part in work.by_mode()
        ]

    @cached_property
    def _parts(self) -> list[_Pairs]:
        """What is stretched by itself: every phase, but the load in parts."""
        others = [(k, work) for k, work in self._phases if k != LOAD]
        parts = [*((LOAD, work) for work in load_parts(self.schedule)), *others]
        return _groups(parts, self._points, self.schedule.chip)

    @cached_property
    def _wholes(self) -> list[_Pairs]:
        return _groups(self._phases, self._points, self.schedule.chip)

    def throttled_seconds(self, prices: AnyPrices, room: Price) -> Price:
        """Seconds by which phases are stretched, summed over layers, without overlap.

        One matrix product for all draws, points and phases, of those phases only that exceed the
        room under any of the prices and not under all of them.
        """
        inverse = shortest(1.0, room)
        total = self._moving_longer(prices, room)
        for group in self._parts:
            joules, seconds = group.priced(prices, self.schedule.chip)
            excess = [j * inverse - s for j, s in zip(joules, seconds, strict=True)]
            shape, table = _table(excess, len(self._points))
            total = total + _positive_sums(table, group.amounts).reshape((*shape, *self._points))
        return total

    def _moving_longer(self, prices: AnyPrices, room: Price) -> Price:
        """Seconds by which the traffic of layers is stretched, where its power exceeds the room."""
        chip, traffic = self.schedule.chip, self.schedule.traffic
        links = with_layer_axis(prices).interconnect
        most = LinkPrices(**{name: np.max(getattr(links, name)) for name in LINK_PRICES})
        longest = moving_joules(traffic, chip, most) * np.max(shortest(1.0, room))
        hot = longest > formulas.transfer_latency(traffic, chip, most)
        hot = hot.reshape(-1, hot.shape[-1]).any(axis=0)
        if not hot.any():
            return 0.0
        bits = (traffic.bus_bits, traffic.mesh_bit_hops, traffic.dram_bits)
        those = Traffic(traffic.layers[hot], *(moved[..., hot] for moved in bits))
        wide = room[..., None] if isinstance(room, np.ndarray) else room
        least = shortest(moving_joules(those, chip, links), wide)
        return np.maximum(least - formulas.transfer_latency(those, chip, links), 0.0).sum(axis=-1)

    def watts(self, prices: AnyPrices) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Watts of each layer's phase without limits, beside leakage; its layer; its phase.

        Of a layer whose operands move while it computes, "traffic" is the mean of the whole layer.

        Returns
        -------
        Arrays of shape (..., pairs), (pairs,) and (pairs,).
        """
        schedule, points = self.schedule, self._points
        layers = len(schedule.plan.network.layers)
        watts: list[np.ndarray] = []
        by_layer: list[np.ndarray | float] = [np.zeros(layers)] * 2  # joules, seconds
        for group in self._wholes:
            joules, seconds = group.priced(prices, schedule.chip)
            shape, table = _table([*joules, *seconds], len(points))
            both = [
                np.swapaxes(part @ group.amounts, 0, 1).reshape(*shape, *points, -1)
                for part in np.split(table, 2, axis=-1)
            ]
            watts.append(ratio(*both))
            member = np.equal.outer(group.layers, np.arange(layers)).astype(float)
            by_layer = [total + part @ member for total, part in zip(by_layer, both, strict=True)]
        watts.append(self._moving_watts(with_layer_axis(prices), *by_layer))
        moved = schedule.traffic.layers
        phases = [*(group.phases for group in self._wholes), np.full(len(moved), TRAFFIC)]
        every = np.concatenate([*(group.layers for group in self._wholes), moved])
        ends = np.broadcast_shapes(*(part.shape[:-1] for part in watts))
        parts = [np.broadcast_to(part, (*ends, part.shape[-1])) for part in watts]
        return np.concatenate(parts, axis=-1), every, np.concatenate(phases)

    def _moving_watts(self, prices: AnyPrices, joules: Any, seconds: Any) -> np.ndarray:
        """Watts of the layers that move anything; with overlap of all that they do meanwhile."""
        traffic, chip = self.schedule.traffic, self.schedule.chip
        moving = moving_joules(traffic, chip, prices.interconnect)
        if not chip.overlap:
            took = formulas.transfer_latency(traffic, chip, prices.interconnect)
            return ratio(*np.broadcast_arrays(moving, took))
        exposed = formulas.exposed_latency(self.schedule, prices, seconds)
        at = traffic.layers
        return ratio(*np.broadcast_arrays(joules[..., at] + moving, seconds[..., at] + exposed))


def ratio(joules: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """Return watts, 0 where nothing happens."""
    return np.divide(joules, seconds, out=np.zeros_like(seconds), where=seconds > 0)


def _table(prices: list[Price], dims: int) -> tuple[tuple[int, ...], np.ndarray]:
    """Return prices as a table (price lists, prices), and the shape of the lists."""
    shape = np.broadcast_shapes(*(np.shape(price) for price in prices))
    own = shape[: len(shape) - dims]
    columns = [np.broadcast_to(price, shape).reshape(-1) for price in prices]
    return own, np.stack(columns, axis=-1)


def _positive_sums(table: np.ndarray, amounts: np.ndarray) -> np.ndarray:
    """Return Σ max(table · amounts, 0) over the last axis, without the terms known to be 0.

    Parameters
    ----------
    table : shape (price lists, prices). amounts : at least 0, shape (points, prices, pairs).

    Returns
    -------
    Shape (price lists, points).
    """
    if len(table) < FEW_LISTS:  # in one order, so that a point's sum is the same beside any others
        terms = sum(table[:, k, None, None] * amounts[:, k] for k in range(table.shape[1]))
        return np.maximum(terms, 0.0).sum(axis=-1)
    always = (table.min(axis=0) @ amounts >= 0)[:, None]
    total = table @ np.where(always, amounts, 0.0).sum(axis=-1).T
    sometimes = ~always[:, 0] & (table.max(axis=0) @ amounts > 0)
    pairs = sometimes.any(axis=0)
    if not pairs.any():
        return total
    rest = (amounts * sometimes[:, None])[..., pairs]
    step = max(1, MOST_NUMBERS // rest.shape[-1])
    ones = np.ones(rest.shape[-1])
    for at, of_point in enumerate(rest):
        for start in range(0, len(table), step):
            terms = table[start : start + step] @ of_point
            total[start : start + step, at] += np.maximum(terms, 0.0, out=terms) @ ones
    return total
