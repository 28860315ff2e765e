"""The least cost of all choices, exactly: a dynamic programme over the network's structure.

A layer shares terms with the layers beside it only, so the widths can be eliminated one node after
the other: what is least for a node is tabulated by the widths of the few nodes that it shares terms
with, its context. A tensor is the widest of its readers; one that more than two nodes set is a
chain of nodes, each the wider of two.

Beside the least cost this gives each node's regrets, by how much a width is worse than the best in
its context. A choice costs the least plus its regrets, all of them at least 0: that is the bound
with which the search leaves out whole families of choices.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np

from bfimna.errors import BfimnaError
from bfimna.search.program import Program

#: entries of the largest table that is tried; ResNet50 with 7 widths needs 343
MOST_ENTRIES = 10**7

Nodes = tuple[int, ...]


@dataclass(frozen=True)
class Solved:
    """Least costs of several cost vectors, and regrets.

    Attributes
    ----------
    least : shape (vectors,).
    regrets : by node, shape (vectors, widths, widths of each node of the context).
    """

    least: np.ndarray
    regrets: dict[int, np.ndarray]


@dataclass(frozen=True, eq=False)
class Elimination:
    """The order in which a program's nodes are eliminated, and what each shares terms with."""

    program: Program

    @cached_property
    def wider(self) -> list[tuple[int, int, int]]:
        """(node, a, b): nodes that are the wider of two others; those past the program's help.

        A tensor whose readers hold all those of another is the wider of that one and the rest.
        """
        sets = [frozenset(groups) for groups in self.program.tensors]
        groups, helper, found = len(self.program.omega), self.program.nodes, []
        for t, readers in enumerate(sets):
            rest, parts = set(readers), []
            for smaller in sorted(range(len(sets)), key=lambda k: -len(sets[k])):
                if sets[smaller] < readers and rest & sets[smaller]:
                    parts.append(groups + smaller)
                    rest -= sets[smaller]
            parts += sorted(rest)
            while len(parts) > 2:
                found.append((helper, parts.pop(), parts.pop()))
                parts.append(helper)
                helper += 1
            found.append((groups + t, parts[0], parts[1]))
        return found

    @cached_property
    def contexts(self) -> dict[int, Nodes]:
        """Each node's context, in the order of elimination: always a node of least neighbours."""
        scopes = [*self.program.pairs, *self.wider]
        last = max((node for scope in scopes for node in scope), default=0)
        near: dict[int, set[int]] = {n: set() for n in range(max(self.program.nodes, last + 1))}
        for scope in scopes:
            for node in scope:
                near[node] |= set(scope) - {node}
        place = self._places(len(near))
        found = {}
        while near:
            node = min(near, key=lambda n: (len(near[n]), place[n]))
            context = near.pop(node)
            for other in context:
                near[other] |= context - {other}
                near[other].discard(node)
            found[node] = tuple(sorted(context))
        self._check(found)
        return found

    def _places(self, nodes: int) -> list[int]:
        """Return where a node lies along the network: a tensor lies at its first reader."""
        place = list(range(nodes))
        for node, a, b in self.wider:
            place[node] = min(place[a], place[b])
        return place

    def _check(self, contexts: dict[int, Nodes]) -> None:
        widths = self.program.omega.shape[1]
        most = max(map(len, contexts.values()))
        if widths ** (most + 1) > MOST_ENTRIES:
            raise BfimnaError(
                f"the search ties {most + 1} layers and tensors of this network together, with "
                f"{widths} widths each: more than the {MOST_ENTRIES:.0e} combinations that it can "
                f"weigh; allow fewer widths"
            )

    @cached_property
    def rank(self) -> dict[int, int]:
        """When each node is eliminated."""
        return {node: k for k, node in enumerate(self.contexts)}

    @cached_property
    def _pairs_of(self) -> dict[int, list[tuple[int, Nodes]]]:
        """Pairs (position, nodes) by the node of them that is eliminated first."""
        found: dict[int, list[tuple[int, Nodes]]] = {node: [] for node in self.contexts}
        for k, pair in enumerate(self.program.pairs):
            found[min(pair, key=self.rank.__getitem__)].append((k, pair))
        return found

    @cached_property
    def _wider_of(self) -> dict[int, list[Nodes]]:
        found: dict[int, list[Nodes]] = {node: [] for node in self.contexts}
        for nodes in self.wider:
            found[min(nodes, key=self.rank.__getitem__)].append(nodes)
        return found

    @cached_property
    def _only_widest(self) -> np.ndarray:
        """0 where the first of three widths is the wider of the others, else infinite."""
        widths = self.program.omega.shape[1]
        table = np.full((1, *(widths,) * 3), np.inf)
        for a, b in product(range(widths), repeat=2):
            table[0, max(a, b), a, b] = 0.0
        return table

    def terms(self, vectors: np.ndarray) -> dict[int, np.ndarray]:
        """Return cost vectors (n, entries) as one table per node, over it and its context.

        Infinite where a width is not allowed, or a tensor is not the widest of its readers.
        """
        program, widths = self.program, self.program.omega.shape[1]
        single, double = program.tables(vectors)
        forbidden = np.where(np.isfinite(program.omega), 0.0, np.inf)
        found = {}
        for node, context in self.contexts.items():
            dims = (node, *context)
            table = np.zeros((len(vectors), *(widths,) * len(dims)))
            if node < program.nodes:
                table += _over(single[:, node], (node,), dims)
            if node < len(forbidden):
                table += _over(forbidden[None, node], (node,), dims)
            for k, pair in self._pairs_of[node]:
                table += _over(double[:, k], pair, dims)
            for nodes in self._wider_of[node]:
                table += _over(self._only_widest, nodes, dims)
            found[node] = table
        return found

    def solve(self, vectors: np.ndarray) -> Solved:
        """Return the least costs and the regrets of cost vectors, shape (n, entries)."""
        terms = self.terms(vectors)
        messages: dict[int, list[tuple[np.ndarray, Nodes]]] = {node: [] for node in terms}
        least, regrets = np.zeros(len(vectors)), {}
        for node, context in self.contexts.items():
            table = terms[node]
            for message, nodes in messages.pop(node):
                table += _over(message, nodes, (node, *context))
            best = table.min(axis=1)
            with np.errstate(invalid="ignore"):  # infinite less infinite: not allowed either
                regrets[node] = np.where(np.isinf(table), np.inf, table - best[:, None])
            if context:
                messages[min(context, key=self.rank.__getitem__)].append((best, context))
            else:
                least += best
        return Solved(least, regrets)

    def choices(self, solved: Solved) -> np.ndarray:
        """Return the choice of least cost for each vector, shape (vectors, groups)."""
        row = np.arange(len(solved.least))
        at: dict[int, np.ndarray] = {}
        for node in reversed(self.contexts):
            regrets = np.moveaxis(solved.regrets[node], 1, -1)
            at[node] = regrets[(row, *(at[n] for n in self.contexts[node]))].argmin(axis=-1)
        return np.stack([at[g] for g in range(len(self.program.omega))], axis=1)


def _over(table: np.ndarray, nodes: Sequence[int], dims: Sequence[int]) -> np.ndarray:
    """Lay a table (n, widths of nodes) over the axes of `dims`, which hold its nodes."""
    order = sorted(range(len(nodes)), key=lambda k: dims.index(nodes[k]))
    shape = [table.shape[1] if node in nodes else 1 for node in dims]
    return table.transpose(0, *(1 + k for k in order)).reshape(len(table), *shape)
