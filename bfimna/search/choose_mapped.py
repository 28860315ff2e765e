"""Budgets where each layer takes the best of several mappings: the searches behind `choose`."""

from collections.abc import Sequence
from functools import cached_property

from bfimna.mapping.chip import Chip
from bfimna.mapping.mapping import Mapping
from bfimna.network.precision import Precision
from bfimna.search.bounds import Limit
from bfimna.search.cost_graph import Choice
from bfimna.search.mapped_bits import MappedCosts, MappedEdpSearch
from bfimna.search.mapping_choice import AnyChoice, loaded
from bfimna.search.solver import Solver
from bfimna.search.space import SearchSpace
from bfimna.search.within import Search, best_of_budget, front_of
from bfimna.technology.technology import Technology

#: quantities that depend on mappings, and the weights of joules and seconds in them
_WEIGHTS = {"energy_j": (1.0, 0.0), "latency_s": (0.0, 1.0)}
MAPPED = (*_WEIGHTS, "edp_js")


class MappedSums:
    """The search under limits on latency or energy, each entry by its best mapping."""

    def __init__(self, costs: MappedCosts, quantity: str) -> None:
        vector = costs.vector(*_WEIGHTS[quantity])
        self.graph, self.vectors = costs.space.graph, vector[None]
        self.solver = Solver(self.graph, self.vectors)

    @cached_property
    def cheapest(self) -> Choice:
        """The bits of the least cost."""
        return self.solver.cheapest

    def cost(self, choice: Choice) -> float:
        """Return the latency or energy of some bits."""
        return self.graph.cost(self.vectors[0], choice)

    def best_within(self, limit: float) -> Choice | None:
        """Return the bits of least Ω within a limit, or None if no choice is."""
        return self.solver.best_within(Limit(self.vectors, limit))


class MappedSearches:
    """Searches over the bits of a space and the mappings of its layers; costs are shared.

    Parameters
    ----------
    mapping : one, several of which each layer takes the best, or "best" for all.
    """

    def __init__(
        self, space: SearchSpace, chip: Chip, technology: Technology, mapping: AnyChoice
    ) -> None:
        candidates = loaded(mapping)
        several: Sequence[Mapping] = [candidates] if isinstance(candidates, Mapping) else candidates
        self.space = space
        self.costs = MappedCosts.priced(space, chip, technology, several)
        self._searches: dict[str, Search[Choice]] = {}

    def of(self, quantity: str) -> Search[Choice]:
        """Return the search of a quantity."""
        if quantity not in self._searches:
            of_edp = quantity == "edp_js"
            search = MappedEdpSearch(self.costs) if of_edp else MappedSums(self.costs, quantity)
            self._searches[quantity] = search
        return self._searches[quantity]

    def choose(self, quantity: str, limit: float | None, fraction: float | None) -> Precision:
        """Return the bits of least Ω within a limit, or one between the lowest and highest bits."""
        return best_of_budget(
            self.of(quantity), self.space, (quantity, limit, fraction), self.space.precision,
            "bits and mappings",
        )  # fmt: skip

    def front(self, points: int) -> list[Precision]:
        """Return the bits of least Ω under EDP limits from tight to loose."""
        return front_of(self.of("edp_js"), self.space, points, self.space.precision)
