"""Choose bits under a budget, and the Pareto front of Ω and EDP."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from bfimna.cost.grid import listed
from bfimna.cost.sweep import sweep
from bfimna.errors import (
    BfimnaError,
    instance,
    is_number,
    one_of,
    positive_number,
    shown,
    whole_number,
)
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
from bfimna.network.precision import Precision
from bfimna.search.choose_mapped import MAPPED, MappedSearches
from bfimna.search.costs import QUANTITIES, ApCosts, NetworkCosts, Quantity
from bfimna.search.mapping_choice import AnyChoice
from bfimna.search.parts import Optimum, PartedSearch
from bfimna.search.sensitivity import Sensitivity
from bfimna.search.space import SearchSpace
from bfimna.search.within import best_of_budget, front_of

if TYPE_CHECKING:
    import pandas as pd

MAX_POINTS = 10_000  # of a front


@dataclass(frozen=True)
class Budget:
    """An upper limit on one quantity of an inference.

    Parameters
    ----------
    quantity : "size_bits" (of all weights), "bops", "latency_s", "energy_j" or "edp_js".
    limit : in the unit that the quantity's name ends in.
    fraction : instead of a limit, a point between all layers at the lowest choice (0) and all at
        the highest (1); HAWQ-V3's high, medium and low are 0.75, 0.5 and 0.25.

    Examples
    --------
    >>> Budget("latency_s", limit=1e-3).limit
    0.001
    >>> Budget("edp_js", fraction=2)
    Traceback (most recent call last):
    ...
    bfimna.errors.BfimnaError: fraction of a budget must be from 0 to 1, not 2
    """

    quantity: Quantity
    limit: float | None = None
    fraction: float | None = None

    def __post_init__(self) -> None:
        one_of("quantity of a budget", self.quantity, QUANTITIES)
        if (self.limit is None) == (self.fraction is None):
            raise BfimnaError(f"give a budget on {self.quantity} either limit= or fraction=")
        if self.limit is not None:
            object.__setattr__(self, "limit", positive_number("limit of a budget", self.limit))
        share = self.fraction
        if share is not None and not (is_number(share) and 0 <= share <= 1):
            raise BfimnaError(f"fraction of a budget must be from 0 to 1, not {shown(share)}")


def choose(
    network: AnyNetwork,
    sensitivity: Sensitivity,
    budget: Budget,
    chip: AnyChip,
    technology: AnyTechnology,
    choices: Iterable[int] = (4, 8),
    tensors: Mapping[str, int] | None = None,
    mapping: AnyChoice = None,
) -> Precision:
    """Return the bits of least total sensitivity Ω within a budget: HAWQ-V3's integer program.

    Weights and activations of a layer have the same width, and layers that read the same tensor
    share one. Latency and energy are exactly the simulator's for one image, and EDP is their
    product. The optimum is proven (`bfimna.search.solver`), but where weights or tensors share
    MAPs that do not hold them all: there a note of the precision may state a gap, by which its Ω
    is above the least at most (`bfimna.search.parts`).

    Parameters
    ----------
    tensors : widths of tensors that are the same in every choice, as `Precision.by_layer` takes
        them: HAWQ-V3's residual stream, for example (`bfimna.data.hawq_tensors`).
    mapping : of the layers; the paper's unless given. "best", or a list of candidates: each layer
        takes the one that leaves the budget most room, so bits and mappings are chosen together.
        `bf.search.mapping` with the returned bits and the budget's quantity tells which.

    Raises
    ------
    BfimnaError
        If no choice meets the budget (the message gives the smallest feasible one), if layers have
        no sensitivity (the message lists them), or if the optimum cannot be proven.

    Examples
    --------
    >>> import bfimna as bf
    >>> net, sram = bf.zoo.resnet18(), bf.data.load_technology("sram-14nm-lstp")
    >>> half = Budget("edp_js", fraction=0.5)
    >>> omega = bf.search.hawq_sensitivity(net)
    >>> p = choose(net, omega, half, bf.Chip.limited(), sram)
    >>> p.weight_bits[:6]
    (8, 8, 8, 8, 8, 8)
    """
    return choose_each(network, sensitivity, [budget], chip, technology, choices, tensors, mapping)[
        0
    ]


def choose_each(
    network: AnyNetwork,
    sensitivity: Sensitivity,
    budgets: Sequence[Budget],
    chip: AnyChip,
    technology: AnyTechnology,
    choices: Iterable[int] = (4, 8),
    tensors: Mapping[str, int] | None = None,
    mapping: AnyChoice = None,
) -> list[Precision]:
    """Return `choose` for several budgets; the costs are computed once."""
    budgets = [instance("budget", budget, Budget) for budget in budgets]
    space = _space(network, sensitivity, choices, tensors)
    hardware = load_chip(chip), load_technology(technology)
    if mapping is not None:
        mapped = MappedSearches(space, *hardware, mapping)
        return [
            mapped.choose(budget.quantity, budget.limit, budget.fraction)
            if budget.quantity in MAPPED
            else choose(network, sensitivity, budget, *hardware, choices, tensors)
            for budget in budgets
        ]
    on_ap, of_network = ApCosts(space, *hardware), NetworkCosts(space)
    searches = {
        quantity: PartedSearch(
            space, of_network if quantity in ("size_bits", "bops") else on_ap, quantity
        )
        for quantity in dict.fromkeys(budget.quantity for budget in budgets)
    }
    return [_chosen(searches[budget.quantity], budget) for budget in budgets]


def _space(
    network: AnyNetwork,
    sensitivity: Sensitivity,
    choices: Iterable[int],
    tensors: Mapping[str, int] | None,
) -> SearchSpace:
    instance("sensitivity", sensitivity, Sensitivity)
    own = {} if tensors is None else tensors
    return SearchSpace(load_network(network), sensitivity, tuple(listed(choices)), own)


def _chosen(search: PartedSearch, budget: Budget) -> Precision:
    """Return the bits of least Ω within a budget, with a note where that is not proven."""
    limits = budget.quantity, budget.limit, budget.fraction
    return best_of_budget(search, search.space, limits, partial(_precision, search.space))


def _precision(space: SearchSpace, optimum: Optimum, name: str) -> Precision:
    precision = space.precision(optimum.choice, name)
    if optimum.bound >= optimum.omega:
        return precision
    gap = 100 * (1 - optimum.bound / optimum.omega)
    note = (
        f"bits {name!r}: Ω is at most {gap:.2g} % above the least; weights and tensors share MAPs"
    )
    return replace(precision, notes=(note,))


def front(
    network: AnyNetwork,
    sensitivity: Sensitivity,
    chip: AnyChip,
    technology: AnyTechnology,
    choices: Iterable[int] = (4, 8),
    points: int = 50,
    tensors: Mapping[str, int] | None = None,
    mapping: AnyChoice = None,
) -> list[Precision]:
    """Return the choices of least Ω under EDP budgets from tight to loose.

    Budgets are spaced evenly in logarithm, from the smallest possible EDP to that of the highest
    bits; each choice is the optimum of its own budget, as `choose` returns it.
    """
    points = whole_number("points", points, 2, MAX_POINTS)
    space = _space(network, sensitivity, choices, tensors)
    if mapping is not None:
        hardware = load_chip(chip), load_technology(technology)
        return MappedSearches(space, *hardware, mapping).front(points)
    on_ap = ApCosts(space, load_chip(chip), load_technology(technology))
    search = PartedSearch(space, on_ap, "edp_js")
    return front_of(search, space, points, partial(_precision, space))


def compare(
    network: AnyNetwork,
    sensitivity: Sensitivity,
    precisions: Sequence[AnyPrecision],
    chip: AnyChip,
    technology: AnyTechnology,
) -> "pd.DataFrame":
    """Return `sweep`'s rows of precisions, with their Ω.

    Column `omega_basis` is "known" where the sensitivity gives every layer's error at its width,
    and "interpolated" where some are estimated (error ∝ 4^-bits).
    """
    network = load_network(network)
    instance("sensitivity", sensitivity, Sensitivity).check(network)
    loaded = [load_precision(network, precision) for precision in listed(precisions)]
    rows = sweep(network, loaded, [load_chip(chip)], [load_technology(technology)])
    bits = [dict(zip(p.layers, p.weight_bits, strict=True)) for p in loaded]
    rows["omega"] = [sensitivity.total(b) for b in bits]
    rows["omega_basis"] = [sensitivity.basis(b) for b in bits]
    return rows
