"""The least of a sum of choices' costs, or of the product of two such sums, with a lower bound.

Each layer chooses one option; an option has two costs, and both add up over the layers. The product
of the two sums is quasi-concave, so its least value lies at a corner of the lower left hull of all
sums, and every such corner minimises some weighted sum of the two costs, which splits into layers.
So the corners are found by walking along the layers' own hulls, steepest edge first.
"""

import itertools

import numpy as np

#: multipliers closer than this (relative) count as one in the bound, where lines would be parallel
CLOSE = 1e-7


def corners(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the choices at the corners of the lower left hull of the sums of two costs.

    Parameters
    ----------
    one, other : costs of each option in each layer, shape (options, layers); infinite where an
        option is not allowed. A layer has at least one that is.

    Returns
    -------
    The choices, shape (corners, layers): the first has the least `one`, the last the least `other`.
    And the slopes of the edges between them, -Δ other / Δ one, shape (corners - 1,), falling.
    """
    first, edges = [], []
    for layer in range(one.shape[1]):
        hull = _hull(one[:, layer], other[:, layer])
        first.append(hull[0])
        for a, b in itertools.pairwise(hull):
            slope = (other[b, layer] - other[a, layer]) / (one[b, layer] - one[a, layer])
            edges.append((float(slope), layer, b))
    edges.sort(key=lambda edge: edge[0])  # stable: within a layer slopes rise
    choices = np.tile(np.array(first, dtype=np.intp), (len(edges) + 1, 1))
    for k, (_, layer, option) in enumerate(edges):
        choices[k + 1 :, layer] = option
    return choices, -np.array([slope for slope, _, _ in edges])


def _hull(one: np.ndarray, other: np.ndarray) -> list[int]:
    """Return the options on the lower left convex hull, from the least `one` to least `other`."""
    hull: list[int] = []
    for k in np.lexsort((other, one)).tolist():
        if not np.isfinite(one[k]) or (hull and other[k] >= other[hull[-1]]):
            continue
        while len(hull) > 1:
            a, b = hull[-2:]
            cross = (one[b] - one[a]) * (other[k] - other[a])
            if (other[b] - other[a]) * (one[k] - one[a]) < cross:
                break
            hull.pop()
        hull.append(k)
    return hull


def sums(costs: np.ndarray, choices: np.ndarray) -> np.ndarray:
    """Sum over the layers what choices cost, shape (choices,)."""
    return costs[choices, np.arange(costs.shape[1])].sum(axis=1)


def product_bound(one: np.ndarray, other: np.ndarray, multipliers: np.ndarray) -> float:
    """Return a lower bound of Σ one · Σ other over all choices, whatever the multipliers.

    No choice lies below a line other + λ one = Σ over layers of the least of it. The region above
    the lines of all multipliers is convex, so the product is least at one of its corners.

    Parameters
    ----------
    multipliers : λ > 0, such as the slopes of the hull's edges.
    """
    least_one, least_other = (float(cost.min(axis=0).sum()) for cost in (one, other))
    lines = [(0.0, least_other)]
    for weight in np.sort(multipliers).tolist():
        if weight > lines[-1][0] * (1 + CLOSE):
            lines.append((weight, float((other + weight * one).min(axis=0).sum())))
    bounds = []
    for (low, under), (high, over) in itertools.pairwise(lines):
        crossing = (over - under) / (high - low)
        bounds.append(crossing * (under - low * crossing))
    steepest, height = lines[-1]
    bounds.append(least_one * (height - steepest * least_one))
    return min(bounds)
