"""Operations that pick, repeat, reorder or join elements: nothing computes them, all are views."""

from math import prod

from bfimna.network.layer import Shape
from bfimna.onnx.geometry import axis_of, dims_of
from bfimna.onnx.graph import Node
from bfimna.onnx.translation import Translation


def flat(shape: Shape) -> Shape:
    """Return the shape of the vector of all elements."""
    return (prod(shape), 1, 1)


def joined(t: Translation, node: Node, parts: list[str], suffix: str, output: int = 0) -> str:
    """Append what lays all elements of some layers out as one of the node's outputs."""
    shape = t.shape_of(t.dims(node.outputs[output], node), node)
    if len(parts) > 1:
        vectors = tuple(
            t.view(node, part, flat(t.shapes[part]), f"{suffix}.{k}")
            for k, part in enumerate(parts)
        )
        parts = [t.emit(node, "concat", vectors, f"{suffix}.all")]
    return t.view(node, parts[0], shape, suffix)


def concat(t: Translation, node: Node) -> None:
    """Concat along any axis; of tensors and constants."""
    rank = len(t.dims(node.inputs[0], node))
    axis = axis_of(node, rank, 1)
    data = [k for k, i in enumerate(node.inputs) if i not in t.graph.constants]
    if not data:
        raise node.refuse("has no input that depends on the data")
    sources = [t.source(node, k) for k in data]
    shape = t.shape_of(t.dims(node.outputs[0], node), node)
    channels = sum(t.shapes[s][0] for s in sources), *t.shapes[sources[0]][1:]
    if len(node.inputs) == 1:
        t.done(node, sources[0])
    elif len(sources) == 1:
        t.done(node, t.emit(node, "view", (sources[0],), channels=shape[0], size=shape[1:]))
    elif channels == shape and axis in (0, 1) and len(data) == len(node.inputs):
        t.done(node, t.emit(node, "concat", tuple(sources)))
    else:
        t.done(node, joined(t, node, sources, ".joined"))


def view(t: Translation, node: Node) -> None:
    """Reshape, Transpose, Pad, Slice and others: only addressing."""
    source = t.source(node)
    shape = t.shape_of(t.dims(node.outputs[0], node), node)
    if node.op in ("Flatten", "Reshape", "Squeeze") and shape == flat(t.shapes[source]):
        t.done(node, t.emit(node, "flatten", (source,)))
    else:
        t.done(node, t.emit(node, "view", (source,), channels=shape[0], size=shape[1:]))


def split(t: Translation, node: Node) -> None:
    """Split: one view for each part that something reads."""
    source = t.source(node)
    for k, tensor in enumerate(node.outputs):
        if tensor in t.graph.uses:
            shape = t.shape_of(t.dims(tensor, node), node)
            t.made[tensor] = t.emit(
                node, "view", (source,), f".{k}", channels=shape[0], size=shape[1:]
            )


def resize(t: Translation, node: Node) -> None:
    """Resize, Upsample: nearest, or linear along each axis that changes.

    Linear: between two neighbours x and y, x + f · (y - x), with a constant f for each result.
    """
    mode = node.text("mode", "nearest")
    if mode == "nearest":
        view(t, node)
        return
    if mode not in ("linear", "bilinear") or node.number("antialias", 0):
        raise node.refuse(f"mode {mode!r} is not modelled; 'nearest' and 'linear' are")
    if node.text("coordinate_transformation_mode", "half_pixel") == "tf_crop_and_resize":
        raise node.refuse("only the whole tensor can be resized: 'tf_crop_and_resize' is not")
    name, dims = t.source(node), list(dims_of(t.graph, node))
    wanted = t.dims(node.outputs[0], node)
    for axis in range(len(dims)):
        if dims[axis] != wanted[axis]:
            dims[axis] = wanted[axis]
            name = _between(t, node, name, t.shape_of(tuple(dims), node), f".{axis}")
    t.done(node, name)


def _between(t: Translation, node: Node, source: str, shape: Shape, suffix: str) -> str:
    """Append x + f · (y - x) of two neighbours, picked by views of this shape."""
    size = {"channels": shape[0], "size": shape[1:]}
    lower = t.emit(node, "view", (source,), f"{suffix}.lower", **size)
    upper = t.emit(node, "view", (source,), f"{suffix}.upper", **size)
    apart = t.emit(node, "add", (upper, lower), f"{suffix}.apart")
    share = t.emit(node, "scale", (apart,), f"{suffix}.share")
    return t.emit(node, "add", (lower, share), f"{suffix}.sum")
