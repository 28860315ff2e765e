"""How dot products share the emulator's 64-bit words, and im2col's offsets.

A dot product is a group of the array, with a row per product; 64 groups share a word. A layer's dot
products are its channels times its positions. One of the two sides is *packed*, the other *outer*:
each element of the outer side has its own run of words, in which the elements of the packed side
lie side by side. So an operand of the outer side fills whole words, and those of the packed side
are the same words in every run.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bfimna.network.layer import Layer
from bfimna.operators.shapes import Shape


class Chunk(NamedTuple):
    """Dot products that are emulated together: outer elements, and words of their runs."""

    first: int
    stop: int
    word: int
    last: int


@dataclass(frozen=True)
class Runs:
    """How dot products lie in words.

    Attributes
    ----------
    by_channel : whether channels are packed and positions outer, or the reverse.
    outer : elements of the outer side, so runs.
    packed : elements of the packed side, so dot products per run.
    channels : of the result; outer elements are these again and again.
    """

    by_channel: bool
    outer: int
    packed: int
    channels: int

    @classmethod
    def packing(cls, channels: int, positions: int, grouped: bool) -> "Runs":
        """Pack the side that wastes fewer bits of its words; positions if both waste about as many.

        Parameters
        ----------
        grouped : whether channels read different activations, so that positions must be packed.

        >>> Runs.packing(64, 49, False).by_channel, Runs.packing(64, 49, True).by_channel
        (True, False)
        """
        waste = [-(-n // 64) * 64 / n for n in (positions, channels)]
        if not grouped and waste[0] > 1.05 * waste[1]:
            return cls(True, positions, channels, channels)
        return cls(False, channels, positions, channels)

    @property
    def words(self) -> int:
        """Words per run."""
        return -(-self.packed // 64)

    def groups(self, chunk: Chunk) -> int:
        """Return the number of dot products in a chunk."""
        stop = min(64 * chunk.last, self.packed)
        return (chunk.stop - chunk.first) * (stop - 64 * chunk.word)

    def channel(self, chunk: Chunk) -> np.ndarray:
        """Return the channel of each dot product of a chunk of whole runs."""
        outer, packed = np.arange(chunk.first, chunk.stop), np.arange(self.packed)
        if self.by_channel:
            return np.tile(packed, len(outer))
        return (outer % self.channels).repeat(len(packed))

    def chunks(self, words: int) -> Iterator[Chunk]:
        """Split into chunks of at most `words` words each: whole runs, or a part of one.

        >>> list(Runs(False, 3, 100, 3).chunks(4))
        [Chunk(first=0, stop=2, word=0, last=2), Chunk(first=2, stop=3, word=0, last=2)]
        >>> [(c.word, c.last) for c in Runs(False, 1, 300, 1).chunks(4)]
        [(0, 3), (3, 5)]
        """
        count = max(1, words // self.words)
        parts = -(-self.words // max(words, 1))
        width = -(-self.words // parts)
        for first in range(0, self.outer, count):
            for word in range(0, self.words, width):
                stop, last = min(first + count, self.outer), min(word + width, self.words)
                yield Chunk(first, stop, word, last)


def window_offsets(
    layer: Layer, padded: tuple[int, ...], shape: Shape
) -> tuple[np.ndarray, np.ndarray]:
    """Return flat offsets of im2col's rows and positions into a padded tensor.

    A row is a channel and an element of the window; a position is an image and where the window is.

    Parameters
    ----------
    padded : (images, channels, y, x).
    shape : of the result.
    """
    images, channels, height, width = padded

    def flat(c: int, y: np.ndarray, x: np.ndarray, plane: int) -> np.ndarray:
        where = np.arange(c)[:, None, None] * plane + y[:, None] * width + x
        return where.ravel().astype(np.int64)

    (ky, kx), (dy, dx), (sy, sx) = layer.kernel, layer.dilation, layer.stride
    rows = flat(channels, np.arange(ky) * dy, np.arange(kx) * dx, height * width)
    corners = np.arange(shape[1]) * sy, np.arange(shape[2]) * sx
    return rows, flat(images, *corners, channels * height * width)
