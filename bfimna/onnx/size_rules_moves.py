"""The dimensions that operations give which pick, repeat or reorder elements."""

from math import floor, prod

import numpy as np

from bfimna.onnx.geometry import axes_of, axis_of, broadcast, dims_of
from bfimna.onnx.graph import MAX_RANK, Dims, Graph, Node


def of_rank(node: Node, dims: Dims, rank: int) -> Dims:
    """Return the dimensions, or raise that they are not as many."""
    if len(dims) != rank:
        raise node.refuse(f"a tensor of {dims}: want {rank} dimensions")
    return dims


def whole_numbers(graph: Graph, node: Node, position: int, attribute: str = "") -> Dims:
    """Return the whole numbers that an attribute or a constant input lists."""
    given = node.given(position)
    if not given:
        listed = node.attributes.get(attribute)
        if not isinstance(listed, tuple) or not all(isinstance(v, int) for v in listed):
            raise node.refuse(f"input {position} is missing")
        return listed
    value = graph.value(given)
    if value is None or value.dtype.kind not in "iu":
        raise node.refuse(f"its input {given[:100]!r} is no known constant of whole numbers")
    return tuple(int(v) for v in value.flat)


def reshape(graph: Graph, node: Node) -> list[Dims]:
    """Reshape: 0 keeps a dimension, -1 takes what is left."""
    data, wanted = dims_of(graph, node), whole_numbers(graph, node, 1, "shape")
    if len(wanted) > MAX_RANK or any(w < -1 for w in wanted) or wanted.count(-1) > 1:
        raise node.refuse(f"cannot make {wanted[:8]} of {data}")
    keep = not node.number("allowzero", 0)
    if keep and any(w == 0 and k >= len(data) for k, w in enumerate(wanted)):
        raise node.refuse(f"cannot make {wanted} of {data}")
    dims = [data[k] if w == 0 and keep else w for k, w in enumerate(wanted)]
    if -1 in dims:
        rest = prod(d for d in dims if d != -1)
        dims[dims.index(-1)] = prod(data) // rest if rest else 0
    if prod(dims) != prod(data):
        raise node.refuse(f"cannot make {wanted} of {data}")
    return [tuple(dims)]


def flatten(graph: Graph, node: Node) -> list[Dims]:
    """Flatten to a matrix."""
    data = dims_of(graph, node)
    axis = node.number("axis", 1)
    if not -len(data) <= axis <= len(data):
        raise node.refuse(f"axis {axis} of a tensor of {len(data)} dimensions")
    axis += len(data) if axis < 0 else 0
    return [(prod(data[:axis]), prod(data[axis:]))]


def transpose(graph: Graph, node: Node) -> list[Dims]:
    """Transpose: the axes in another order."""
    data = dims_of(graph, node)
    order = node.numbers("perm", tuple(reversed(range(len(data)))))
    if sorted(order) != list(range(len(data))):
        raise node.refuse(f"perm {order} of a tensor of {len(data)} dimensions")
    return [tuple(data[k] for k in order)]


def squeeze(graph: Graph, node: Node) -> list[Dims]:
    """Squeeze: axes of size 1 dropped."""
    data = dims_of(graph, node)
    if node.given(1) or node.attributes.get("axes"):
        axes = axes_of(graph, node, len(data))
    else:
        axes = tuple(k for k, d in enumerate(data) if d == 1)
    if any(data[k] != 1 for k in axes):
        raise node.refuse(f"drops axes {axes} of {data}")
    return [tuple(d for k, d in enumerate(data) if k not in axes)]


def unsqueeze(graph: Graph, node: Node) -> list[Dims]:
    """Unsqueeze: axes of size 1 put in."""
    data = dims_of(graph, node)
    count = len(whole_numbers(graph, node, 1, "axes"))
    if count + len(data) > MAX_RANK:
        raise node.refuse(f"a tensor of more than {MAX_RANK} dimensions")
    axes = axes_of(graph, node, len(data) + count) if count else ()
    rest = iter(data)
    return [tuple(1 if k in axes else next(rest) for k in range(len(data) + count))]


def concat(graph: Graph, node: Node) -> list[Dims]:
    """Concat along an axis."""
    every = [dims_of(graph, node, k) for k in range(len(node.inputs))]
    if not every:
        raise node.refuse("joins nothing")
    axis = axis_of(node, len(every[0]), 1)
    rest = {(*d[:axis], *d[axis + 1 :]) for d in every}
    if len({len(d) for d in every}) > 1 or len(rest) > 1:
        raise node.refuse(f"joins tensors of {tuple(every[:4])} along axis {axis}")
    return [(*every[0][:axis], sum(d[axis] for d in every), *every[0][axis + 1 :])]


