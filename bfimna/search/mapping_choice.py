"""Choose the mapping of each layer: the optimum of latency, energy or EDP, with its certificate."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from bfimna.cost.report import Report
from bfimna.cost.simulate import simulate
from bfimna.display import html_table, quantity
from bfimna.errors import BfimnaError, instance, one_of, whole_number, wrong_type
from bfimna.mapping import catalogue
from bfimna.mapping.chip import MOST_IMAGES, Chip
from bfimna.mapping.mapping import Mapping, sized
from bfimna.names import (
    AnyChip,
    AnyMapping,
    AnyNetwork,
    AnyPrecision,
    AnyTechnology,
    load_chip,
    load_mapping,
    load_network,
    load_precision,
    load_technology,
)
from bfimna.network.bits import Bits
from bfimna.network.graph import Network
from bfimna.network.precision import Precision
from bfimna.search.hull import corners, product_bound, sums
from bfimna.search.mapping_costs import MappingCosts, by_number, mapping_costs
from bfimna.technology.technology import Technology

if TYPE_CHECKING:
    import pandas as pd

#: in place of a mapping: the best of all for each layer
BEST = "best"
#: one mapping, or several of which each layer takes the best; None for the paper's
AnyChoice = AnyMapping | Sequence[Mapping] | None
Objective = Literal["edp_js", "energy_j", "latency_s"]
_SHOWN = {"edp_js": ("EDP", "J·s"), "energy_j": ("energy", "J"), "latency_s": ("latency", "s")}


@dataclass(frozen=True, eq=False, repr=False)
class MappingChoice:
    """The best mapping of each layer, and why it is the best.

    Attributes
    ----------
    mapping : the choice, for `bf.simulate` and all else that takes a mapping.
    objective : what it is the least of.
    report : the simulation of the choice.
    bound : no choice among the candidates has less; from multipliers, not from the choice.
    costs : what every candidate costs in every layer.
    chosen : number of the candidate that each product takes.
    default : number of the one whose adder layers without products take.
    """

    mapping: Mapping
    objective: Objective
    report: Report
    bound: float
    costs: MappingCosts
    chosen: np.ndarray
    default: int

    @property
    def best(self) -> float:
        """The objective of the choice, as `report` has it."""
        return float(getattr(self.report, self.objective))

    @property
    def gap(self) -> float:
        """How far the choice may lie above the optimum, relative to the bound."""
        return max(self.best / self.bound - 1, 0.0)

    @property
    def candidates(self) -> int:
        """Pairs of a layer and a mapping that fits it."""
        return int(np.isfinite(self.costs.seconds[:, self.costs.products]).sum())

    @cached_property
    def _swapped(self) -> np.ndarray:
        """Objective if one product alone took another mapping, over the best: (mappings, products).

        Infinite where the mapping does not fit.
        """
        own, images = (self.chosen, np.arange(len(self.chosen))), self.report.batch
        seconds, joules = (
            cost[:, self.costs.products] for cost in (self.costs.seconds, self.costs.joules)
        )
        seconds = self.report.latency_s + seconds - seconds[own]
        joules = self.report.energy_j + (joules - joules[own]) / images
        if self.objective == "edp_js":
            return seconds * joules / self.best
        return (seconds if self.objective == "latency_s" else joules) / self.best

    @property
    def layers(self) -> "pd.DataFrame":
        """A row per product: what it chose, what that costs, and the runner-up.

        `factor` is by how much the network's objective grows if this layer alone takes the
        runner-up (1: a tie); the cells are empty where nothing else fits.
        """
        import pandas as pd

        names = np.array([mapping.name for mapping in self.costs.mappings], dtype=object)
        rows, swapped = [], self._swapped
        for n, layer in enumerate(self.report.network.matmul_names):
            mine, k = int(self.chosen[n]), self.costs.products[n]
            others, rest = np.delete(swapped[:, n], mine), np.delete(names, mine)
            fits = bool(np.isfinite(others).any())
            rows.append({
                "layer": layer,
                "mapping": names[mine],
                "latency_s": self.costs.seconds[mine, k],
                "energy_j": self.costs.joules[mine, k] / self.report.batch,
                "runner_up": rest[others.argmin()] if fits else None,
                "factor": others.min() if fits else np.nan,
                "candidates": int(np.isfinite(swapped[:, n]).sum()),
            })  # fmt: skip
        return pd.DataFrame(rows)

    def __repr__(self) -> str:
        name, unit = _SHOWN[self.objective]
        return (
            f"<MappingChoice: {self.report.network.name} at {self.report.precision.name} on "
            f"{self.report.chip.name}: {name} {quantity(self.best, unit)}, bound "
            f"{quantity(self.bound, unit)}, gap {self.gap:.1e}, {self.candidates} candidates>"
        )

    def _repr_html_(self) -> str:
        header = ("layer", "mapping", "latency", "energy", "runner-up", "factor if it took that")
        rows = [
            (r.layer, r.mapping, quantity(r.latency_s, "s"), quantity(r.energy_j, "J"),
             r.runner_up or "no other fits", f"{r.factor:.4g}" if r.runner_up else "")
            for r in self.layers.itertuples()
        ]  # fmt: skip
        refused = self.costs.refused
        what = f"{len(refused)} mapping{'s' * (len(refused) > 1)} not weighed"
        notes = [f"{what}: {': '.join(refused[0])}"] if refused else []
        return html_table(repr(self)[1:-1], header, rows, notes)


def mapping(
    network: AnyNetwork,
    precision: AnyPrecision,
    chip: AnyChip,
    technology: AnyTechnology,
    objective: Objective = "edp_js",
    candidates: Sequence[Mapping] | None = None,
    batch: int = 1,
) -> MappingChoice:
    """Return the mapping of each layer of least EDP, energy or latency, proven.

    Parameters
    ----------
    network, precision, chip, technology, batch : as for `bf.simulate`. A chip that the
        network sizes (IR) has the clusters that the first candidate needs.
    objective : "edp_js", "energy_j" or "latency_s".
    candidates : mappings to weigh in every layer; all of the package's unless given.

    Raises
    ------
    BfimnaError
        For bad arguments, or a layer that no candidate fits.

    Examples
    --------
    >>> import bfimna as bf
    >>> choice = mapping("alexnet", 8, "LR", "sram-14nm-lstp", candidates=[bf.Mapping.paper()])
    >>> choice.mapping, choice.gap < 1e-9, choice.candidates
    (<Mapping paper>, True, 8)
    """
    network, technology = load_network(network), load_technology(technology)
    precision, chip = load_precision(network, precision), load_chip(chip)
    one_of("objective", objective, get_args(Objective))
    batch = whole_number("batch", batch, 1, MOST_IMAGES)
    every = checked_candidates(candidates)
    chip = sized(chip, network, every[0], batch)
    bits = Bits.from_precision(network, precision)
    costs = mapping_costs(network, bits, chip, technology, every, batch)
    (*chosen, default), bound = least(costs, objective)
    best = by_number(network, costs.mappings, chosen, default, f"of least {objective} per layer")
    report = simulate(network, precision, chip, technology, batch, mapping=best)
    divided = bound if objective == "latency_s" else bound / batch
    return MappingChoice(best, objective, report, divided, costs, np.array(chosen), default)


def checked_candidates(candidates: Sequence[Mapping] | None) -> list[Mapping]:
    """Return the mappings that a search weighs, each once."""
    if candidates is None:
        return list(catalogue.by_name().values())
    if isinstance(candidates, str | Mapping) or not isinstance(candidates, Sequence):
        raise wrong_type("candidates", candidates, "a list of mappings")
    every = list(dict.fromkeys(instance("a candidate", one, Mapping) for one in candidates))
    if not every:
        raise BfimnaError("candidates must name at least one mapping")
    return every


def loaded(mapping: AnyChoice) -> Mapping | list[Mapping]:
    """Return one mapping, the paper's for None, or those of which each layer takes the best."""
    if mapping is None:
        return Mapping.paper()
    if isinstance(mapping, str | Mapping):
        return checked_candidates(None) if mapping == BEST else load_mapping(mapping)
    return checked_candidates(mapping)


