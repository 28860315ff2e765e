"""Reductions over any axes, normalisations and softmax, as layers that exist."""

from math import prod

from bfimna.onnx.geometry import axes_of, axis_of, dims_of
from bfimna.onnx.graph import Node
from bfimna.onnx.translation import Translation
from bfimna.onnx.words import constant_map

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


def reduce(t: Translation, node: Node) -> None:
    """ReduceMean, ReduceSum, ReduceMax and others, over any axes but the batch."""
    name, data = t.source(node), dims_of(t.graph, node)
    axes = [k for k in sorted(axes_of(t.graph, node, len(data))) if data[k] > 1]
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
        turned = (prod(t.shapes[name]) // reduced, reduced, 1)
        name = t.view(node, name, turned, ".turned")
        name = t.emit(node, kind, (name,), kernel=(reduced, 1))
    if after:
        name = t.emit(node, after, (name,), ".after")
    shape = t.shape_of(t.dims(node.outputs[0], node), node)
    t.done(node, t.view(node, name, shape, ".back"))


def centred(t: Translation, node: Node, name: str, pool: str) -> str:
    """Append x less a statistic (largest or mean) of its (height, width)."""
    shape = t.shapes[name]
    found = t.emit(node, pool, (name,), f".{pool}", kernel=shape[1:])
    spread = t.view(node, found, shape, f".{pool}.each")
    return t.emit(node, "add", (name, spread), ".centred")


def _normalised(t: Translation, node: Node, name: str) -> str:
    """Append (x - mean) / deviation over each (height, width): the same steps for every norm."""
    centre = centred(t, node, name, "avgpool")
    square = t.emit(node, "mul", (centre, centre), ".square")
    variance = t.emit(node, "avgpool", (square,), ".variance", kernel=t.shapes[name][1:])
    inverse = t.emit(node, "lookup", (variance,), ".inverse")
    return t.emit(node, "mul", (centre, inverse), ".normal")


def normalise(t: Translation, node: Node) -> None:
    """InstanceNormalization, GroupNormalization, LayerNormalization; then a scale and a bias."""
    name, data = t.source(node), dims_of(t.graph, node)
    if any(i not in t.graph.constants for i in node.inputs[1:] if i):
        raise node.refuse("its parameters depend on the data: not modelled")
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
        axis = axis_of(node, len(data), -1)
        groups = (words // prod(data[axis:]), prod(data[axis:]), 1)
    normal = _normalised(t, node, t.view(node, name, groups, ".groups"))
    name = t.view(node, normal, shape, ".back")
    spread = "channel" if node.op == "InstanceNormalization" else "more"
    for position, kind in ((1, "scale"), (2, "bias")):
        if node.given(position):
            name = constant_map(t, node, name, kind, spread, True, f".{kind}")
    t.done(node, name)


def softmax(t: Translation, node: Node) -> None:
    """Softmax within a graph: exponentials of the distance to the largest, over their sum."""
    name, data = t.source(node), dims_of(t.graph, node)
    axis = axis_of(node, len(data), -1 if t.graph.opset >= 13 else 1)
    size = data[axis] if t.graph.opset >= 13 else prod(data[axis:])
    if axis == 0 and data[0] == t.batch and size > 1:
        raise node.refuse("over the batch is not modelled")
    shape = t.shapes[name]
    turned = t.view(node, name, (prod(shape) // size, size, 1), ".turned")
    distance = centred(t, node, turned, "maxpool")
    powers = t.emit(node, "lookup", (distance,), ".exp")
    total = t.emit(node, "avgpool", (powers,), ".sum", kernel=(size, 1))
    if node.op == "LogSoftmax":
        logarithm = t.emit(node, "lookup", (total,), ".log")
        spread = t.view(node, logarithm, t.shapes[turned], ".each")
        found = t.emit(node, "add", (distance, spread), ".normal")
    else:
        inverse = t.emit(node, "lookup", (total,), ".inverse")
        found = t.emit(node, "mul", (powers, inverse), ".normal")
    t.done(node, t.view(node, found, shape, ".back"))
