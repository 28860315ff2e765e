"""How far the ranges of the parameters move a result: intervals, and what they come from.

Counts do not change with any parameter, so a network is placed once and its draws are products of
event totals and drawn prices (`bfimna.result.draws`). Model document, section 2.
"""

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bfimna.ap.counts import Counts
from bfimna.ap.events import NONE
from bfimna.chip.chip import Chip
from bfimna.chip.placement import Placement, Work
from bfimna.chip.traffic import Traffic
from bfimna.errors import BfimnaError, unknown, whole_number
from bfimna.result import cost
from bfimna.result.draws import causes, prices, uniform
from bfimna.result.peak import Peak, figures
from bfimna.result.totals import headline
from bfimna.technology.technology import Technology

if TYPE_CHECKING:
    from bfimna.result.report import Report

DRAWS = 10_000
MOST_DRAWS = 10**7
BOUND_DRAWS = 2_000  # for columns of tables, where there are many points
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
    if quantity not in QUANTITIES:
        raise unknown("quantity with an interval", quantity, QUANTITIES)
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
    draws: int = BOUND_DRAWS,
    seed: int = 0,
) -> dict[str, np.ndarray]:
    """Return the 5th and 95th percentile of each quantity as columns ``_low`` and ``_high``.

    For a placement of many precisions at once too: arrays of its shape.
    """
    columns: dict[str, np.ndarray] = {}
    ends = (PERCENTILES[0], PERCENTILES[-1])
    found = quantities(placement, technology, operations, images, draws=draws, seed=seed)
    for quantity in BOUNDED:
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
    from SALib.analyze.sobol import analyze  # loaded on use: only this needs SALib
    from SALib.sample.sobol import sample

    if quantity not in QUANTITIES:
        raise unknown("quantity with an interval", quantity, QUANTITIES)
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
    totals = _totals(placement)
    seconds = np.broadcast_to(_seconds(placement, totals, drawn), shape)
    joules = _joules(placement, totals, drawn) + seconds * cost.leakage_power(placement.chip, drawn)
    area = np.broadcast_to(cost.area(placement.chip, drawn), shape)
    return headline(seconds, np.broadcast_to(joules, shape), operations, images, area)


def _sum(works: list[Work], weights: list[Any]) -> Counts:
    """Return the counts of several phases summed over their layers, each layer weighted."""
    total = Counts()
    for work, weight in zip(works, weights, strict=True):
        amounts = work.counts.__dict__.values()
        total = total + Counts.of(
            [a if a is NONE else np.sum(a * weight, axis=-1) for a in amounts]
        )
    return total


def _totals(placement: Placement) -> tuple[Counts, Counts, Counts]:
    """Return counts of horizontal phases, of vertical ones, and of these times their segments."""
    works = list(placement.phases.values())
    flat = [work for work in works if work.segment is None]
    upright = [work for work in works if work.segment is not None]
    return (
        _sum(flat, [np.ones(len(work.layers)) for work in flat]),
        _sum(upright, [np.ones(len(work.layers)) for work in upright]),
        _sum(upright, [work.segment for work in upright]),
    )


def _seconds(placement: Placement, totals: tuple[Counts, ...], drawn: SimpleNamespace) -> Any:
    traffic, chip = placement.traffic, placement.chip
    if not chip.overlap and not np.any(traffic.dram_bits):
        moving = cost.link_latency(traffic, chip).sum(axis=-1) / drawn.interconnect.link_speed
        flat, upright, _ = totals
        return (
            moving + cost.latency(flat, drawn, chip) + cost.latency(upright, drawn, chip, segment=0)
        )
    by_layer, phases = _with_layers(drawn), placement.phases.values()
    moved: list[Traffic | Work] = [traffic, *phases]
    layers = max(int(x.layers.max(initial=0)) for x in moved) + 1
    each = [cost.latency(x.counts, by_layer, chip, x.segment) for x in phases]
    points = np.broadcast_shapes(*(np.shape(seconds)[:-1] for seconds in each))
    computing = np.zeros((*points, layers))
    for work, seconds in zip(phases, each, strict=True):
        computing[..., work.layers] += seconds
    moving = cost.moving_latency(placement, by_layer, computing)
    return moving.sum(axis=-1) + computing.sum(axis=-1)


def _joules(placement: Placement, totals: tuple[Counts, ...], drawn: SimpleNamespace) -> Any:
    chip, traffic = placement.chip, placement.traffic
    moved = {
        what: getattr(traffic, what).sum(axis=-1)
        for what in ("bus_bits", "mesh_bit_hops", "dram_bits")
    }
    flat, upright, by_segment = totals
    # a vertical line takes a + b · segment: Σ counts · (a + b · segment) from two totals
    slope = cost.energy(by_segment, drawn, chip, 1.0) - cost.energy(by_segment, drawn, chip, 0.0)
    return (
        cost.transfer_energy(SimpleNamespace(**moved), drawn.interconnect)
        + cost.energy(flat, drawn, chip)
        + cost.energy(upright, drawn, chip, 0.0)
        + slope
    )


def _with_layers(drawn: SimpleNamespace) -> SimpleNamespace:
    """Return the prices with one more axis behind the others, for the layers."""

    def wider(value: Any) -> Any:
        if isinstance(value, SimpleNamespace):
            return _with_layers(value)
        return value[..., None] if isinstance(value, np.ndarray) else value

    return SimpleNamespace(**{name: wider(value) for name, value in vars(drawn).items()})
