"""A budget on a product of two costs, such as EDP = latency · energy: exact, by branching.

`one` · `other` ≤ limit is not convex, so it is no set of linear limits. But between two rays
other = a · one and other = b · one the hyperbola lies below its chord,
other + √(ab) · one ≤ √limit · (√a + √b), and a = b gives a tangent, which lies below it. So a chord
relaxes the limit within a cone of ratios, a tangent is stricter than it everywhere, and cones are
split until the best choice in each is one that meets the product.
"""

import numpy as np

from bfimna.search.ilp import SLACK, Limit, minimise, prove, relax, solve
from bfimna.search.program import Choice, Program

CONE_SLACK = 1e-6  # beyond what a linear program's tolerance may miss of the ends


def product(program: Program, choice: Choice, one: np.ndarray, other: np.ndarray) -> float:
    """Return the product of two costs of a choice."""
    return float(np.prod(_point(program, choice, one, other)))


def _point(program: Program, choice: Choice, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    values = program.expand(choice)
    return np.array([one @ values, other @ values])


def smallest_product(program: Program, one: np.ndarray, other: np.ndarray) -> Choice:
    """Return the choice of the least product of two positive costs.

    A product is quasi-concave, so its least value lies at a corner of the convex hull of all
    (one, other), and every such corner is least in some weighted sum of the two.
    """
    best = [minimise(program, cost) for cost in (one, other)]
    edges = [tuple(_point(program, choice, one, other) for choice in best)]
    while edges:
        a, b = edges.pop()
        normal = np.array([a[1] - b[1], b[0] - a[0]])
        if (normal <= 0).any():
            continue
        corner = minimise(program, normal[0] * one + normal[1] * other)
        point = _point(program, corner, one, other)
        if normal @ point < normal @ a * (1 - SLACK):
            best.append(corner)
            edges += [(a, point), (point, b)]
    return min(best, key=lambda choice: product(program, choice, one, other))


def ratios(program: Program, one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """Return a cone that holds other / one of every choice: the relaxation's ends (Dinkelbach)."""
    ends = []
    for sign in (1.0, -1.0):
        relaxed = relax(program, sign * one, [])
        ratio, better = 0.0, True
        while better:
            ratio = float(other @ relaxed.solution / (one @ relaxed.solution))
            relaxed = relax(program, sign * (other - ratio * one), [])
            better = relaxed.bound < -SLACK * float(other @ relaxed.solution)
        ends.append(ratio)
    return ends[0] * (1 - CONE_SLACK), ends[1] * (1 + CONE_SLACK)


def chord(one: np.ndarray, other: np.ndarray, limit: float, a: float, b: float) -> Limit:
    """Return the linear limit through the hyperbola's points of ratios a and b."""
    p, q = np.sqrt(a), np.sqrt(b)
    return other + p * q * one, np.sqrt(limit) * (p + q)


def minimise_within(
    program: Program,
    cost: np.ndarray,
    one: np.ndarray,
    other: np.ndarray,
    limit: float,
    cone: tuple[float, float],
) -> Choice | None:
    """Return the choice of least cost with one · other ≤ limit, or None if there is none.

    Parameters
    ----------
    cone : the `ratios` of the program.
    """
    relaxed = relax(program, cost, [chord(one, other, limit, *cone)])
    if relaxed is None:
        return None
    ratio = float(np.clip((other @ relaxed.solution) / (one @ relaxed.solution), *cone))

    def over(columns: np.ndarray) -> Choice | None:
        best = solve(program, columns, cost, [chord(one, other, limit, ratio, ratio)])
        if best is not None:
            columns = np.intersect1d(columns, relaxed.within(float(cost @ program.expand(best))))
        cones = [(cone[0], ratio), (ratio, cone[1])]
        return _branch(program, columns, cost, (one, other, limit), cones, best)

    return prove(program, cost, relaxed, over)


def _branch(
    program: Program,
    columns: np.ndarray,
    cost: np.ndarray,
    bounded: tuple[np.ndarray, np.ndarray, float],
    cones: list[tuple[float, float]],
    best: Choice | None,
) -> Choice | None:
    """Return the best choice in any of the cones, or `best` if none is better."""
    one, other, limit = bounded
    least = np.inf if best is None else cost @ program.expand(best)
    rejected: list[Choice] = []
    while cones:
        a, b = cones.pop()
        limits = [chord(*bounded, a, b), (a * one - other, 0.0), (other - b * one, 0.0)]
        choice = solve(program, columns, cost, limits, rejected)
        if choice is None or cost @ program.expand(choice) >= least:
            continue
        at = _point(program, choice, one, other)
        if np.prod(at) <= limit * (1 + 2 * SLACK):
            best, least = choice, cost @ program.expand(choice)
        else:
            rejected.append(choice)
            split = float(np.clip(at[1] / at[0], a, b))
            cones += [(a, split), (split, b)]
    return best
