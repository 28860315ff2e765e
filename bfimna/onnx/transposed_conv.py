"""Transposed convolutions as plain ones.

Results that lie a stride apart read the same taps of the kernel, so each such set is a convolution
with those taps only: as many weights as the operation has, and no product with an inserted zero.
"""

from collections import Counter
from dataclasses import dataclass, replace
from itertools import product
from math import prod

from bfimna.onnx.nodes import Dims, Graph, Node
from bfimna.onnx.translation import Translation
from bfimna.onnx.windows import Window, auto_pad, data_and_weights, halves, weight_of, window_of

MAX_PHASES = 256  # sets of results: the product of the strides


def transposed_window(node: Node, size: Dims, kernel: Dims) -> tuple[Window, Dims]:
    """Return a transposed convolution's window, whose pads are cut off, and its result's size."""
    n = len(size)
    window = window_of(node, size, kernel)
    more = node.numbers("output_padding", (0,) * n)
    full = [
        (size[k] - 1) * window.stride[k] + window.dilation[k] * (kernel[k] - 1) + 1 + more[k]
        for k in range(n)
    ]
    auto, pads = auto_pad(node), window.pads
    stated = node.attributes.get("output_shape")
    if auto.startswith("SAME") and stated is None:
        stated = tuple(size[k] * window.stride[k] for k in range(n))
    if stated is not None:
        node.numbers("output_shape", (0,) * n)
        total = [max(full[k] - stated[k], 0) for k in range(n)]
        pads = halves(total, "SAME_LOWER" if auto != "SAME_UPPER" else auto)
        result = tuple(stated)
    else:
        result = tuple(full[k] - pads[k] - pads[k + n] for k in range(n))
    if min(result) < 1 or min(more) < 0:
        raise node.refuse(f"gives a tensor of {result} positions")
    return replace(window, pads=pads), result


def conv_transpose_shapes(graph: Graph, node: Node) -> list[Dims]:
    """ConvTranspose: as many channels as the weights have filters in all groups."""
    data, weights, groups = data_and_weights(graph, node, transposed=True)
    _, size = transposed_window(node, data[2:], weights[2:])
    return [(data[0], weights[1] * groups, *size)]


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
                t.matmuls[parts[-1]] = (weight, node.inputs[0], node)
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
