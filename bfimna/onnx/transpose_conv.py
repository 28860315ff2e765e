"""Transposed convolutions as plain ones.

Results that lie a stride apart read the same taps of the kernel, so each such set is a convolution
with those taps only: as many weights as the operation has, and no product with an inserted zero.
"""

from collections import Counter
from dataclasses import dataclass
from itertools import product
from math import prod

from bfimna.onnx.geometry import Transposed, dims_of, transposed
from bfimna.onnx.graph import Node
from bfimna.onnx.moves import joined
from bfimna.onnx.translation import Translation
from bfimna.onnx.windows import weight_of

MAX_PHASES = 256  # sets of results: the product of the strides


@dataclass(frozen=True)
class Phase:
    """Results a stride apart along one axis: taps, padding (negative: cropped), how many."""

    taps: int
    before: int
    after: int
    results: int


def phase(window: Transposed, axis: int, inputs: int, first: int) -> Phase:
    """Return the results first, first + stride, … along an axis of this many inputs.

    Result y reads input (y + crop - k) / stride with tap k, where that is whole.
    """
    stride, dilation = window.stride[axis], window.dilation[axis]
    results = len(range(first, window.size[axis], stride))
    start = (first + window.crop[axis]) // stride  # the last input that the first result reads
    lowest = (first + window.crop[axis]) % stride
    taps = len(range(lowest, window.kernel[axis], stride))
    reach = (taps - 1) * dilation
    return Phase(taps, reach - start, results - 1 + start - (inputs - 1), results)


def conv_transpose(t: Translation, node: Node) -> None:
    """ConvTranspose along 1 or 2 axes."""
    source, weight = t.source(node), weight_of(t, node)
    data, dims = dims_of(t.graph, node), dims_of(t.graph, node, 1)
    window = transposed(node, data[2:], dims[2:])
    n = len(window.kernel)
    if n > 2:
        raise node.refuse(f"along {n} axes it is not modelled; along 1 and 2 it is")
    if max(window.dilation) > 1 and max(window.stride) > 1:
        raise node.refuse("with a stride and a dilation it is not modelled")
    if prod(window.stride) > MAX_PHASES:
        raise node.refuse(f"strides {window.stride}; at most {MAX_PHASES} results within a stride")
    phases = [
        [phase(window, axis, data[2 + axis], first) for first in range(window.stride[axis])]
        for axis in range(n)
    ]
    whole = Phase(1, 0, 0, 1)  # the missing axis of a sequence
    sets = Counter(product(*([[whole]] * (2 - n)), *phases))
    parts = []
    for number, ((vertical, horizontal), count) in enumerate(sets.items()):
        suffix = f".{number}" if len(sets) > 1 else ""
        if vertical.results and horizontal.results:
            channels = count * dims[1] * node.number("group", 1)
            parts.append(_part(t, node, source, (vertical, horizontal), channels, suffix, window))
            if vertical.taps and horizontal.taps:
                t.gemms[parts[-1]] = (weight, node.inputs[0], node)
    t.done(node, joined(t, node, parts, ".spread"))


def _part(
    t: Translation, node: Node, source: str, axes: tuple[Phase, Phase], channels: int,
    suffix: str, window: Transposed,
) -> str:  # fmt: skip
    """Append the convolution that computes one set of results."""
    if not all(axis.taps for axis in axes):  # no input reaches them: they are the bias
        size = (axes[0].results, axes[1].results)
        return t.emit(node, "view", (source,), suffix, channels=channels, size=size)
    pads = (axes[0].before, axes[1].before, axes[0].after, axes[1].after)
    if min(pads) < 0:
        inputs, height, width = t.shapes[source]
        size = (height + pads[0] + pads[2], width + pads[1] + pads[3])
        source = t.emit(node, "view", (source,), f"{suffix}.crop", channels=inputs, size=size)
        pads = (0, 0, 0, 0)
    return t.emit(
        node, "conv", (source,), suffix, channels=channels,
        kernel=(axes[0].taps, axes[1].taps), padding=pads,
        dilation=(1, *window.dilation)[-2:], groups=node.number("group", 1),
    )  # fmt: skip
