"""Least Ω within a limit, proven: a bound by prices, and every choice that the bound leaves.

No float decides alone. All terms are at least 0, so sums of them are exact to a relative 1e-14, and
`labels` compares with a margin a hundred times that. What is returned is within its limit in exact
arithmetic, and its Ω, in exact arithmetic, is at most the Ω up to which every choice has been
looked at; or there is an error that says that it is not proven.
"""

from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property

import numpy as np

from bfimna.errors import BfimnaError
from bfimna.search.bound import Bound, Pool, spread
from bfimna.search.elimination import Elimination
from bfimna.search.labels import ROUNDING, TooManyError, left_by
from bfimna.search.limits import Limit, smallest
from bfimna.search.program import Choice, Program

#: how far above its bound the optimum is looked for first, and how much farther next
FIRST_GAP, WIDER = 0.002, 3.0
#: cost or Ω: prices, which are ratios of the two, stay within a float's range
LARGEST = 1e100


@dataclass(eq=False)
class Search:
    """The searches of one program: what several limits on the same costs share.

    Parameters
    ----------
    vectors : the limited cost, or the two whose product is limited, shape (costs, entries).
    """

    program: Program
    vectors: np.ndarray
    elimination: Elimination = field(init=False)
    pool: Pool = field(init=False)

    def __post_init__(self) -> None:
        self.elimination = Elimination(self.program)
        everything = np.stack([self.program.omega_vector, *self.vectors])
        if not ((everything >= 0) & (everything <= LARGEST)).all():
            raise BfimnaError(f"the search takes costs and Ω from 0 to {LARGEST:g}")
        self.pool = Pool(self.elimination, everything)
        ends = [self.elimination.choices(self.elimination.solve(v[None])) for v in everything]
        points = self.pool.add(np.concatenate([*ends, self.smallest[None]]))
        if (height := points[:, 0].max()) > 0:
            self.pool.solve(spread(np.maximum(points[0, 1:], 1e-300).tolist(), float(height)))

    @cached_property
    def smallest(self) -> Choice:
        """The choice of the least limited cost or product."""
        return smallest(self.elimination, self.vectors)

    def within(self, limit: Limit) -> Choice | None:
        """Return the choice of least Ω within a limit on the vectors, or None if there is none.

        Raises
        ------
        BfimnaError
            If the optimum cannot be proven.
        """
        if not limit.allows_exactly(self._entries(self.smallest)):
            return None
        best = self._best_known(limit, self.smallest)
        cones = [limit.cone]
        while cones:
            cone = cones.pop()
            if limit.is_narrow(cone):
                best = self._best_in(limit, cone, best)
            elif cone == limit.cone or self._bound(limit, cone, best).omega < self._value(best):
                cones += limit.split(cone, self._point(best))
        return best

    def _entries(self, choice: Choice) -> np.ndarray:
        return self.program.entries(choice[None])[0]

    def _point(self, choice: Choice) -> np.ndarray:
        """Ω and costs of a choice."""
        return self.pool.costs[:, self._entries(choice)].sum(axis=1)

    def _value(self, choice: Choice) -> float:
        return float(self._point(choice)[0])

    def _best_known(self, limit: Limit, best: Choice) -> Choice:
        """Return the best of a choice and those that the pool knows and the limit allows."""
        points = self.pool.points
        order = np.flatnonzero(limit.allows(points[:, 1:]) & (points[:, 0] < self._value(best)))
        choices = list(self.pool.known.values())
        return self._first(limit, np.array([choices[k][1] for k in order]), points[order], best)

    def _first(self, limit: Limit, choices: np.ndarray, points: np.ndarray, best: Choice) -> Choice:
        """Return the choice of least Ω that the limit allows exactly, or `best` if none is less."""
        for k in np.lexsort(points.T[::-1]):
            if points[k, 0] >= self._value(best):
                break
            if limit.allows_exactly(self._entries(choices[k])):
                return choices[k]
        return best

    def _bound(self, limit: Limit, cone: tuple[float, float], best: Choice) -> Bound:
        return self.pool.bound(limit.corners(cone), self._value(best))

    def _best_in(self, limit: Limit, cone: tuple[float, float], best: Choice) -> Choice:
        """Return the best choice of a narrow cone, or `best` if none is better."""
        if self._value(best) == 0.0:
            return best
        bound = self._bound(limit, cone, best)
        best = self._best_known(limit, best)
        gap = max(FIRST_GAP * bound.omega, FIRST_GAP**2 * self._value(best))
        while True:
            looked_at = min(bound.omega + gap, self._value(best))
            if looked_at <= bound.omega:
                return best
            try:
                choices, points = self._left(limit, cone, bound, looked_at)
            except TooManyError:
                raise self._unproven(limit, bound, best) from None
            allowed = limit.allows(points[:, 1:])
            best = self._first(limit, choices[allowed], points[allowed], best)
            if self._omega(best) <= Fraction(looked_at) * (1 + Fraction(ROUNDING)):
                self.pool.add(best[None])
                return best
            gap *= WIDER

    def _left(
        self, limit: Limit, cone: tuple[float, float], bound: Bound, omega: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the choices of at most some Ω that no bound excludes and no other choice beats."""
        corners = limit.corners(cone)
        chord = limit.chord(cone)
        prices = np.array([np.zeros_like(chord), bound.prices, chord])
        weights = np.array([1.0, 1.0, 0.0])
        solved = self.elimination.solve(
            weights[:, None] * self.pool.costs[0] + prices @ self.pool.costs[1:]
        )
        most = weights * omega + (prices @ corners.T).max(axis=1)
        regrets = most * (1 + ROUNDING * 100) - solved.least
        costs = self.pool.costs
        if len(costs) < 3:
            costs = np.concatenate([costs, np.zeros((1, costs.shape[1]))])
        choices, points = left_by(self.elimination, costs, solved, regrets)
        return choices, points[:, : len(self.pool.costs)]

    def _omega(self, choice: Choice) -> Fraction:
        """Ω without rounding."""
        return sum(map(Fraction, self.pool.costs[0, self._entries(choice)].tolist()), Fraction())

    def _unproven(self, limit: Limit, bound: Bound, best: Choice) -> BfimnaError:
        return BfimnaError(
            f"the least Ω within {limit.most:.6g} is not proven: the best choice found has "
            f"{self._value(best):.6g}, none has less than {bound.omega:.6g}, and the choices "
            f"between are too many to look at; allow fewer widths"
        )
