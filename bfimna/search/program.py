"""The choice as a program: costs are sums of terms that depend on the width of one node or of two.

A node is a group of layers that share a width, or a tensor that several groups read and that is
stored at the widest of them. A cost is a vector: one entry for each width of each node, then one
for each pair of widths of each pair of nodes; a choice's cost is the sum of the entries it takes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

Choice = np.ndarray  # position among the widths, one per group


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
    >>> float(p.cost(p.omega_vector, np.array([1, 0])))
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
    def omega_vector(self) -> np.ndarray:
        """Ω as a cost vector; 0 where a width is not allowed."""
        tensors = np.zeros((len(self.tensors), self.omega.shape[1]))
        allowed = np.where(np.isfinite(self.omega), self.omega, 0.0)
        return self.vector(np.concatenate([allowed, tensors]))

    def vector(self, single: np.ndarray, double: np.ndarray | None = None) -> np.ndarray:
        """Return a cost as a vector.

        Parameters
        ----------
        single : terms of one node, shape (nodes, widths).
        double : terms of two, shape (pairs, widths of the first, widths of the second).
        """
        widths = self.omega.shape[1]
        empty = np.zeros((len(self.pairs), widths, widths))
        return np.concatenate([single.ravel(), (empty if double is None else double).ravel()])

    def tables(self, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return cost vectors (n, entries) as terms of one node and of two (see `vector`)."""
        count, widths = len(vectors), self.omega.shape[1]
        single, double = np.split(vectors, [self.nodes * widths], axis=1)
        return (
            single.reshape(count, self.nodes, widths),
            double.reshape(count, len(self.pairs), widths, widths),
        )

    def entries(self, choices: np.ndarray) -> np.ndarray:
        """Return which entries of a cost vector choices take.

        Parameters
        ----------
        choices : shape (n, groups).

        Returns
        -------
        int array of shape (n, nodes + pairs).
        """
        widths = self.omega.shape[1]
        widest = [choices[:, list(groups)].max(axis=1) for groups in self.tensors]
        at = np.column_stack([choices, *widest]).astype(np.intp)
        first, second = np.array(self.pairs, dtype=np.intp).reshape(-1, 2).T
        single = np.arange(self.nodes) * widths + at
        double = (np.arange(len(self.pairs)) * widths + at[:, first]) * widths + at[:, second]
        return np.concatenate([single, self.nodes * widths + double], axis=1)

    def cost(self, vector: np.ndarray, choice: Choice) -> float:
        """Return what a choice costs."""
        return float(vector[self.entries(np.asarray(choice)[None])[0]].sum())
