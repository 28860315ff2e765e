"""Reductions over any axes, normalisations and softmax: shapes, and layers that exist."""

from math import prod

from bfimna.onnx.elementwise import constant_map
from bfimna.onnx.nodes import Dims, Graph, Node
from bfimna.onnx.translation import Translation

#: reduction → (a function of each word before it, pooling, a function of each result). A sum is an
#: average whose divisor its step takes in; the smallest is found as the largest is.
REDUCTIONS = {
    "ReduceMean": ("", "avgpool", ""),
    "ReduceSum": ("", "avgpool", ""),
    "ReduceMax": ("", "maxpool", ""),
    "ReduceMin": ("", "maxpool", ""),
    "ReduceL1": ("lookup", "avgpool", ""),
    "ReduceL2": ("mul", "avgpool", "lookup"),
    "ReduceSumSquare": ("mul", "avgpool", ""),
}


def reduce_shapes(graph: Graph, node: Node) -> list[Dims]:
    """ReduceMean and others: the axes become 1, or are dropped."""
    data = graph.input_dims(node)
    axes = set(graph.axes(node, len(data)))
    if node.number("keepdims", 1):
        return [tuple(1 if k in axes else d for k, d in enumerate(data))]
    return [tuple(d for k, d in enumerate(data) if k not in axes)]


def arg_shapes(graph: Graph, node: Node) -> list[Dims]:
    """ArgMax, ArgMin: one axis becomes 1, or is dropped."""
    data = graph.input_dims(node)
    axis = node.axis(len(data), 0)
    kept = (1,) if node.number("keepdims", 1) else ()
    return [(*data[:axis], *kept, *data[axis + 1 :])]


def top_k_shapes(graph: Graph, node: Node) -> list[Dims]:
    """TopK: k of an axis."""
    data = graph.input_dims(node)
    axis = node.axis(len(data), -1)
    k = graph.number_of(node.input(1)) if len(node.inputs) > 1 else node.number("k", 1)
    if k is None or not 0 <= k <= data[axis]:
        raise node.refuse(f"picks {k} of {data[axis]}")
    return [(*data[:axis], int(k), *data[axis + 1 :])] * len(node.outputs)


def reduce(t: Translation, node: Node) -> None:
    """ReduceMean, ReduceSum, ReduceMax and others, over any axes but the batch."""
    name, data = t.source(node), t.graph.input_dims(node)
    axes = [k for k in sorted(t.graph.axes(node, len(data))) if data[k] > 1]
    if 0 in axes and data[0] == t.batch:
        raise node.refuse(f"over the batch of {t.batch} is not modelled")
    before, kind, after = REDUCTIONS[node.op]
    if before:
        sources = (name,) * (2 if before == "mul" else 1)
        name = t.emit(node, before, sources, ".before")
    spatial = [k for k in range(2, len(data)) if data[k] > 1]
    if axes and axes == spatial and data[0] == t.batch:
        name = t.emit(node, kind, (name,), kernel=t.shapes[name][1:])
    elif axes:
        reduced = prod(data[k] for k in axes)
        shape = (prod(t.shapes[name]) // reduced, reduced, 1)
        name = t.reshaped(node, name, shape, ".turned")
        name = t.emit(node, kind, (name,), kernel=(reduced, 1))
    if after:
        name = t.emit(node, after, (name,), ".after")
    t.done(node, t.reshaped(node, name, t.result_shape(node), ".back"))


def _centred(t: Translation, node: Node, name: str, pool: str) -> str:
    """Append x less a statistic (largest or mean) of its (height, width)."""
    shape = t.shapes[name]
    statistic = t.emit(node, pool, (name,), f".{pool}", kernel=shape[1:])
    spread = t.reshaped(node, statistic, shape, f".{pool}.each")
    return t.emit(node, "add", (name, spread), ".centred")


def normalise(t: Translation, node: Node) -> None:
    """InstanceNormalization, GroupNormalization, LayerNormalization; then a scale and a bias.

    (x - mean) / deviation over each (height, width) of groups of words: the same for every norm.
    """
    name, data = t.source(node), t.graph.input_dims(node)
    positions = range(1, len(node.inputs))
    t.check_constant(node, positions, "its parameters depend on the data: not modelled")
    shape = t.shapes[name]
    words = prod(shape)
    if node.op == "InstanceNormalization":
        groups = shape
    elif node.op == "GroupNormalization":
        count = node.number("num_groups", 0)
        if count < 1 or shape[0] % count:
            raise node.refuse(f"{count} groups of {shape[0]} channels")
        groups = (count, words // count, 1)
    else:
        axis = node.axis(len(data), -1)
        groups = (words // prod(data[axis:]), prod(data[axis:]), 1)
    centre = _centred(t, node, t.reshaped(node, name, groups, ".groups"), "avgpool")
    square = t.emit(node, "mul", (centre, centre), ".square")
    variance = t.emit(node, "avgpool", (square,), ".variance", kernel=groups[1:])
    inverse = t.emit(node, "lookup", (variance,), ".inverse")
    normal = t.emit(node, "mul", (centre, inverse), ".normal")
    name = t.reshaped(node, normal, shape, ".back")
    spread = "channel" if node.op == "InstanceNormalization" else "more"
    for position, kind in ((1, "scale"), (2, "bias")):
        if node.input(position):
            name = constant_map(t, node, name, kind, spread, True, f".{kind}")
    t.done(node, name)


def softmax(t: Translation, node: Node) -> None:
    """Softmax within a graph: exponentials of the distance to the largest, over their sum."""
    name, data = t.source(node), t.graph.input_dims(node)
    axis = node.axis(len(data), -1 if t.graph.opset >= 13 else 1)
    size = data[axis] if t.graph.opset >= 13 else prod(data[axis:])
    if axis == 0 and data[0] == t.batch and size > 1:
        raise node.refuse("over the batch is not modelled")
    shape = t.shapes[name]
    turned = t.reshaped(node, name, (prod(shape) // size, size, 1), ".turned")
    distance = _centred(t, node, turned, "maxpool")
    powers = t.emit(node, "lookup", (distance,), ".exp")
    total = t.emit(node, "avgpool", (powers,), ".sum", kernel=(size, 1))
    if node.op == "LogSoftmax":
        logarithm = t.emit(node, "lookup", (total,), ".log")
        spread = t.reshaped(node, logarithm, t.shapes[turned], ".each")
        result = t.emit(node, "add", (distance, spread), ".normal")
    else:
        inverse = t.emit(node, "lookup", (total,), ".inverse")
        result = t.emit(node, "mul", (powers, inverse), ".normal")
    t.done(node, t.reshaped(node, result, shape, ".back"))


def lrn(t: Translation, node: Node) -> None:
    """LRN across channels."""
    source = t.source(node)
    size = min(node.number("size", 0), t.shapes[source][0])
    t.done(node, t.emit(node, "lrn", (source,), kernel=(size, 1)))
