"""Caveats of a result: memory, area, power and current that no chip offers; counts of our own.

A result is feasible if it demands no more than a chip can hold, deliver and cool. `demands` is the
one place that says what it demands, of one point or of all points of a sweep; limits are the
chip's own, or else those of data/published/limits.csv. Model document, section 3.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from bfimna import data
from bfimna.ap.counts import CountSet
from bfimna.cost import formulas, limits
from bfimna.cost.formulas import ALL_PHASES
from bfimna.cost.peak import Peak
from bfimna.cost.power import PhasePower
from bfimna.display import quantity
from bfimna.mapping.chip import Chip
from bfimna.mapping.memory import live_bits, streamed_weights
from bfimna.mapping.schedule import Schedule
from bfimna.technology.prices import AnyPrices, Price, with_layer_axis
from bfimna.technology.technology import Technology

MM2 = 1e-6
ROUNDING = 1e-9  # of a demand that is stretched to meet its limit
#: phases that the literature's closed forms do not cover: this model's in both sets of counts
NOT_PUBLISHED = ("requantise", "elementwise", "traffic")


@dataclass(frozen=True)
class Demand:
    """What a result demands, and its limit; arrays for several points."""

    amount: Price
    limit: Price

    @property
    def is_met(self) -> Any:
        """Whether the limit is met, at each point."""
        return np.asarray(self.amount) <= np.asarray(self.limit) * (1 + ROUNDING)

    @property
    def excess(self) -> str:
        """By how much one point exceeds its limit."""
        times = float(self.amount) / float(self.limit)
        return f"{times:.3g} times" if times < 1000 else f"{times:.0f} times"


def demands(schedule: Schedule, prices: AnyPrices, power: PhasePower) -> dict[str, Demand]:
    """Return what a schedule demands, by key.

    Parameters
    ----------
    prices : of a technology, or of several as `stack` returns them.
    power : of the schedule.

    Returns
    -------
    Demands of memory (bits), area (m²), power density (W/m²) and current (A) of the hottest phase,
    and the current of a load's hottest cycle; arrays of shape (technologies, points) for several.
    """
    chip = schedule.chip
    area = formulas.area(chip, prices)
    watts = _drawn(power.watts(prices)[0].max(axis=-1, initial=0.0), chip, prices)
    density = chip.max_power_density_w_per_m2 or data.limit("power density")
    amperes = chip.max_current_a or data.limit("supply current")
    loading = _drawn(load_watts(schedule, prices), chip, prices)
    return {
        "memory": Demand(sum(resident_bits(schedule)), chip.map_bits),
        "area": Demand(area, data.limit("area of a die")),
        "density": Demand(watts / area, density),
        "current": Demand(watts / prices.supply_v, amperes),
        "load": Demand(loading / prices.supply_v, amperes),
    }


def feasible(schedule: Schedule, prices: AnyPrices, power: PhasePower) -> Any:
    """Whether each point meets all limits, of shape (technologies, points)."""
    met = [demand.is_met for demand in demands(schedule, prices, power).values()]
    return np.logical_and.reduce(np.broadcast_arrays(*met))


def infeasibilities(schedule: Schedule, technology: Technology) -> tuple[str, ...]:
    """Return a line for each limit that a result exceeds: which, what it demands, by how much."""
    power, chip = PhasePower(schedule), schedule.chip
    asked = demands(schedule, technology, power)
    watts, layers, phases = power.watts(technology)
    k = int(watts.argmax())
    hottest = f"{ALL_PHASES[phases[k]]} of {schedule.plan.network.layers[layers[k]].name}"
    hottest = f"{hottest} on {chip.name}"
    area = asked["area"]
    lines = {
        "memory": memory_line(chip, *map(float, resident_bits(schedule))),
        "area": _area_line(area, chip),
        "density": _density_line(asked["density"], area, hottest) + _leaking(chip, technology),
        "current": _current_line(asked["current"], hottest),
        "load": _current_line(asked["load"], f"the cycle that clears for a load on {chip.name}"),
    }
    return tuple(lines[key] for key, demand in asked.items() if not demand.is_met)


def peak_warnings(best: Peak, chip: Chip) -> tuple[str, ...]:
    """Return a line for each limit that a chip exceeds at its peak."""
    area = Demand(best.area_m2, data.limit("area of a die"))
    own = chip.max_power_density_w_per_m2
    density = Demand(best.power_w / best.area_m2, own or data.limit("power density"))
    lines = {
        _area_line(area, chip): area,
        _density_line(density, area, f"the peak of {chip.name}"): density,
    }
    return tuple(line for line, demand in lines.items() if not demand.is_met)


def memory_line(chip: Chip, weights: float, live: float) -> str:
    """Return a line that says what exceeds the MAPs: weights, live tensors, or both together.

    >>> memory_line(Chip.limited(), 1e8, 1e6)  # doctest: +NORMALIZE_WHITESPACE
    'memory: resident weights (100 Mbit) exceed the 22.1 Mbit of the MAPs, 4.57 times what they
    hold; costs are as if they fitted'
    """
    room, names = chip.map_bits, []
    together = weights <= room and live <= room
    if weights > room or together:
        names.append(f"resident weights ({quantity(weights, 'bit')})")
    if live > room or together:
        names.append(f"live activations ({quantity(live, 'bit')})")
    what = f"{' and '.join(names)}{' together' if together else ''}"
    excess = f", {Demand(weights + live, room).excess} what they hold" if room else ""
    return (
        f"memory: {what} exceed the {quantity(room, 'bit')} of the MAPs{excess}; costs are as if "
        "they fitted"
    )


def _area_line(area: Demand, chip: Chip) -> str:
    return (
        f"area: {chip.name} with {chip.clusters} clusters takes {area.amount / MM2:.0f} mm², "
        f"{area.excess} the largest die of {area.limit / MM2:.0f} mm²"
    )


def _density_line(density: Demand, area: Demand, what: str) -> str:
    watts = quantity(float(density.amount * area.amount), "W")
    return (
        f"power density: {what} draws {watts} on {area.amount / MM2:.4g} mm², {density.excess} the "
        f"limit of {density.limit * MM2:g} W/mm²"
    )


def _leaking(chip: Chip, technology: Technology) -> str:
    """Return what cells leak where that alone exceeds the chip's own limits."""
    if limits.switching_room(chip, technology) > 0:
        return ""
    leaking = quantity(float(formulas.leakage_power(chip, technology)), "W")
    return f"; no time is long enough, since leakage alone takes {leaking}"


