"""Branches whose condition is known: PyTorch's legacy exporter writes an If about a shape.

A condition that depends on sizes only is a constant once these are known, so the branch that is
taken stands in place of the If. What both branches read of the graph around them counts as read.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bfimna.onnx.graph import Graph, Node

CONTROL = ("If", "Loop", "Scan")
#: of branches within branches, and of nodes and tensors that all of them bring
MAX_DEPTH, MAX_BROUGHT = 8, 10_000


@dataclass
class Taken:
    """Branches in place of their Ifs: all nodes, and the tensors that the branches store."""

    nodes: list[Node]
    stored: dict[str, Any]


def inner_graphs(proto: Any) -> list[Any]:
    """Return the graphs that a node in a file holds."""
    single = [a.g for a in proto.attribute if a.type == a.GRAPH]
    return single + [g for a in proto.attribute if a.type == a.GRAPHS for g in a.graphs]


def captured(proto: Any) -> tuple[str, ...]:
    """Return the tensors of the graph around that a node's inner graphs read."""
    found: dict[str, None] = {}
    todo = [(graph, frozenset[str]()) for graph in inner_graphs(proto)]
    while todo:
        graph, around = todo.pop()
        own = around | {i.name for i in graph.input} | {t.name for t in graph.initializer}
        own |= {o for node in graph.node for o in node.output}
        read = [i for node in graph.node for i in node.input] + [o.name for o in graph.output]
        found.update(dict.fromkeys(name for name in read if name and name not in own))
        todo += [(inner, own) for node in graph.node for inner in inner_graphs(node)]
    return tuple(found)


def taken(graph: Graph, read: Any) -> Taken | None:
    """Replace every If whose condition is known by its branch; None if there is none.

    Parameters
    ----------
    read : turns the nodes of a file's graph into ours.
    """
    nodes: list[Node] = []
    stored: dict[str, Any] = {}
    for node in graph.nodes:
        branch = _branch(graph, node)
        if branch is None or len(stored) + len(branch.node) > MAX_BROUGHT:
            nodes.append(node)
            continue
        own = {t.name for t in branch.initializer} | {o for n in branch.node for o in n.output}
        names = {name: f"{node.name}/{name}" for name in own if name}
        nodes += [_renamed(inner, names) for inner in read(branch)]
        stored |= {names[t.name]: t for t in branch.initializer}
        stored |= {
            names[proto.output[0]]: a.t
            for proto in branch.node
            if proto.op_type == "Constant" and proto.output
            for a in proto.attribute
            if a.name == "value"
        }
        for made, out in zip(branch.output, node.outputs, strict=False):
            source = (names.get(made.name, made.name),)
            nodes.append(Node("Identity", "", f"{node.name}/{out}", source, (out,)))
    return Taken(nodes, stored) if len(nodes) != len(graph.nodes) else None


def _branch(graph: Graph, node: Node) -> Any:
    condition = graph.number_of(node.given(0)) if node.op == "If" and not node.domain else None
    if condition is None or node.proto is None:
        return None
    wanted = "then_branch" if condition else "else_branch"
    found = [a.g for a in node.proto.attribute if a.name == wanted and a.type == a.GRAPH]
    return found[0] if found and len(found[0].output) == len(node.outputs) else None


def _renamed(node: Node, names: Mapping[str, str]) -> Node:
    def other(tensors: Iterable[str]) -> tuple[str, ...]:
        return tuple(names.get(tensor, tensor) for tensor in tensors)

    return replace(
        node,
        inputs=other(node.inputs),
        outputs=other(node.outputs),
        zero=names.get(node.zero, node.zero),
    )
