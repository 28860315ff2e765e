"""The variables of the search, and the rows that tie them together.

Costs are sums of terms that depend on the width of one node or of two. A node is a group of layers
that share a width, or a tensor that several groups read and that is stored at the widest of them.
A term of two nodes is made linear exactly: it has one variable for every pair of widths, whose
sums over either width are the other's variables.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

Choice = np.ndarray  # position among the widths, one a group


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
    >>> float(p.omega_vector @ p.expand(np.array([1, 0])))
    6.0
    """

    omega: np.ndarray
    tensors: Sequence[Sequence[int]] = ()
    pairs: Sequence[tuple[int, int]] = ()

    @property
    def nodes(self) -> int:
        """Number of groups and tensors."""
        return len(self.omega) + len(self.tensors)

    @cached_property
    def allowed(self) -> np.ndarray:
        """1 for each variable that may be 1, 0 for widths that are not allowed."""
        allowed = np.ones(self.rows[0].shape[1])
        allowed[: self.omega.size] = np.isfinite(self.omega).ravel()
        return allowed

    @cached_property
    def is_group(self) -> np.ndarray:
        """1 for the variables that are the choice; the others follow from them."""
        return (np.arange(self.rows[0].shape[1]) < self.omega.size).astype(float)

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

    @cached_property
    def rows(self) -> tuple[sparse.csr_array, np.ndarray, np.ndarray]:
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
