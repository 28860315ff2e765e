"""Limits of power density and current: phases that would exceed them are stretched in time.

A layer's phase that takes t seconds and E joules draws E / t watts beside what the cells leak. A
chip with limits (`Chip.max_power_density_w_per_m2`, `Chip.max_current_a`) runs the phase more
slowly where that is too much: its time becomes max(t, E / room), with the room that the limits
leave to switching. Leakage goes on while the phase takes longer, and its power is already taken
off the room, so the solution is exact. The first cycle of a fold's load, which clears many columns,
is stretched by itself. Model document, section 3.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from bfimna.ap.counts import Counts
from bfimna.cost import formulas
from bfimna.cost.formulas import ALL_PHASES, LEAKAGE, TRAFFIC
from bfimna.mapping.chip import Chip
from bfimna.mapping.schedule import Schedule
from bfimna.mapping.work import PHASES, Traffic, Work
from bfimna.technology.prices import AnyPrices, LinkPrices, Price
from bfimna.technology.technology import Technology

LOAD = ALL_PHASES.index("load")


def power_limit(chip: Chip, prices: AnyPrices) -> Price:
    """Watts that the chip may draw by its own limits, infinite without any."""
    density, amperes = chip.max_power_density_w_per_m2, chip.max_current_a
    watts: Price = np.inf
    if density is not None:
        watts = density * formulas.area(chip, prices)
    if amperes is not None:
        watts = np.minimum(watts, amperes * prices.supply_v)
    return watts


def switching_room(chip: Chip, prices: AnyPrices) -> Price:
    """Watts that the limits leave to switching, beside leakage; infinite without limits."""
    return power_limit(chip, prices) - formulas.leakage_power(chip, prices)


def is_limited(chip: Chip) -> bool:
    """Whether the chip has a limit of power density or current."""
    return chip.max_power_density_w_per_m2 is not None or chip.max_current_a is not None


def shortest(joules: Any, room: Price) -> Any:
    """Seconds in which joules may be spent; 0 where leakage alone exceeds the limits.

    No time is long enough there, so nothing is stretched, and the result is infeasible.

    >>> shortest(6.0, 2.0), shortest(6.0, -1.0)
    (3.0, 0.0)
    """
    if isinstance(room, np.ndarray):
        return joules * np.divide(1.0, room, out=np.zeros_like(room), where=room > 0)
    return joules * (1.0 / room if room > 0 else 0.0)


def costs(schedule: Schedule, technology: Technology, layers: int) -> tuple[np.ndarray, np.ndarray]:
    """Seconds and joules of a schedule under its chip's limits, shape (..., layers, phases)."""
    times, energies = formulas.costs(schedule, technology, layers)
    chip = schedule.chip
    if not is_limited(chip):
        return times, energies
    room = switching_room(chip, technology)
    limited = np.maximum(times, shortest(energies, room))
    limited[..., LEAKAGE] = limited[..., LOAD] = 0.0
    for work in load_parts(schedule):
        seconds = formulas.latency(work.counts, technology, chip)
        joules = formulas.energy(work.counts, technology, chip)
        limited[..., work.layers, LOAD] += np.maximum(seconds, shortest(joules, room))
    computing, joules = (x[..., : len(PHASES)].sum(axis=-1) for x in (limited, energies))
    waiting = exposed_latency(schedule, technology, computing, joules, room)
    limited[..., schedule.traffic.layers, TRAFFIC] = waiting
    energies[..., LEAKAGE] = limited.sum(axis=-1) * formulas.leakage_power(chip, technology)
    return limited, energies


def load_parts(schedule: Schedule) -> list[Work]:
    """Return the load's work in two parts: the cycle of each fold that clears columns; the rest.

    That cycle is a write of its own, or the load of the first column. Row by row, nothing happens
    at once, so the load is one part.
    """
    load = schedule.phases["load"]
    amounts = dict(load.counts.amounts)
    if "loads" not in amounts:
        return [load]
    columns = np.maximum(amounts["loads"], 1)
    share = 0.0 if "writes" in amounts else schedule.folds / columns  # of the loads
    first = {event: amounts[event] * share for event in ("loads", "cells_loaded")}
    rest = {event: amounts[event] * (1.0 - share) for event in ("loads", "cells_loaded")}
    clears = {event: amount for event, amount in amounts.items() if event not in first}
    return [replace(load, counts=Counts(**part)) for part in ({**first, **clears}, rest)]


def exposed_latency(
    schedule: Schedule, prices: AnyPrices, computing: np.ndarray, joules: np.ndarray, room: Price
) -> np.ndarray:
    """Seconds of traffic, stretched too, that stretched computing does not hide.

    With overlap the layer as a whole meets the limits: what computing and moving take together.

    Parameters
    ----------
    computing, joules : of computing alone, shape (..., layers); prices and room broadcast to it.
    """
    at = schedule.traffic.layers
    moving = moving_joules(schedule.traffic, schedule.chip, prices.interconnect)
    exposed = formulas.exposed_latency(schedule, prices, computing, shortest(moving, room))
    if not schedule.chip.overlap:
        return exposed
    together = shortest(joules[..., at] + moving, room)
    return np.maximum(exposed, together - computing[..., at])


def moving_joules(traffic: Traffic, chip: Chip, links: LinkPrices[Price]) -> Price:
    """Joules that each layer's traffic takes on the chip: a DRAM's are spent beside it."""
    return formulas.transfer_energy(traffic.bus_bits, traffic.mesh_bit_hops, 0.0, chip, links)
