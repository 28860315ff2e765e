"""Integers of a layer → bit planes of its products' rows, without ever spelling the rows out.

A dot product is a group of the array, its rows run over j; 64 groups share a word. The groups of a
layer are its outputs: channel after channel, within a channel image after image, position after
position. So a word's groups fall into a few runs of one channel, with neighbouring activations.
"""

from typing import Any, NamedTuple

import numpy as np

from bfimna.ap.kernels import _jit

U = np.uint64


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


@_jit
def _run_mask(length, offset):  # type: ignore[no-untyped-def]
    ones = ~U(0) if length == 64 else (U(1) << U(length)) - U(1)
    return ones << U(offset)


@_jit
def spread(values, lo, hi, where, planes):  # type: ignore[no-untyped-def]
    """Copy each channel's integers, (channels, rows), to all its groups, for rows lo to hi."""
    bits, _, words = planes.shape
    for r in range(lo, hi):
        for w in range(words):
            for b in range(bits):
                planes[b, r, w] = U(0)
            for k in range(where.at[w], where.at[w + 1]):
                value = np.int64(values[where.channel[k], r])
                mask = _run_mask(where.length[k], where.offset[k])
                for b in range(bits):
                    planes[b, r, w] |= mask & (U(0) - U((value >> b) & 1))


@_jit
def gather(source, step, share, lo, hi, where, planes):  # type: ignore[no-untyped-def]
    """Copy activations, (bits, rows, words of positions), to the groups at these positions.

    A channel's rows begin at `step` · ⌊channel / share⌋: groups of a grouped convolution.
    """
    bits, _, words = planes.shape
    for r in range(lo, hi):
        for w in range(words):
            for b in range(bits):
                planes[b, r, w] = U(0)
            for k in range(where.at[w], where.at[w + 1]):
                row = r + step * (where.channel[k] // share)
                word, shift = where.position[k] >> 6, U(where.position[k] & 63)
                mask = _run_mask(where.length[k], where.offset[k])
                more = shift + U(where.length[k]) > U(64)
                for b in range(bits):
                    found = source[b, row, word] >> shift
                    if more:
                        found |= source[b, row, word + 1] << (U(64) - shift)
                    planes[b, r, w] |= (found << U(where.offset[k])) & mask


@_jit
def pack_windows(pixels, rows, positions, lo, hi, planes):  # type: ignore[no-untyped-def]
    """im2col: pixels[rows[r] + positions[n]] for rows lo to hi, 64 positions a word."""
    bits = len(planes)
    for r in range(lo, hi):
        for w in range(planes.shape[2]):
            last = min(64, len(positions) - 64 * w)
            for b in range(bits):
                planes[b, r, w] = U(0)
            for k in range(last):
                value = U(pixels[rows[r] + positions[64 * w + k]])
                for b in range(bits):
                    planes[b, r, w] |= ((value >> U(b)) & U(1)) << U(k)


def window_offsets(layer: Any, padded: tuple[int, ...], shape: tuple[int, int, int]) -> tuple:
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


def pad(values: np.ndarray, layer: Any, shape: tuple[int, int, int], fill: int) -> np.ndarray:
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
