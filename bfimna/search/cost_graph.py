"""Costs as sums of terms over one width or two, and their exact minimum by variable elimination.

A node of a `CostGraph` is a group of layers that share a width, or a tensor that several groups
read and that is stored at the widest of them. A cost is a vector: one entry for each width of each
node, then one for each pair of widths of each pair of nodes. A choice costs the sum of the entries
that it selects.

A layer shares terms with its neighbours only, so `Elimination` removes one node after the other:
its least cost is tabulated by the widths of its context, the few nodes that it shares terms with.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np

from bfimna.errors import BfimnaError

#: entries of the largest table allowed; ResNet50 with 7 widths needs 343
MAX_ENTRIES = 10**7

Choice = np.ndarray  # index of a width, one per group
Nodes = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class CostGraph:
    """Which groups choose a width, and which nodes share a cost term.

    Parameters
    ----------
    omega : Ω by group and width, shape (groups, widths); infinite where a width is not allowed.
    tensors : for each tensor the groups that read it; its width is the widest of theirs.
    pairs : nodes (groups first, then tensors) that share a cost term.

    Examples
    --------
    >>> graph = CostGraph(np.array([[9.0, 1.0], [5.0, 2.0]]))
    >>> float(graph.cost(graph.omega_vector, np.array([1, 0])))
    6.0
    """

    omega: np.ndarray
    tensors: Sequence[Sequence[int]] = ()
    pairs: Sequence[tuple[int, int]] = ()

    @property
    def nodes(self) -> int:
        """Number of groups and tensors."""
        return len(self.omega) + len(self.tensors)

    @property
    def widths(self) -> int:
        """Number of widths."""
        return self.omega.shape[1]

    @cached_property
    def omega_vector(self) -> np.ndarray:
        """Ω as a cost vector; 0 where a width is not allowed."""
        tensors = np.zeros((len(self.tensors), self.widths))
        allowed = np.where(np.isfinite(self.omega), self.omega, 0.0)
        return self.vector(np.concatenate([allowed, tensors]))

    def vector(self, single: np.ndarray, double: np.ndarray | None = None) -> np.ndarray:
        """Return a cost as a vector.

        Parameters
        ----------
        single : terms of one node, shape (nodes, widths).
        double : terms of two, shape (pairs, widths of the first, widths of the second).
        """
        empty = np.zeros((len(self.pairs), self.widths, self.widths))
        return np.concatenate([single.ravel(), (empty if double is None else double).ravel()])

    def tables(self, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return cost vectors (n, entries) as terms of one node and of two (see `vector`)."""
        count, widths = len(vectors), self.widths
        single, double = np.split(vectors, [self.nodes * widths], axis=1)
        return (
            single.reshape(count, self.nodes, widths),
            double.reshape(count, len(self.pairs), widths, widths),
        )

    def entries(self, choices: np.ndarray) -> np.ndarray:
        """Return the entries of a cost vector that choices select.

        Parameters
        ----------
        choices : shape (n, groups).

        Returns
        -------
        int array of shape (n, nodes + pairs).
        """
        widths = self.widths
        widest = [choices[:, list(groups)].max(axis=1) for groups in self.tensors]
        at = np.column_stack([choices, *widest]).astype(np.intp)
        first, second = np.array(self.pairs, dtype=np.intp).reshape(-1, 2).T
        single = np.arange(self.nodes) * widths + at
        double = (np.arange(len(self.pairs)) * widths + at[:, first]) * widths + at[:, second]
        return np.concatenate([single, self.nodes * widths + double], axis=1)

    def cost(self, vector: np.ndarray, choice: Choice) -> float:
        """Return the cost of a choice."""
        return float(vector[self.entries(np.asarray(choice)[None])[0]].sum())


@dataclass(frozen=True)
class Minimum:
    """Least costs of several cost vectors, and regrets: how much worse other widths are.

    A choice costs the least plus its regrets, all of them at least 0. The search rules out whole
    families of choices by this.

    Attributes
    ----------
    cost : shape (vectors,).
    regrets : by node, shape (vectors, widths, widths of each node of the context).
    """

    cost: np.ndarray
    regrets: dict[int, np.ndarray]