def split(graph: Graph, node: Node) -> list[Dims]:
    """Split along an axis: as listed, or evenly with a smaller last part."""
    data = dims_of(graph, node)
    axis, parts = axis_of(node, len(data), 0), len(node.outputs)
    if node.given(1) or "split" in node.attributes:
        sizes = whole_numbers(graph, node, 1, "split")
    else:
        size = -(-data[axis] // max(parts, 1))
        sizes = tuple(max(min(size, data[axis] - k * size), 0) for k in range(parts))
    if len(sizes) != parts or sum(sizes) != data[axis] or min(sizes, default=0) < 0:
        raise node.refuse(f"splits {data[axis]} into {sizes[:8]} for {parts} outputs")
    return [(*data[:axis], size, *data[axis + 1 :]) for size in sizes]


def slice_(graph: Graph, node: Node) -> list[Dims]:
    """Slice: Python's, along some axes."""
    data = list(dims_of(graph, node))
    starts = whole_numbers(graph, node, 1, "starts")
    ends = whole_numbers(graph, node, 2, "ends")
    every = tuple(range(len(starts)))
    listed = node.given(3) or "axes" in node.attributes
    axes = axes_of(graph, node, len(data), 3) if listed else every
    steps = whole_numbers(graph, node, 4) if node.given(4) else (1,) * len(starts)
    if not len(starts) == len(ends) == len(axes) == len(steps) or len(axes) > len(data):
        raise node.refuse("its starts, ends, axes and steps are not as many")
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        if not step:
            raise node.refuse("a step of 0")
        data[axis] = len(range(data[axis])[start:end:step])
    return [tuple(data)]


def gather(graph: Graph, node: Node) -> list[Dims]:
    """Gather: elements along an axis by their positions."""
    data, positions = dims_of(graph, node), dims_of(graph, node, 1)
    axis = axis_of(node, len(data), 0)
    return [(*data[:axis], *positions, *data[axis + 1 :])]


def gather_elements(graph: Graph, node: Node) -> list[Dims]:
    """GatherElements: one element for each position."""
    return [of_rank(node, dims_of(graph, node, 1), len(dims_of(graph, node)))]


def gather_nd(graph: Graph, node: Node) -> list[Dims]:
    """GatherND: slices by the indices that the positions' last axis lists."""
    data, positions = dims_of(graph, node), dims_of(graph, node, 1)
    shared = node.number("batch_dims", 0)
    taken = shared + positions[-1] if positions else 0
    if not 0 <= shared < len(positions) or not shared < taken <= len(data):
        raise node.refuse(f"positions of {positions} for a tensor of {data}, batch_dims {shared}")
    return [(*positions[:-1], *data[taken:])]


def pad(graph: Graph, node: Node) -> list[Dims]:
    """Pad: constants, or elements of the tensor, around it."""
    data = list(dims_of(graph, node))
    key = "pads" if "pads" in node.attributes else "paddings"
    pads = whole_numbers(graph, node, 1, key)
    axes = axes_of(graph, node, len(data), 3) if node.given(3) else tuple(range(len(data)))
    if len(pads) != 2 * len(axes):
        raise node.refuse(f"{len(pads)} pads for {len(axes)} axes")
    for k, axis in enumerate(axes):
        data[axis] += pads[k] + pads[k + len(axes)]
    return [tuple(data)]


def expand(graph: Graph, node: Node) -> list[Dims]:
    """Expand: broadcast to a shape."""
    wanted = whole_numbers(graph, node, 1)
    if len(wanted) > MAX_RANK or min(wanted, default=1) < 0:
        raise node.refuse(f"cannot make {wanted[:8]}")
    return [broadcast(node, [dims_of(graph, node), wanted])]


def tile(graph: Graph, node: Node) -> list[Dims]:
    """Tile: repeated along each axis."""
    data, repeats = dims_of(graph, node), whole_numbers(graph, node, 1)
    if len(repeats) != len(data) or min(repeats, default=1) < 0:
        raise node.refuse(f"repeats {repeats[:8]} of {data}")
    return [tuple(d * r for d, r in zip(data, repeats, strict=True))]


def resize(graph: Graph, node: Node) -> list[Dims]:
    """Resize and Upsample: to sizes, or by scales."""
    data = dims_of(graph, node)
    axes = axes_of(graph, node, len(data), len(node.inputs))
    factors = _scales(graph, node)
    wanted: list[int] = []
    if node.given(3):
        wanted = list(whole_numbers(graph, node, 3))
        if node.text("keep_aspect_ratio_policy", "stretch") != "stretch":
            raise node.refuse("only keep_aspect_ratio_policy 'stretch' is modelled")
    elif len(factors) == len(axes) and all(0 < f < 2**40 for f in factors):
        wanted = [floor(data[a] * f) for a, f in zip(axes, factors, strict=True)]
    if len(wanted) != len(axes) or min(wanted, default=1) < 1:
        raise node.refuse(f"cannot make {wanted[:8]} of {data}")
    dims = list(data)
    for axis, size in zip(axes, wanted, strict=True):
        dims[axis] = size
    return [tuple(dims)]


def _scales(graph: Graph, node: Node) -> list[float]:
    attribute = node.attributes.get("scales")
    if isinstance(attribute, tuple):
        return [float(f) for f in attribute]
    value = graph.value(node.given(1 if len(node.inputs) < 3 else 2))
    if value is None or value.dtype.kind != "f":
        return []
    return [float(f) for f in np.asarray(value, dtype=np.float64).flat]


def depth_to_space(graph: Graph, node: Node) -> list[Dims]:
    """DepthToSpace: channels laid out as positions."""
    n, c, h, w = of_rank(node, dims_of(graph, node), 4)
    block = node.number("blocksize", 0)
    if block < 1 or c % block**2:
        raise node.refuse(f"blocks of {block} of {c} channels")
    return [(n, c // block**2, h * block, w * block)]


def space_to_depth(graph: Graph, node: Node) -> list[Dims]:
    """SpaceToDepth: positions laid out as channels."""
    n, c, h, w = of_rank(node, dims_of(graph, node), 4)
    block = node.number("blocksize", 0)
    if block < 1 or h % block or w % block:
        raise node.refuse(f"blocks of {block} of {h} x {w} positions")
    return [(n, c * block**2, h // block, w // block)]
