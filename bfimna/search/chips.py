"""Chips chosen for networks: every chip of a grid, or as many as an optimiser looks at.

A chip's cost is the sum over the networks, one inference of each; area is the chip's own. The model
charges neither area nor energy for the width of a bus or a mesh link, so wider is never worse in
it: give these axes the values that can be built.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from bfimna.cost.grid import listed
from bfimna.cost.simulate import simulate
from bfimna.errors import (
    BfimnaError,
    one_of,
    positive_number,
    truth,
    whole_number,
    wrong_type,
)
from bfimna.mapping.chip import MOST_IMAGES, Chip
from bfimna.names import (
    AnyChip,
    AnyNetwork,
    AnyPrecision,
    AnyTechnology,
    load_chip,
    load_network,
    load_precision,
    load_technology,
)
from bfimna.network.graph import Network
from bfimna.network.precision import Precision
from bfimna.search.chip_grid import AXES, GRID, checked, named
from bfimna.search.unbeaten import unbeaten
from bfimna.technology.technology import Technology

#: what is to be small, and what a budget may be set on
OBJECTIVES = ("latency_s", "energy_j", "area_m2")
BUDGETS = (*OBJECTIVES, "power_w")
#: chips of the largest grid that is swept whole
MOST_EXACT = 10_000

Method = Literal["auto", "exact", "sampled"]


@dataclass(frozen=True)
class _Task:
    """What each chip is tried on."""

    networks: Sequence[Network]
    precisions: Sequence[Precision]
    technology: Technology
    batch: int
    budgets: Mapping[str, float]
    must_fit: bool

    def row(self, chip: Chip) -> dict[str, Any]:
        """Return the costs of a chip."""
        reports = [
            simulate(network, precision, chip, self.technology, self.batch)
            for network, precision in zip(self.networks, self.precisions, strict=True)
        ]
        latency = sum(report.latency_s for report in reports)
        energy = sum(report.energy_j for report in reports)
        return {
            "chip": chip.name,
            "technology": self.technology.name,
            **{axis: getattr(chip, axis) for axis in AXES},
            "latency_s": latency,
            "energy_j": energy,
            "edp_js": latency * energy,
            "power_w": energy / latency,
            "area_m2": reports[0].area_m2,
            "resident_weights_fit": all(report.resident_weights_fit for report in reports),
        }

    def excess(self, row: Mapping[str, Any]) -> dict[str, float]:
        """Return by how much a row exceeds each budget; none above 0 where it is within all."""
        found = {what: row[what] / most - 1 for what, most in self.budgets.items()}
        if self.must_fit:
            homeless = row["weights"] == "resident" and not row["resident_weights_fit"]
            found["resident_weights_fit"] = 1.0 if homeless else 0.0
        return found

    def allows(self, row: Mapping[str, Any]) -> bool:
        """Whether a row is within all budgets."""
        return all(excess <= 0 for excess in self.excess(row).values())


def chips(
    networks: AnyNetwork | Sequence[AnyNetwork],
    technology: AnyTechnology,
    precisions: AnyPrecision | Sequence[AnyPrecision] | None = None,
    grid: Mapping[str, Sequence[Any]] = GRID,
    budgets: Mapping[str, float] | None = None,
    base: AnyChip | None = None,
    batch: int = 1,
    must_fit: bool = False,
    method: Method = "auto",
    samples: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """Return the chips within budgets, and which of them no other beats.

    Parameters
    ----------
    networks : one or several; latency and energy are their sums, an inference of each.
    precisions : of each network; 8 bits where left out.
    grid : values by field of `Chip`, among `AXES`; what it leaves out is `base`'s (LR's).
    budgets : most of "latency_s", "energy_j", "area_m2", "power_w" (mean while computing).
    must_fit : leave out chips with resident weights whose MAPs do not hold those of every network.
    method : "exact", all chips of the grid; "sampled", as many as `samples`, looked for by Optuna's
        NSGA-II; "auto", exact up to `MOST_EXACT` chips.

    Returns
    -------
    DataFrame with one row per chip within the budgets, fastest first: the fields of the grid,
    latency_s, energy_j, edp_js, power_w, area_m2, resident_weights_fit, and on_front, whether no
    other row is nowhere worse and somewhere better in latency, energy and area.

    Raises
    ------
    BfimnaError
        For an unknown field, budget or method, a grid too large to sweep, or no chip within the
        budgets (the message says how near the nearest comes).

    Examples
    --------
    >>> import bfimna as bf
    >>> found = chips(bf.zoo.resnet18(), bf.data.load_technology("sram-14nm-lstp"),
    ...     grid={"clusters": (16, 64), "rows": (2400, 4800)}, budgets={"area_m2": 150e-6})
    >>> found[["clusters", "rows", "on_front"]].values.tolist()
    [[16, 4800, True], [16, 2400, True]]
    """
    wanted = {} if budgets is None else budgets
    task = _task(networks, precisions, technology, batch, wanted, must_fit)
    grid = checked(grid)
    base = Chip.limited() if base is None else load_chip(base)
    count = prod(map(len, grid.values()))
    one_of("method", method, get_args(Method))
    exact = method == "exact" or (method == "auto" and count <= MOST_EXACT)
    found = _all(task, base, grid) if exact else _sampled(task, base, grid, samples, seed)
    rows = list(found)
    within = [row for row in rows if task.allows(row)]
    if not within:
        raise BfimnaError(_none_within(task, rows))
    table = pd.DataFrame(within)
    table["on_front"] = unbeaten(table[list(OBJECTIVES)].to_numpy(float))
    return table.sort_values([*OBJECTIVES], kind="stable", ignore_index=True)


def distance(table: pd.DataFrame, reference: Mapping[str, Any]) -> dict[str, float]:
    """Return how far a chip is from the best of a table of `chips`.

    Parameters
    ----------
    reference : a row with latency_s, energy_j and area_m2.

    Returns
    -------
    ``latency_ratio``, ``energy_ratio``, ``area_ratio``: the least of each that a chip no worse in
    the other two has, over the reference's (1: none is better). ``all_ratio``: the least factor
    by which one chip's three are all smaller or equal at once (above 1: each has one that is
    greater). ``beaten_by``: chips that are nowhere worse and somewhere better.
    """
    ratios = table[list(OBJECTIVES)].to_numpy(float) / [reference[what] for what in OBJECTIVES]
    found = {}
    for k, what in enumerate(OBJECTIVES):
        others = (np.delete(ratios, k, axis=1) <= 1).all(axis=1)
        name = f"{what.split('_')[0]}_ratio"
        found[name] = min(1.0, float(ratios[others, k].min(initial=np.inf)))
    found["all_ratio"] = float(ratios.max(axis=1).min())
    better = (ratios <= 1).all(axis=1) & (ratios < 1).any(axis=1)
    return {**found, "beaten_by": int(better.sum())}


def _task(
    networks: AnyNetwork | Sequence[AnyNetwork],
    precisions: AnyPrecision | Sequence[AnyPrecision] | None,
    technology: AnyTechnology,
    batch: int,
    budgets: Mapping[str, float],
    must_fit: bool,
) -> _Task:
    nets = [load_network(network) for network in listed(networks)]
    if not nets:
        raise BfimnaError("a search for chips needs at least one network")
    given = [8] * len(nets) if precisions is None else listed(precisions)
    if len(given) != len(nets):
        raise BfimnaError(f"{len(given)} precisions for {len(nets)} networks: want one of each")
    bits = [load_precision(*pair) for pair in zip(nets, given, strict=True)]
    if not isinstance(budgets, Mapping):
        raise wrong_type("budgets", budgets, "a mapping of quantities to the most of each")
    for what in budgets:
        one_of("budget of a chip", what, BUDGETS)
    most = {what: positive_number(f"budget {what}", value) for what, value in budgets.items()}
    batch = whole_number("batch", batch, 1, MOST_IMAGES)
    technology = load_technology(technology)
    return _Task(nets, bits, technology, batch, most, truth("must_fit", must_fit))


def _all(task: _Task, base: Chip, grid: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Any]]:
    count = prod(map(len, grid.values()))
    if count > MOST_EXACT:
        raise BfimnaError(
            f"the grid has {count} chips, more than the {MOST_EXACT} of an exact sweep: give fewer "
            f"values, or method='sampled'"
        )
    for values in product(*grid.values()):
        yield task.row(named(base, dict(zip(grid, values, strict=True))))


def _none_within(task: _Task, rows: Sequence[Mapping[str, Any]]) -> str:
    nearest = min(rows, key=lambda row: max(task.excess(row).values()))
    over = [
        f"{what} {nearest[what]:.4g} of {most:.4g}"
        for what, most in task.budgets.items()
        if nearest[what] > most
    ]
    if not over:
        over = ["MAPs too small for the weights (maps_per_cluster, or weights='streamed')"]
    return (
        f"no chip of {len(rows)} is within the budgets; the nearest, {nearest['chip']!r}, has "
        f"{'; '.join(over)}"
    )


def _sampled(
    task: _Task, base: Chip, grid: Mapping[str, Sequence[Any]], samples: int, seed: int
) -> Iterator[dict[str, Any]]:
    """Try chips that NSGA-II proposes, none of them twice."""
    from bfimna.search.evolve import proposals  # Optuna, which few need

    seen: dict[Chip, dict[str, Any]] = {}
    asked = proposals(grid, whole_number("samples", samples, 1), whole_number("seed", seed, 0))
    answer: tuple[list[float], dict[str, float]] | None = None
    while True:
        try:
            chosen = asked.send(answer)
        except StopIteration:
            break
        chip = named(base, chosen)
        if chip not in seen:
            seen[chip] = task.row(chip)
        answer = [seen[chip][what] for what in OBJECTIVES], task.excess(seen[chip])
    yield from seen.values()
