"""Many points at once, vectorised: in memory, or streamed to a partitioned dataset."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from bfimna.ap.counts import CountSet
from bfimna.cost import caveats, dataset, formulas
from bfimna.cost.grid import Part, grid
from bfimna.cost.totals import event_totals, figures_of_merit, point_labels
from bfimna.cost.uncertainty import bounds
from bfimna.data import DEFAULT
from bfimna.errors import wrong_type
from bfimna.mapping.plan import plan
from bfimna.mapping.schedule import Schedule
from bfimna.names import BITS, CHIP, AnyChip, AnyNetwork, AnyPrecision, AnyTechnology
from bfimna.network.bits import Bits
from bfimna.technology.prices import AnyPrices, stack

if TYPE_CHECKING:
    from bfimna.cost.points import Points

STEP = 64  # precisions at once, so that the arrays of a step fit the processor's cache

#: columns of points: strings and numbers of one length, by name
Columns = dict[str, np.ndarray]


@overload
def sweep(
    network: Sequence[AnyNetwork] | AnyNetwork,
    precisions: Sequence[AnyPrecision] | AnyPrecision = ...,
    chips: Sequence[AnyChip] | AnyChip = ...,
    technologies: Sequence[AnyTechnology] | AnyTechnology = ...,
    batches: Sequence[int] | int = ...,
    counts: Sequence[CountSet] | CountSet = ...,
    supplies: Sequence[float] | float | None = ...,
    *,
    intervals: bool = ...,
    to: None = ...,
) -> "Points": ...


@overload
def sweep(
    network: Sequence[AnyNetwork] | AnyNetwork,
    precisions: Sequence[AnyPrecision] | AnyPrecision = ...,
    chips: Sequence[AnyChip] | AnyChip = ...,
    technologies: Sequence[AnyTechnology] | AnyTechnology = ...,
    batches: Sequence[int] | int = ...,
    counts: Sequence[CountSet] | CountSet = ...,
    supplies: Sequence[float] | float | None = ...,
    *,
    intervals: bool = ...,
    to: str | Path,
) -> Path: ...


def sweep(
    network: Any,
    precisions: Any = BITS,
    chips: Any = CHIP,
    technologies: Any = DEFAULT,
    batches: Any = (1,),
    counts: Any = "microcode",
    supplies: Any = None,
    *,
    intervals: bool = False,
    to: str | Path | None = None,
) -> "Points | Path":
    """Simulate every combination, vectorised over precisions and technologies; one row per point.

    Networks, precisions, chips and technologies are objects, or names or files that `bfimna.names`
    loads; one alone is a list of one.

    Parameters
    ----------
    network : one or several.
    precisions : widths, names and mappings apply to every network, a `Precision` to those that have
        its layers.
    counts : one set of AP counts, or both.
    supplies : logic supplies in V, of every technology; their own if left out.
    intervals : whether to add columns ``_low`` and ``_high``, as in `Report.summary`; costs
        hundreds of times the rest.
    to : folder of a partitioned Parquet dataset. Written part by part, each whole or not at all;
        parts that are there already, of the same inputs and code, are not computed again.

    Returns
    -------
    DataFrame with the columns of `Report.summary` from network to utilisation, in SI units and
    shown with prefixes; with `to` its path,
    which `read_sweep` reads.

    Raises
    ------
    BfimnaError
        For an unknown name, a precision that fits no network, or a folder of another sweep.

    Examples
    --------
    >>> len(sweep("alexnet", [4, 8], ["LR", "IR"], "sram-14nm-lstp"))
    4
    >>> len(sweep(["alexnet", "vgg16"], 8, "LR", "sram-14nm-lstp", supplies=[0.6, 0.7, 0.8]))
    6
    """
    from bfimna.cost.points import Points  # pandas, only where a table is made

    points = grid(network, precisions, chips, technologies, batches, counts, supplies, intervals)
    if to is not None:
        if not isinstance(to, str | Path):
            raise wrong_type("to", to, "a folder")
        return dataset.write(points, to, part_columns)
    frames = [part_columns(part) for part in points.parts(STEP)]
    return Points({key: np.concatenate([f[key] for f in frames]) for key in frames[0]})


def part_columns(part: Part) -> Columns:
    """Return the points of a part: by batch, by technology, by precision within each step."""
    prices = stack(part.technologies)
    steps = []
    for start in range(0, len(part.precisions), STEP):
        precisions = part.precisions[start : start + STEP]
        bits = Bits.from_precisions(part.network, precisions)
        mean_bits = (bits.left.sum(axis=1) + bits.right.sum(axis=1)) / (2 * bits.left.shape[1])
        for batch in part.batches:
            placed = plan(part.network, part.chip, batch=batch).at(bits, part.counts)
            figures = _figures(part, placed, prices, batch)
            steps.append(
                point_labels(part.network, precisions, mean_bits, part.technologies, placed.chip,
                       part.counts, batch)
                | {name: values.ravel() for name, values in figures.items()}
            )  # fmt: skip
    return {key: np.concatenate([step[key] for step in steps]) for key in steps[0]}


def _figures(part: Part, placed: Schedule, prices: AnyPrices, batch: int) -> Columns:
    """Return the figures of a schedule, arrays of shape (technologies, precisions)."""
    for technology in part.technologies:
        formulas.check_keys(placed, technology)
    totals = event_totals(placed)
    operations = 2 * part.network.macs
    shape = (len(part.technologies), *np.shape(placed.traffic.bus_bits)[:-1])
    seconds = np.broadcast_to(totals.seconds(prices), shape)
    joules = np.broadcast_to(totals.joules(prices, seconds), shape)
    area = np.broadcast_to(formulas.area(placed.chip, prices), (shape[0], 1))
    columns = figures_of_merit(seconds, joules, operations, batch, area)
    columns["throttled_s"] = np.broadcast_to(totals.throttled_seconds(prices), shape)
    columns["feasible"] = np.broadcast_to(caveats.feasible(placed, prices, totals.power), shape)
    columns["utilisation"] = np.broadcast_to(placed.mean_utilisation, shape)
    if part.intervals:
        ends = [bounds(placed, tech, operations, batch) for tech in part.technologies]
        columns |= {name: np.stack([end[name] for end in ends]) for name in ends[0]}
    return columns
