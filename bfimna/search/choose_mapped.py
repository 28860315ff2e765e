"""Budgets where each layer takes the best of several mappings: the searches behind `choose`."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Protocol

import numpy as np

from bfimna.errors import BfimnaError
from bfimna.mapping.chip import Chip
from bfimna.mapping.mapping import Mapping
from bfimna.network.precision import Precision
from bfimna.search.bounds import Limit
from bfimna.search.cost_graph import Choice
from bfimna.search.mapped_bits import MappedCosts, MappedEdpSearch
from bfimna.search.mapping_choice import AnyChoice, loaded
from bfimna.search.solver import Solver
from bfimna.search.space import SearchSpace
from bfimna.technology.technology import Technology

#: quantities that depend on mappings, and the weights of joules and seconds in them
_WEIGHTS = {"energy_j": (1.0, 0.0), "latency_s": (0.0, 1.0)}
MAPPED = (*_WEIGHTS, "edp_js")


class Search(Protocol):
    """A search for bits of least Ω under limits on one quantity."""

    @property
    def cheapest(self) -> Choice: ...  # noqa: D102

    def cost(self, choice: Choice) -> float: ...  # noqa: D102

    def best_within(self, limit: float) -> Choice | None: ...  # noqa: D102


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
        """Return the bits of least Ω within a limit; None if there are none."""
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
        self._searches: dict[str, Search] = {}

    def of(self, quantity: str) -> Search:
        """Return the search of a quantity."""
        if quantity not in self._searches:
            of_edp = quantity == "edp_js"
            search = MappedEdpSearch(self.costs) if of_edp else MappedSums(self.costs, quantity)
            self._searches[quantity] = search
        return self._searches[quantity]

    def choose(self, quantity: str, limit: float | None, fraction: float | None) -> Precision:
        """Return the bits of least Ω within a limit, or one between the lowest and highest bits."""
        search = self.of(quantity)
        notes: tuple[str, ...] = ()
        if fraction is not None:
            low, high = (search.cost(self.space.uniform(end)) for end in (0, -1))
            limit = low + fraction * (high - low)
            notes = (self.space.budget_note(quantity, fraction, low, high),)
        assert limit is not None  # a budget has one or the other
        choice = search.best_within(limit)
        if choice is None:
            raise BfimnaError(
                f"no choice of {', '.join(map(str, self.space.choices))} bits and mappings brings "
                f"{self.space.network.name} within {quantity} of {limit:.6g}; the smallest "
                f"feasible budget is {search.cost(search.cheapest):.6g}"
            )
        return replace(self.space.precision(choice, f"{quantity}<={limit:.4g}"), notes=notes)

    def front(self, points: int) -> list[Precision]:
        """Return the bits of least Ω under EDP limits from tight to loose."""
        search = self.of("edp_js")
        low, high = (search.cost(choice) for choice in (search.cheapest, self.space.uniform(-1)))
        precisions: dict[tuple[int, ...], Precision] = {}
        for k, limit in enumerate(np.geomspace(low, high, points)):
            choice = search.best_within(float(limit))
            assert choice is not None  # the cheapest is within each of these limits
            precision = self.space.precision(choice, f"front-{k:03d}")
            precisions.setdefault(precision.weight_bits, precision)
        return list(precisions.values())
