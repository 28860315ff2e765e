"""Find trees of operations that are one function of one word, which one look-up holds.

tanh-GELU, softplus with a threshold and others are written as several operations on one tensor and
single numbers. Where one of them needs a look-up anyway, the table of one look-up holds the whole.
"""

from collections import Counter
from collections.abc import Mapping
from heapq import heappop, heappush
from math import prod
from typing import NamedTuple

from bfimna.onnx import elementwise, functions
from bfimna.onnx.nodes import Graph, Node
from bfimna.onnx.translation import Operation

MAX_NODES = 100  # of one tree
#: how operations are read that compute word by word
WORD_BY_WORD = (
    functions.activation, functions.leaky_relu, functions.clip, functions.power, functions.same,
    elementwise.arithmetic, elementwise.extreme, elementwise.compare, elementwise.where,
)  # fmt: skip


class Tree(NamedTuple):
    """A function of one word: the tensor that it reads, and the node that names its layer."""

    leaf: str
    named: Node


class WordFunctions:
    """The functions of one word in a graph.

    Attributes
    ----------
    origins : tensor → the tensor of whose words, one by one, it is a function.
    makers : tensor → position of its node.
    """

    def __init__(self, graph: Graph, operations: Mapping[str, Operation]) -> None:
        self.graph = graph
        self.readers = {op: row.layers for op, row in operations.items()}
        self.makers = {o: k for k, node in enumerate(graph.nodes) for o in node.outputs}
        self.origins: dict[str, str] = {}
        for k, node in enumerate(graph.nodes):
            if not node.domain and k not in graph.refused:
                origin = self._origin(node)
                if origin:
                    self.origins[node.outputs[0]] = origin

    def trees(self) -> dict[int, Tree | None]:
        """Return position of a node → the tree that it ends, or None where it is within one."""
        fused: dict[int, Tree | None] = {}
        for k in reversed(range(len(self.graph.nodes))):
            outputs = self.graph.nodes[k].outputs[:1]
            if k not in fused and outputs and outputs[0] in self.origins:
                members, leaves = self._tree(k)
                looked_up = any(self._looks_up(self.graph.nodes[m]) for m in members)
                if len(members) > 1 and len(leaves) == 1 and looked_up:
                    fused |= dict.fromkeys(members)
                    fused[k] = Tree(leaves.pop(), self._named(k))
        return fused

    def _data(self, node: Node) -> list[str]:
        """Return the inputs whose words a node computes on."""
        read = node.inputs[:1] if self.readers[node.op] is functions.same else node.inputs
        return [i for i in read if i not in self.graph.constants]

    def _origin(self, node: Node) -> str:
        """Return the tensor of whose words the node's result is a function, or ""."""
        reader, dims = self.readers.get(node.op), self.graph.dims
        if reader not in WORD_BY_WORD or not node.outputs or node.outputs[0] not in dims:
            return ""
        data, size = self._data(node), dims[node.outputs[0]]
        sources = {self.origins.get(tensor, tensor) for tensor in data}
        if len(sources) != 1:
            return ""
        numbers = [i for i in node.inputs if i and i in self.graph.constants]
        plain = (
            all(dims.get(tensor) == size for tensor in data)
            and (reader is functions.same or all(prod(dims.get(i, (0,))) == 1 for i in numbers))
            and (node.op != "Pow" or node.input(1) in self.graph.constants)
            and not any(o in self.graph.uses for o in node.outputs[1:])
        )
        return sources.pop() if plain else ""

    def _tree(self, end: int) -> tuple[set[int], set[str]]:
        """Return the nodes before one (included) that only it reads, and the tensors they read."""
        nodes, uses = self.graph.nodes, self.graph.uses
        members: set[int] = set()
        leaves: set[str] = set()
        reads: Counter[str] = Counter()
        todo = [-end]
        while todo:  # from the last node to the first: all readers within are counted before
            k = -heappop(todo)
            if k in members:
                continue
            tensor = nodes[k].outputs[0]
            if k != end and (reads[tensor] < uses[tensor] or len(members) >= MAX_NODES):
                leaves.add(tensor)
                continue
            members.add(k)
            for read in self._data(nodes[k]):
                reads[read] += 1
                if read in self.origins:
                    heappush(todo, -self.makers[read])
                else:
                    leaves.add(read)
        return members, leaves

    def _looks_up(self, node: Node) -> bool:
        """Whether a node takes a look-up of its own."""
        reader = self.readers[node.op]
        if reader is functions.activation:
            return node.op not in functions.PROGRAMS
        if reader is functions.power:
            return self.graph.number_of(node.input(1)) not in (1, 2)
        divides = node.op == "Div" and node.input(1) not in self.graph.constants
        selects = node.op == "Where" and node.input(0) not in self.graph.constants
        return divides or selects or reader is elementwise.compare

    def _named(self, end: int) -> Node:
        """Return the last node that is more than a quantiser, or arithmetic with one number."""
        node = self.graph.nodes[end]
        while True:
            data, reader = self._data(node), self.readers[node.op]
            folded = reader is elementwise.arithmetic and not self._looks_up(node)
            if len(data) > 1 or not (folded or reader is functions.same):
                return node
            node = self.graph.nodes[self.makers[data[0]]]
