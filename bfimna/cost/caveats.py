"""Caveats of a report: memory that does not fit, counts of our own, infeasible demands.

Infeasible are an area, a power density or a current above the limits of data/published/limits.csv.
Every caveat is one line of text, empty where it does not apply.
"""

import numpy as np

from bfimna import data
from bfimna.ap.counts import CountSet
from bfimna.cost import formulas
from bfimna.cost.formulas import ALL_PHASES
from bfimna.cost.peak import Peak
from bfimna.display import quantity
from bfimna.mapping.chip import Chip
from bfimna.mapping.schedule import Schedule, Vertical
from bfimna.technology.technology import Technology

MM2 = 1e-6
#: phases that the literature's closed forms do not cover: this model's in both sets of counts
NOT_PUBLISHED = ("requantise", "elementwise", "traffic")


def memory_note(chip: Chip, weights_bits: int, live_bits: int, streamed_bits: int = 0) -> str:
    """Return what does not fit the MAPs.

    Parameters
    ----------
    weights_bits : of all weights.
    live_bits : of the batch's activations, at the layer where they take most.
    streamed_bits : of the weights that come from DRAM and take no MAPs.

    >>> memory_note(Chip.limited(), 10**8, 10**6)  # doctest: +NORMALIZE_WHITESPACE
    'resident weights (100 Mbit) exceed the 22.1 Mbit of the MAPs; costs are as if they fitted'
    """
    resident = weights_bits - streamed_bits
    room, names = chip.map_bits, []
    if resident + live_bits <= room:
        return _streamed_note(chip, weights_bits, streamed_bits)
    together = resident <= room and live_bits <= room
    if resident > room or together:
        names.append(f"resident weights ({quantity(resident, 'bit')})")
    if live_bits > room or together:
        names.append(f"live activations ({quantity(live_bits, 'bit')})")
    what = f"{' and '.join(names)}{' together' if together else ''}"
    return f"{what} exceed the {quantity(room, 'bit')} of the MAPs; costs are as if they fitted"


def _streamed_note(chip: Chip, weights_bits: int, streamed_bits: int) -> str:
    """Return how many bits of weights are streamed, only for the choice "auto"."""
    if chip.weights != "auto" or not streamed_bits:
        return ""
    return (
        f"{quantity(streamed_bits, 'bit')} of {quantity(weights_bits, 'bit')} of weights do not "
        f"fit the {quantity(chip.map_bits, 'bit')} of the MAPs beside the live activations: "
        "streamed from DRAM"
    )


def keeper_note(schedule: Schedule, technology: Technology) -> str:
    """Return that matched lines of a segment need keepers, where a technology's cells leak."""
    most = max(
        (
            float(np.max(np.where(work.counts.cycles > 0, work.mode.longest, 0.0), initial=0.0))
            for work in schedule.phases.values()
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


def limit_warnings(
    schedule: Schedule,
    technology: Technology,
    times: np.ndarray,
    energies: np.ndarray,
    network: str = "the network",
) -> tuple[str, ...]:
    """Return a warning for each limit that a result exceeds.

    Parameters
    ----------
    times : seconds of the batch, shape (layers, phases).
    energies : joules of the batch, shape (layers, phases).
    network : what the lines call it.
    """
    chip = schedule.chip
    area = float(formulas.area(chip, technology))
    watts, phase = _hottest(times, energies, chip, technology)
    amperes = load_current(schedule, technology)
    lines = [
        area_line(area, chip),
        density_line(watts, area, f"{network} in its {phase} phase on {chip.name}"),
        current_line(
            amperes, f"the first column of a fold's load, with its clears, on {chip.name}"
        ),
    ]
    return tuple(line for line in lines if line)


def peak_warnings(best: Peak, chip: Chip) -> tuple[str, ...]:
    """Return a warning for each limit that a chip exceeds at its peak."""
    lines = (
        area_line(best.area_m2, chip),
        density_line(best.power_w, best.area_m2, f"the peak of {chip.name}"),
    )
    return tuple(line for line in lines if line)


def area_line(area_m2: float, chip: Chip) -> str:
    """Return a warning of a chip larger than the largest die."""
    most = data.limit("area of a die")
    if area_m2 <= most:
        return ""
    return (
        f"area: {chip.name} with {chip.clusters} clusters takes {area_m2 / MM2:.0f} mm², "
        f"{area_m2 / most:.1f} times the largest die of {most / MM2:.0f} mm²: nobody can build it"
    )


def density_line(watts: float, area_m2: float, what: str) -> str:
    """Return a warning of a power density that cannot be cooled."""
    most = data.limit("power density")
    density = watts / area_m2
    if density <= most:
        return ""
    return (
        f"power: {what} draws {watts:.0f} W on {area_m2 / MM2:.0f} mm², {density * MM2:.1f} W/mm², "
        f"above {most * MM2:g} W/mm²"
    )


def current_line(amperes: float, what: str) -> str:
    """Return a warning of a current that no supply delivers."""
    most = data.limit("supply current")
    if amperes <= most:
        return ""
    return f"current: {what}, draws {amperes:.0f} A, above {most:.0f} A: it must be spread in time"


def load_current(schedule: Schedule, technology: Technology) -> float:
    """Return the current in A of the cycle that loads a fold's first column, clears included.

    The largest over the weighted layers. The same cycle clears the columns of the product; the
    model gives that clear no cycle of its own.
    """
    work = schedule.phases["load"]
    prices = formulas.event_joules(technology, schedule.chip.columns)
    counts = work.counts
    if "loads" not in counts.amounts:  # row by row, nothing happens at once
        return 0.0
    a_column = counts.cells_loaded / np.maximum(counts.loads / schedule.folds, 1)
    joules = (
        a_column * prices["cells_loaded"]
        + counts.cells_written * prices["cells_written"]
        + counts.lines_driven * prices["lines_driven"]
    ) / schedule.folds
    seconds = formulas.cycle_seconds(technology, schedule.chip.columns)["loads"]
    return float(np.max(joules) / seconds / technology.supply_v)


def _hottest(
    times: np.ndarray, energies: np.ndarray, chip: Chip, technology: Technology
) -> tuple[float, str]:
    """Return watts and name of the phase with the greatest mean power, leakage included."""
    phases = len(ALL_PHASES) - 1  # leakage takes no time
    seconds, joules = times[:, :phases].sum(axis=0), energies[:, :phases].sum(axis=0)
    watts = np.divide(joules, seconds, out=np.zeros(phases), where=seconds > 0)
    k = int(watts.argmax())
    return float(watts[k] + formulas.leakage_power(chip, technology)), ALL_PHASES[k]
