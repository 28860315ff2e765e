"""How a layer's products and windows lie side by side: plain index arithmetic.

A dot product is a group of the array, its rows run over j; 64 groups share a word. The groups of a
layer are its outputs: channel after channel, within a channel image after image, position after
position. So a word's groups fall into a few runs of one channel, with neighbouring activations.
"""

from typing import NamedTuple

import numpy as np

from bfimna.network.graph import Layer, Shape


class Runs(NamedTuple):
    """Runs of neighbouring groups of one channel; word w has the runs at[w] to at[w + 1]."""

    at: np.ndarray
    channel: np.ndarray
    position: np.ndarray  # of the first group, within the channel
    offset: np.ndarray  # of the first group, within the word
    length: np.ndarray


def runs(first: int, stop: int, positions: int) -> Runs:
    """Split the groups `first` to `stop` where a word or a channel of `positions` groups ends.

    >>> runs(0, 100, 49).length
    array([49, 15, 34,  2])
    """
    words = np.arange(first, stop, 64)
    channels = np.arange(-(-first // positions) * positions, stop, positions)
    start = np.union1d(words, channels)
    length = np.diff(start, append=stop)
    at = np.searchsorted(start, np.append(words, stop))
    return Runs(at, start // positions, start % positions, (start - first) % 64, length)


def window_offsets(layer: Layer, padded: tuple[int, ...], shape: Shape) -> tuple:
    """Return flat offsets into a padded (images, channels, y, x) tensor: of rows and positions.

    A row is a channel and a place in the window; a position is an image and a place of the window.
    """
    images, channels, height, width = padded

    def flat(c: int, y: np.ndarray, x: np.ndarray, plane: int) -> np.ndarray:
        where = np.arange(c)[:, None, None] * plane + y[:, None] * width + x
        return where.ravel().astype(np.int64)

    (ky, kx), (dy, dx), (sy, sx) = layer.kernel, layer.dilation, layer.stride
    rows = flat(channels, np.arange(ky) * dy, np.arange(kx) * dx, height * width)
    places = np.arange(shape[1]) * sy, np.arange(shape[2]) * sx
    return rows, flat(images, *places, channels * height * width)


def pad(values: np.ndarray, layer: Layer, shape: Shape, fill: int) -> np.ndarray:
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
