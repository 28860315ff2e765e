"""The dimensions of every tensor, and the values of the small ones that shapes are computed from.

ONNX's own shape inference is not used: it runs what a stranger wrote in the process, and crashes on
some of it. Sizes are bounded before anything is computed.
"""

import warnings
from math import prod

import numpy as np

from bfimna.errors import BfimnaError
from bfimna.network.layer import MAX_ELEMENTS
from bfimna.onnx.graph import MAX_RANK, SMALL, Dims, Graph, Node, RefusedError
from bfimna.onnx.size_rules import RULES

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


def find_sizes(graph: Graph) -> None:
    """Fill in `dims`, computed `values`, and what is `refused`."""
    budget = MAX_FOLDED
    for k, node in enumerate(graph.nodes):
        try:
            found = _sizes(graph, node)
        except BfimnaError as error:
            graph.refused[k] = error if isinstance(error, RefusedError) else node.refuse(str(error))
            found = []
        for tensor, dims in zip(node.outputs, found, strict=False):
            if tensor:
                graph.dims[tensor] = dims
        budget -= _fold(graph, node, budget)


def _sizes(graph: Graph, node: Node) -> list[Dims]:
    rule = RULES.get(node.op)
    if rule is None or node.domain:
        return []
    if any(i and i not in graph.dims for i in node.inputs[:1]):
        return []  # nobody knows, and another node is to blame
    found = rule(graph, node)
    for dims in found:
        if len(dims) > MAX_RANK:
            raise node.refuse(f"a tensor of {len(dims)} dimensions; at most {MAX_RANK} are read")
        if min(dims, default=1) < 0:
            raise node.refuse(f"a tensor of {dims}")
        if prod(dims) > MAX_ELEMENTS:
            raise node.refuse(f"a tensor of {dims} is larger than {MAX_ELEMENTS} elements")
    return found


def _fold(graph: Graph, node: Node, budget: int) -> int:
    """Compute a node's results where they are small and known; return how many elements."""
    results = [o for o in node.outputs if o]
    if node.op in ("Shape", "Size") and not node.domain:
        return _measure(graph, node)
    if node.domain or node.written or node.proto is None or not node.inputs:
        return 0
    if node.op in FOLDED:
        if any(o not in graph.dims or prod(graph.dims[o]) > SMALL for o in results):
            return 0
        size = sum(prod(graph.dims[o]) for o in results)
    elif node.op in FOLDED_TO_SIZE:
        size = MAX_RANK * SMALL
    else:
        return 0
    inputs = [graph.value(i) if i else None for i in node.inputs]
    if size > budget or any(i and v is None for i, v in zip(node.inputs, inputs, strict=True)):
        return 0
    for tensor, value in zip(node.outputs, _evaluate(graph, node, inputs), strict=False):
        if graph.dims.get(tensor, value.shape) == value.shape:
            graph.values[tensor], graph.dims[tensor] = value, value.shape
    return size


def _measure(graph: Graph, node: Node) -> int:
    """Give the result of a Shape or Size its value."""
    dims = graph.dims.get(node.given(0))
    if dims is None or not node.outputs:
        return 0
    if node.op == "Size":
        value = np.array(prod(dims), np.int64)
    else:
        start, end = node.number("start", 0), node.number("end", len(dims))
        value = np.array(dims[start:end], np.int64)
    graph.values[node.outputs[0]], graph.dims[node.outputs[0]] = value, value.shape
    return value.size


def _evaluate(graph: Graph, node: Node, inputs: list[np.ndarray | None]) -> tuple[np.ndarray, ...]:
    """Run the reference implementation; nothing where it fails, so that the value is unknown."""
    from onnx.reference.ops import load_op

    run = {"log": lambda *_: None, "opsets": {"": graph.opset}, "verbose": 0, "new_ops": None}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            operation = load_op("", node.op, graph.opset)(node.proto, run)
            found = operation.run(*inputs)
        except Exception:  # of any kind, for a stranger's attributes and values
            return ()
    values = tuple(np.asarray(value) for value in found)
    return values if all(v.size <= MAX_RANK * SMALL for v in values) else ()
