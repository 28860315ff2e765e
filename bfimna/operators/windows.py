"""What maximum and average pooling share: the elements of windows, moved and emulated."""

import numpy as np

from bfimna.ap.counts import CountSet
from bfimna.operators.operator import LayerBatch, Moved, Step, Tensor
from bfimna.operators.shapes import LayerFields, Shape
from bfimna.operators.words import Words


def windows_moved(x: LayerBatch, words: Words, multicast: bool, counts: CountSet) -> Moved:
    """Move every element that a window covers once with multicast, else once per window."""
    taken = x.sources[0] if multicast else x.elements * x.window
    return taken * (words.bits + x.signs[0]), x.elements * words.read_bits


def window_operands(step: Step, x: Tensor, fill: int) -> list[Tensor]:
    """Return the k-th elements of all windows as a tensor of the result's shape, for each k."""
    layer = step.layer
    x = pad(x, layer, step.shape, fill)
    (ky, kx), (dy, dx), (sy, sx) = layer.kernel, layer.dilation, layer.stride
    reach_y, reach_x = (step.shape[1] - 1) * sy + 1, (step.shape[2] - 1) * sx + 1
    corners = [(y * dy, z * dx) for y in range(ky) for z in range(kx)]
    return [x[:, :, y : y + reach_y : sy, z : z + reach_x : sx] for y, z in corners]


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
