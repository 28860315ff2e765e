"""An ONNX graph as plain data: nodes, dimensions, small constants, what needs what."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from bfimna.errors import BfimnaError

Dims = tuple[int, ...]

MAX_RANK = 32  # dimensions of one tensor
QONNX = ("Quant", "IntQuant", "BipolarQuant", "Trunc")
QUANTISERS = (*QONNX, "QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear")
#: whose tensors have the steps of a sequence first, then the batch
RECURRENT = ("LSTM", "GRU", "RNN")
SMALL = 4096  # elements of a constant whose value is kept: bit widths, axes, shapes, slopes


@dataclass(frozen=True)
class Node:
    """One operation: names of its tensors, and the attributes that are numbers or strings.

    Attributes
    ----------
    written : the operation as the file writes it, where `op` is ONNX's plain form of it.
    zero : the tensor whose element type the first output has, if the operation names one.
    proto : the node in the file, to evaluate it.
    """

    op: str
    domain: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any] = field(default_factory=dict)
    written: str = ""
    zero: str = ""
    proto: Any = field(default=None, repr=False, compare=False)

    @property
    def label(self) -> str:
        """The operation as the file writes it, fit for a line of text."""
        op = self.written or self.op
        return (op if op.isidentifier() else repr(op))[:100]  # a stranger may write anything

    def __str__(self) -> str:
        return f"{self.label} node {self.name[:100]!r}"

    def refuse(self, why: str) -> "RefusedError":
        """Return the error that names this node."""
        return RefusedError(self, why)

    def given(self, position: int) -> str:
        """Return the tensor at an input's position, or none."""
        return self.inputs[position] if position < len(self.inputs) else ""

    def number(self, attribute: str, default: int) -> int:
        """Return an integer attribute."""
        value = self.attributes.get(attribute, default)
        if not isinstance(value, int):
            raise self.refuse(f"attribute {attribute!r} must be an integer, not {value!r:.80}")
        return value

    def numbers(self, attribute: str, default: tuple[int, ...]) -> tuple[int, ...]:
        """Return a list of integers of the default's length."""
        value = self.attributes.get(attribute, default)
        if (
            not isinstance(value, tuple)
            or len(value) != len(default)
            or not all(isinstance(v, int) for v in value)
        ):
            raise self.refuse(f"attribute {attribute!r} must be {len(default)} integers")
        return value

    def real(self, attribute: str, default: float) -> float:
        """Return a finite real attribute."""
        value = self.attributes.get(attribute, default)
        if not isinstance(value, (int, float)) or not np.isfinite(value):
            raise self.refuse(f"attribute {attribute!r} must be a number, not {value!r:.80}")
        return value

    def text(self, attribute: str, default: str) -> str:
        """Return a string attribute."""
        value = self.attributes.get(attribute, default)
        if not isinstance(value, str):
            raise self.refuse(f"attribute {attribute!r} must be a string")
        return value


class RefusedError(BfimnaError):
    """What is not modelled, and of which node."""

    def __init__(self, node: Node, why: str) -> None:
        super().__init__(f"{node}: {why}")
        self.node, self.why = node, why


@dataclass
class Graph:
    """A sorted ONNX graph, without weights.

    Attributes
    ----------
    nodes : those that the outputs need, each after the nodes that it reads.
    inputs : the data inputs and their dimensions.
    types : element type (a number of ``TensorProto.DataType``) of stored tensors and inputs.
    stored : tensors in the file, as protobuf messages.
    values : of small constants, as read or computed so far.
    opset : version of ONNX's own operations.
    dims : dimensions of each tensor, as far as they are known.
    constants : tensors that do not depend on the data inputs.
    uses : how often each tensor is read; a graph output counts as one.
    refused : by position in `nodes`, why the size of a node's result cannot be told.
    """

    name: str
    nodes: list[Node]
    inputs: dict[str, Dims]
    outputs: tuple[str, ...]
    types: dict[str, int]
    stored: dict[str, Any] = field(default_factory=dict)
    values: dict[str, np.ndarray | None] = field(default_factory=dict)
    opset: int = 1
    dims: dict[str, Dims] = field(default_factory=dict)
    constants: set[str] = field(default_factory=set)
    uses: Counter[str] = field(default_factory=Counter)
    refused: dict[int, RefusedError] = field(default_factory=dict)

    def value(self, tensor: str) -> np.ndarray | None:
        """Return a small constant's value; None where it is large, elsewhere or unknown."""
        if tensor not in self.values and tensor in self.stored:
            self.values[tensor] = _small(self.stored[tensor])
        return self.values.get(tensor)

    def number_of(self, tensor: str) -> float | None:
        """Return the value of a constant of one element, or None."""
        value = self.value(tensor)
        if value is None or value.size != 1 or value.dtype.kind not in "fiub":
            return None
        return float(value.reshape(()))


def _small(tensor: Any) -> np.ndarray | None:
    from onnx import numpy_helper

    if tensor.data_location == tensor.EXTERNAL or tensor.external_data:
        return None
    if len(tensor.dims) > MAX_RANK or min(tensor.dims, default=1) < 0 or prod(tensor.dims) > SMALL:
        return None
    try:
        value = np.asarray(numpy_helper.to_array(tensor))
        return value if value.shape == tuple(tensor.dims) else None
    except Exception:  # a malformed tensor: whoever needs its value says so
        return None


def needed(nodes: list[Node], outputs: tuple[str, ...]) -> list[Node]:
    """Return the nodes that the outputs depend on."""
    maker: dict[str, int] = {}
    for k, node in enumerate(nodes):
        for name in filter(None, node.outputs):
            if name in maker:
                raise node.refuse(f"tensor {name[:100]!r} is also made by {nodes[maker[name]]}")
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
    """Return the tensors that do not depend on the data inputs (or on their shapes only).

    Scales, zero points and widths of quantisers do not count; those of a dynamic quantisation are
    numbers that the host finds.
    """
    variable = set(inputs)
    for node in nodes:
        read = node.inputs[:1] if node.op in QUANTISERS else node.inputs
        if node.op not in ("Shape", "Size") and any(i in variable for i in read):
            found = node.outputs[:1] if node.op == "DynamicQuantizeLinear" else node.outputs
            variable.update(found)
    names = {name for node in nodes for name in (*node.inputs, *node.outputs)}
    return names - variable
