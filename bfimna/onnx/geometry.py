"""What several readers need of a node: dimensions, axes, broadcasting, sliding windows."""

from collections.abc import Sequence
from dataclasses import dataclass

from bfimna.onnx.graph import Dims, Graph, Node
from bfimna.operators.shapes import window_steps

MAX_AXIS = 2**40  # of a window, a stride or padding: beyond any tensor that is read


def dims_of(graph: Graph, node: Node, position: int = 0) -> Dims:
    """Return the dimensions of an input, or raise that nobody knows them."""
    tensor = node.given(position)
    if not tensor:
        raise node.refuse(f"input {position} is missing")
    if tensor not in graph.dims:
        raise node.refuse(f"the dimensions of its input {tensor[:100]!r} are not known")
    return graph.dims[tensor]


def axis_of(node: Node, rank: int, default: int, attribute: str = "axis") -> int:
    """Return an axis attribute, counted from the front."""
    axis = node.number(attribute, default)
    if not -rank <= axis < rank:
        raise node.refuse(f"{attribute} {axis} of a tensor of {rank} dimensions")
    return axis % rank


def axes_of(graph: Graph, node: Node, rank: int, position: int = 1) -> tuple[int, ...]:
    """Return the axes that an attribute or a constant input lists; none given: every axis."""
    axes = node.attributes.get("axes")
    if node.given(position):
        value = graph.value(node.given(position))
        if value is None or value.dtype.kind not in "iu":
            raise node.refuse(f"its axes {node.given(position)[:100]!r} are no known constant")
        axes = tuple(int(a) for a in value.flat)
    if not axes:
        return () if node.number("noop_with_empty_axes", 0) else tuple(range(rank))
    if not isinstance(axes, tuple) or not all(isinstance(a, int) for a in axes):
        raise node.refuse("attribute 'axes' must be integers")
    if any(not -rank <= a < rank for a in axes) or len({a % rank for a in axes}) < len(axes):
        raise node.refuse(f"axes {axes[:MAX_SHOWN]} of a tensor of {rank} dimensions")
    return tuple(a % rank for a in axes)


MAX_SHOWN = 8  # numbers of a list in a message


def broadcast(node: Node, every: Sequence[Dims]) -> Dims:
    """Return the dimensions of tensors that are broadcast against each other, as NumPy does."""
    rank = max((len(dims) for dims in every), default=0)
    result = [1] * rank
    for dims in every:
        for k, size in enumerate(dims, rank - len(dims)):
            if size != 1 and result[k] not in (1, size):
                raise node.refuse(f"tensors of {tuple(every[:4])} cannot be broadcast")
            result[k] = size if size != 1 else result[k]
    return tuple(result)


@dataclass(frozen=True)
class Window:
    """A sliding window, numbers along each axis; `pads` before every axis, then behind every."""

    kernel: Dims
    stride: Dims
    dilation: Dims
    pads: Dims
    ceil: bool = False

    def extents(self, node: Node, size: Dims) -> Dims:
        """Return the number of steps along each axis of a tensor."""
        n = len(size)
        steps = tuple(
            window_steps(
                size[k], self.pads[k], self.pads[k + n], self.kernel[k], self.stride[k],
                self.dilation[k], self.ceil,
            )
            for k in range(n)
        )  # fmt: skip
        if min(steps) < 1:
            raise node.refuse(f"a window of {self.kernel} does not fit {size} padded positions")
        return steps


def window_of(node: Node, size: Dims, kernel: Dims) -> Window:
    """Return the window of a convolution or pooling node over positions of this size."""
    n = len(size)
    stride = node.numbers("strides", (1,) * n)
    dilation = node.numbers("dilations", (1,) * n)
    pads = node.numbers("pads", (0,) * 2 * n)
    auto = _auto_pad(node)
    if min(*kernel, *stride, *dilation) < 1 or min(pads) < 0:
        raise node.refuse(
            f"kernel {kernel}, strides {stride}, dilations {dilation}: want 1 or more, and pads "
            f"{pads} of 0 or more"
        )
    if max(*kernel, *stride, *dilation, *pads) > MAX_AXIS:
        raise node.refuse(f"a window larger than {MAX_AXIS}")
    ceil = bool(node.number("ceil_mode", 0)) and auto == "NOTSET"
    if auto.startswith("SAME"):
        total = [
            max((-(-size[k] // stride[k]) - 1) * stride[k] + dilation[k] * (kernel[k] - 1) + 1
                - size[k], 0)
            for k in range(n)
        ]  # fmt: skip
        pads = _halves(total, auto)
    elif auto == "VALID":
        pads = (0,) * 2 * n
    return Window(kernel, stride, dilation, pads, ceil)


def _auto_pad(node: Node) -> str:
    auto = node.text("auto_pad", "NOTSET") or "NOTSET"
    if auto not in ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"):
        raise node.refuse(f"unknown auto_pad {auto[:100]!r}")
    return auto


def _halves(total: Sequence[int], auto: str) -> Dims:
    less = [pad // 2 for pad in total]
    more = [pad - half for pad, half in zip(total, less, strict=True)]
    return (*less, *more) if auto == "SAME_UPPER" else (*more, *less)


@dataclass(frozen=True)
class Transposed:
    """A transposed convolution's window; `crop` is cut off before each axis of the full result."""

    kernel: Dims
    stride: Dims
    dilation: Dims
    crop: Dims
    size: Dims


def transposed(node: Node, size: Dims, kernel: Dims) -> Transposed:
    """Return the window of a transposed convolution and the size of its result."""
    n = len(size)
    window = window_of(node, size, kernel)
    more = node.numbers("output_padding", (0,) * n)
    full = [
        (size[k] - 1) * window.stride[k] + window.dilation[k] * (kernel[k] - 1) + 1 + more[k]
        for k in range(n)
    ]
    auto, pads = _auto_pad(node), window.pads
    wanted = node.attributes.get("output_shape")
    if auto.startswith("SAME") and wanted is None:
        wanted = tuple(size[k] * window.stride[k] for k in range(n))
    if wanted is not None:
        node.numbers("output_shape", (0,) * n)
        total = [max(full[k] - wanted[k], 0) for k in range(n)]
        pads = _halves(total, "SAME_LOWER" if auto != "SAME_UPPER" else auto)
        result = tuple(wanted)
    else:
        result = tuple(full[k] - pads[k] - pads[k + n] for k in range(n))
    if min(result) < 1 or min(more) < 0:
        raise node.refuse(f"gives a tensor of {result} positions")
    return Transposed(kernel, window.stride, window.dilation, pads[:n], result)
