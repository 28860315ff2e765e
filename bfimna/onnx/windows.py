"""Sliding windows: convolutions and pooling."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

from bfimna.onnx.nodes import Dims, Graph, Node
from bfimna.onnx.translation import Translation
from bfimna.operators.shapes import window_steps

MAX_AXIS = 2**40  # of a window, a stride or padding: beyond any tensor that is read


@dataclass(frozen=True)
class Window:
    """A sliding window, numbers along each axis; `pads` before every axis, then behind every."""

    kernel: Dims
    stride: Dims
    dilation: Dims
    pads: Dims
    ceil: bool = False

    def steps(self, node: Node, size: Dims) -> Dims:
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

    def fields(self) -> dict[str, Any]:
        """Return a window over one or two axes as a layer's fields."""
        one = (1,) * (2 - len(self.kernel))
        before, behind = self.pads[: len(self.kernel)], self.pads[len(self.kernel) :]
        none = (0,) * len(one)
        return {
            "kernel": (*one, *self.kernel),
            "stride": (*one, *self.stride),
            "dilation": (*one, *self.dilation),
            "padding": (*none, *before, *none, *behind),
            "ceil": self.ceil,
        }


def window_of(node: Node, size: Dims, kernel: Dims) -> Window:
    """Return the window of a convolution or pooling node over positions of this size."""
    n = len(size)
    stride = node.numbers("strides", (1,) * n)
    dilation = node.numbers("dilations", (1,) * n)
    pads = node.numbers("pads", (0,) * 2 * n)
    auto = auto_pad(node)
    if min(*kernel, *stride, *dilation) < 1 or min(pads) < 0:
        raise node.refuse(
            f"kernel {kernel}, strides {stride}, dilations {dilation}: want 1 or more, and pads "
            f"{pads} of 0 or more"
        )
    if max(*kernel, *stride, *dilation, *pads) > MAX_AXIS:
        raise node.refuse(f"a window larger than {MAX_AXIS}")
    ceil = bool(node.number("ceil_mode", 0)) and auto == "NOTSET"
    if auto.startswith("SAME"):
        reach = [dilation[k] * (kernel[k] - 1) + 1 for k in range(n)]
        last = [(-(-size[k] // stride[k]) - 1) * stride[k] for k in range(n)]
        pads = halves([max(last[k] + reach[k] - size[k], 0) for k in range(n)], auto)
    elif auto == "VALID":
        pads = (0,) * 2 * n
    return Window(kernel, stride, dilation, pads, ceil)


def pool_window(node: Node, size: Dims) -> Window:
    """Return the window of a pooling node; one that overhangs the whole map (ceil_mode) is cut."""
    n = len(size)
    window = window_of(node, size, node.numbers("kernel_shape", (0,) * n))
    kernel = list(window.kernel)
    for k in range(n) if window.ceil else ():
        padded = size[k] + window.pads[k] + window.pads[k + n]
        reach = window.dilation[k] * (kernel[k] - 1) + 1
        if 0 < reach - padded < window.stride[k]:
            kernel[k] = (padded - 1) // window.dilation[k] + 1
    return replace(window, kernel=tuple(kernel))


def auto_pad(node: Node) -> str:
    """Return the attribute `auto_pad`, which replaces `pads` unless it is NOTSET."""
    auto = node.text("auto_pad", "NOTSET") or "NOTSET"
    if auto not in ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"):
        raise node.refuse(f"unknown auto_pad {auto[:100]!r}")
    return auto


def halves(total: Sequence[int], auto: str) -> Dims:
    """Return padding before and behind each axis; the odd one at the end that `auto` names."""
    less = [pad // 2 for pad in total]
    more = [pad - half for pad, half in zip(total, less, strict=True)]
    return (*less, *more) if auto == "SAME_UPPER" else (*more, *less)


def data_and_weights(graph: Graph, node: Node, transposed: bool = False) -> tuple[Dims, Dims, int]:
    """Return the dimensions of a convolution's input and weights, and its groups; raise if odd."""
    data, weights = graph.input_dims(node), graph.input_dims(node, 1)
    groups = node.number("group", 1)
    if len(weights) < 3 or len(data) != len(weights) or groups < 1 or min(weights) < 1:
        raise node.refuse(f"weights of {weights} for an input of {data}, in {groups} groups")
    inputs = weights[0] if transposed else weights[1] * groups
    if inputs != data[1] or weights[0] % groups:
        raise node.refuse(f"weights of {weights} in {groups} groups for {data[1]} input channels")
    return data, weights, groups


def conv_shapes(graph: Graph, node: Node) -> list[Dims]:
    """Conv: as many channels as the weights have filters."""
    data, weights, _ = data_and_weights(graph, node)
    window = window_of(node, data[2:], weights[2:])
    return [(data[0], weights[0], *window.steps(node, data[2:]))]


def pool_shapes(graph: Graph, node: Node) -> list[Dims]:
    """MaxPool (with the positions of the largest) and AveragePool."""
    data = graph.input_dims(node)
    if len(data) < 3:
        raise node.refuse(f"an input of {data} has no positions")
    window = pool_window(node, data[2:])
    return [(*data[:2], *window.steps(node, data[2:]))] * len(node.outputs)


def global_pool_shapes(graph: Graph, node: Node) -> list[Dims]:
    """GlobalMaxPool, GlobalAveragePool: one position."""
    data = graph.input_dims(node)
    return [(*data[:2], *(1 for _ in data[2:]))]


def conv(t: Translation, node: Node) -> None:
    """Conv: groups, depthwise, dilation, padding; along 1, 2 or more axes.

    Along 3 or more, a view gathers the elements that each window covers, with the last axis left.
    """
    source, weight = t.source(node), weight_of(t, node)
    data, weights, groups = data_and_weights(t.graph, node)
    window = window_of(node, data[2:], weights[2:])
    if len(window.kernel) > 2:
        steps = window.steps(node, data[2:])[:-1]
        covered = prod(window.kernel[:-1])
        width = data[-1] + window.pads[len(steps)] + window.pads[-1]
        shape = (data[1] * covered, prod(steps), width)
        source = t.reshaped(node, source, shape, ".windows")
        window = Window(window.kernel[-1:], window.stride[-1:], window.dilation[-1:], (0, 0))
    fields = window.fields()
    name = t.emit(node, "conv", (source,), channels=weights[0], groups=groups, **fields)
    t.matmuls[name] = (weight, node.inputs[0], node)
    t.done(node, name)


def weight_of(t: Translation, node: Node) -> str:
    """Return the tensor that holds the weights of a weighted node."""
    weight = node.input(1)
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
    source, data = t.source(node), t.graph.input_dims(node)
    window = pool_window(node, data[2:])
    kind = "maxpool" if node.op == "MaxPool" else "avgpool"
    if len(window.kernel) < 3:
        t.done(node, t.emit(node, kind, (source,), **window.fields()))
        return
    positions, size = prod(window.steps(node, data[2:])), prod(window.kernel)
    source = t.reshaped(node, source, (data[1], positions, size), ".windows")
    name = t.emit(node, kind, (source,), kernel=(1, size))
    t.done(node, t.reshaped(node, name, t.result_shape(node), ".back"))


def global_pool(t: Translation, node: Node) -> None:
    """GlobalMaxPool, GlobalAveragePool."""
    source = t.source(node)
    kind = "maxpool" if node.op == "GlobalMaxPool" else "avgpool"
    t.done(node, t.emit(node, kind, (source,), kernel=t.shapes[source][1:]))
