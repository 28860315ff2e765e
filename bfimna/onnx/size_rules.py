"""The dimensions that each operation gives its results: one short function an operation."""

from collections.abc import Callable
from math import floor

import numpy as np

from bfimna.onnx import size_rules_moves as moves
from bfimna.onnx.geometry import (
    axes_of,
    axis_of,
    broadcast,
    dims_of,
    transposed,
    window_of,
)  # fmt: skip
from bfimna.onnx.graph import RECURRENT, Dims, Graph, Node

Rule = Callable[[Graph, Node], list[Dims]]

#: operations whose results all have the first input's dimensions
KEEPING = (
    "Abs", "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "BatchNormalization",
    "BipolarQuant", "BitwiseNot", "Cast", "Ceil", "Celu", "Clip", "Cos", "Cosh", "CumSum",
    "DequantizeLinear", "Dropout", "DynamicQuantizeLinear", "Elu", "Erf", "Exp", "Floor", "Gelu",
    "GroupNormalization", "HardSigmoid", "HardSwish", "Identity", "InstanceNormalization",
    "IntQuant", "IsInf", "IsNaN", "LRN", "LayerNormalization", "LeakyRelu", "Log", "LogSoftmax",
    "Mish", "Neg", "Not", "PRelu", "Quant", "QuantizeLinear", "Reciprocal", "Relu", "Round",
    "ScatterElements", "ScatterND",
    "Selu", "Sigmoid", "Sign", "Sin", "Sinh", "Softmax", "Softplus", "Softsign", "Sqrt", "Swish",
    "Tan", "Tanh", "ThresholdedRelu", "Trunc",
)  # fmt: skip
#: operations whose result has their inputs' dimensions broadcast
BROADCAST = (
    "Add", "And", "Div", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Max", "Mean",
    "Min", "Mod", "Mul", "Or", "Pow", "Sub", "Sum", "Where", "Xor",
)  # fmt: skip
REDUCTIONS = (
    "ReduceL1", "ReduceL2", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum",
    "ReduceSumSquare",
)  # fmt: skip


def _keeping(graph: Graph, node: Node) -> list[Dims]:
    others = node.outputs[1:]
    scalars = node.op == "DynamicQuantizeLinear"
    dims = dims_of(graph, node)
    return [dims, *((() if scalars else dims) for _ in others)]


def _broadcast(graph: Graph, node: Node) -> list[Dims]:
    return [broadcast(node, [dims_of(graph, node, k) for k in range(len(node.inputs))])]


def _conv(graph: Graph, node: Node) -> list[Dims]:
    data, weights = dims_of(graph, node), dims_of(graph, node, 1)
    groups = node.number("group", 1)
    if len(weights) < 3 or len(data) != len(weights) or groups < 1 or min(weights) < 1:
        raise node.refuse(f"weights of {weights} for an input of {data}, in {groups} groups")
    if weights[1] * groups != data[1] or weights[0] % groups:
        raise node.refuse(f"weights of {weights} in {groups} groups for {data[1]} input channels")
    window = window_of(node, data[2:], weights[2:])
    return [(data[0], weights[0], *window.extents(node, data[2:]))]


def _conv_transpose(graph: Graph, node: Node) -> list[Dims]:
    data, weights = dims_of(graph, node), dims_of(graph, node, 1)
    groups = node.number("group", 1)
    if len(weights) < 3 or len(data) != len(weights) or groups < 1 or min(weights) < 1:
        raise node.refuse(f"weights of {weights} for an input of {data}, in {groups} groups")
    if weights[0] != data[1] or data[1] % groups:
        raise node.refuse(f"weights of {weights} in {groups} groups for {data[1]} input channels")
    window = transposed(node, data[2:], weights[2:])
    return [(data[0], weights[1] * groups, *window.size)]


def _pool(graph: Graph, node: Node) -> list[Dims]:
    data = dims_of(graph, node)
    n = len(data) - 2
    if n < 1:
        raise node.refuse(f"an input of {data} has no positions")
    kernel = node.numbers("kernel_shape", (0,) * n)
    window = window_of(node, data[2:], kernel)
    dims = (*data[:2], *window.extents(node, data[2:]))
    return [dims] * len(node.outputs)


def _global_pool(graph: Graph, node: Node) -> list[Dims]:
    data = dims_of(graph, node)
    return [(*data[:2], *(1 for _ in data[2:]))]


def _reduce(graph: Graph, node: Node) -> list[Dims]:
    data = dims_of(graph, node)
    axes = set(axes_of(graph, node, len(data)))
    if node.number("keepdims", 1):
        return [tuple(1 if k in axes else d for k, d in enumerate(data))]
    return [tuple(d for k, d in enumerate(data) if k not in axes)]


