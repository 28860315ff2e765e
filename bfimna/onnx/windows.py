"""Sliding windows: convolutions, transposed ones and pooling.

Results of a transposed convolution that lie a stride apart read the same taps of the kernel, so
each such set is a plain convolution with those taps only: as many weights as the operation has, and
no product with an inserted zero.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import prod
from typing import Any

from bfimna.network.layer import window_steps
from bfimna.onnx.nodes import Dims, Graph, Node
from bfimna.onnx.translation import Translation

MAX_PHASES = 256  # sets of results of a transposed convolution: the product of its strides
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
        reach = [dilation[k] * (kernel[k] - 1) + 1 for k in range(n)]
        last = [(-(-size[k] // stride[k]) - 1) * stride[k] for k in range(n)]
        pads = _halves([max(last[k] + reach[k] - size[k], 0) for k in range(n)], auto)
    elif auto == "VALID":
        pads = (0,) * 2 * n
    return Window(kernel, stride, dilation, pads, ceil)


def _auto_pad(node: Node) -> str:
    """Return the attribute `auto_pad`, which replaces `pads` unless it is NOTSET."""
    auto = node.text("auto_pad", "NOTSET") or "NOTSET"
    if auto not in ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"):
        raise node.refuse(f"unknown auto_pad {auto[:100]!r}")
    return auto


def _halves(total: Sequence[int], auto: str) -> Dims:
    """Return padding before and behind each axis; the odd one at the end that `auto` names."""
    less = [pad // 2 for pad in total]
    more = [pad - half for pad, half in zip(total, less, strict=True)]
    return (*less, *more) if auto == "SAME_UPPER" else (*more, *less)


def transposed_window(node: Node, size: Dims, kernel: Dims) -> tuple[Window, Dims]:
    """Return a transposed convolution's window, whose pads are cut off, and its result's size."""
    n = len(size)
    window = window_of(node, size, kernel)
    more = node.numbers("output_padding", (0,) * n)
    full = [
        (size[k] - 1) * window.stride[k] + window.dilation[k] * (kernel[k] - 1) + 1 + more[k]
        for k in range(n)
    ]
    auto, pads = _auto_pad(node), window.pads
    stated = node.attributes.get("output_shape")
    if auto.startswith("SAME") and stated is None:
        stated = tuple(size[k] * window.stride[k] for k in range(n))
    if stated is not None:
        node.numbers("output_shape", (0,) * n)
        total = [max(full[k] - stated[k], 0) for k in range(n)]
        pads = _halves(total, "SAME_LOWER" if auto != "SAME_UPPER" else auto)
        result = tuple(stated)
    else:
        result = tuple(full[k] - pads[k] - pads[k + n] for k in range(n))
    if min(result) < 1 or min(more) < 0:
        raise node.refuse(f"gives a tensor of {result} positions")
    return replace(window, pads=pads), result


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


def conv_transpose_shapes(graph: Graph, node: Node) -> list[Dims]:
    """ConvTranspose: as many channels as the weights have filters in all groups."""
    data, weights, groups = data_and_weights(graph, node, transposed=True)
    _, size = transposed_window(node, data[2:], weights[2:])
    return [(data[0], weights[1] * groups, *size)]


def pool_shapes(graph: Graph, node: Node) -> list[Dims]:
    """MaxPool (with the positions of the largest) and AveragePool."""
    data = graph.input_dims(node)
    if len(data) < 3:
        raise node.refuse(f"an input of {data} has no positions")
    window = window_of(node, data[2:], node.numbers("kernel_shape", (0,) * len(data[2:])))
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
    t.gemms[name] = (weight, node.inputs[0], node)
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
    window = window_of(node, data[2:], node.numbers("kernel_shape", (0,) * (len(data) - 2)))
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


@dataclass(frozen=True)
class Phase:
    """Results a stride apart along one axis: taps, padding (negative: cropped), how many."""

    taps: int
    before: int
    after: int
    results: int


def phase(window: Window, axis: int, inputs: int, size: int, first: int) -> Phase:
    """Return the results first, first + stride, … below `size` along an axis of so many inputs.

    Result y reads input (y + pad - k) / stride with tap k, where that is whole.
    """
    stride, dilation = window.stride[axis], window.dilation[axis]
    results = len(range(first, size, stride))
    start = (first + window.pads[axis]) // stride  # the last input that the first result reads
    lowest = (first + window.pads[axis]) % stride
    taps = len(range(lowest, window.kernel[axis], stride))
    reach = (taps - 1) * dilation
    return Phase(taps, reach - start, results - 1 + start - (inputs - 1), results)


def conv_transpose(t: Translation, node: Node) -> None:
    """ConvTranspose along 1 or 2 axes."""
    source, weight = t.source(node), weight_of(t, node)
    data, weights, groups = data_and_weights(t.graph, node, transposed=True)
    window, size = transposed_window(node, data[2:], weights[2:])
    n = len(window.kernel)
    if n > 2:
        raise node.refuse(f"along {n} axes it is not modelled; along 1 and 2 it is")
    if max(window.dilation) > 1 and max(window.stride) > 1:
        raise node.refuse("with a stride and a dilation it is not modelled")
    if prod(window.stride) > MAX_PHASES:
        raise node.refuse(f"strides {window.stride}; at most {MAX_PHASES} results within a stride")
    phases = [
        [phase(window, k, data[2 + k], size[k], first) for first in range(window.stride[k])]
        for k in range(n)
    ]
    whole = Phase(1, 0, 0, 1)  # the missing axis of a sequence
    sets = Counter(product(*([[whole]] * (2 - n)), *phases))
    parts = []
    for number, ((vertical, horizontal), count) in enumerate(sets.items()):
        suffix = f".{number}" if len(sets) > 1 else ""
        if vertical.results and horizontal.results:
            channels = count * weights[1] * groups
            parts.append(_part(t, node, source, (vertical, horizontal), channels, suffix, window))
            if vertical.taps and horizontal.taps:
                t.gemms[parts[-1]] = (weight, node.inputs[0], node)
    t.done(node, t.joined(node, parts, ".spread"))


def _part(
    t: Translation, node: Node, source: str, axes: tuple[Phase, Phase], channels: int,
    suffix: str, window: Window,
) -> str:  # fmt: skip
    """Append the convolution that computes one set of results."""
    if not all(axis.taps for axis in axes):  # no input reaches them: they are the bias
        return t.view(node, source, (channels, axes[0].results, axes[1].results), suffix)
    pads = (axes[0].before, axes[1].before, axes[0].after, axes[1].after)
    if min(pads) < 0:
        inputs, height, width = t.shapes[source]
        shape = (inputs, height + pads[0] + pads[2], width + pads[1] + pads[3])
        source = t.view(node, source, shape, f"{suffix}.crop")
        pads = (0, 0, 0, 0)
    return t.emit(
        node, "conv", (source,), suffix, channels=channels,
        kernel=(axes[0].taps, axes[1].taps), padding=pads,
        dilation=(1, *window.dilation)[-2:], groups=node.number("group", 1),
    )  # fmt: skip
