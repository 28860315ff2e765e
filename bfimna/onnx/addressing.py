"""Operations that pick, repeat, reorder or join elements: views."""

from math import prod

from bfimna.onnx.nodes import MAX_RANK, SHOWN, Dims, Graph, Node
from bfimna.onnx.translation import Translation, vector

INTEGERS = (6, 7)  # element types of positions (``TensorProto.DataType``): INT32, INT64


def reshape_shapes(graph: Graph, node: Node) -> list[Dims]:
    """Reshape: 0 keeps a dimension, -1 takes what is left."""
    data, target = graph.input_dims(node), graph.integers(node, 1, "shape")
    if len(target) > MAX_RANK or any(w < -1 for w in target) or target.count(-1) > 1:
        raise node.refuse(f"cannot make {target[:SHOWN]} of {data}")
    keep = not node.number("allowzero", 0)
    if keep and any(w == 0 and k >= len(data) for k, w in enumerate(target)):
        raise node.refuse(f"cannot make {target} of {data}")
    dims = [data[k] if w == 0 and keep else w for k, w in enumerate(target)]
    if -1 in dims:
        rest = prod(d for d in dims if d != -1)
        dims[dims.index(-1)] = prod(data) // rest if rest else 0
    if prod(dims) != prod(data):
        raise node.refuse(f"cannot make {target} of {data}")
    return [tuple(dims)]


def flatten_shapes(graph: Graph, node: Node) -> list[Dims]:
    """Flatten: to a matrix."""
    data = graph.input_dims(node)
    axis = node.number("axis", 1)
    if not -len(data) <= axis <= len(data):
        raise node.refuse(f"axis {axis} of a tensor of {len(data)} dimensions")
    axis += len(data) if axis < 0 else 0
    return [(prod(data[:axis]), prod(data[axis:]))]


def transpose_shapes(graph: Graph, node: Node) -> list[Dims]:
    """Transpose: the axes in another order."""
    data = graph.input_dims(node)
    order = node.numbers("perm", tuple(reversed(range(len(data)))))
    if sorted(order) != list(range(len(data))):
        raise node.refuse(f"perm {order} of a tensor of {len(data)} dimensions")
    return [tuple(data[k] for k in order)]


def squeeze_shapes(graph: Graph, node: Node) -> list[Dims]:
    """Squeeze: axes of size 1 dropped."""
    data = graph.input_dims(node)
    if node.input(1) or node.attributes.get("axes"):
        axes = graph.axes(node, len(data))
    else:
        axes = tuple(k for k, d in enumerate(data) if d == 1)
    if any(data[k] != 1 for k in axes):
        raise node.refuse(f"drops axes {axes} of {data}")
    return [tuple(d for k, d in enumerate(data) if k not in axes)]


def unsqueeze_shapes(graph: Graph, node: Node) -> list[Dims]:
    """Unsqueeze: axes of size 1 inserted."""
    data = graph.input_dims(node)
    count = len(graph.integers(node, 1, "axes"))
    if count + len(data) > MAX_RANK:
        raise node.refuse(f"a tensor of more than {MAX_RANK} dimensions")
    axes = graph.axes(node, len(data) + count) if count else ()
    rest = iter(data)
    return [tuple(1 if k in axes else next(rest) for k in range(len(data) + count))]


def concat_shapes(graph: Graph, node: Node) -> list[Dims]:
    """Concat: joined along an axis."""
    every = [graph.input_dims(node, k) for k in range(len(node.inputs))]
    if not every:
        raise node.refuse("joins nothing")
    axis = node.axis(len(every[0]), 1)
    rest = {(*d[:axis], *d[axis + 1 :]) for d in every}
    if len({len(d) for d in every}) > 1 or len(rest) > 1:
        raise node.refuse(f"joins tensors of {tuple(every[:4])} along axis {axis}")
    return [(*every[0][:axis], sum(d[axis] for d in every), *every[0][axis + 1 :])]