def _gemm(graph: Graph, node: Node) -> list[Dims]:
    left, right = dims_of(graph, node), dims_of(graph, node, 1)
    if len(left) != 2 or len(right) != 2:
        raise node.refuse(f"weights of {right} for an input of {left}: want matrices")
    m, k = reversed(left) if node.number("transA", 0) else left
    inner, n = reversed(right) if node.number("transB", 0) else right
    if k != inner:
        raise node.refuse(f"weights of {right} for an input of {left}")
    return [(m, n)]


def _matmul(graph: Graph, node: Node) -> list[Dims]:
    left, right = dims_of(graph, node), dims_of(graph, node, 1)
    if not left or not right:
        raise node.refuse("a product of numbers")
    rows, columns = left[-2:-1], right[-1:] if len(right) > 1 else ()
    inner = right[-2] if len(right) > 1 else right[0]
    if left[-1] != inner:
        raise node.refuse(f"weights of {right} for an input of {left}")
    return [(*broadcast(node, [left[:-2], right[:-2]]), *rows, *columns)]


def matrix_of_codes(node: Node) -> Dims:
    """Return the dimensions of a MatMulNBits' weights, which it stores packed."""
    return node.number("K", 0), node.number("N", 0)


def _matmul_codes(graph: Graph, node: Node) -> list[Dims]:
    left, right = dims_of(graph, node), matrix_of_codes(node)
    if left[-1:] != right[:1] or right[1] < 1:
        raise node.refuse(f"weights of {right} for an input of {left}")
    return [(*left[:-1], right[1])]


def _top_k(graph: Graph, node: Node) -> list[Dims]:
    data = dims_of(graph, node)
    axis = axis_of(node, len(data), -1)
    k = graph.number_of(node.given(1)) if len(node.inputs) > 1 else node.number("k", 1)
    if k is None or not 0 <= k <= data[axis]:
        raise node.refuse(f"picks {k} of {data[axis]}")
    return [(*data[:axis], int(k), *data[axis + 1 :])] * len(node.outputs)


def _arg(graph: Graph, node: Node) -> list[Dims]:
    data = dims_of(graph, node)
    axis = axis_of(node, len(data), 0)
    kept = (1,) if node.number("keepdims", 1) else ()
    return [(*data[:axis], *kept, *data[axis + 1 :])]


def _stated(graph: Graph, node: Node) -> list[Dims]:
    """Return what a Constant states."""
    return [graph.dims[node.outputs[0]]] if node.outputs and node.outputs[0] in graph.dims else []


def _filled(graph: Graph, node: Node) -> list[Dims]:
    """Return the dimensions that a ConstantOfShape is given as a value."""
    return [moves.whole_numbers(graph, node, 0)]


def _range(graph: Graph, node: Node) -> list[Dims]:
    ends = [graph.number_of(node.given(k)) for k in range(3)]
    if None in ends or not all(np.isfinite(ends)) or not ends[2]:  # type: ignore[arg-type]
        raise node.refuse("its ends are no constant numbers")
    start, stop, step = ends
    return [(max(-floor((start - stop) / step), 0),)]  # type: ignore[operator]


def _measured(graph: Graph, node: Node) -> list[Dims]:
    return []  # Shape and Size: `sizes` gives them their value too


def _recurrent(graph: Graph, node: Node) -> list[Dims]:
    steps, batch, _ = moves.of_rank(node, dims_of(graph, node), 3)
    directions, _, last = moves.of_rank(node, dims_of(graph, node, 2), 3)
    hidden = node.number("hidden_size", last)
    state = (directions, batch, hidden)
    return [(steps, directions, batch, hidden), *(state for _ in node.outputs[1:])]


RULES: dict[str, Rule] = {
    **dict.fromkeys(KEEPING, _keeping),
    **dict.fromkeys(BROADCAST, _broadcast),
    **dict.fromkeys(REDUCTIONS, _reduce),
    **dict.fromkeys(("MaxPool", "AveragePool", "LpPool"), _pool),
    **dict.fromkeys(("GlobalMaxPool", "GlobalAveragePool"), _global_pool),
    **dict.fromkeys(("ArgMax", "ArgMin"), _arg),
    **dict.fromkeys(("Shape", "Size"), _measured),
    **dict.fromkeys(RECURRENT, _recurrent),
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "MatMulNBits": _matmul_codes,
    "TopK": _top_k,
    "Constant": _stated,
    "ConstantOfShape": _filled,
    "Range": _range,
    "Reshape": moves.reshape,
    "Flatten": moves.flatten,
    "Transpose": moves.transpose,
    "Squeeze": moves.squeeze,
    "Unsqueeze": moves.unsqueeze,
    "Concat": moves.concat,
    "Split": moves.split,
    "Slice": moves.slice_,
    "Gather": moves.gather,
    "GatherElements": moves.gather_elements,
    "GatherND": moves.gather_nd,
    "Pad": moves.pad,
    "Expand": moves.expand,
    "Tile": moves.tile,
    "Resize": moves.resize,
    "Upsample": moves.resize,
    "DepthToSpace": moves.depth_to_space,
    "SpaceToDepth": moves.space_to_depth,
}
