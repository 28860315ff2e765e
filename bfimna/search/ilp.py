"""The integer program solved by HiGHS, to proven optimality: least cost within limits.

First the linear relaxation. Its reduced costs say how much a width would raise its bound at
least, so widths that would raise it by more than some gap are left out, and the integer program is
solved over the few that remain. A solution within the gap is the optimum of the whole; a solution
beyond it says which gap is enough.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize, sparse

from bfimna.errors import BfimnaError
from bfimna.search.program import Choice, Program

#: relative slack of every limit, so that a choice whose cost *is* the limit is within it
SLACK = 1e-9
#: limits and objective are scaled to this, since HiGHS' tolerances (1e-6) are absolute
SCALE = 1e3
#: gaps above the relaxation's bound, tried until there is a solution; the last leaves out none
GAPS = (0.003, 0.05, np.inf)

Limit = tuple[np.ndarray, float]  # cost vector and the most that it may come to


@dataclass(frozen=True, eq=False)
class Relaxation:
    """The linear program's bound, and what each variable would add to it at least.

    Attributes
    ----------
    bound : no choice within the limits costs less. solution : the variables where it is reached.
    added : lower bound of what it costs to set a variable to 1, shape (variables,).
    """

    bound: float
    solution: np.ndarray
    added: np.ndarray

    def within(self, most: float) -> np.ndarray:
        """Variables that a choice of at most this cost may set to 1."""
        slack = SLACK * abs(self.bound)
        return np.flatnonzero(np.isfinite(self.added) & (self.added <= most - self.bound + slack))


def minimise(program: Program, cost: np.ndarray, limits: Sequence[Limit] = ()) -> Choice | None:
    """Return the choice of least cost within linear limits, or None if there is none.

    >>> p = Program(np.array([[9.0, 1.0], [5.0, 2.0]]))
    >>> size = p.vector(np.array([[1.0, 2.0], [1.0, 2.0]]))
    >>> [int(k) for k in minimise(p, p.omega_vector, [(size, 3.0)])]
    [1, 0]
    """
    relaxed = relax(program, cost, limits)
    if relaxed is None:
        return None
    return prove(program, cost, relaxed, lambda columns: solve(program, columns, cost, limits))


def prove(
    program: Program,
    cost: np.ndarray,
    relaxed: Relaxation,
    over: Callable[[np.ndarray], Choice | None],
) -> Choice | None:
    """Return the best choice over all variables, of which `over` needs to see only some.

    Parameters
    ----------
    over : returns the best choice over some variables.
    """
    for gap in GAPS:
        most = np.inf if np.isinf(gap) else relaxed.bound + gap * abs(relaxed.bound)
        choice = over(relaxed.within(most))
        if choice is not None:
            found = float(cost @ program.expand(choice))
            return choice if found <= most else over(relaxed.within(found))
    return None


def relax(program: Program, cost: np.ndarray, limits: Sequence[Limit]) -> Relaxation | None:
    """Solve the linear relaxation; None if even that has no solution."""
    matrix, least, most = program.rows
    equal, above, below = least == most, np.isfinite(least), np.isfinite(most)
    above, below = above & ~equal, below & ~equal
    rows, ends = _scaled(limits)
    scale = SCALE / (np.abs(cost).max() or 1.0)
    result = optimize.linprog(
        cost * scale,
        A_ub=sparse.vstack([matrix[below], -matrix[above], *rows]),
        b_ub=np.concatenate([most[below], -least[above], ends]),
        A_eq=matrix[equal],
        b_eq=most[equal],
        bounds=np.stack([np.zeros(matrix.shape[1]), program.allowed], axis=1),
    )
    if result.status == 2:
        return None
    if result.status != 0:
        raise BfimnaError(f"HiGHS did not finish the linear program: {result.message}")
    added = _added(program, result.lower.marginals / scale)
    return Relaxation(result.fun / scale, result.x, added)


def _added(program: Program, reduced: np.ndarray) -> np.ndarray:
    """Return what each variable adds: its reduced cost, and for a width that of its pairs too.

    A choice of a node's width sets one variable of each of the node's pairs, the cheapest at least.
    """
    added = np.maximum(reduced, 0.0)
    widths = program.omega.shape[1]
    single = added[: program.nodes * widths].reshape(-1, widths)
    double = added[program.nodes * widths :].reshape(-1, widths, widths)
    for table, (a, b) in zip(double.copy(), program.pairs, strict=True):
        single[a] += table.min(axis=1)
        single[b] += table.min(axis=0)
    for table, (a, b) in zip(double, program.pairs, strict=True):
        np.maximum(table, np.maximum(single[a][:, None], single[b]), out=table)
    return np.where(program.allowed > 0, added, np.inf)


def solve(
    program: Program,
    columns: np.ndarray,
    cost: np.ndarray,
    limits: Sequence[Limit],
    without: Sequence[Choice] = (),
) -> Choice | None:
    """Solve the integer program over some variables; None if it has no solution.

    Parameters
    ----------
    without : choices that are not to be returned.
    """
    matrix, least, most = program.rows
    rows, ends = _scaled(limits)
    taken = [program.expand(choice) * program.is_group for choice in without]
    rows = [matrix, *rows, *(sparse.csr_array(row[None]) for row in taken)]
    least = np.append(least, np.full(len(rows) - 1, -np.inf))
    most = np.concatenate([most, ends, np.full(len(taken), len(program.omega) - 1.0)])
    some = sparse.vstack(rows, format="csc")[:, columns]
    result = optimize.milp(
        cost[columns] * (SCALE / (np.abs(cost).max() or 1.0)),
        constraints=optimize.LinearConstraint(some, least, most),
        integrality=program.is_group[columns],
        bounds=optimize.Bounds(0, 1),
        options={"mip_rel_gap": 0.0},
    )
    if result.status not in (0, 2):
        raise BfimnaError(f"HiGHS did not finish the integer program: {result.message}")
    if result.x is None:
        return None
    values = np.zeros(matrix.shape[1])
    values[columns] = result.x
    choice = values[: program.omega.size].reshape(program.omega.shape).argmax(axis=1)
    if all(vector @ program.expand(choice) <= end + margin(vector, end) for vector, end in limits):
        return choice
    return solve(program, columns, cost, limits, [*without, choice])  # in HiGHS' tolerance only


def margin(vector: np.ndarray, end: float) -> float:
    """Return how far above its limit a cost may lie: rounding, not a choice."""
    return 2 * SLACK * (abs(end) or np.abs(vector).max())


def _scaled(limits: Sequence[Limit]) -> tuple[list[sparse.csr_array], np.ndarray]:
    """Limits as rows whose ends are `SCALE`, or 0 with entries up to it."""
    scales = [SCALE / (abs(end) or np.abs(vector).max()) for vector, end in limits]
    rows = [sparse.csr_array(v[None] * s) for (v, _), s in zip(limits, scales, strict=True)]
    ends = [end * s + SCALE * SLACK for (_, end), s in zip(limits, scales, strict=True)]
    return rows, np.array(ends)
