"""ONNX's convolutions and pooling as layers: one short function an operation."""

from math import prod
from typing import Any

from bfimna.onnx.geometry import Window, dims_of, window_of
from bfimna.onnx.graph import Node
from bfimna.onnx.translation import Translation


def _fields(window: Window) -> dict[str, Any]:
    """Return a window over one or two axes as a layer's fields."""
    if len(window.kernel) == 2:
        return {
            "kernel": window.kernel,
            "stride": window.stride,
            "dilation": window.dilation,
            "padding": window.pads,
            "ceil": window.ceil,
        }
    before, behind = window.pads
    return {
        "kernel": (1, *window.kernel),
        "stride": (1, *window.stride),
        "dilation": (1, *window.dilation),
        "padding": (0, before, 0, behind),
        "ceil": window.ceil,
    }


def conv(t: Translation, node: Node) -> None:
    """Conv: groups, depthwise, dilation, padding; along 1, 2 or more axes.

    Along 3 or more, a view gathers the elements that each window covers, with the last axis left.
    """
    source = t.source(node)
    weight = weight_of(t, node)
    data, dims = dims_of(t.graph, node), dims_of(t.graph, node, 1)
    window = window_of(node, data[2:], dims[2:])
    groups = node.number("group", 1)
    if len(window.kernel) < 3:
        fields = _fields(window)
    else:
        steps = window.extents(node, data[2:])[:-1]
        covered = prod(window.kernel[:-1])
        width = data[-1] + window.pads[len(steps)] + window.pads[-1]
        source = t.view(node, source, (data[1] * covered, prod(steps), width), ".windows")
        fields = {
            "kernel": (1, window.kernel[-1]),
            "stride": (1, window.stride[-1]),
            "dilation": (1, window.dilation[-1]),
        }
    name = t.emit(node, "conv", (source,), channels=dims[0], groups=groups, **fields)
    t.gemms[name] = (weight, node.inputs[0], node)
    t.done(node, name)


def weight_of(t: Translation, node: Node) -> str:
    """Return the tensor that holds the weights of a weighted node."""
    weight = node.given(1)
    if not weight:
        raise node.refuse("has no weights")
    if weight not in t.graph.constants:
        raise node.refuse(
            "a product of two tensors that depend on the data is not modelled"
            if node.op == "MatMul"
            else "its weights depend on the data: not modelled"
        )
    return weight


def pool(t: Translation, node: Node) -> None:
    """MaxPool and AveragePool, with overhanging windows (ceil_mode) and dilation.

    Along 3 axes or more, a view lays out the elements of each window side by side.
    """
    source, data = t.source(node), dims_of(t.graph, node)
    window = window_of(node, data[2:], node.numbers("kernel_shape", (0,) * (len(data) - 2)))
    kind = "maxpool" if node.op == "MaxPool" else "avgpool"
    if len(window.kernel) < 3:
        t.done(node, t.emit(node, kind, (source,), **_fields(window)))
        return
    positions, size = prod(window.extents(node, data[2:])), prod(window.kernel)
    source = t.view(node, source, (data[1], positions, size), ".windows")
    name = t.emit(node, kind, (source,), kernel=(1, size))
    t.done(node, t.view(node, name, t.shape_of(t.graph.dims[node.outputs[0]], node), ".back"))


def global_pool(t: Translation, node: Node) -> None:
    """GlobalMaxPool, GlobalAveragePool."""
    source = t.source(node)
    kind = "maxpool" if node.op == "GlobalMaxPool" else "avgpool"
    t.done(node, t.emit(node, kind, (source,), kernel=t.shapes[source][1:]))
