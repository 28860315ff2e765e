"""How far the ranges of the parameters move a result: intervals, and what they come from.

Counts do not change with any parameter, so a network is placed once and its draws are products of
event totals and drawn prices (`bfimna.cost.draws`). Model document, section 2.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bfimna.cost import cost
from bfimna.cost.draws import causes, prices, uniform
from bfimna.cost.peak import Peak, figures
from bfimna.cost.sums import summed
from bfimna.cost.totals import headline
from bfimna.errors import BfimnaError, missing_extra, one_of, whole_number
from bfimna.mapping.chip import Chip
from bfimna.mapping.placement import Placement
from bfimna.technology.technology import Technology

if TYPE_CHECKING:
    from bfimna.cost.report import Report

DRAWS = 10_000  # everywhere, so that one result's interval has the same ends wherever it stands
MOST_DRAWS = 10**7
PERCENTILES = (5.0, 50.0, 95.0)
#: quantities that can be drawn, as `Report` names them
QUANTITIES = (
    "latency_s", "energy_j", "edp_js", "throughput_ops", "efficiency_ops_per_w",
    "seconds_per_inference", "area_m2", "area_efficiency_ops_per_w_m2",
)  # fmt: skip
#: those that tables show with bounds
BOUNDED = QUANTITIES[:5]


def interval(
    report: "Report", quantity: str, draws: int = DRAWS, seed: int = 0
) -> tuple[float, float, float]:
    """Return the 5th, 50th and 95th percentile of a report's quantity under its parameters' ranges.

    Parameters
    ----------
    quantity : one of `QUANTITIES`.
    draws : how many.
    seed : of the draws.

    Raises
    ------
    BfimnaError
        For another quantity, no draws, or a supply within the range of the threshold voltage.
    """
    low, median, high = np.percentile(draws_of(report, quantity, draws, seed), PERCENTILES)
    return float(low), float(median), float(high)


def draws_of(report: "Report", quantity: str, draws: int = DRAWS, seed: int = 0) -> np.ndarray:
    """Return a report's quantity under the drawn parameters, shape (draws,)."""
    one_of("quantity with an interval", quantity, QUANTITIES)
    found = quantities(
        report.placement, report.technology, report.operations, report.batch,
        draws=draws, seed=seed,
    )  # fmt: skip
    return found[quantity]


def bounds(
    placement: Placement,
    technology: Technology,
    operations: float,
    images: int = 1,
    *,
    draws: int = DRAWS,
    seed: int = 0,
    bounded: Sequence[str] = BOUNDED,
) -> dict[str, np.ndarray]:
    """Return the 5th and 95th percentile of each quantity as columns ``_low`` and ``_high``.

    For a placement of many precisions at once too: arrays of its shape.
    """
    columns: dict[str, np.ndarray] = {}
    ends = (PERCENTILES[0], PERCENTILES[-1])
    found = quantities(placement, technology, operations, images, draws=draws, seed=seed)
    for quantity in bounded:
        low, high = np.percentile(found[quantity], ends, axis=0)
        columns |= {f"{quantity}_low": low, f"{quantity}_high": high}
    return columns


def peak_draws(
    bits: int, chip: Chip, technology: Technology, draws: int = DRAWS, seed: int = 0
) -> Peak:
    """Return the peak figures of a chip with arrays of shape (draws,) in place of numbers."""
    draws, seed = whole_number("draws", draws, 1), whole_number("seed", seed, 0)
    drawn = prices(technology, {c: uniform(c, draws, seed) for c in causes(technology)})
    arrays: list[Any] = [np.broadcast_to(x, (draws,)) for x in figures(bits, chip, drawn)]
    return Peak(*arrays)


def sobol(
    report: "Report", quantity: str, samples: int = 1024, seed: int = 0, least: float = 0.01
) -> pd.DataFrame:
    """Return first-order and total Sobol indices of the causes that matter, greatest total first.

    Parameters
    ----------
    samples : of the base sequence, a power of two; it takes (causes + 2) times as many draws.
    least : total index below which a cause is left out.

    Returns
    -------
    DataFrame with cause, first, total and the half widths of their 95 % confidence intervals.
    """
    try:
        from SALib.analyze.sobol import analyze  # loaded on use: only this needs SALib
        from SALib.sample.sobol import sample
    except ImportError:
        raise missing_extra("SALib", "workflow") from None
    one_of("quantity with an interval", quantity, QUANTITIES)
    if whole_number("samples", samples, 2) & (samples - 1):
        raise BfimnaError(f"samples must be a power of two, not {samples}")
    names = causes(report.technology)
    columns = ["cause", "first", "total", "first_conf", "total_conf"]
    if not names:
        return pd.DataFrame(columns=columns)
    problem = {"num_vars": len(names), "names": names, "bounds": [[0.0, 1.0]] * len(names)}
    u = sample(problem, samples, calc_second_order=False, seed=seed)
    by_cause = dict(zip(names, u.T, strict=True))
    found = evaluate(
        report.placement, report.technology, report.operations, report.batch, by_cause
    )[quantity]
    if not found.std():
        return pd.DataFrame(columns=columns)
    scaled = (found - found.mean()) / found.std()
    indices = analyze(problem, scaled, calc_second_order=False, seed=seed)
    of_salib = [names, *(indices[key] for key in ("S1", "ST", "S1_conf", "ST_conf"))]
    table = pd.DataFrame(dict(zip(columns, of_salib, strict=True)))
    kept = table[table.total >= least].sort_values("total", ascending=False)
    return kept.reset_index(drop=True)


def quantities(
    placement: Placement,
    technology: Technology,
    operations: float,
    images: int = 1,
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> dict[str, np.ndarray]:
    """Return every quantity's draws, arrays of shape (draws, ...) for a placement of shape (...).

    Parameters
    ----------
    operations : of an inference.
    images : of the batch, whose time and energy they share.
    """
    return evaluate(
        placement, technology, operations, images, _drawn_causes(technology, draws, seed)
    )


def _drawn_causes(technology: Technology, draws: int, seed: int) -> dict[str, np.ndarray]:
    draws, seed = whole_number("draws", draws, 1, MOST_DRAWS), whole_number("seed", seed, 0)
    return {cause: uniform(cause, draws, seed) for cause in causes(technology)}


def evaluate(
    placement: Placement,
    technology: Technology,
    operations: float,
    images: int,
    by_cause: dict[str, np.ndarray],
) -> dict[str, np.ndarray]:
    """Return every quantity where the causes' draws are given; see `quantities`."""
    points = placement.traffic.bus_bits.ndim - 1
    u = {cause: x.reshape(-1, *[1] * points) for cause, x in by_cause.items()}
    drawn = prices(technology, u)
    shape = (len(next(iter(by_cause.values()), [0])), *placement.traffic.bus_bits.shape[:-1])
    sums = summed(placement)
    seconds = np.broadcast_to(sums.seconds(drawn), shape)
    joules = sums.joules(drawn, seconds)
    area = np.broadcast_to(cost.area(placement.chip, drawn), shape)
    return headline(seconds, np.broadcast_to(joules, shape), operations, images, area)
