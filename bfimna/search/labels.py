"""All choices that a bound leaves, less those that another one beats: the end of a proof.

Choices are built up node by node. A part is dropped once its regrets exceed what a better choice
could have, or once another part with the same context costs no more in anything: whatever follows,
it follows both.
"""

from dataclasses import dataclass

import numpy as np

from bfimna.ap.codegen import cached_jit
from bfimna.search.elimination import Elimination, Solved

#: parts that are kept at once, before the search gives up its proof
MOST_LABELS = 500_000
#: relative rounding that a comparison of two sums of floats allows for: thousands of times 2^-53
ROUNDING = 1e-12


class TooManyError(Exception):
    """The bound leaves more choices than are looked at."""


@dataclass
class _Parts:
    """Parts of choices: widths of the nodes that matter later, costs so far, regrets so far."""

    open: dict[int, np.ndarray]
    costs: np.ndarray  # (parts, costs)
    regrets: np.ndarray  # (parts, bounds)


def left_by(
    elimination: Elimination, costs: np.ndarray, solved: Solved, most: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the choices whose regrets are within `most`, less those that another one beats.

    Parameters
    ----------
    costs : cost vectors in which a choice is to be unbeaten, shape (3, entries).
    solved : the bounds.
    most : what the regrets of each may come to, shape (bounds,).

    Returns
    -------
    choices (n, groups), and their costs (n, 3).

    Raises
    ------
    TooManyError
        Beyond `MOST_LABELS`.
    """
    terms = elimination.terms(costs)
    parts = _Parts({}, np.zeros((1, len(costs))), np.zeros((1, len(most))))
    steps: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    nodes = list(reversed(elimination.contexts))
    for k, node in enumerate(nodes):
        context = elimination.contexts[node]
        at = tuple(parts.open[n] for n in context)
        regrets = _at(solved.regrets[node], at) + parts.regrets[:, None]
        from_, width = np.nonzero((regrets <= most).all(axis=2))
        added = _at(terms[node], at)[from_ if at else np.zeros_like(from_), width]
        parts = _Parts(
            {n: widths[from_] for n, widths in parts.open.items()} | {node: width},
            parts.costs[from_] + added,
            regrets[from_, width],
        )
        later = {n for other in nodes[k + 1 :] for n in elimination.contexts[other]}
        parts.open = {n: widths for n, widths in parts.open.items() if n in later}
        kept = _unbeaten(parts, elimination.program.omega.shape[1])
        if len(kept) > MOST_LABELS:
            raise TooManyError
        parts = _Parts(
            {n: w[kept] for n, w in parts.open.items()}, parts.costs[kept], parts.regrets[kept]
        )
        steps[node] = from_[kept], width[kept]
    return _traced(steps, nodes, len(elimination.program.omega)), parts.costs


def _at(table: np.ndarray, at: tuple[np.ndarray, ...]) -> np.ndarray:
    """Entries (parts, widths, vectors) of a table (vectors, widths, *context) at a context."""
    moved = np.moveaxis(table, (0, 1), (-1, -2))
    return moved[at] if at else moved[None]


def _unbeaten(parts: _Parts, widths: int) -> np.ndarray:
    """Return the positions of parts that no other with the same open widths beats."""
    code = np.zeros(len(parts.costs), dtype=np.int64)
    for open_widths in parts.open.values():
        code = code * widths + open_widths
    order = np.lexsort((*parts.costs.T[::-1], code))
    return order[_staircase(code[order], np.ascontiguousarray(parts.costs[order]), ROUNDING)]


@cached_jit
def _staircase(code: np.ndarray, costs: np.ndarray, rounding: float) -> np.ndarray:
    """Whether each of rows sorted by code and first cost is unbeaten in its second and third.

    The unbeaten ones so far form a staircase, second cost rising and third falling.
    """
    n = len(code)
    kept = np.zeros(n, dtype=np.bool_)
    second, third = np.empty(n), np.empty(n)
    height = 0
    for k in range(n):
        if k and code[k] != code[k - 1]:
            height = 0
        x, y = costs[k, 1], costs[k, 2]
        after = np.searchsorted(second[:height], x * (1 + rounding), side="right")
        if after and third[after - 1] <= y * (1 + rounding):
            continue
        kept[k] = True
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
    return kept


def _traced(
    steps: dict[int, tuple[np.ndarray, np.ndarray]], nodes: list[int], groups: int
) -> np.ndarray:
    """Follow each whole choice back through the parts that it grew from."""
    at = np.arange(len(steps[nodes[-1]][0]))
    choices = np.zeros((len(at), groups), dtype=np.intp)
    for node in reversed(nodes):
        from_, width = steps[node]
        if node < groups:
            choices[:, node] = width[at]
        at = from_[at]
    return choices
