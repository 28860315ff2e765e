"""Layers of one kind side by side, and their words: what a kind's program is asked about."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bfimna.ap.counts import Counts, CountSet
from bfimna.mapping.parts import Parts
from bfimna.network.layer import Layer


@dataclass(frozen=True, eq=False)
class Alike:
    """A network's layers of one kind, side by side; arrays over them, for the whole batch.

    Attributes
    ----------
    at : positions in the network.
    layers : the layers themselves.
    elements : of the results.
    sources : elements that are taken of each input's tensor, each once; shape (inputs, n).
    signs : whether each input's words have a sign column, shape (inputs, n).
    in_place : whether the word is taken where the layer before left it.
    window : elements of a pooling window, or channels that an LRN adds up.
    columns : of an array.
    folds : times that the chip is filled with the elements, one per row.
    parts : how windows share arrays, one element of a window per row.
    chip_rows : rows of all arrays.
    """

    at: np.ndarray
    layers: tuple[Layer, ...]
    elements: np.ndarray
    sources: np.ndarray
    signs: np.ndarray
    in_place: np.ndarray
    window: np.ndarray
    columns: int
    folds: np.ndarray
    parts: Parts
    chip_rows: int


@dataclass(frozen=True)
class Words:
    """The words that layers work on, shape (..., n); `bfimna.mapping.words` has the rule.

    Attributes
    ----------
    bits : of the words, without sign columns.
    kept : columns of the result that are read, with its sign column if it has one.
    """

    bits: np.ndarray
    kept: np.ndarray

    def of(self, at: np.ndarray) -> "Words":
        """Return those of the layers at these positions."""
        return Words(self.bits[..., at], self.kept[..., at])


Program = Callable[[Alike, Words, CountSet], Counts]


Moved = tuple[np.ndarray, np.ndarray]


def packed(program: Program) -> Program:
    """Run the program of one element on all, densely packed: one per row."""

    def run(x: Alike, words: Words, counts: CountSet) -> Counts:
        return program(x, words, counts).repeat(x.folds, x.elements)

    return run
