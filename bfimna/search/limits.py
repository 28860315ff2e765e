"""What a budget allows: a limit on one cost, or on the product of two, such as EDP.

One · other ≤ limit is not convex, so no prices describe it. But between two rays other = a · one
and other = b · one the allowed points lie below the chord of the hyperbola. So a cone of ratios has
two corners, and the narrower the cone is, the less is between chord and hyperbola.
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from bfimna.search.elimination import Elimination
from bfimna.search.program import Choice

#: relative slack of every limit, so that a choice whose cost *is* the limit is within it
SLACK = 1e-9
#: logarithm of the ratios' quotient in the cone that the best choice is looked for in first
NARROW = 0.02
CONE_SLACK = 1e-6


@dataclass(frozen=True, eq=False)
class Limit:
    """The most that one cost may come to, or the product of two.

    Parameters
    ----------
    vectors : the cost, or the two, as vectors, shape (costs, entries).
    most : the limit.
    cone : ratios of the second to the first cost that occur at all.
    """

    vectors: np.ndarray
    most: float
    cone: tuple[float, float] = (0.0, np.inf)

    def allows(self, points: np.ndarray) -> np.ndarray:
        """Whether costs (n, costs) are within the limit, to rounding."""
        return points.prod(axis=1) <= self.most * (1 + SLACK)

    def allows_exactly(self, entries: np.ndarray) -> bool:
        """Whether a choice's entries are within the limit (and its slack), without rounding."""
        product = Fraction(1)
        for vector in self.vectors:
            product *= sum(map(Fraction, vector[entries].tolist()))
        return product <= Fraction(self.most) * (1 + Fraction(SLACK))

    def corners(self, cone: tuple[float, float]) -> np.ndarray:
        """Return the corners of what is allowed within a cone, (corners, costs)."""
        if len(self.vectors) == 1:
            return np.array([[self.most * (1 + SLACK)]])
        ratios, most = np.array(cone), self.most * (1 + SLACK)
        return np.sqrt(np.column_stack([most / ratios, most * ratios]))

    def chord(self, cone: tuple[float, float]) -> np.ndarray:
        """Return the direction in which the corners of a cone lie equally far, (costs,)."""
        corners = self.corners(cone)
        return 1 / corners[0] if len(self.vectors) == 1 else 1 / corners.sum(axis=0)

    def is_narrow(self, cone: tuple[float, float]) -> bool:
        """Whether the corners say about as much as the limit itself."""
        return len(self.vectors) == 1 or cone[1] <= cone[0] * np.exp(NARROW) * (1 + CONE_SLACK)

    def split(self, cone: tuple[float, float], point: np.ndarray) -> list[tuple[float, float]]:
        """Split a cone: what lies on either side, and last a narrow one about a point's ratio."""
        half, (low, high) = np.exp(NARROW / 2), cone
        middle = np.clip(point[2] / point[1], low * half, high / half)
        ends = float(max(middle / half, low)), float(min(middle * half, high))
        sides = [(low, ends[0]), (ends[1], high)]
        return [side for side in sides if side[0] < side[1]] + [ends]


def ratios(elimination: Elimination, one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """Return a cone that holds other / one of every choice (Dinkelbach's iteration)."""
    program, ends = elimination.program, []
    for sign in (1.0, -1.0):
        choice = elimination.choices(elimination.solve(sign * one[None]))[0]
        ratio, better = 0.0, True
        while better:
            ratio = program.cost(other, choice) / program.cost(one, choice)
            solved = elimination.solve(sign * (other - ratio * one)[None])
            choice = elimination.choices(solved)[0]
            better = solved.least[0] < -SLACK * program.cost(other, choice)
        ends.append(ratio)
    return ends[0] * (1 - CONE_SLACK), ends[1] * (1 + CONE_SLACK)


def smallest(elimination: Elimination, vectors: np.ndarray) -> Choice:
    """Return the choice of the least cost, or of the least product of two positive costs.

    A product is quasi-concave, so its least value lies at a corner of the convex hull of all
    (one, other), and every such corner is least in some weighted sum of the two.
    """
    best = list(elimination.choices(elimination.solve(vectors)))
    if len(vectors) == 1:
        return best[0]

    def point(choice: Choice) -> np.ndarray:
        return np.array([elimination.program.cost(vector, choice) for vector in vectors])

    edges = [(point(best[0]), point(best[1]))]
    while edges:
        a, b = edges.pop()
        normal = np.array([a[1] - b[1], b[0] - a[0]])
        if (normal <= 0).any():
            continue
        corner = elimination.choices(elimination.solve((normal @ vectors)[None]))[0]
        between = point(corner)
        if normal @ between < normal @ a * (1 - SLACK):
            best.append(corner)
            edges += [(a, between), (between, b)]
    return min(best, key=lambda choice: float(point(choice).prod()))
