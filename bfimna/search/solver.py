"""Least Ω within a limit, proven: a bound by prices, and every choice that the bound leaves.

No float decides alone. All terms are at least 0, so sums of them are exact to a relative 1e-14, and
`pareto` compares with a margin a hundred times that. The result is within its limit in exact
arithmetic, and its Ω, in exact arithmetic, is at most the Ω up to which every choice has been
enumerated; otherwise an error says that the optimum is not proven.
"""

from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property

import numpy as np

from bfimna.errors import BfimnaError
from bfimna.search.bounds import Bound, Cone, Limit, Pool, cheapest, price_grid
from bfimna.search.cost_graph import Choice, CostGraph, Elimination
from bfimna.search.pareto import ROUNDING, TooManyError, undominated

#: relative gap above the bound that is enumerated first, and the factor by which it then grows
FIRST_GAP, GAP_GROWTH = 0.002, 3.0
#: cost or Ω: prices, which are ratios of the two, stay within a float's range
MAX_COST = 1e100


@dataclass(eq=False)
class Solver:
    """Finds choices of least Ω on one cost graph: what several limits on the same costs share.

    Parameters
    ----------
    vectors : the limited cost, or the two whose product is limited, shape (costs, entries).
    """

    graph: CostGraph
    vectors: np.ndarray
    elimination: Elimination = field(init=False)
    pool: Pool = field(init=False)

    def __post_init__(self) -> None:
        self.elimination = Elimination(self.graph)
        everything = np.stack([self.graph.omega_vector, *self.vectors])
        if not ((everything >= 0) & (everything <= MAX_COST)).all():
            raise BfimnaError(f"the search takes costs and Ω from 0 to {MAX_COST:g}")
        self.pool = Pool(self.elimination, everything)
        ends = [self.elimination.choices(self.elimination.minimise(v[None])) for v in everything]
        points = self.pool.add(np.concatenate([*ends, self.cheapest[None]]))
        if (height := points[:, 0].max()) > 0:
            self.pool.fill(price_grid(np.maximum(points[0, 1:], 1e-300).tolist(), float(height)))

    @cached_property
    def cheapest(self) -> Choice:
        """The choice of the least limited cost or product."""
        return cheapest(self.elimination, self.vectors)

    def best_within(self, limit: Limit) -> Choice | None:
        """Return the choice of least Ω within a limit on the vectors; None if there is none.

        Raises
        ------
        BfimnaError
            If the optimum cannot be proven.
        """
        if not limit.allows_exactly(self._entries(self.cheapest)):
            return None
        best = self._best_member(limit, self.cheapest)
        cones = [limit.cone]
        while cones and self._omega(best) > 0:  # no choice has less than 0
            cone = cones.pop()
            if limit.is_narrow(cone):
                best = self._best_in(limit, cone, best)
            elif cone == limit.cone or self._bound(limit, cone, best).omega < self._omega(best):
                cones += limit.split(cone, self._point(best))
        return best

    def _entries(self, choice: Choice) -> np.ndarray:
        return self.graph.entries(choice[None])[0]

    def _point(self, choice: Choice) -> np.ndarray:
        """Ω and costs of a choice."""
        return self.pool.costs[:, self._entries(choice)].sum(axis=1)

    def _omega(self, choice: Choice) -> float:
        return float(self._point(choice)[0])

    def _exact_omega(self, choice: Choice) -> Fraction:
        return sum(map(Fraction, self.pool.costs[0, self._entries(choice)].tolist()), Fraction())

    def _best_member(self, limit: Limit, best: Choice) -> Choice:
        """Return the best of a choice and the pool's members that the limit allows."""
        points = self.pool.points
        better = np.flatnonzero(limit.allows(points[:, 1:]) & (points[:, 0] < self._omega(best)))
        members = list(self.pool.members.values())
        return self._best_of(limit, np.array([members[k][1] for k in better]), points[better], best)

    def _best_of(
        self, limit: Limit, choices: np.ndarray, points: np.ndarray, best: Choice
    ) -> Choice:
        """Return the choice of least Ω that the limit allows exactly, or `best` if none is less."""
        for k in np.lexsort(points.T[::-1]):
            if points[k, 0] >= self._omega(best):
                break
            if limit.allows_exactly(self._entries(choices[k])):
                return choices[k]
        return best

    def _bound(self, limit: Limit, cone: Cone, best: Choice) -> Bound:
        return self.pool.bound(limit.corners(cone), self._omega(best))

    def _best_in(self, limit: Limit, cone: Cone, best: Choice) -> Choice:
        """Return the best choice of a narrow cone, or `best` if none is better."""
        bound = self._bound(limit, cone, best)
        best = self._best_member(limit, best)
        gap = max(FIRST_GAP * bound.omega, FIRST_GAP**2 * self._omega(best))
        while True:
            reach = min(bound.omega + gap, self._omega(best))
            if reach <= bound.omega:
                return best
            try:
                choices, points = self._enumerate(limit, cone, bound, reach)
            except TooManyError:
                raise self._unproven(limit, bound, best) from None
            allowed = limit.allows(points[:, 1:])
            best = self._best_of(limit, choices[allowed], points[allowed], best)
            if self._exact_omega(best) <= Fraction(reach) * (1 + Fraction(ROUNDING)):
                self.pool.add(best[None])
                return best
            gap *= GAP_GROWTH

    def _enumerate(
        self, limit: Limit, cone: Cone, bound: Bound, omega: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the undominated choices of at most some Ω that no bound excludes."""
        corners = limit.corners(cone)
        chord = limit.chord(cone)
        prices = np.array([np.zeros_like(chord), bound.prices, chord])
        weights = np.array([1.0, 1.0, 0.0])
        minimum = self.elimination.minimise(
            weights[:, None] * self.pool.costs[0] + prices @ self.pool.costs[1:]
        )
        most = weights * omega + (prices @ corners.T).max(axis=1)
        regrets = most * (1 + ROUNDING * 100) - minimum.cost
        costs = self.pool.costs
        if len(costs) < 3:
            costs = np.concatenate([costs, np.zeros((1, costs.shape[1]))])
        choices, points = undominated(self.elimination, costs, minimum, regrets)
        return choices, points[:, : len(self.pool.costs)]

    def _unproven(self, limit: Limit, bound: Bound, best: Choice) -> BfimnaError:
        return BfimnaError(
            f"the least Ω within {limit.most:.6g} is not proven: the best choice found has "
            f"{self._omega(best):.6g}, none has less than {bound.omega:.6g}, and the choices "
            f"between are too many to enumerate; allow fewer widths"
        )
