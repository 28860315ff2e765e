"""A layer without weights, with all that its program on an array needs to know."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bfimna.emulator.constants import Constants
from bfimna.emulator.integer import Word
from bfimna.network.graph import Layer, Shape

Tensor = np.ndarray


class OverRows(NamedTuple):
    """Elements of a window in one array, windows side by side there, fillings of the chip."""

    part: int
    side_by_side: int
    folds: int


class Round(NamedTuple):
    """Rows on which a window's words are streamed, and how often the chip is filled with them."""

    rows: int
    folds: int


@dataclass(frozen=True)
class Step:
    """A layer without weights with all that its program needs to know.

    Attributes
    ----------
    own : its constants.
    sources : words of the operands, all of as many bits.
    target : word of the result.
    chain : the layers that take the result one after the other where it lies.
    shape : of the result.
    folds : times that the chip is filled.
    columns : of an array.
    over_rows : how a mean's windows share arrays, if they are averaged over rows.
    rounds : of a maximum, before the last.
    """

    layer: Layer
    own: Constants
    sources: tuple[Word, ...]
    target: Word
    chain: tuple["Step", ...]
    shape: Shape
    folds: int
    columns: int
    over_rows: OverRows | None = None
    rounds: tuple[Round, ...] = ()

    @property
    def end(self) -> Word:
        """Word of the tensor that leaves the rows."""
        return self.chain[-1].target if self.chain else self.target
