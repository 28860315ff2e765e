"""Budgets on one cost or on a product of two, and lower bounds of Ω within them.

With prices p ≥ 0 on the costs c, Ω of any choice within a limit is at least
min (Ω + p · c) - max (p · limit), the minimum over all choices and the maximum over the corners of
what is allowed (Lagrange). Cutting planes find the prices of the highest bound: every choice met
so far limits how high a bound can be (Kelley).

A product such as EDP, one · other ≤ limit, is not convex, so no prices describe it. But between two
rays other = a · one and other = b · one the allowed points lie below the chord of the hyperbola. So
a cone of ratios has two corners, and the narrower it is, the less lies between chord and hyperbola.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from scipy import optimize

from bfimna.search.cost_graph import Choice, Elimination

#: relative slack of every limit, so that a choice whose cost equals the limit is within it
SLACK = 1e-9
#: logarithm of b / a in the cone that is searched first for the best choice
NARROW = 0.02
CONE_SLACK = 1e-6
#: relative distance from the highest bound at which the prices are good enough; steps towards it
TOLERANCE, MAX_STEPS = 1e-4, 25
#: prices are at most this many times Ω over the limit
MAX_PRICE = 1e6
#: a cut this far above the rest does not affect the prices; larger numbers upset the solver
MAX_CUT = 1e15
#: cuts of the linear program: the lowest at the prices last used
MAX_CUTS = 60

Cone = tuple[float, float]


@dataclass(frozen=True, eq=False)
class Limit:
    """The most that one cost may be, or the product of two.

    Parameters
    ----------
    vectors : the cost, or the two, as vectors, shape (costs, entries).
    most : the limit.
    cone : range of the ratios of the second cost to the first.
    """

    vectors: np.ndarray
    most: float
    cone: Cone = (0.0, np.inf)

    def allows(self, points: np.ndarray) -> np.ndarray:
        """Whether costs (n, costs) are within the limit, up to rounding."""
        return points.prod(axis=1) <= self.most * (1 + SLACK)

    def allows_exactly(self, entries: np.ndarray) -> bool:
        """Whether a choice's entries are within the limit and its slack, without rounding."""
        product = Fraction(1)
        for vector in self.vectors:
            product *= sum(map(Fraction, vector[entries].tolist()))
        return product <= Fraction(self.most) * (1 + Fraction(SLACK))

    def corners(self, cone: Cone) -> np.ndarray:
        """Return the corners of what is allowed within a cone, (corners, costs)."""
        if len(self.vectors) == 1:
            return np.array([[self.most * (1 + SLACK)]])
        ratios, most = np.array(cone), self.most * (1 + SLACK)
        return np.sqrt(np.column_stack([most / ratios, most * ratios]))

    def chord(self, cone: Cone) -> np.ndarray:
        """Return the direction in which both corners of a cone lie equally far, (costs,)."""
        corners = self.corners(cone)
        return 1 / corners[0] if len(self.vectors) == 1 else 1 / corners.sum(axis=0)

    def is_narrow(self, cone: Cone) -> bool:
        """Whether the chord between the corners nearly coincides with the limit."""
        return len(self.vectors) == 1 or cone[1] <= cone[0] * np.exp(NARROW) * (1 + CONE_SLACK)

    def split(self, cone: Cone, point: np.ndarray) -> list[Cone]:
        """Split a cone: what lies on either side, and last a narrow one about a point's ratio."""
        half, (low, high) = np.exp(NARROW / 2), cone
        middle = np.clip(point[2] / point[1], low * half, high / half)
        ends = float(max(middle / half, low)), float(min(middle * half, high))
        sides = [(low, ends[0]), (ends[1], high)]
        return [side for side in sides if side[0] < side[1]] + [ends]


def ratio_range(elimination: Elimination, one: np.ndarray, other: np.ndarray) -> Cone:
    """Return a cone that holds other / one of every choice (Dinkelbach's iteration)."""
    graph, ends = elimination.graph, []
    for sign in (1.0, -1.0):
        choice = elimination.choices(elimination.minimise(sign * one[None]))[0]
        ratio, better = 0.0, True
        while better:
            ratio = graph.cost(other, choice) / graph.cost(one, choice)
            minimum = elimination.minimise(sign * (other - ratio * one)[None])
            choice = elimination.choices(minimum)[0]
            better = minimum.cost[0] < -SLACK * graph.cost(other, choice)
        ends.append(ratio)
    return ends[0] * (1 - CONE_SLACK), ends[1] * (1 + CONE_SLACK)


def cheapest(elimination: Elimination, vectors: np.ndarray) -> Choice:
    """Return the choice of the least cost, or of the least product of two positive costs."""

    def corner(weights: np.ndarray) -> tuple[Choice, np.ndarray]:
        choice = elimination.choices(elimination.minimise((weights @ vectors)[None]))[0]
        return choice, np.array([elimination.graph.cost(vector, choice) for vector in vectors])

    return corner(np.ones(1))[0] if len(vectors) == 1 else least_product(corner)


