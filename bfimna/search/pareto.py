"""Pareto fronts: of the rows of a table, and of all choices that a bound on regrets leaves.

Choices are built up node by node (label setting). A partial choice is dropped once its regrets
exceed what a better choice could have, or once another with the same open widths costs no more in
anything: every completion of the one is a completion of the other.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np

from bfimna.search.cost_graph import Elimination, Minimum

#: partial choices that are kept at once, before the search gives up its proof
MAX_PARTIAL = 500_000
#: relative rounding that a comparison of two sums of floats allows for: thousands of times 2^-53
ROUNDING = 1e-12


class TooManyError(Exception):
    """The bound leaves more choices than can be enumerated."""


def pareto_front(values: np.ndarray) -> np.ndarray:
    """Return whether each row is on the Pareto front: no other row dominates it.

    Parameters
    ----------
    values : objectives to be minimised, shape (rows, objectives). Equal rows do not dominate each
        other.

    Returns
    -------
    bool array of shape (rows,).

    Examples
    --------
    >>> pareto_front(np.array([[1.0, 3.0], [2.0, 2.0], [2.0, 3.0], [1.0, 3.0]])).tolist()
    [True, True, False, True]
    """
    # sorted: no row dominates an earlier one
    distinct, index = np.unique(values, axis=0, return_inverse=True)
    front: list[int] = []
    for k, row in enumerate(distinct):
        if not (distinct[front] <= row).all(axis=1).any():
            front.append(k)
    return np.isin(index.reshape(-1), front)


@dataclass
class _Partial:
    """Partial choices: widths of the nodes that later ones share terms with, costs, regrets."""

    open: dict[int, np.ndarray]
    costs: np.ndarray  # (choices, costs)
    regrets: np.ndarray  # (choices, bounds)

    def select(self, index: np.ndarray) -> "_Partial":
        """Return some of them."""
        opened = {node: widths[index] for node, widths in self.open.items()}
        return _Partial(opened, self.costs[index], self.regrets[index])


def undominated(
    elimination: Elimination, costs: np.ndarray, minimum: Minimum, most: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the choices whose regrets are within `most` and that no other one dominates.

    Parameters
    ----------
    costs : cost vectors in which choices are compared, shape (3, entries).
    minimum : regrets of the bounds.
    most : limits of the sums of regrets, shape (bounds,).

    Returns
    -------
    choices (n, groups), and their costs (n, 3).

    Raises
    ------
    TooManyError
        Beyond `MAX_PARTIAL`.
    """
    terms = elimination.terms(costs)
    partial = _Partial({}, np.zeros((1, len(costs))), np.zeros((1, len(most))))
    steps: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    nodes = list(reversed(elimination.contexts))
    for k, node in enumerate(nodes):
        at = tuple(partial.open[n] for n in elimination.contexts[node])
        regrets = _at(minimum.regrets[node], at) + partial.regrets[:, None]
        origin, width = np.nonzero((regrets <= most).all(axis=2))
        added = _at(terms[node], at)[origin if at else np.zeros_like(origin), width]
        later = {n for other in nodes[k + 1 :] for n in elimination.contexts[other]}
        opened = {n: w[origin] for n, w in partial.open.items()} | {node: width}
        partial = _Partial(
            {n: widths for n, widths in opened.items() if n in later},
            partial.costs[origin] + added,
            regrets[origin, width],
        )
        best = _undominated(partial, elimination.graph.widths)
        if len(best) > MAX_PARTIAL:
            raise TooManyError
        partial, steps[node] = partial.select(best), (origin[best], width[best])
    return _traced(steps, nodes, len(elimination.graph.omega)), partial.costs


def _at(table: np.ndarray, at: tuple[np.ndarray, ...]) -> np.ndarray:
    """Entries (choices, widths, vectors) of a table (vectors, widths, *context) at a context."""
    moved = np.moveaxis(table, (0, 1), (-1, -2))
    return moved[at] if at else moved[None]


def _undominated(partial: _Partial, widths: int) -> np.ndarray:
    """Return the indices of partial choices that no other with the same open widths dominates."""
    code = np.zeros(len(partial.costs), dtype=np.int64)
    for open_widths in partial.open.values():
        code = code * widths + open_widths
    order = np.lexsort((*partial.costs.T[::-1], code))
    costs = np.ascontiguousarray(partial.costs[order])
    return order[_compiled_staircase()(code[order], costs, ROUNDING)]


class _Staircase(Protocol):
    def __call__(self, code: np.ndarray, costs: np.ndarray, rounding: float, /) -> np.ndarray: ...


@lru_cache
def _compiled_staircase() -> _Staircase:
    from bfimna.ap.codegen import cached_jit  # Numba, only where bits are searched

    compiled: _Staircase = cached_jit(_staircase)
    return compiled


def _staircase(code: np.ndarray, costs: np.ndarray, rounding: float) -> np.ndarray:
    """Whether each of rows sorted by code and first cost is undominated in its other two.

    The undominated ones so far form a staircase, second cost rising and third falling.
    """
    n = len(code)
    front = np.zeros(n, dtype=np.bool_)
    second, third = np.empty(n), np.empty(n)
    height = 0
    for k in range(n):
        if k and code[k] != code[k - 1]:
            height = 0
        x, y = costs[k, 1], costs[k, 2]
        after = np.searchsorted(second[:height], x * (1 + rounding), side="right")
        if after and third[after - 1] <= y * (1 + rounding):
            continue
        front[k] = True
        at = np.searchsorted(second[:height], x, side="left")
        end = at
        while end < height and third[end] >= y:
            end += 1
        if end == at:
            for j in range(height, at, -1):
                second[j], third[j] = second[j - 1], third[j - 1]
            height += 1
        else:
            for j in range(end, height):
                second[j - end + at + 1], third[j - end + at + 1] = second[j], third[j]
            height -= end - at - 1
        second[at], third[at] = x, y
    return front


def _traced(
    steps: dict[int, tuple[np.ndarray, np.ndarray]], nodes: list[int], groups: int
) -> np.ndarray:
    """Follow each whole choice back through the partial ones that it grew from."""
    at = np.arange(len(steps[nodes[-1]][0]))
    choices = np.zeros((len(at), groups), dtype=np.intp)
    for node in reversed(nodes):
        origin, width = steps[node]
        if node < groups:
            choices[:, node] = width[at]
        at = origin[at]
    return choices
