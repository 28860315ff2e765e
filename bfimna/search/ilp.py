"""The integer program: one width a layer group, least Ω within budgets, proven by HiGHS.

Costs are sums of terms that depend on the width of one node or of two. A node is a group of layers
that share a width, or a tensor that several groups read and that is stored at the widest of them.
A term of two nodes is made linear exactly: it has one variable for every pair of widths, whose
sums over either width are the other's variables. The product of two costs is bounded exactly too, by
branching (`Program.within_product`).
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush

import numpy as np
from scipy import optimize, sparse

from bfimna.errors import BfimnaError

#: relative slack of every limit, so that a choice whose cost *is* the limit is within it
SLACK = 1e-9
#: limits and objective are scaled to this, since HiGHS' tolerances (1e-6) are absolute
SCALE = 1e4

Choice = np.ndarray
Limit = tuple[np.ndarray, float, float]  # cost vector, least, most


@dataclass(frozen=True, eq=False)
class Program:
    """Choose one of `widths` choices for each group.

    Parameters
    ----------
    omega : Ω by group and choice, shape (groups, widths); infinite where not allowed.
    tensors : for each further node the groups whose widest it takes.
    pairs : nodes (groups first, then tensors) that share a cost term.

    Examples
    --------
    >>> p = Program(np.array([[9.0, 1.0], [5.0, 2.0]]))
    >>> size = p.vector(np.array([[1.0, 2.0], [1.0, 2.0]]))
    >>> [int(k) for k in p.minimise(p.omega_vector, [(size, 0.0, 3.0)])]
    [1, 0]
    """

    omega: np.ndarray
    tensors: Sequence[Sequence[int]] = ()
    pairs: Sequence[tuple[int, int]] = ()
    _rows: tuple[sparse.csr_array, np.ndarray, np.ndarray] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_rows", self._structure())

    @property
    def nodes(self) -> int:
        """Number of groups and tensors."""
        return len(self.omega) + len(self.tensors)

    @property
    def omega_vector(self) -> np.ndarray:
        """Ω as a cost vector."""
        tensors = np.zeros((len(self.tensors), self.omega.shape[1]))
        allowed = np.where(np.isfinite(self.omega), self.omega, 0.0)
        return self.vector(np.concatenate([allowed, tensors]))

    def vector(self, single: np.ndarray, double: np.ndarray | None = None) -> np.ndarray:
        """Return a cost as a vector over the variables.

        Parameters
        ----------
        single : terms of one node, shape (nodes, widths).
        double : terms of two, shape (pairs, widths of the first, widths of the second).
        """
        widths = self.omega.shape[1]
        empty = np.zeros((len(self.pairs), widths, widths))
        return np.concatenate([single.ravel(), (empty if double is None else double).ravel()])

    def expand(self, choice: Choice) -> np.ndarray:
        """Return the values of all variables for a choice, shape (variables,)."""
        widths = self.omega.shape[1]
        at = [int(k) for k in choice]
        at += [max(at[g] for g in groups) for groups in self.tensors]
        single = np.zeros((self.nodes, widths))
        single[np.arange(self.nodes), at] = 1.0
        double = np.zeros((len(self.pairs), widths, widths))
        for row, (a, b) in enumerate(self.pairs):
            double[row, at[a], at[b]] = 1.0
        return self.vector(single, double)

    def minimise(
        self, cost: np.ndarray, limits: Sequence[Limit] = (), without: Sequence[Choice] = ()
    ) -> Choice | None:
        """Return the choice of least cost within linear limits, or None if there is none.

        Parameters
        ----------
        limits : (cost vector, least, most), each with a relative slack of 1e-9.
        without : choices that are not to be returned again.
        """
        matrix, least, most = self._rows
        rows = [matrix]
        for vector, low, high in limits:
            scale = SCALE / max(abs(low), abs(high))
            rows.append(sparse.csr_array(vector[None] * scale))
            least = np.append(least, low * scale - SCALE * SLACK)
            most = np.append(most, high * scale + SCALE * SLACK)
        for choice in without:
            taken = self._of_groups(choice)
            rows.append(sparse.csr_array(taken[None]))
            least, most = np.append(least, -np.inf), np.append(most, len(self.omega) - 1)
        groups = self.omega.size
        upper = np.ones(matrix.shape[1])
        upper[:groups] = np.isfinite(self.omega).ravel()
        result = optimize.milp(
            cost * (SCALE / max(np.abs(cost).max(), np.finfo(float).tiny)),
            constraints=optimize.LinearConstraint(sparse.vstack(rows), least, most),
            integrality=np.arange(matrix.shape[1]) < groups,
            bounds=optimize.Bounds(0, upper),
            options={"mip_rel_gap": 0.0},
        )
        if result.status not in (0, 2):
            raise BfimnaError(f"HiGHS did not finish the integer program: {result.message}")
        if result.x is None:
            return None
        choice = result.x[:groups].reshape(self.omega.shape).argmax(axis=1)
        if all(self._meets(choice, *limit) for limit in limits):
            return choice
        return self.minimise(cost, limits, [*without, choice])  # within HiGHS' tolerance only

    def _of_groups(self, choice: Choice) -> np.ndarray:
        """Return `expand` with the groups' variables only."""
        taken = self.expand(choice)
        taken[self.omega.size :] = 0.0
        return taken

    def _meets(self, choice: Choice, vector: np.ndarray, low: float, high: float) -> bool:
        slack = 2 * SLACK * max(abs(low), abs(high))
        return low - slack <= vector @ self.expand(choice) <= high + slack

    def smallest_product(self, one: np.ndarray, other: np.ndarray) -> Choice:
        """Return the choice of the least product of two positive costs.

        A product is quasi-concave, so its least value lies at a corner of the convex hull of all
        (one, other), and every such corner is least in some weighted sum of the two.
        """
        ends = [self.minimise(one), self.minimise(other)]
        best, open_edges = list(ends), [tuple(self._point(c, one, other) for c in ends)]
        while open_edges:
            a, b = open_edges.pop()
            normal = np.array([a[1] - b[1], b[0] - a[0]])
            if (normal <= 0).any():
                continue
            corner = self.minimise(normal[0] * one + normal[1] * other)
            point = self._point(corner, one, other)
            if normal @ point < normal @ a * (1 - SLACK):
                best.append(corner)
                open_edges += [(a, point), (point, b)]
        return min(best, key=lambda c: self.product_of(c, one, other))

    def product_of(self, choice: Choice, one: np.ndarray, other: np.ndarray) -> float:
        """Return the product of two costs of a choice."""
        return float(np.prod(self._point(choice, one, other)))

    def _point(self, choice: Choice, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        values = self.expand(choice)
        return np.array([one @ values, other @ values])

    def within_product(
        self, cost: np.ndarray, one: np.ndarray, other: np.ndarray, limit: float
    ) -> Choice | None:
        """Return the choice of least cost with one · other ≤ limit, proven optimal.

        Branch and bound on `one`: within [low, high] the bound other ≤ limit / one, convex in `one`,
        is relaxed to its chord, which is a linear limit. A solution that meets the product is the
        interval's best; another one splits the interval where it lies, since both new chords touch
        the bound there and cut it off.
        """
        low = self._point(self.minimise(one), one, other)[0]
        high = limit / self._point(self.minimise(other), one, other)[1]
        queue: list[tuple[float, int, float, float, Choice]] = []
        serial, rejected = itertools.count(), list[Choice]()

        def push(low: float, high: float) -> None:
            chord = (other + limit / (low * high) * one, 0.0, limit / low + limit / high)
            choice = self.minimise(cost, [(one, low, high), chord], rejected)
            if choice is not None:
                value = float(cost @ self.expand(choice))
                heappush(queue, (value, next(serial), low, high, choice))

        if low <= high * (1 + SLACK):
            push(low, max(low, high))
        while queue:
            _, _, low, high, choice = heappop(queue)
            at, beside = self._point(choice, one, other)
            if at * beside <= limit * (1 + 2 * SLACK):
                return choice
            rejected.append(choice)
            push(low, at)
            push(at, high)
        return None

    def _structure(self) -> tuple[sparse.csr_array, np.ndarray, np.ndarray]:
        """Rows (matrix, least, most) that hold the variables together.

        A node has one width. A tensor has at least width k where one of its groups has, and only
        there. A pair's variables add up to either node's.
        """
        groups, widths = self.omega.shape
        node = sparse.eye_array(self.nodes, format="csr")
        each, one = sparse.eye_array(widths), np.ones((1, widths))
        at_least = np.triu(np.ones((widths, widths)))[1:]
        blocks = [(sparse.kron(node, one), None, 1.0, 1.0)]
        if self.tensors:
            reads = [(t, g) for t, readers in enumerate(self.tensors) for g in readers]
            t, g = np.array(reads).T
            stored = node[groups:]
            by_any = sparse.csr_array((np.ones(len(t)), (t, g)), (len(self.tensors), self.nodes))
            blocks.append((sparse.kron(stored[t] - node[g], at_least), None, 0.0, np.inf))
            blocks.append((sparse.kron(stored - by_any, at_least), None, -np.inf, 0.0))
        if self.pairs:
            pair = sparse.eye_array(len(self.pairs))
            sums = (sparse.kron(each, one), sparse.kron(one, each))
            for nodes, add_up in zip(np.array(self.pairs).T, sums, strict=True):
                blocks.append(
                    (-sparse.kron(node[nodes], each), sparse.kron(pair, add_up), 0.0, 0.0)
                )
        grid = [block[: 2 if self.pairs else 1] for block in blocks]
        heights = [block[0].shape[0] for block in blocks]
        least, most = (np.repeat([block[k] for block in blocks], heights) for k in (2, 3))
        return sparse.block_array(grid, format="csr"), least, most