def least_product(corner: Callable[[np.ndarray], tuple[Choice, np.ndarray]]) -> Choice:
    """Return the choice of the least product of two positive costs.

    A product is quasi-concave, so its least value lies at a corner of the convex hull of all
    (one, other), and every such corner is least in some weighted sum of the two.

    Parameters
    ----------
    corner : from weights (2,) to a choice of the least weighted sum, and its two costs.
    """
    best = [corner(np.array(weights)) for weights in ((1.0, 0.0), (0.0, 1.0))]
    edges = [(best[0][1], best[1][1])]
    while edges:
        a, b = edges.pop()
        normal = np.array([a[1] - b[1], b[0] - a[0]])
        if (normal <= 0).any():
            continue
        choice, between = corner(normal)
        if normal @ between < normal @ a * (1 - SLACK):
            best.append((choice, between))
            edges += [(a, between), (between, b)]
    return min(best, key=lambda one: float(one[1].prod()))[0]


@dataclass(frozen=True)
class Bound:
    """A lower bound of Ω over all allowed choices, and the prices (per cost) that give it."""

    omega: float
    prices: np.ndarray


@dataclass
class Pool:
    """Every choice met so far, with Ω and costs: cuts for the bounds, candidates for the best.

    Attributes
    ----------
    costs : Ω and the limited costs as vectors, shape (1 + costs, entries).
    """

    elimination: Elimination
    costs: np.ndarray
    members: dict[bytes, tuple[np.ndarray, Choice]] = field(default_factory=dict)

    def add(self, choices: np.ndarray) -> np.ndarray:
        """Remember choices (n, groups); return their Ω and costs (n, 1 + costs)."""
        points = self.costs[:, self.elimination.graph.entries(choices)].sum(axis=2).T
        for choice, point in zip(choices, points, strict=True):
            self.members[choice.tobytes()] = point, choice
        return points

    @property
    def points(self) -> np.ndarray:
        """Ω and costs of all members, (n, 1 + costs)."""
        return np.array([point for point, _ in self.members.values()])

    def fill(self, prices: np.ndarray) -> None:
        """Remember the choices of least Ω + prices · costs, for prices of shape (n, costs)."""
        minimum = self.elimination.minimise(self.costs[0] + prices @ self.costs[1:])
        self.add(self.elimination.choices(minimum))

    def bound(self, corners: np.ndarray, scale: float) -> Bound:
        """Return nearly the highest bound of Ω, for costs within the hull of 0 and corners.

        Parameters
        ----------
        corners : shape (corners, costs).
        scale : an Ω of the result's magnitude.
        """
        limits = corners.max(axis=0)
        best, points = None, self._cuts(corners)
        for _ in range(MAX_STEPS):
            with np.errstate(over="ignore"):
                relative = np.minimum(points / [scale, *limits], MAX_CUT)
            prices, highest = _best_prices(relative, corners / limits)
            prices = prices * scale / limits
            minimum = self.elimination.minimise((self.costs[0] + prices @ self.costs[1:])[None])
            omega = float(minimum.cost[0] - (corners @ prices).max())
            if best is None or omega > best.omega:
                best = Bound(omega, prices)
            gap = highest * scale - best.omega
            if gap <= TOLERANCE * abs(highest * scale) or best.omega > scale:
                break
            points = np.concatenate([points, self.add(self.elimination.choices(minimum))])
        assert best is not None
        return best

    def _cuts(self, corners: np.ndarray) -> np.ndarray:
        """Return the members nearest to the corners, and those of least Ω and least first cost."""
        points, limits = self.points, corners.max(axis=0)
        if len(points) <= MAX_CUTS:
            return points
        away = np.abs(points[:, 1:] / limits - 1).max(axis=1)
        lowest = points[np.argsort(away)[: MAX_CUTS - 2]]
        return np.concatenate([lowest, points[[points[:, 0].argmin(), points[:, 1].argmin()]]])


def _best_prices(points: np.ndarray, corners: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the prices at which the lowest cut is highest over the corners, and how high."""
    costs = corners.shape[1]
    below = np.column_stack([-points[:, 1:], np.ones(len(points)), np.zeros(len(points))])
    above = np.column_stack([corners, np.zeros(len(corners)), -np.ones(len(corners))])
    result = optimize.linprog(
        [*(0.0,) * costs, -1.0, 1.0],
        A_ub=np.concatenate([below, above]),
        b_ub=np.concatenate([points[:, 0], np.zeros(len(corners))]),
        bounds=[(0.0, MAX_PRICE)] * costs + [(None, None)] * 2,
    )
    if result.x is None:  # any prices are valid, these only give a weaker bound
        return np.ones(costs), np.inf
    return np.maximum(result.x[:costs], 0.0), -result.fun


def price_grid(costs: Sequence[float], scale: float, count: int = 24) -> np.ndarray:
    """Return prices over all orders of magnitude and shares, to fill a pool with, (n, costs)."""
    height = np.geomspace(1e-4, 1e4, count) * scale
    if len(costs) == 1:
        return height[:, None] / np.asarray(costs)
    share = np.array([0.25, 0.5, 0.75])
    both = np.column_stack([share, 1 - share])
    return (height[:, None, None] * both).reshape(-1, 2) / np.asarray(costs)