def best_report(
    network: Network,
    precision: Precision,
    chip: Chip,
    technology: Technology,
    batch: int,
    choice: AnyChoice,
) -> Report:
    """Return the simulation by one mapping, or by the choice of least EDP among several."""
    candidates = loaded(choice)
    if isinstance(candidates, Mapping):
        return simulate(network, precision, chip, technology, batch, mapping=candidates)
    best = mapping(network, precision, chip, technology, candidates=candidates, batch=batch)
    return best.report


def least(costs: MappingCosts, objective: Objective) -> tuple[list[int], float]:
    """Return the number of each product's best mapping and of the default; and a lower bound.

    Parameters
    ----------
    costs : at one precision.
    """
    one, other = (_options(cost, costs.products) for cost in (costs.seconds, costs.joules))
    if objective != "edp_js":
        cost = one if objective == "latency_s" else other
        return cost.argmin(axis=0).tolist(), float(cost.min(axis=0).sum())
    choices, multipliers = corners(one, other)
    products = sums(one, choices) * sums(other, choices)
    bound = product_bound(one, other, multipliers)
    return choices[int(products.argmin())].tolist(), bound


def _options(cost: np.ndarray, products: np.ndarray) -> np.ndarray:
    """Return costs (mappings, products + 1): last, layers without products by each default."""
    rest = np.delete(cost, products, axis=1).sum(axis=1)
    return np.column_stack([cost[:, products], rest])
