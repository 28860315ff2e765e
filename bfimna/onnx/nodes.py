"""An ONNX graph as plain data: nodes, dimensions of tensors, values of small constants."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np

from bfimna.errors import BfimnaError

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto

Dims = tuple[int, ...]

MAX_RANK = 32  # dimensions of one tensor
SMALL = 4096  # elements of a constant whose value is kept: bit widths, axes, shapes, slopes
SHOWN = 8  # numbers of a list in a message
QONNX = ("Quant", "IntQuant", "BipolarQuant", "Trunc")
#: operations whose tensors have the steps of a sequence first, then the batch
RECURRENT = ("LSTM", "GRU", "RNN")


@dataclass(frozen=True)
class Node:
    """One operation: names of its tensors, and the attributes that are numbers or strings.

    Attributes
    ----------
    op : the operation in ONNX's own terms. written : its name in the file, where that differs.
    zero : the zero point whose element type the first output has, if the operation reads one.
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
    proto: "NodeProto | None" = field(default=None, repr=False, compare=False)

    @property
    def label(self) -> str:
        """The operation as the file writes it, on one line whatever it contains."""
        op = self.written or self.op
        return (op if op.isidentifier() else repr(op))[:100]

    def __str__(self) -> str:
        return f"{self.label} node {self.name[:100]!r}"

    def refuse(self, why: str) -> "RefusedError":
        """Return the error that names this node."""
        return RefusedError(self, why)

    def input(self, position: int) -> str:
        """Return the tensor at an input's position, or "" where it is left out."""
        return self.inputs[position] if position < len(self.inputs) else ""

    def number(self, attribute: str, default: int) -> int:
        """Return an integer attribute."""
        value = self.attributes.get(attribute, default)
        if not isinstance(value, int):
            raise self.refuse(f"attribute {attribute!r} must be an integer, not {value!r:.80}")
        return value

    def numbers(self, attribute: str, default: Dims) -> Dims:
        """Return a list of integers of the default's length."""
        value = self.attributes.get(attribute, default)
        if not (_integers(value) and len(value) == len(default)):
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

    def axis(self, rank: int, default: int) -> int:
        """Return the attribute `axis` of a tensor of this rank, counted from the front."""
        axis = self.number("axis", default)
        if not -rank <= axis < rank:
            raise self.refuse(f"axis {axis} of a tensor of {rank} dimensions")
        return axis % rank

    def broadcast(self, shapes: Sequence[Dims]) -> Dims:
        """Return the dimensions of tensors that are broadcast against each other, as in NumPy."""
        if len({*shapes}) == 1:  # by far the most frequent case, and NumPy is slow
            return shapes[0]
        try:
            return np.broadcast_shapes(*shapes)
        except ValueError:
            raise self.refuse(f"tensors of {tuple(shapes[:4])} cannot be broadcast") from None


def packed_matrix(node: Node) -> Dims:
    """Return the dimensions of a MatMulNBits' weights, which it stores packed."""
    return node.number("K", 0), node.number("N", 0)


class RefusedError(BfimnaError):
    """A node that cannot be read, and why."""

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
    dims : dimensions of each tensor whose size is known.
    constants : tensors that do not depend on the data inputs.
    uses : how often each tensor is read; a graph output counts as one.
    refused : by position in `nodes`, why the size of a node's result cannot be computed.
    batch : the size of the first axis that all inputs share, of which a network counts one.
    notes : of the network.
    """

    name: str
    nodes: list[Node]
    inputs: dict[str, Dims]
    types: dict[str, int]
    stored: "dict[str, TensorProto]"
    values: dict[str, np.ndarray | None]
    opset: int = 1
    dims: dict[str, Dims] = field(default_factory=dict)
    constants: set[str] = field(default_factory=set)
    uses: Counter[str] = field(default_factory=Counter)
    refused: dict[int, RefusedError] = field(default_factory=dict)
    batch: int = 1
    notes: list[str] = field(default_factory=list)

    def value(self, tensor: str) -> np.ndarray | None:
        """Return a small constant's value; None where it is large, external or unknown."""
        if tensor not in self.values and tensor in self.stored:
            self.values[tensor] = _small(self.stored[tensor])
        return self.values.get(tensor)

    def number_of(self, tensor: str) -> float | None:
        """Return the value of a constant of one element, or None."""
        value = self.value(tensor)
        if value is None or value.size != 1 or value.dtype.kind not in "fiub":
            return None
        return float(value.reshape(()))

    def input_dims(self, node: Node, position: int = 0) -> Dims:
        """Return the dimensions of an input; raise where it is missing or of unknown size."""
        tensor = node.input(position)
        if not tensor:
            raise node.refuse(f"input {position} is missing")
        if tensor not in self.dims:
            raise node.refuse(f"the dimensions of its input {tensor[:100]!r} are not known")
        return self.dims[tensor]

    def dims_of_rank(self, node: Node, rank: int, position: int = 0) -> Dims:
        """Return an input's dimensions; raise unless there are so many."""
        dims = self.input_dims(node, position)
        if len(dims) != rank:
            raise node.refuse(f"a tensor of {dims}: want {rank} dimensions")
        return dims

    def integers(self, node: Node, position: int, attribute: str = "") -> Dims:
        """Return the integers that a constant input lists; without it, an attribute."""
        tensor = node.input(position)
        if not tensor:
            listed = node.attributes.get(attribute)
            if listed is None:
                raise node.refuse(f"input {position} is missing")
            if not _integers(listed):
                raise node.refuse(f"attribute {attribute!r} must be integers")
            return listed
        value = self.value(tensor)
        if value is None or value.dtype.kind not in "iu":
            what = attribute or f"input {position}"
            raise node.refuse(f"its {what} {tensor[:100]!r}: no known constant of whole numbers")
        return tuple(int(v) for v in value.flat)

    def axes(self, node: Node, rank: int, position: int = 1) -> Dims:
        """Return the axes that a constant input or an attribute lists; every axis for none."""
        listed = node.input(position) or node.attributes.get("axes")
        axes = self.integers(node, position, "axes") if listed else ()
        if not axes:
            return () if node.number("noop_with_empty_axes", 0) else tuple(range(rank))
        if any(not -rank <= a < rank for a in axes) or len({a % rank for a in axes}) < len(axes):
            raise node.refuse(f"axes {axes[:SHOWN]} of a tensor of {rank} dimensions")
        return tuple(a % rank for a in axes)


def _integers(value: object) -> TypeGuard[Dims]:
    return isinstance(value, tuple) and all(isinstance(v, int) for v in value)


def _small(tensor: "TensorProto") -> np.ndarray | None:
    from onnx import numpy_helper

    if tensor.data_location == tensor.EXTERNAL or tensor.external_data:
        return None
    if len(tensor.dims) > MAX_RANK or min(tensor.dims, default=1) < 0 or prod(tensor.dims) > SMALL:
        return None
    try:
        value = np.asarray(numpy_helper.to_array(tensor))
        return value if value.shape == tuple(tensor.dims) else None
    except Exception:  # a malformed tensor; the nodes that need its value report it
        return None
