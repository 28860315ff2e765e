"""Infer the dimensions of every tensor, and the values of the small ones that shapes depend on.

ONNX's own shape inference is not used: it runs an untrusted file's contents in this process, and
crashes on some. In a child process it takes eight times as long as all of `read_onnx`
(ResNet50: 430 ms after 55 ms), since the child has to import the onnx package first.
"""

import warnings
from math import prod

import numpy as np

from bfimna.errors import BfimnaError
from bfimna.network.layer import MAX_ELEMENTS
from bfimna.onnx.nodes import MAX_RANK, SMALL, Dims, Graph, Node, RefusedError
from bfimna.onnx.operations import OPERATIONS

MAX_FOLDED = 2**22  # elements of all values computed for one file

#: operations evaluated on small constants, by ONNX's reference implementation
FOLDED = frozenset((
    "Abs", "Add", "And", "Cast", "Ceil", "Clip", "Concat", "ConstantOfShape", "Div", "Equal",
    "Exp", "Expand", "Flatten", "Floor", "Gather", "Greater", "GreaterOrEqual", "Identity", "Less",
    "LessOrEqual", "Log", "Max", "Min", "Mod", "Mul", "Neg", "Not", "Or", "Pow", "Range",
    "Reciprocal", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceSum", "Reshape", "Round", "Sign",
    "Slice", "Split", "Sqrt", "Squeeze", "Sub", "Sum", "Tile", "Transpose", "Unsqueeze", "Where",
    "Xor",
))  # fmt: skip
#: the same for operations whose result's size depends on values; it is no larger than their input's
FOLDED_TO_SIZE = frozenset(("NonZero",))


def infer_shapes(graph: Graph) -> None:
    """Fill in `dims`, computed `values`, and what is `refused`."""
    budget = MAX_FOLDED
    for k, node in enumerate(graph.nodes):
        try:
            shapes = _shapes(graph, node)
        except BfimnaError as error:
            graph.refused[k] = error if isinstance(error, RefusedError) else node.refuse(str(error))
            shapes = []
        for tensor, dims in zip(node.outputs, shapes, strict=False):
            if tensor:
                graph.dims[tensor] = dims
        size = _folded_elements(graph, node)
        if size is not None and size <= budget:
            budget -= size
            _fold(graph, node)


def _shapes(graph: Graph, node: Node) -> list[Dims]:
    operation = OPERATIONS.get(node.op)
    if operation is None or node.domain:
        return []
    if any(i and i not in graph.dims for i in node.inputs[:1]):
        return []  # unknown; reported by the node that makes the input
    shapes = operation.shapes(graph, node)
    for dims in shapes:
        if len(dims) > MAX_RANK:
            raise node.refuse(f"a tensor of {len(dims)} dimensions; at most {MAX_RANK} are read")
        if min(dims, default=1) < 0:
            raise node.refuse(f"a tensor of {dims}")
        if prod(dims) > MAX_ELEMENTS:
            raise node.refuse(f"a tensor of {dims} is larger than {MAX_ELEMENTS} elements")
    return shapes


def _folded_elements(graph: Graph, node: Node) -> int | None:
    """Return at most how many elements a node's results have; None where they are not computed."""
    results = [o for o in node.outputs if o]
    if node.op in ("Shape", "Size") and not node.domain:
        return 0
    if node.domain or node.written or node.proto is None or not node.inputs:
        return None
    if node.op in FOLDED:
        if any(o not in graph.dims or prod(graph.dims[o]) > SMALL for o in results):
            return None
        size = sum(prod(graph.dims[o]) for o in results)
    elif node.op in FOLDED_TO_SIZE:
        size = MAX_RANK * SMALL
    else:
        return None
    return None if any(i and graph.value(i) is None for i in node.inputs) else size


def _fold(graph: Graph, node: Node) -> None:
    """Compute a node's results and note them with their dimensions."""
    values = _measured(graph, node) if node.op in ("Shape", "Size") else _evaluated(graph, node)
    for tensor, value in zip(node.outputs, values, strict=False):
        if graph.dims.get(tensor, value.shape) == value.shape:
            graph.values[tensor], graph.dims[tensor] = value, value.shape


def _measured(graph: Graph, node: Node) -> tuple[np.ndarray, ...]:
    """Return the value of a Shape or Size whose input's dimensions are known."""
    dims = graph.dims.get(node.input(0))
    if dims is None:
        return ()
    if node.op == "Size":
        return (np.array(prod(dims), np.int64),)
    start, end = node.number("start", 0), node.number("end", len(dims))
    return (np.array(dims[start:end], np.int64),)


def _evaluated(graph: Graph, node: Node) -> tuple[np.ndarray, ...]:
    """Run ONNX's reference implementation; no values where it fails."""
    from onnx.reference.ops import load_op

    inputs = [graph.value(i) if i else None for i in node.inputs]
    run = {"log": lambda *_: None, "opsets": {"": graph.opset}, "verbose": 0, "new_ops": None}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            results = load_op("", node.op, graph.opset)(node.proto, run).run(*inputs)
        except Exception:  # of any kind: attributes and values are untrusted
            return ()
    values = tuple(np.asarray(value) for value in results)
    return values if all(v.size <= MAX_RANK * SMALL for v in values) else ()
