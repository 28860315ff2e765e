"""An ONNX graph as plain data: nodes, dimensions, small constants, what needs what."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bfimna.errors import BfimnaError

Dims = tuple[int | None, ...]


@dataclass(frozen=True)
class Node:
    """One operation: names of its tensors, and the attributes that are numbers or strings."""

    op: str
    domain: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]

    def __str__(self) -> str:
        op = self.op if self.op.isidentifier() else repr(self.op)  # a stranger may write anything
        return f"{op[:100]} node {self.name[:100]!r}"

    def refuse(self, why: str) -> BfimnaError:
        """Return the error that names this node."""
        return BfimnaError(f"{self}: {why}")

    def number(self, attribute: str, default: int) -> int:
        """Return an integer attribute."""
        value = self.attributes.get(attribute, default)
        if not isinstance(value, int):
            raise self.refuse(f"attribute {attribute!r} must be an integer, not {value!r}")
        return value

    def numbers(self, attribute: str, default: tuple[int, ...]) -> tuple[int, ...]:
        """Return a list of integers of the default's length."""
        value = self.attributes.get(attribute, default)
        if not isinstance(value, tuple) or len(value) != len(default):
            raise self.refuse(f"attribute {attribute!r} must be {len(default)} integers")
        return value

    def text(self, attribute: str, default: str) -> str:
        """Return a string attribute."""
        value = self.attributes.get(attribute, default)
        if not isinstance(value, str):
            raise self.refuse(f"attribute {attribute!r} must be a string")
        return value


@dataclass
class Graph:
    """A sorted ONNX graph, without weights.

    Attributes
    ----------
    nodes : those that the outputs need, each after the nodes that it reads.
    inputs : the data inputs and their dimensions.
    dims : dimensions of each tensor, as far as ONNX's shape inference knows them.
    constants : tensors that do not depend on the data inputs. `values` : the small ones among them.
    types : element type (a number of ``TensorProto.DataType``) of stored tensors and inputs.
    uses : how often each tensor is read; a graph output counts as one.
    """

    name: str
    nodes: list[Node]
    inputs: dict[str, tuple[int, ...]]
    outputs: tuple[str, ...]
    types: dict[str, int]
    values: dict[str, np.ndarray] = field(default_factory=dict)
    dims: dict[str, Dims] = field(default_factory=dict)
    constants: set[str] = field(default_factory=set)
    uses: Counter[str] = field(default_factory=Counter)


def needed(nodes: list[Node], outputs: tuple[str, ...]) -> list[Node]:
    """Return the nodes that the outputs depend on."""
    maker: dict[str, int] = {}
    for k, node in enumerate(nodes):
        for name in filter(None, node.outputs):
            if name in maker:
                raise node.refuse(f"tensor {name!r} is also made by {nodes[maker[name]]}")
            maker[name] = k
    wanted, todo = set(), [maker[o] for o in outputs if o in maker]
    while todo:
        k = todo.pop()
        if k not in wanted:
            wanted.add(k)
            todo += [maker[i] for i in nodes[k].inputs if i in maker]
    if not wanted:
        raise BfimnaError("no node makes the graph's outputs")
    return [nodes[k] for k in sorted(wanted)]


def in_order(nodes: list[Node]) -> list[Node]:
    """Sort topologically, in the file's order where it is one already."""
    maker = {name: k for k, node in enumerate(nodes) for name in node.outputs if name}
    before = [{maker[i] for i in node.inputs if i in maker} for node in nodes]
    if all(max(b, default=-1) < k for k, b in enumerate(before)):
        return nodes
    readers: list[list[int]] = [[] for _ in nodes]
    for k, makers in enumerate(before):
        for m in makers:
            readers[m].append(k)
    missing = [len(b) for b in before]
    order = [k for k, count in enumerate(missing) if not count]
    for k in order:  # grows while it is walked
        for reader in readers[k]:
            missing[reader] -= 1
            if not missing[reader]:
                order.append(reader)
    if len(order) < len(nodes):
        circle = next(node for node, count in zip(nodes, missing, strict=True) if count)
        raise circle.refuse("is part of, or behind, a cycle")
    return [nodes[k] for k in order]


def constants(nodes: list[Node], inputs: Iterable[str]) -> set[str]:
    """Return the tensors that do not depend on the data inputs (or on their shapes only)."""
    variable = set(inputs)
    for node in nodes:
        if node.op not in ("Shape", "Size") and any(i in variable for i in node.inputs):
            variable.update(node.outputs)
    names = {name for node in nodes for name in (*node.inputs, *node.outputs)}
    return names - variable
