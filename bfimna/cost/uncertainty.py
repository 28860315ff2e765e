"""Intervals of results over the ranges of a technology's parameters, and their causes.

Counts do not depend on a parameter, so a network is placed once; its samples are products of event
totals and sampled prices (`bfimna.technology.sampling`). Model document, section 2.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bfimna.cost import formulas
from bfimna.cost.peak import Peak, peak_figures
from bfimna.cost.totals import event_totals, figures_of_merit
from bfimna.errors import BfimnaError, missing_extra, one_of, whole_number
from bfimna.mapping.chip import Chip
from bfimna.mapping.schedule import Schedule
from bfimna.technology.sampling import causes, sampled_prices, uniform
from bfimna.technology.technology import Technology

if TYPE_CHECKING:
    import pandas as pd

    from bfimna.cost.report import Report

SAMPLES = 10_000  # everywhere, so that a result has the same interval in every table
MOST_SAMPLES = 10**7
PERCENTILES = (5.0, 50.0, 95.0)
#: quantities with an interval, as `Report` names them
QUANTITIES = (
    "latency_s", "energy_j", "edp_js", "throughput_ops", "efficiency_ops_per_w",
    "seconds_per_inference", "area_m2", "area_efficiency_ops_per_w_m2",
)  # fmt: skip
#: quantities that tables show with bounds
BOUNDED = QUANTITIES[:5]


def samples_of(report: "Report", quantity: str, draws: int = SAMPLES, seed: int = 0) -> np.ndarray:
    """Return Monte Carlo samples of a report's quantity, shape (draws,).

    Parameters
    ----------
    quantity : one of `QUANTITIES`.
    draws : number of samples.

    Raises
    ------
    BfimnaError
        For another quantity, no samples, or a supply within the range of the threshold voltage.
    """
    one_of("quantity with an interval", quantity, QUANTITIES)
    samples = quantities(
        report.schedule, report.technology, report.operations, report.batch,
        draws=draws, seed=seed,
    )  # fmt: skip
    return samples[quantity]


def bounds(
    schedule: Schedule,
    technology: Technology,
    operations: float,
    images: int = 1,
    *,
    draws: int = SAMPLES,
    seed: int = 0,
    bounded: Sequence[str] = BOUNDED,
) -> dict[str, np.ndarray]:
    """Return the 5th and 95th percentile of each quantity as columns ``_low`` and ``_high``.

    A schedule of many precisions at once gives arrays of its shape.
    """
    columns: dict[str, np.ndarray] = {}
    ends = (PERCENTILES[0], PERCENTILES[-1])
    samples = quantities(schedule, technology, operations, images, draws=draws, seed=seed)
    for quantity in bounded:
        low, high = np.percentile(samples[quantity], ends, axis=0)
        columns |= {f"{quantity}_low": low, f"{quantity}_high": high}
    return columns


def peak_samples(
    bits: int, chip: Chip, technology: Technology, draws: int = SAMPLES, seed: int = 0
) -> Peak:
    """Return the peak figures of a chip with arrays of shape (draws,) in place of numbers."""
    prices = sampled_prices(technology, _samples_by_cause(technology, draws, seed))
    figures = peak_figures(bits, chip, prices)
    arrays: list[Any] = [np.broadcast_to(figure, (draws,)) for figure in figures]
    return Peak(*arrays)


def sobol(
    report: "Report", quantity: str, samples: int = 1024, seed: int = 0, least: float = 0.01
) -> "pd.DataFrame":
    """Return first-order and total Sobol indices of a quantity's causes, greatest total first.

    Parameters
    ----------
    samples : of the base sequence, a power of two; the model is evaluated (causes + 2) times as
        often.
    least : total index below which a cause is left out.

    Returns
    -------
    DataFrame with cause, first, total and the half widths of their 95 % confidence intervals.
    """
    import pandas as pd

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
    values = evaluate(
        report.schedule, report.technology, report.operations, report.batch, by_cause
    )[quantity]
    if not values.std():
        return pd.DataFrame(columns=columns)
    scaled = (values - values.mean()) / values.std()
    indices = analyze(problem, scaled, calc_second_order=False, seed=seed)
    of_salib = [names, *(indices[key] for key in ("S1", "ST", "S1_conf", "ST_conf"))]
    table = pd.DataFrame(dict(zip(columns, of_salib, strict=True)))
    relevant = table[table.total >= least].sort_values("total", ascending=False)
    return relevant.reset_index(drop=True)


def quantities(
    schedule: Schedule,
    technology: Technology,
    operations: float,
    images: int = 1,
    *,
    draws: int = SAMPLES,
    seed: int = 0,
) -> dict[str, np.ndarray]:
    """Return samples of every quantity, of shape (draws, ...) for a schedule of shape (...).

    Parameters
    ----------
    operations : of an inference.
    images : of the batch; its time and energy are divided by them.
    """
    by_cause = _samples_by_cause(technology, draws, seed)
    return evaluate(schedule, technology, operations, images, by_cause)


def _samples_by_cause(technology: Technology, draws: int, seed: int) -> dict[str, np.ndarray]:
    draws, seed = whole_number("draws", draws, 1, MOST_SAMPLES), whole_number("seed", seed, 0)
    return {cause: uniform(cause, draws, seed) for cause in causes(technology)}


def evaluate(
    schedule: Schedule,
    technology: Technology,
    operations: float,
    images: int,
    by_cause: Mapping[str, np.ndarray],
) -> dict[str, np.ndarray]:
    """Return every quantity at samples of the causes from 0 to 1; see `quantities`."""
    points = schedule.traffic.bus_bits.shape[:-1]
    u = {cause: x.reshape(-1, *[1] * len(points)) for cause, x in by_cause.items()}
    prices = sampled_prices(technology, u)
    shape = (len(next(iter(by_cause.values()), [0])), *points)
    formulas.check_keys(schedule, technology)
    totals = event_totals(schedule)
    seconds = np.broadcast_to(totals.seconds(prices), shape)
    joules = np.broadcast_to(totals.joules(prices, seconds), shape)
    area = np.broadcast_to(formulas.area(schedule.chip, prices), shape)
    return figures_of_merit(seconds, joules, operations, images, area)
