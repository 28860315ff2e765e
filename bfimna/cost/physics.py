"""What a result would take that nobody can build, cool or feed (data/published/limits.csv)."""

import numpy as np

from bfimna import data
from bfimna.cost import cost
from bfimna.cost.cost import ALL_PHASES
from bfimna.cost.peak import Peak
from bfimna.mapping.chip import Chip
from bfimna.mapping.placement import Placement
from bfimna.technology.technology import Technology

MM2 = 1e-6


def warnings(
    placement: Placement,
    technology: Technology,
    times: np.ndarray,
    energies: np.ndarray,
    network: str = "the network",
) -> tuple[str, ...]:
    """Return one line for each limit that a result exceeds.

    Parameters
    ----------
    times : seconds of the batch, shape (layers, phases).
    energies : joules of the batch, shape (layers, phases).
    network : what the lines call it.
    """
    chip = placement.chip
    area = cost.area(chip, technology)
    watts, phase = _hottest(times, energies, chip, technology)
    amperes = load_current(placement, technology)
    lines = [
        area_line(area, chip),
        density_line(watts, area, f"{network} in its {phase} phase on {chip.name}"),
        current_line(
            amperes, f"the first column of a fold's load, with its clears, on {chip.name}"
        ),
    ]
    return tuple(line for line in lines if line)


def peak_warnings(best: Peak, chip: Chip) -> tuple[str, ...]:
    """Return one line for each limit that a chip exceeds at its peak."""
    lines = (
        area_line(best.area_m2, chip),
        density_line(best.power_w, best.area_m2, f"the peak of {chip.name}"),
    )
    return tuple(line for line in lines if line)


def area_line(area_m2: float, chip: Chip) -> str:
    """Return a line if no die is as large as that."""
    most = data.limit("area of a die")
    if area_m2 <= most:
        return ""
    return (
        f"area: {chip.name} with {chip.clusters} clusters takes {area_m2 / MM2:.0f} mm², "
        f"{area_m2 / most:.1f} times the largest die of {most / MM2:.0f} mm²: nobody can build it"
    )


def density_line(watts: float, area_m2: float, what: str) -> str:
    """Return a line if a chip gets hotter than can be cooled."""
    most = data.limit("power density")
    density = watts / area_m2
    if density <= most:
        return ""
    return (
        f"power: {what} draws {watts:.0f} W on {area_m2 / MM2:.0f} mm², {density * MM2:.1f} W/mm², "
        f"above {most * MM2:g} W/mm²"
    )


def current_line(amperes: float, what: str) -> str:
    """Return a line if a supply cannot give the current."""
    most = data.limit("supply current")
    if amperes <= most:
        return ""
    return f"current: {what}, draws {amperes:.0f} A, above {most:.0f} A: it must be spread in time"


def load_current(placement: Placement, technology: Technology) -> float:
    """Amperes of the cycle that loads a fold's first column and clears the product's along with it.

    The largest over the weighted layers; the model gives that clear no cycle of its own.
    """
    work = placement.phases["load"]
    prices = cost.joules_of(technology, placement.chip.columns)
    counts = work.counts
    if "loads" not in counts.amounts:  # row by row, nothing happens at once
        return 0.0
    a_column = counts.cells_loaded / np.maximum(counts.loads / placement.folds, 1)
    joules = (
        a_column * prices["cells_loaded"]
        + counts.cells_written * prices["cells_written"]
        + counts.lines_driven * prices["lines_driven"]
    ) / placement.folds
    seconds = cost.seconds_of(technology, placement.chip.columns)["loads"]
    return float(np.max(joules) / seconds / technology.supply_v)


def _hottest(
    times: np.ndarray, energies: np.ndarray, chip: Chip, technology: Technology
) -> tuple[float, str]:
    """Return watts and name of the phase with the greatest mean power, leakage included."""
    phases = len(ALL_PHASES) - 1  # leakage takes no time
    seconds, joules = times[:, :phases].sum(axis=0), energies[:, :phases].sum(axis=0)
    watts = np.divide(joules, seconds, out=np.zeros(phases), where=seconds > 0)
    k = int(watts.argmax())
    return float(watts[k] + cost.leakage_power(chip, technology)), ALL_PHASES[k]
