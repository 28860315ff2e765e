"""How a layer's products and windows lie side by side: plain index arithmetic.

A dot product is a group of the array, its rows run over j; 64 groups share a word. A layer's dot
products are its channels times its positions. One of the two is *packed*, the other *outer*: each
element of the outer one has a run of words of its own, in which the packed one's elements lie side
by side. So a weight or activation of the outer side fills whole words, and those of the packed side
are the same words in every run.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bfimna.network.layer import Layer
from bfimna.operators.shapes import Shape


class Chunk(NamedTuple):
    """Dot products that are emulated at a time: outer elements, and words of their runs."""

    first: int
    stop: int
    word: int
    last: int


@dataclass(frozen=True)
class Runs:
    """How dot products lie in words.

    Attributes
    ----------
    by_channel : whether channels are packed, and positions the outer side.
    outer : elements of the side that runs go one after the other over.
    packed : elements of the side that shares words.
    """

    by_channel: bool
    outer: int
    packed: int

    @classmethod
    def packing(cls, channels: int, positions: int, grouped: bool) -> "Runs":
        """Pack the side that wastes less of its words: positions, if it is about the same.

        Parameters
        ----------
        grouped : whether channels differ in their activations: then positions are packed.

        >>> Runs.packing(64, 49, False).by_channel, Runs.packing(64, 49, True).by_channel
        (True, False)
        """
        waste = [-(-n // 64) * 64 / n for n in (positions, channels)]
        if not grouped and waste[0] > 1.05 * waste[1]:
            return cls(True, positions, channels)
        return cls(False, channels, positions)

    @property
    def words(self) -> int:
        """Words of a run."""
        return -(-self.packed // 64)

    def groups(self, chunk: Chunk) -> int:
        """Return how many dot products a chunk has."""
        stop = min(64 * chunk.last, self.packed)
        return (chunk.stop - chunk.first) * (stop - 64 * chunk.word)

    def channel(self, chunk: Chunk) -> np.ndarray:
        """Return the channel of each dot product of a chunk of whole runs."""
        outer, packed = np.arange(chunk.first, chunk.stop), np.arange(self.packed)
        return np.tile(packed, len(outer)) if self.by_channel else outer.repeat(len(packed))

    def chunks(self, words: int) -> Iterator[Chunk]:
        """Split into chunks of up to so many words of dot products: runs, or a part of one.

        >>> list(Runs(False, 3, 100).chunks(4))
        [Chunk(first=0, stop=2, word=0, last=2), Chunk(first=2, stop=3, word=0, last=2)]
        >>> [(c.word, c.last) for c in Runs(False, 1, 300).chunks(4)]
        [(0, 3), (3, 5)]
        """
        count = max(1, words // self.words)
        parts = -(-self.words // max(words, 1))
        width = -(-self.words // parts)
        for first in range(0, self.outer, count):
            for word in range(0, self.words, width):
                stop, last = min(first + count, self.outer), min(word + width, self.words)
                yield Chunk(first, stop, word, last)


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
