"""Shapes of tensors, and the windows that convolutions and pooling slide over an image.

A tensor's shape is that of one image and may have any rank. What has windows works on image tensors
(channels, height, width); a vector has height and width 1, a sequence height 1.
"""

from collections.abc import Sequence
from math import gcd, prod
from typing import Protocol

import numpy as np

from bfimna.errors import BfimnaError

Shape = tuple[int, ...]


class LayerFields(Protocol):
    """The fields of a `bfimna.network.layer.Layer` that operators read."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def kind(self) -> str: ...  # noqa: D102
    @property
    def channels(self) -> int: ...  # noqa: D102
    @property
    def kernel(self) -> tuple[int, int]: ...  # noqa: D102
    @property
    def stride(self) -> tuple[int, int]: ...  # noqa: D102
    @property
    def padding(self) -> tuple[int, int, int, int]: ...  # noqa: D102
    @property
    def dilation(self) -> tuple[int, int]: ...  # noqa: D102
    @property
    def groups(self) -> int: ...  # noqa: D102
    @property
    def ceil(self) -> bool: ...  # noqa: D102
    @property
    def size(self) -> tuple[int, ...]: ...  # noqa: D102


def same_shape(layer: LayerFields, shapes: Sequence[Shape]) -> Shape:
    """Shape rule of element-wise layers: that of the first input."""
    return shapes[0]


def image_shape(layer: LayerFields, shapes: Sequence[Shape]) -> tuple[int, int, int]:
    """Return the (channels, height, width) of a layer's input, or raise if it is no image."""
    if len(shapes[0]) != 3:
        raise BfimnaError(
            f"layer {layer.name!r} ({layer.kind}) takes a tensor of (channels, height, width), "
            f"not {shapes[0]}"
        )
    channels, height, width = shapes[0]
    return channels, height, width


def windowed_shape(layer: LayerFields, shapes: Sequence[Shape]) -> Shape:
    """Shape rule of convolutions and pooling: one result per window, of each output channel."""
    channels, *extent = image_shape(layer, shapes)
    steps = (_window_count(layer, axis, extent[axis], shapes[0]) for axis in (0, 1))
    return (layer.channels or channels, *steps)


def _window_count(layer: LayerFields, axis: int, extent: int, shape: Shape) -> int:
    before, after = layer.padding[axis], layer.padding[axis + 2]
    kernel, stride, dilation = layer.kernel[axis], layer.stride[axis], layer.dilation[axis]
    steps = window_steps(extent, before, after, kernel, stride, dilation, layer.ceil)
    if not steps:
        raise BfimnaError(
            f"layer {layer.name!r}: a window of {dilation * (kernel - 1) + 1} does not fit "
            f"{extent + before + after} padded pixels of its input {shape}"
        )
    return steps


def window_steps(
    size: int, before: int, after: int, kernel: int, stride: int, dilation: int, ceil: bool
) -> int:
    """Return how many windows fit along an axis padded `before` and `after`; 0 where none does.

    With `ceil` one that overhangs the end counts, if it begins on the input or its front padding.

    >>> window_steps(5, 0, 0, 2, 2, 1, False), window_steps(5, 0, 0, 2, 2, 1, True)
    (2, 3)
    """
    steps, rest = divmod(size + before + after - dilation * (kernel - 1) - 1, stride)
    if steps < 0:
        return 0
    return steps + 1 + (ceil and rest > 0 and (steps + 1) * stride < size + before)


def pad(values: np.ndarray, layer: LayerFields, shape: Shape, fill: int) -> np.ndarray:
    """Pad an image tensor as the layer says, and on where its last windows overhang (ceil)."""
    top, left, bottom, right = layer.padding
    reach = [
        (n - 1) * s + d * (k - 1) + 1
        for n, s, d, k in zip(shape[1:], layer.stride, layer.dilation, layer.kernel, strict=True)
    ]
    bottom = max(bottom, reach[0] - values.shape[2] - top)
    right = max(right, reach[1] - values.shape[3] - left)
    borders = ((0, 0), (0, 0), (top, bottom), (left, right))
    return np.pad(values, borders, constant_values=fill)


def covered_elements(layer: LayerFields, source: Shape, result: Shape) -> int:
    """Count the elements of a tensor that a layer's windows cover, each once.

    A window that is smaller than its stride leaves some out.
    """
    channels, *extent = source
    return channels * prod(
        _covered_along(layer, axis, extent[axis], result[1 + axis]) for axis in (0, 1)
    )


def _covered_along(layer: LayerFields, axis: int, extent: int, count: int) -> int:
    stride, dilation = layer.stride[axis], layer.dilation[axis]
    starts, taps = (count, stride), (layer.kernel[axis], dilation)
    apart = gcd(stride, dilation)
    if min(count, dilation // apart) > min(taps[0], stride // apart):
        starts, taps = taps, starts  # the same sums; fewer classes to go through
    return covered(starts, taps, -layer.padding[axis], extent)


def covered(starts: tuple[int, int], taps: tuple[int, int], first: int, extent: int) -> int:
    """Count the places from 0 on, below `extent`, that windows take.

    In closed form, class by class of the starts modulo the taps' step: a file may ask for windows
    that no memory holds.

    Parameters
    ----------
    starts, taps : how many, and how far apart; a place is a start plus a tap.
    first : place of the first tap of the first window.

    >>> covered((3, 2), (2, 1), -1, 5), covered((2, 3), (2, 1), 0, 9)
    (5, 4)
    """
    (count, stride), (length, step) = starts, taps
    apart = gcd(stride, step)
    every = step // apart  # starts of one class
    total = 0
    for n in range(min(count, every)):
        members = -(-(count - n) // every)
        base = first + n * stride
        low, high = -(base // step), -((base - extent) // step)
        below = (_below(at, members, stride // apart, length) for at in (high, low))
        total += max(0, next(below) - next(below))
    return total


def _below(limit: int, count: int, apart: int, length: int) -> int:
    """Count the numbers below a limit in the union of k · apart + [0, length), k < count."""
    if apart <= length:  # one run
        count, length = 1, (count - 1) * apart + length
    whole = min(max((limit - length) // apart + 1, 0), count)
    cut = limit - whole * apart if whole < count else 0
    return whole * length + min(max(cut, 0), length)