def split_shapes(graph: Graph, node: Node) -> list[Dims]:
    """Split: along an axis, as listed, or evenly with a smaller last part."""
    data = graph.input_dims(node)
    axis, parts = node.axis(len(data), 0), len(node.outputs)
    if node.input(1) or "split" in node.attributes:
        sizes = graph.integers(node, 1, "split")
    else:
        size = -(-data[axis] // max(parts, 1))
        sizes = tuple(max(min(size, data[axis] - k * size), 0) for k in range(parts))
    if len(sizes) != parts or sum(sizes) != data[axis] or min(sizes, default=0) < 0:
        raise node.refuse(f"splits {data[axis]} into {sizes[:SHOWN]} for {parts} outputs")
    return [(*data[:axis], size, *data[axis + 1 :]) for size in sizes]


def slice_shapes(graph: Graph, node: Node) -> list[Dims]:
    """Slice: Python's, along some axes."""
    data = list(graph.input_dims(node))
    starts, ends = graph.integers(node, 1, "starts"), graph.integers(node, 2, "ends")
    listed = node.input(3) or "axes" in node.attributes
    axes = graph.axes(node, len(data), 3) if listed else tuple(range(len(starts)))
    steps = graph.integers(node, 4) if node.input(4) else (1,) * len(starts)
    if not len(starts) == len(ends) == len(axes) == len(steps) or len(axes) > len(data):
        raise node.refuse("its starts, ends, axes and steps are not as many")
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        if not step:
            raise node.refuse("a step of 0")
        data[axis] = len(range(data[axis])[start:end:step])
    return [tuple(data)]


def gather_shapes(graph: Graph, node: Node) -> list[Dims]:
    """Gather: elements along an axis by their positions."""
    data, positions = graph.input_dims(node), graph.input_dims(node, 1)
    axis = node.axis(len(data), 0)
    return [(*data[:axis], *positions, *data[axis + 1 :])]


def gather_elements_shapes(graph: Graph, node: Node) -> list[Dims]:
    """GatherElements: one element for each position."""
    return [graph.dims_of_rank(node, len(graph.input_dims(node)), 1)]


def gather_nd_shapes(graph: Graph, node: Node) -> list[Dims]:
    """GatherND: slices by the indices that the positions' last axis lists."""
    data, positions = graph.input_dims(node), graph.input_dims(node, 1)
    shared = node.number("batch_dims", 0)
    taken = shared + positions[-1] if positions else 0
    if not 0 <= shared < len(positions) or not shared < taken <= len(data):
        raise node.refuse(f"positions of {positions} for a tensor of {data}, batch_dims {shared}")
    return [(*positions[:-1], *data[taken:])]


def pad_shapes(graph: Graph, node: Node) -> list[Dims]:
    """Pad: constants, or elements of the tensor, around it."""
    data = list(graph.input_dims(node))
    key = "paddings" if "paddings" in node.attributes else "pads"
    pads = graph.integers(node, 1, key)
    axes = graph.axes(node, len(data), 3) if node.input(3) else tuple(range(len(data)))
    if len(pads) != 2 * len(axes):
        raise node.refuse(f"{len(pads)} pads for {len(axes)} axes")
    for k, axis in enumerate(axes):
        data[axis] += pads[k] + pads[k + len(axes)]
    return [tuple(data)]


def expand_shapes(graph: Graph, node: Node) -> list[Dims]:
    """Expand: broadcast to a shape."""
    target = graph.integers(node, 1)
    if len(target) > MAX_RANK or min(target, default=1) < 0:
        raise node.refuse(f"cannot make {target[:SHOWN]}")
    return [node.broadcast([graph.input_dims(node), target])]


def tile_shapes(graph: Graph, node: Node) -> list[Dims]:
    """Tile: repeated along each axis."""
    data, repeats = graph.input_dims(node), graph.integers(node, 1)
    if len(repeats) != len(data) or min(repeats, default=1) < 0:
        raise node.refuse(f"repeats {repeats[:SHOWN]} of {data}")
    return [tuple(d * r for d, r in zip(data, repeats, strict=True))]


def depth_to_space_shapes(graph: Graph, node: Node) -> list[Dims]:
    """DepthToSpace: channels laid out as positions."""
    n, c, h, w = graph.dims_of_rank(node, 4)
    block = node.number("blocksize", 0)
    if block < 1 or c % block**2:
        raise node.refuse(f"blocks of {block} of {c} channels")
    return [(n, c // block**2, h * block, w * block)]


def space_to_depth_shapes(graph: Graph, node: Node) -> list[Dims]:
    """SpaceToDepth: positions laid out as channels."""
    n, c, h, w = graph.dims_of_rank(node, 4)
    block = node.number("blocksize", 0)
    if block < 1 or h % block or w % block:
        raise node.refuse(f"blocks of {block} of {h} x {w} positions")
    return [(n, c * block**2, h // block, w // block)]


def concat(t: Translation, node: Node) -> None:
    """Concat along any axis; of tensors and constants."""
    axis = node.axis(len(t.dims(node.inputs[0], node)), 1)
    data = t.variable_inputs(node)
    sources = [t.made[tensor] for tensor in data]
    shape = t.result_shape(node)
    channels = sum(t.shapes[s][0] for s in sources), *t.shapes[sources[0]][1:]
    if len(node.inputs) == 1:
        t.done(node, sources[0])
    elif len(sources) == 1:
        t.done(node, t.view(node, sources[0], shape))
    elif channels == shape and axis in (0, 1) and len(data) == len(node.inputs):
        t.done(node, t.emit(node, "concat", tuple(sources)))
    else:
        t.done(node, t.joined(node, sources, ".joined"))


def view(t: Translation, node: Node) -> None:
    """Reshape, Transpose, Pad, Slice and others: only addressing."""
    source, shape = t.source(node), t.result_shape(node)
    if node.op in ("Flatten", "Reshape", "Squeeze") and shape == vector(t.shapes[source]):
        t.done(node, t.emit(node, "flatten", (source,)))
    else:
        t.done(node, t.view(node, source, shape))


def gather(t: Translation, node: Node) -> None:
    """Gather: a view; of a constant table by an input's words, the host's look-up."""
    table, positions = node.input(0), node.input(1)
    source = t.made.get(positions, "")
    if table not in t.graph.constants or t.graph.types.get(source) not in INTEGERS:
        view(t, node)
        return
    shape = t.result_shape(node)
    if t.graph.uses[positions] == 1 and t.alone(positions):
        t.withdraw(source)
    t.notes.append(f"{node} of a constant table is left to the host: its result is an input")
    t.done(node, t.emit(node, "input", (), channels=shape[0], size=shape[1:]))


def split(t: Translation, node: Node) -> None:
    """Split: one view for each part that something reads."""
    source = t.source(node)
    for k, tensor in enumerate(node.outputs):
        if tensor in t.graph.uses:
            t.made[tensor] = t.view(node, source, t.result_shape(node, k), f".{k}")
