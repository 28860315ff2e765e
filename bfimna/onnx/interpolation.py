"""Resizing and cumulative sums: sums of a tensor's own elements, picked by views."""

from math import floor

import numpy as np

from bfimna.network.layer import Shape
from bfimna.onnx.addressing import view
from bfimna.onnx.nodes import SHOWN, Dims, Graph, Node
from bfimna.onnx.translation import Translation


def resize_shapes(graph: Graph, node: Node) -> list[Dims]:
    """Resize and Upsample: to sizes, or by scales."""
    data = graph.input_dims(node)
    axes = graph.axes(node, len(data), len(node.inputs))
    factors = _scales(graph, node)
    sizes: list[int] = []
    if node.input(3):
        sizes = list(graph.integers(node, 3))
        if node.text("keep_aspect_ratio_policy", "stretch") != "stretch":
            raise node.refuse("only keep_aspect_ratio_policy 'stretch' is modelled")
    elif len(factors) == len(axes) and all(0 < f < 2**40 for f in factors):
        sizes = [floor(data[a] * f) for a, f in zip(axes, factors, strict=True)]
    if len(sizes) != len(axes) or min(sizes, default=1) < 1:
        raise node.refuse(f"cannot make {sizes[:SHOWN]} of {data}")
    dims = list(data)
    for axis, size in zip(axes, sizes, strict=True):
        dims[axis] = size
    return [tuple(dims)]


def _scales(graph: Graph, node: Node) -> list[float]:
    attribute = node.attributes.get("scales")
    if isinstance(attribute, tuple):
        return [float(f) for f in attribute]
    value = graph.value(node.input(1 if len(node.inputs) < 3 else 2))
    if value is None or value.dtype.kind != "f":
        return []
    return [float(f) for f in np.asarray(value, dtype=np.float64).flat]


def resize(t: Translation, node: Node) -> None:
    """Resize, Upsample: nearest, or linear or cubic along each axis that changes.

    Linear: between two neighbours x and y, x + f · (y - x), with a constant f for each result.
    Cubic: four neighbours, each by a constant for each result, added up.
    """
    mode = node.text("mode", "nearest")
    if mode == "nearest":
        view(t, node)
        return
    if mode not in ("linear", "bilinear", "cubic") or node.number("antialias", 0):
        raise node.refuse(f"mode {mode!r} is not modelled; 'nearest', 'linear' and 'cubic' are")
    if node.text("coordinate_transformation_mode", "half_pixel") == "tf_crop_and_resize":
        raise node.refuse("only the whole tensor can be resized: 'tf_crop_and_resize' is not")
    name, dims = t.source(node), list(t.graph.input_dims(node))
    target = t.dims(node.outputs[0], node)
    between = _cubic if mode == "cubic" else _linear
    for axis in range(len(dims)):
        if dims[axis] != target[axis]:
            dims[axis] = target[axis]
            name = between(t, node, name, t.shape_of(tuple(dims), node), f".{axis}")
    t.done(node, name)


def _linear(t: Translation, node: Node, source: str, shape: Shape, suffix: str) -> str:
    """Append x + f · (y - x) of two neighbours, picked by views of this shape."""
    lower = t.view(node, source, shape, f"{suffix}.lower")
    upper = t.view(node, source, shape, f"{suffix}.upper")
    apart = t.emit(node, "add", (upper, lower), f"{suffix}.apart")
    share = t.emit(node, "scale", (apart,), f"{suffix}.share")
    return t.emit(node, "add", (lower, share), f"{suffix}.sum")


def _cubic(t: Translation, node: Node, source: str, shape: Shape, suffix: str) -> str:
    """Append the sum of four neighbours, picked by views of this shape and scaled."""
    total = ""
    for k in range(4):
        picked = t.view(node, source, shape, f"{suffix}.{k}")
        part = t.emit(node, "scale", (picked,), f"{suffix}.{k}.share")
        total = t.emit(node, "add", (total, part), f"{suffix}.{k}.sum") if total else part
    return total


def cumulative_sum(t: Translation, node: Node) -> None:
    """CumSum: to each element one further away is added, at distances 1, 2, 4 and so on."""
    name, dims = t.source(node), t.graph.input_dims(node)
    axis = t.graph.number_of(node.input(1))
    if axis is None or not -len(dims) <= axis < len(dims):
        raise node.refuse(f"its axis is no constant of {len(dims)} dimensions")
    shape = t.shapes[name]
    for k in range((dims[int(axis)] - 1).bit_length()):
        shifted = t.view(node, name, shape, f".{k}.shifted")
        name = t.emit(node, "add", (name, shifted), f".{k}")
    t.done(node, name)
