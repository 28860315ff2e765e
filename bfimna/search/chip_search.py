"""Choose a chip for networks: sweep a grid of chips under budgets, and mark the Pareto front.

Several networks are served together: a chip holds the weights of all of them at the same time (with
weights "auto" if they fit beside the live tensors, else all stream), and its cost is the sum over
the networks, one inference of each; area is the chip's own. The model
charges neither area nor energy for the width of a bus or a mesh link, so wider is never worse in
it: restrict these axes to values that can be built.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from bfimna.cost.grid import listed
from bfimna.cost.report import Report
from bfimna.errors import (
    BfimnaError,
    one_of,
    positive_number,
    shown,
    truth,
    unknown,
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
from bfimna.search.mapping_choice import AnyChoice, best_report, loaded
from bfimna.search.pareto import pareto_front
from bfimna.technology.technology import Technology

if TYPE_CHECKING:
    import pandas as pd

#: quantities to be minimised, and those that a budget may limit
OBJECTIVES = ("latency_s", "energy_j", "area_m2")
BUDGETS = (*OBJECTIVES, "power_w")
#: chips of the largest grid
MAX_CHIPS = 10_000
#: fields of a chip that a grid may vary
AXES = (
    "clusters",
    "caps_per_cluster",
    "maps_per_cluster",
    "rows",
    "columns",
    "bus_bits",
    "mesh_bits",
    "multicast",
    "weights",
    "overlap",
)
Value = int | str  # of such a field
#: around LR: 64 clusters of 64 CAPs of 4800 rows
GRID: Mapping[str, Sequence[Value]] = {
    "clusters": (4, 9, 16, 25, 36, 64, 100, 144, 256),
    "caps_per_cluster": (16, 32, 64, 128),
    "rows": (1200, 2400, 4800, 9600, 19200),
}


@dataclass(frozen=True)
class _Workload:
    """What each chip runs."""

    networks: Sequence[Network]
    precisions: Sequence[Precision]
    technology: Technology
    batch: int
    mapping: AnyChoice

    def _reports(self, chip: Chip) -> list[Report]:
        return [
            best_report(network, precision, chip, self.technology, self.batch, self.mapping)
            for network, precision in zip(self.networks, self.precisions, strict=True)
        ]

    def costs(self, chip: Chip) -> dict[str, object]:
        """Return the row of a chip; one sized by the network (IR) is sized for the largest."""
        sized = [chip.sized_for(network, self.batch) for network in self.networks]
        shared = max(sized, key=lambda one: one.clusters)
        reports = self._reports(shared)
        if shared.weights == "auto" and len(reports) > 1:
            # a network's weights stay while the others run, or come anew with each batch
            weights = sum(report.weights_bits for report in reports)
            live = max(self.batch * report.peak_live_bits for report in reports)
            fit = weights + live <= shared.map_bits
            reports = self._reports(replace(shared, weights="resident" if fit else "streamed"))
        latency = sum(report.latency_s for report in reports)
        energy = sum(report.energy_j for report in reports)
        fit = sum(r.weights_bits for r in reports) <= shared.map_bits
        reasons = dict.fromkeys(line for report in reports for line in report.infeasibilities)
        if chip.weights == "resident" and not fit:
            reasons.setdefault("memory: resident weights of all networks together exceed the MAPs")
        return {
            "chip": chip.name,
            "technology": self.technology.name,
            **{axis: getattr(chip, axis) for axis in AXES},
            "latency_s": latency,
            "energy_j": energy,
            "edp_js": latency * energy,
            "power_w": self.batch * energy / latency,
            "area_m2": reports[0].area_m2,
            "throttled_s": sum(report.throttled_s for report in reports),
            "resident_weights_fit": fit,
            "feasible": not reasons,
            "infeasibilities": "; ".join(reasons),
        }


def search_chips(
    networks: AnyNetwork | Sequence[AnyNetwork],
    technology: AnyTechnology,
    precisions: AnyPrecision | Sequence[AnyPrecision] | None = None,
    grid: Mapping[str, Sequence[Value]] = GRID,
    budgets: Mapping[str, float] | None = None,
    base: AnyChip | None = None,
    batch: int = 1,
    must_fit: bool = False,
    must_be_feasible: bool = False,
    mapping: AnyChoice = None,
) -> "pd.DataFrame":
    """Return the chips of a grid that are within budgets, with their Pareto front marked.

    Parameters
    ----------
    networks : one or several; latency and energy are their sums, an inference of each. With weights
        "auto" several networks keep their weights if all fit the MAPs, else all are streamed.
    precisions : of each network; 8 bits where left out.
    grid : values by field of `Chip`, among `AXES`; other fields are those of `base`.
    budgets : upper limits of "latency_s" (until every network's batch is done), "energy_j" (an
        inference of each), "area_m2", "power_w" (mean while computing).
    batch : images that each network computes at a time.
    base : the chip that the grid varies; LR where left out.
    must_fit : leave out chips with resident weights whose MAPs cannot hold those of all networks at
        the same time.
    must_be_feasible : leave out chips that exceed a limit of memory, area, power density or current
        with one of the networks; see `Report.feasible`. Limits that `base` has stretch phases.
    mapping : of every network; the paper's unless given. "best", or a list of candidates: on every
        chip each layer takes the one of the network's least EDP.

    Returns
    -------
    DataFrame with one row per chip within the budgets, fastest first: the fields of the grid,
    latency_s, energy_j, edp_js, power_w, area_m2, throttled_s; resident_weights_fit, whether the
    MAPs hold the weights of all networks at the same time; feasible, and what is not
    (infeasibilities); on_front, whether no other row dominates it in latency, energy and area.

    Raises
    ------
    BfimnaError
        For an unknown field or budget, a grid of more than `MAX_CHIPS` chips, or no chip within the
        budgets (the message says by how much the nearest one exceeds them).

    Examples
    --------
    >>> import bfimna as bf
    >>> table = search_chips(bf.zoo.resnet18(), bf.data.load_technology("sram-14nm-lstp"),
    ...     grid={"clusters": (16, 64), "rows": (2400, 4800)}, budgets={"area_m2": 150e-6})
    >>> table[["clusters", "rows", "on_front"]].values.tolist()
    [[16, 4800, True], [16, 2400, True]]
    """
    import pandas as pd

    workload = _workload(networks, precisions, technology, batch, mapping)
    limits = _limits(budgets)
    must_fit = truth("must_fit", must_fit)
    must_be_feasible = truth("must_be_feasible", must_be_feasible)
    base = Chip.limited() if base is None else load_chip(base)
    chips = list(chips_of(base, checked_grid(grid)))
    every = pd.DataFrame([workload.costs(chip) for chip in chips])
    excess = pd.DataFrame({what: every[what] / most - 1 for what, most in limits.items()})
    if must_fit:
        resident = every.weights == "resident"
        excess["resident_weights_fit"] = (resident & ~every.resident_weights_fit).astype(float)
    if must_be_feasible:
        excess["feasible"] = (~every.feasible).astype(float)
    table = every[(excess <= 0).all(axis=1)] if len(excess.columns) else every
    if table.empty:
        raise BfimnaError(_none_within(every, excess, limits))
    table = table.assign(on_front=pareto_front(table[list(OBJECTIVES)].to_numpy(float)))
    return table.sort_values([*OBJECTIVES], kind="stable", ignore_index=True)


def checked_grid(grid: Mapping[str, Sequence[Value]]) -> dict[str, list[Value]]:
    """Return the grid without repeated values, after checking each as a field of a chip."""
    checked: dict[str, list[Value]] = {}
    if not isinstance(grid, Mapping):
        raise wrong_type("grid", grid, "a mapping of a chip's fields to values")
    for axis, values in grid.items():
        if axis not in AXES:
            raise unknown("field of a chip to vary", axis, AXES)
        no_axis = isinstance(values, np.ndarray) and not values.ndim
        if isinstance(values, str) or no_axis or not isinstance(values, Iterable):
            raise BfimnaError(f"grid: {axis} must be a list of values, not {shown(values)}")
        unique: dict[Value, None] = {}
        for value in values:
            chip = _varied(Chip.limited(), {axis: value})
            if axis == "clusters":
                whole_number("grid: clusters (a chip to be built has some)", value, 1)
            unique[getattr(chip, axis)] = None
        if not unique:
            raise BfimnaError(f"grid: {axis} has no value")
        checked[axis] = list(unique)
    if (count := prod(map(len, checked.values()))) > MAX_CHIPS:
        raise BfimnaError(f"the grid has {count} chips, more than the {MAX_CHIPS} of a search")
    return checked


def _workload(
    networks: AnyNetwork | Sequence[AnyNetwork],
    precisions: AnyPrecision | Sequence[AnyPrecision] | None,
    technology: AnyTechnology,
    batch: int,
    mapping: AnyChoice,
) -> _Workload:
    nets = [load_network(network) for network in listed(networks)]
    if not nets:
        raise BfimnaError("a search for chips needs at least one network")
    of_each = [8] * len(nets) if precisions is None else listed(precisions)
    if len(of_each) != len(nets):
        raise BfimnaError(f"{len(of_each)} precisions for {len(nets)} networks: want one of each")
    bits = [load_precision(*pair) for pair in zip(nets, of_each, strict=True)]
    batch = whole_number("batch", batch, 1, MOST_IMAGES)
    return _Workload(nets, bits, load_technology(technology), batch, loaded(mapping))


def _limits(budgets: Mapping[str, float] | None) -> dict[str, float]:
    if not isinstance(budgets, Mapping | None):
        raise wrong_type("budgets", budgets, "a mapping of quantities to the most of each")
    for what in budgets or {}:
        one_of("budget of a chip", what, BUDGETS)
    return {what: positive_number(f"budget {what}", most) for what, most in (budgets or {}).items()}


def chips_of(base: Chip, grid: Mapping[str, Sequence[Value]]) -> Iterable[Chip]:
    """Yield the chips of a grid; a name says how the chip differs from the base."""
    for values in product(*grid.values()):
        fields = zip(grid, values, strict=True)
        changed = {axis: value for axis, value in fields if getattr(base, axis) != value}
        suffix = "".join(f", {axis}={value}" for axis, value in changed.items())
        yield _varied(base, {"name": f"{base.name}{suffix}", **changed}) if changed else base


def _varied(chip: Chip, fields: Mapping[str, Any]) -> Chip:
    """Return a chip with some fields changed; `Chip` checks each of them."""
    return replace(chip, **fields)


def _none_within(every: "pd.DataFrame", excess: "pd.DataFrame", limits: Mapping[str, float]) -> str:
    nearest = every.iloc[int(excess.max(axis=1).to_numpy().argmin())]
    over = [
        f"{what} {nearest[what]:.4g} of {most:.4g}"
        for what, most in limits.items()
        if nearest[what] > most
    ]
    if "feasible" in excess and not nearest.feasible:
        over.append(str(nearest.infeasibilities))
    if not over:
        over = ["MAPs too small for the weights (maps_per_cluster, or weights='streamed')"]
    return (
        f"no chip of {len(every)} is within the budgets; the nearest, {nearest['chip']!r}, has "
        f"{'; '.join(over)}"
    )
