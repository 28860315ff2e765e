"""Least Ω within a limit where the MAPs couple layers: bounds of parts of the space, and splits.

In a part of the space each group has some of its widths. Costs from below (`Costs.vectors`) give a
part's bound: the least Ω of any choice that is within the limit if it costs no more than that. If
that choice is within the limit as it is simulated, none of the part is better; otherwise the part
is split at the group whose widths change the costs most. Parts of the lowest bound come first.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from heapq import heappop, heappush
from itertools import count

import numpy as np

from bfimna.search.bounds import SLACK, Limit, ratio_range
from bfimna.search.cost_graph import Choice
from bfimna.search.costs import Costs, Quantity, cost_of, of_quantity
from bfimna.search.pareto import ROUNDING
from bfimna.search.solver import Solver
from bfimna.search.space import SearchSpace

#: parts of the space that are searched for one limit, before a gap is stated instead
MOST_PARTS = 16
#: tighter limits that are tried for a choice within the limit as simulated
TIGHTER = 3


@dataclass(frozen=True)
class Optimum:
    """The best choice that a search has met, and how good any other could be.

    Attributes
    ----------
    omega : of the choice.
    bound : no choice within the limit has a lower Ω; equal to `omega` if that is proven.
    """

    choice: Choice
    omega: float
    bound: float


@dataclass(frozen=True, eq=False)
class _Part:
    """A part of a space: the allowed widths, bool (groups, widths), and its lower costs."""

    space: SearchSpace
    costs: Costs
    quantity: Quantity
    allowed: np.ndarray

    @cached_property
    def solver(self) -> Solver:
        graph, vectors = self.space.graph, self.costs.vectors(self.allowed)
        names = ("energy_j", "latency_s") if self.quantity == "edp_js" else (self.quantity,)
        omega = np.where(self.allowed, graph.omega, np.inf)
        return Solver(replace(graph, omega=omega), np.stack([vectors[name] for name in names]))

    @cached_property
    def cone(self) -> tuple[float, float]:
        if self.quantity != "edp_js":
            return 0.0, np.inf
        return ratio_range(self.solver.elimination, *self.solver.vectors)

    def best_within(self, limit: float) -> Choice | None:
        return self.solver.best_within(Limit(self.solver.vectors, limit, self.cone))

    def least(self, choice: Choice) -> float:
        """Return what a choice costs at least."""
        vectors = dict(zip(("energy_j", "latency_s"), self.solver.vectors, strict=False))
        if self.quantity != "edp_js":
            vectors = {self.quantity: self.solver.vectors[0]}
        return cost_of(self.space.graph, vectors, choice, self.quantity)

    @cached_property
    def halves(self) -> list["_Part"]:
        """The part split at the group that loosens its costs most; none where they are exact."""
        spread = self.costs.spread(self.allowed)
        if not spread.any():
            return []
        group = int(spread.argmax())
        widths = np.flatnonzero(self.allowed[group])
        halves = []
        for some in np.array_split(widths, 2):
            allowed = self.allowed.copy()
            allowed[group] = False
            allowed[group, some] = True
            halves.append(_Part(self.space, self.costs, self.quantity, allowed))
        return halves


class PartedSearch:
    """Searches under limits on one quantity; parts and their bounds are shared between them."""

    def __init__(self, space: SearchSpace, costs: Costs, quantity: Quantity) -> None:
        self.space, self.costs, self.quantity = space, costs, quantity
        self.whole = _Part(space, costs, quantity, np.isfinite(space.graph.omega))
        self._met: dict[bytes, tuple[Choice, float]] = {}  # choices and what they cost

    def cost(self, choice: Choice) -> float:
        """Return what a choice costs as simulated."""
        key = choice.tobytes()
        if key not in self._met:
            self._met[key] = choice, of_quantity(self.costs.exactly(choice), self.quantity)
        return self._met[key][1]

    @cached_property
    def cheapest(self) -> Choice:
        """The choice of the least cost; at least one that costs less than all others met."""
        best, least, number = None, np.inf, count()
        parts = [(0.0, next(number), self.whole)]
        while parts and next(number) < 4 * MOST_PARTS:
            bound, _, part = heappop(parts)
            if bound >= least * (1 - SLACK):
                break
            choice = part.solver.cheapest
            if (cost := self.cost(choice)) < least:
                best, least = choice, cost
            if (bound := part.least(choice)) < least * (1 - SLACK):
                for half in part.halves:
                    heappush(parts, (bound, next(number), half))
        assert best is not None  # the first choice
        return best

    def best_within(self, limit: float) -> Optimum | None:
        """Return the choice of least Ω within a limit; None if there is none.

        Raises
        ------
        BfimnaError
            If a part's optimum cannot be proven.
        """
        best, omega, number = None, np.inf, count()
        self.cost(self.cheapest)
        for known, cost in self._met.values():
            if _allows(limit, cost) and self._omega(known) < omega:
                best, omega = known, self._omega(known)
        parts, searched = [(0.0, next(number), self.whole)], 0
        while parts and parts[0][0] < omega and searched < MOST_PARTS:
            _, _, part = heappop(parts)
            searched += 1
            choice = part.best_within(limit)
            if choice is None or (bound := self._omega(choice)) >= omega:
                continue
            met = self._within(part, choice, limit)
            if met is not None and self._omega(met) < omega:
                best, omega = met, self._omega(met)
            if met is not choice:
                for half in part.halves:
                    heappush(parts, (bound, next(number), half))
        if best is None:
            return None
        return Optimum(best, omega, min([omega, *(bound for bound, _, _ in parts)]))

    def _omega(self, choice: Choice) -> float:
        return self.space.graph.cost(self.space.graph.omega_vector, choice)

    def _within(self, part: _Part, choice: Choice, limit: float) -> Choice | None:
        """Return the choice if it is within the limit as simulated, or a part's next best."""
        tighter, within = limit, choice
        for _ in range(1 + TIGHTER):
            if _allows(limit, cost := self.cost(within)):
                return within
            tighter *= min(limit / cost, 1 - SLACK)
            near = part.best_within(tighter)
            if near is None:
                return None
            within = near
        return None


def _allows(limit: float, cost: float) -> bool:
    """Whether a cost is within a limit and its slack, up to rounding."""
    return cost <= limit * (1 + SLACK) * (1 + ROUNDING)