def _current_line(current: Demand, what: str) -> str:
    return (
        f"current: {what} draws {quantity(float(current.amount), 'A')}, {current.excess} the limit "
        f"of {current.limit:g} A"
    )


def resident_bits(schedule: Schedule) -> tuple[np.ndarray, np.ndarray]:
    """Return bits of weights, and of live tensors where they take most, that MAPs must hold."""
    plan, bits, words = schedule.plan, schedule.bits, schedule.words
    sizes = np.array([product.weights for product in plan.network.matmuls]) * bits.left
    streamed = streamed_weights(plan.network, plan.chip, plan.batch, bits, words)
    live = live_bits(plan.network, words.read_bits).max(axis=-1)
    return (sizes - streamed).sum(axis=-1), plan.batch * live


def load_watts(schedule: Schedule, prices: AnyPrices) -> np.ndarray:
    """Watts of switching in the cycle in which a fold's load clears columns, of the hottest layer.

    The chip's limits do not stretch it here. Row by row, without latches, nothing happens at once.
    """
    first, *rest = limits.load_parts(schedule)
    if not rest:
        return np.zeros(())
    by_layer = with_layer_axis(prices)
    joules = formulas.energy(first.counts, by_layer, schedule.chip)
    seconds = formulas.latency(first.counts, by_layer, schedule.chip)
    return np.max(joules / seconds, axis=-1)


def _drawn(switching: np.ndarray, chip: Chip, prices: AnyPrices) -> Price:
    """Watts with leakage: as they are, or what is left of them where the chip has limits."""
    room = limits.switching_room(chip, prices)
    drawn = np.where(np.greater(room, 0), np.minimum(switching, room), switching)
    return drawn + formulas.leakage_power(chip, prices)


def streamed_note(schedule: Schedule) -> str:
    """Return how many bits of weights are streamed, only for the choice "auto"."""
    chip, moved = schedule.chip, float(schedule.traffic.dram_bits.sum())
    if chip.weights != "auto" or not moved:
        return ""
    sizes = np.array([product.weights for product in schedule.plan.network.matmuls])
    return (
        f"{quantity(moved, 'bit')} of {quantity(float((sizes * schedule.bits.left).sum()), 'bit')} "
        f"of weights do not fit the {quantity(chip.map_bits, 'bit')} of the MAPs beside the live "
        "activations: streamed from DRAM"
    )


def published_note(counts: CountSet, times: np.ndarray) -> str:
    """Return the share of time with counts that published closed forms do not cover.

    Parameters
    ----------
    times : seconds, shape (layers, phases).
    """
    if counts != "published":
        return ""
    by_phase = times.sum(axis=0) / times.sum()
    shares = {phase: by_phase[ALL_PHASES.index(phase)] for phase in NOT_PUBLISHED}
    parts = [f"{phase} ({100 * share:.0f} %)" for phase, share in shares.items() if share]
    return f"counts='published': {', '.join(parts)} of the time are this model's own, not published"
