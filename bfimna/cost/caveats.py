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
from bfimna.cost.power import PhasePower, ratio
from bfimna.display import quantity
from bfimna.mapping.chip import Chip
from bfimna.mapping.lifetimes import live_bits
from bfimna.mapping.schedule import Schedule
from bfimna.mapping.work import Vertical
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
        "load": _current_line(asked["load"], f"a cycle of a load on {chip.name}"),
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
    plan, words = schedule.plan, schedule.words
    sizes = np.array([product.weights for product in plan.network.matmuls]) * schedule.bits.left
    live = plan.batch * live_bits(plan.network, words.read_bits).max(axis=-1)
    if plan.chip.activations == "spilled":
        live = np.minimum(live, plan.chip.map_bits)
    return (sizes - schedule.residency.streamed).sum(axis=-1), live


def load_watts(schedule: Schedule, prices: AnyPrices) -> np.ndarray:
    """Watts of switching in a cycle of a load, of the hottest layer: one that clears, or another.

    The chip's limits do not stretch it here. Row by row, without latches, nothing happens at once.
    """
    parts = limits.load_parts(schedule)
    if len(parts) == 1:
        return np.zeros(())
    by_layer, watts = with_layer_axis(prices), []
    for part in parts:
        joules = formulas.energy(part.counts, by_layer, schedule.chip)
        seconds = formulas.latency(part.counts, by_layer, schedule.chip)
        watts.append(np.max(ratio(*np.broadcast_arrays(joules, seconds)), axis=-1))
    return np.maximum(*watts)


def _drawn(switching: np.ndarray, chip: Chip, prices: AnyPrices) -> Price:
    """Watts with leakage: as they are, or what is left of them where the chip has limits."""
    room = limits.switching_room(chip, prices)
    drawn = np.where(np.greater(room, 0), np.minimum(switching, room), switching)
    return drawn + formulas.leakage_power(chip, prices)


def memory_note(schedule: Schedule) -> str:
    """Return what does not fit the MAPs and goes to DRAM: tensors, and weights of choice "auto"."""
    chip, residency = schedule.chip, schedule.residency
    spilled, streamed = float(residency.spilled.sum()), float(residency.streamed.sum())
    room, notes = quantity(chip.map_bits, "bit"), []
    if spilled:
        notes.append(
            f"{quantity(spilled, 'bit')} of activations do not fit the {room} of the MAPs: spilled "
            "to DRAM"
        )
    if chip.weights == "auto" and streamed:
        sizes = np.array([product.weights for product in schedule.plan.network.matmuls])
        weights = quantity(float((sizes * schedule.bits.left).sum()), "bit")
        notes.append(
            f"{quantity(streamed, 'bit')} of {weights} of weights do not fit the {room} of the "
            "MAPs beside the live activations: streamed from DRAM"
        )
    return "; ".join(notes)


def keeper_note(schedule: Schedule, technology: Technology) -> str:
    """Return that matched lines of a segment need keepers, where a technology's cells leak."""
    most = max(
        (
            float(np.max(np.where(work.counts.cycles > 0, work.mode.longest, 0.0), initial=0.0))
            for all_ in schedule.phases.values()
            for work in all_.by_mode()
            if isinstance(work.mode, Vertical)
        ),
        default=0.0,
    )
    if most <= technology.max_segment_rows:
        return ""
    return (
        f"vertical lines have up to {most:.0f} rows attached: above "
        f"{technology.max_segment_rows:.0f} matched lines of {technology.name} need keepers, which "
        "are not priced"
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


def notes(
    schedule: Schedule, technology: Technology, counts: CountSet, times: np.ndarray
) -> list[str]:
    """Return the caveats of the model itself; see the single notes."""
    lines = (
        memory_note(schedule), keeper_note(schedule, technology), published_note(counts, times)
    )  # fmt: skip
    return [line for line in lines if line]
