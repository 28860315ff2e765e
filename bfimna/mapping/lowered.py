"""What a mapping's products are to the rest: lowered, priced, and run by the emulator step by step.

A mapping lowers a network's matrix products to `Products`; the emulator runs a `ProductStep` of
theirs on the arrays of a `ProductBench`, then of an `OutputBench`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from bfimna.ap.array import Array
from bfimna.ap.counts import CountSet
from bfimna.mapping.work import Work
from bfimna.network.bits import Bits
from bfimna.network.matmul import Matmul
from bfimna.operators.operator import Moved, Step
from bfimna.operators.words import Word, Words

Side = Literal["left", "right"]


@dataclass(frozen=True)
class ProductStep:
    """A matrix product as the emulator runs it, at one precision.

    Attributes
    ----------
    products : the lowered products whose `accumulate` and `finish` it runs.
    number : of the product in the network.
    left_bits, right_bits : of the operands.
    width : bits of a sum.
    left : word of the left operand's tensor; None for weights.
    source : word of the right operand's tensor.
    target : word of the tensor after.
    chain : the layers that take the result in place, one after the other.
    keeps_sum : whether the sums are the output, so that nothing is scaled.
    dense_folds : times that the chip is filled with outputs, one per row.
    columns : of an array.
    """

    matmul: Matmul
    products: "Products"
    number: int
    left_bits: int
    right_bits: int
    width: int
    left: Word | None
    source: Word
    target: Word
    chain: tuple[Step, ...]
    keeps_sum: bool
    dense_folds: int
    columns: int


class ProductBench(Protocol):
    """Some dot products of a step on the emulator, before their sums are complete."""

    def array(self, part: int, rows: int, side_by_side: int) -> Array:
        """Return an array with so many rows for each of the dot products."""

    def load(
        self,
        array: Array,
        side: Side,
        first: int,
        columns: range,
        clear: range = range(0),
        slots: int = 0,
    ) -> None:
        """Load an operand of products `first`, `first` + 1, … of each dot product; 0 after them.

        Parameters
        ----------
        slots : dot products of a fold, if what is loaded stays for all folds; only the first of
            them are then counted.
        """

    def check_kept(self, array: Array, side: Side, first: int, columns: range) -> None:
        """Raise unless the columns still hold the operand that was loaded there."""

    def operand(self, side: Side, first: int, rows: int) -> np.ndarray:
        """Return planes of products `first`, `first` + 1, … of each dot product; 0 after them."""

    def account(self, array: Array, phase: str, folds: int, part: int) -> None:
        """Book what the array has done since the last booking."""

    def record_wear(self, array: Array, folds: int) -> None:
        """Note how often the most written cells were written."""


class OutputBench(Protocol):
    """Some outputs of a step on the emulator, one per row.

    Attributes
    ----------
    sums : planes of the rows that `accumulate` left of each sum, each (width, 1, words).
    bias, multiplier : planes of the outputs' constants, (bits, 1, words).
    biases, multipliers : the same as integers, one an output.
    shift : c of the scale b / 2^c.
    """

    sums: list[np.ndarray]
    bias: np.ndarray
    multiplier: np.ndarray
    shift: int

    @property
    def biases(self) -> np.ndarray: ...  # noqa: D102
    @property
    def multipliers(self) -> np.ndarray: ...  # noqa: D102

    def integers(self, planes: np.ndarray, signed: bool) -> np.ndarray:
        """Return a word of every output, (bits, 1, words), as integers, one an output."""

    def array(self, rows: int = 1) -> Array:
        """Return an array with so many rows for each output."""

    def account(self, array: Array, phase: str, folds: int = 0) -> None:
        """Book what the array has done since the last booking.

        Parameters
        ----------
        folds : times that the chip is filled; of one row an output unless given.
        """

    def results(self, array: Array, word: range) -> np.ndarray:
        """Run the layers that take the word in place, and read the result."""


class Products(Protocol):
    """A network's products as a mapping lowers them for a chip; arrays over the products.

    Attributes
    ----------
    placement : where the operands lie, in words.
    folds : times that the chip is filled.
    operand_rows : rows that hold operands, over all folds.
    takes : whether each product can be laid out so, whatever its widths.
    """

    @property
    def placement(self) -> str: ...  # noqa: D102
    @property
    def folds(self) -> np.ndarray: ...  # noqa: D102
    @property
    def operand_rows(self) -> np.ndarray: ...  # noqa: D102
    @property
    def takes(self) -> np.ndarray: ...  # noqa: D102

    def columns(self, bits: Bits, words: Words) -> list[tuple[str, np.ndarray]]:
        """Return the columns that each phase needs, shape (..., products)."""

    def fits(self, bits: Bits, words: Words) -> np.ndarray:
        """Whether the chip can run each product so, in bool of shape (..., products)."""

    def work(self, bits: Bits, words: Words, counts: CountSet) -> dict[str, Work]:
        """Return the AP's work by phase; `words` are those of the products' layers."""

    def moved(self, bits: Bits, words: Words, counts: CountSet) -> Moved:
        """Return bits that operands bring to the clusters, and bits that results return."""

    def tile(self, number: int, bits: Bits) -> str:
        """Return the part of a product's result that a cluster computes in a fold, in words."""

    def sum_rows(self, step: ProductStep) -> int:
        """Rows that `accumulate` leaves of each sum."""

    def array_rows(self, step: ProductStep) -> int:
        """Rows of the largest array that `accumulate` asks for, for each dot product."""

    def excess(self, step: ProductStep, weights: np.ndarray) -> np.ndarray | int:
        """Return what the rows that `accumulate` leaves make each channel's sums too large by."""

    def accumulate(self, bench: ProductBench, step: ProductStep) -> Iterator[np.ndarray]:
        """Multiply and add up on the emulator; yield the rows that are left as planes."""

    def finish(self, bench: OutputBench, step: ProductStep) -> np.ndarray:
        """Complete sums, add the bias, scale and clamp on the emulator; return the integers."""