@dataclass(frozen=True, eq=False)
class Elimination:
    """The order in which a graph's nodes are eliminated, and the context of each."""

    graph: CostGraph

    @cached_property
    def maxima(self) -> list[tuple[int, int, int]]:
        """(node, a, b): nodes that are the wider of two others; those beyond the graph's are aids.

        A tensor whose readers include all those of another is the wider of that one and the rest.
        """
        sets = [frozenset(groups) for groups in self.graph.tensors]
        groups, aid, maxima = len(self.graph.omega), self.graph.nodes, []
        for t, readers in enumerate(sets):
            rest, parts = set(readers), []
            for smaller in sorted(range(len(sets)), key=lambda k: -len(sets[k])):
                if sets[smaller] < readers and rest & sets[smaller]:
                    parts.append(groups + smaller)
                    rest -= sets[smaller]
            parts += sorted(rest)
            while len(parts) > 2:
                maxima.append((aid, parts.pop(), parts.pop()))
                parts.append(aid)
                aid += 1
            maxima.append((groups + t, parts[0], parts[1]))
        return maxima

    @cached_property
    def contexts(self) -> dict[int, Nodes]:
        """Each node's context, in the order of elimination: a node of fewest neighbours first."""
        scopes = [*self.graph.pairs, *self.maxima]
        last = max((node for scope in scopes for node in scope), default=0)
        near: dict[int, set[int]] = {n: set() for n in range(max(self.graph.nodes, last + 1))}
        for scope in scopes:
            for node in scope:
                near[node] |= set(scope) - {node}
        position = list(range(len(near)))  # along the network; a tensor's is its first reader's
        for node, a, b in self.maxima:
            position[node] = min(position[a], position[b])
        contexts = {}
        while near:
            node = min(near, key=lambda n: (len(near[n]), position[n]))
            context = near.pop(node)
            for other in context:
                near[other] |= context - {other}
                near[other].discard(node)
            contexts[node] = tuple(sorted(context))
        self._check_size(max(map(len, contexts.values())) + 1)
        return contexts

    def _check_size(self, nodes: int) -> None:
        if self.graph.widths**nodes > MAX_ENTRIES:
            raise BfimnaError(
                f"the search ties {nodes} layers and tensors of this network together, with "
                f"{self.graph.widths} widths each: more than the {MAX_ENTRIES:.0e} combinations "
                f"that it can weigh; allow fewer widths"
            )

    @cached_property
    def rank(self) -> dict[int, int]:
        """When each node is eliminated."""
        return {node: k for k, node in enumerate(self.contexts)}

    def _first(self, nodes: Iterable[int]) -> int:
        """Return the node that is eliminated first."""
        return min(nodes, key=self.rank.__getitem__)

    @cached_property
    def _pairs_of(self) -> dict[int, list[tuple[int, Nodes]]]:
        """Pairs (index, nodes) by the node of them that is eliminated first."""
        pairs: dict[int, list[tuple[int, Nodes]]] = {node: [] for node in self.contexts}
        for k, pair in enumerate(self.graph.pairs):
            pairs[self._first(pair)].append((k, pair))
        return pairs

    @cached_property
    def _maxima_of(self) -> dict[int, list[Nodes]]:
        maxima: dict[int, list[Nodes]] = {node: [] for node in self.contexts}
        for nodes in self.maxima:
            maxima[self._first(nodes)].append(nodes)
        return maxima

    @cached_property
    def _only_widest(self) -> np.ndarray:
        """0 where the first of three widths is the wider of the others, else infinite."""
        widths = self.graph.widths
        table = np.full((1, *(widths,) * 3), np.inf)
        for a, b in product(range(widths), repeat=2):
            table[0, max(a, b), a, b] = 0.0
        return table

    def terms(self, vectors: np.ndarray) -> dict[int, np.ndarray]:
        """Return cost vectors (n, entries) as one table per node, over it and its context.

        Infinite where a width is not allowed, or a tensor is not the widest of its readers.
        """
        graph, widths = self.graph, self.graph.widths
        single, double = graph.tables(vectors)
        forbidden = np.where(np.isfinite(graph.omega), 0.0, np.inf)
        terms = {}
        for node, context in self.contexts.items():
            dims = (node, *context)
            table = np.zeros((len(vectors), *(widths,) * len(dims)))
            if node < graph.nodes:
                table += _broadcast(single[:, node], (node,), dims)
            if node < len(forbidden):
                table += _broadcast(forbidden[None, node], (node,), dims)
            for k, pair in self._pairs_of[node]:
                table += _broadcast(double[:, k], pair, dims)
            for nodes in self._maxima_of[node]:
                table += _broadcast(self._only_widest, nodes, dims)
            terms[node] = table
        return terms

    def minimise(self, vectors: np.ndarray) -> Minimum:
        """Return the least costs and the regrets of cost vectors, shape (n, entries)."""
        terms = self.terms(vectors)
        messages: dict[int, list[tuple[np.ndarray, Nodes]]] = {node: [] for node in terms}
        cost, regrets = np.zeros(len(vectors)), {}
        for node, context in self.contexts.items():
            table = terms[node]
            for message, nodes in messages.pop(node):
                table += _broadcast(message, nodes, (node, *context))
            least = table.min(axis=1)
            with np.errstate(invalid="ignore"):  # infinite less infinite: not allowed either
                regrets[node] = np.where(np.isinf(table), np.inf, table - least[:, None])
            if context:
                messages[self._first(context)].append((least, context))
            else:
                cost += least
        return Minimum(cost, regrets)

    def choices(self, minimum: Minimum) -> np.ndarray:
        """Return the choice of least cost for each vector, shape (vectors, groups)."""
        row = np.arange(len(minimum.cost))
        at: dict[int, np.ndarray] = {}
        for node in reversed(self.contexts):
            regrets = np.moveaxis(minimum.regrets[node], 1, -1)
            at[node] = regrets[(row, *(at[n] for n in self.contexts[node]))].argmin(axis=-1)
        return np.stack([at[g] for g in range(len(self.graph.omega))], axis=1)


def _broadcast(table: np.ndarray, nodes: Sequence[int], dims: Sequence[int]) -> np.ndarray:
    """Align a table (n, widths of nodes) with the axes of `dims`, which contain its nodes."""
    order = sorted(range(len(nodes)), key=lambda k: dims.index(nodes[k]))
    shape = [table.shape[1] if node in nodes else 1 for node in dims]
    return table.transpose(0, *(1 + k for k in order)).reshape(len(table), *shape)
