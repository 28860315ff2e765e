"""Lagrange's bound: no choice within a limit has less Ω than the best of all at a price on costs.

With prices p ≥ 0 on the costs c, Ω of any choice within limits is at least
min (Ω + p · c) - max (p · limit), the minimum over all choices and the maximum over the corners of
what is allowed. The prices that make most of it are found by cutting planes: every choice known
says how high the bound can be at all (Kelley).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import optimize

from bfimna.search.elimination import Elimination, Solved
from bfimna.search.program import Choice

#: relative distance from the best prices' bound that is good enough, and steps towards it
CLOSE, STEPS = 1e-4, 25
#: prices tried are up to this many times Ω over the limit
DEAREST = 1e6
#: a cut so far above the rest has no part in the prices; beyond it is no number to the solver
HIGHEST = 1e15
#: cuts of the linear program: the lowest at the prices last used
MOST_CUTS = 60


@dataclass(frozen=True)
class Bound:
    """A lower bound of Ω, and the prices that give it.

    Attributes
    ----------
    omega : no allowed choice has less.
    prices : per cost.
    solved : least costs and regrets there.
    """

    omega: float
    prices: np.ndarray
    solved: Solved


@dataclass
class Pool:
    """Every choice met so far, with Ω and costs: they bound the bounds, and one may be the best.

    Attributes
    ----------
    costs : Ω and the limited costs as vectors, shape (1 + costs, entries).
    """

    elimination: Elimination
    costs: np.ndarray
    known: dict[bytes, tuple[np.ndarray, Choice]] = field(default_factory=dict)

    def add(self, choices: np.ndarray) -> np.ndarray:
        """Remember choices (n, groups); return their Ω and costs (n, 1 + costs)."""
        points = self.costs[:, self.elimination.program.entries(choices)].sum(axis=2).T
        for choice, point in zip(choices, points, strict=True):
            self.known[choice.tobytes()] = point, choice
        return points

    @property
    def points(self) -> np.ndarray:
        """Ω and costs of all choices known, (n, 1 + costs)."""
        return np.array([point for point, _ in self.known.values()])

    def solve(self, prices: np.ndarray) -> Solved:
        """Solve at prices (n, costs) and remember the choices found."""
        solved = self.elimination.solve(self.costs[0] + prices @ self.costs[1:])
        self.add(self.elimination.choices(solved))
        return solved

    def bound(self, corners: np.ndarray, scale: float) -> Bound:
        """Return about the highest bound of Ω, for costs within the hull of 0 and corners.

        Parameters
        ----------
        corners : shape (corners, costs).
        scale : an Ω that is not far from the result.
        """
        limits = corners.max(axis=0)
        best, points = None, self._cuts(corners, scale)
        for _ in range(STEPS):
            with np.errstate(over="ignore"):
                relative = np.minimum(points / [scale, *limits], HIGHEST)
            prices, highest = _highest(relative, corners / limits)
            prices = prices * scale / limits
            solved = self.elimination.solve((self.costs[0] + prices @ self.costs[1:])[None])
            omega = float(solved.least[0] - (corners @ prices).max())
            if best is None or omega > best.omega:
                best = Bound(omega, prices, solved)
            if highest * scale - best.omega <= CLOSE * abs(highest * scale) or best.omega > scale:
                break
            points = np.concatenate([points, self.add(self.elimination.choices(solved))])
        assert best is not None
        return best

    def _cuts(self, corners: np.ndarray, scale: float) -> np.ndarray:
        """Return the choices known that lie lowest over the corners, at any of some prices."""
        points, limits = self.points, corners.max(axis=0)
        if len(points) <= MOST_CUTS:
            return points
        away = np.abs(points[:, 1:] / limits - 1).max(axis=1)
        lowest = points[np.argsort(away)[: MOST_CUTS - 2]]
        return np.concatenate([lowest, points[[points[:, 0].argmin(), points[:, 1].argmin()]]])


def _highest(points: np.ndarray, corners: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the prices at which the lowest cut is highest over the corners, and how high."""
    costs = corners.shape[1]
    below = np.column_stack([-points[:, 1:], np.ones(len(points)), np.zeros(len(points))])
    above = np.column_stack([corners, np.zeros(len(corners)), -np.ones(len(corners))])
    result = optimize.linprog(
        [*(0.0,) * costs, -1.0, 1.0],
        A_ub=np.concatenate([below, above]),
        b_ub=np.concatenate([points[:, 0], np.zeros(len(corners))]),
        bounds=[(0.0, DEAREST)] * costs + [(None, None)] * 2,
    )
    if result.x is None:  # no use of these prices is a mistake, only a worse bound
        return np.ones(costs), np.inf
    return np.maximum(result.x[:costs], 0.0), -result.fun


def spread(costs: Sequence[float], scale: float, count: int = 24) -> np.ndarray:
    """Return prices over all orders of magnitude and shares, to fill a pool with, (n, costs)."""
    height = np.geomspace(1e-4, 1e4, count) * scale
    if len(costs) == 1:
        return height[:, None] / np.asarray(costs)
    share = np.array([0.25, 0.5, 0.75])
    both = np.column_stack([share, 1 - share])
    return (height[:, None, None] * both).reshape(-1, 2) / np.asarray(costs)
