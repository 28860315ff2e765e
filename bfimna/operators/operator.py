"""What a layer kind is: its shape rule, AP program with counts, words moved, and emulated pass.

An `Operator` is one kind of layer as data and functions, and says nothing of networks or chips: it
gets shapes, rows and columns as arguments. The closed form (`counts`) and the emulated pass (`run`)
of an operator stand side by side in the file of its family; the tests hold one against the other.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from bfimna.ap.addition import Adder
from bfimna.ap.array import Array
from bfimna.ap.counts import Counts, CountSet
from bfimna.ap.rows import Rows
from bfimna.operators.constants import NO_CONSTANTS, ConstantRules, Constants
from bfimna.operators.group_sums import GroupSums
from bfimna.operators.shapes import LayerFields, Shape
from bfimna.operators.words import Word, Words

Tensor = np.ndarray


@dataclass(frozen=True, eq=False)
class LayerBatch:
    """A network's layers of one kind as arrays over them, for the whole batch of images.

    Attributes
    ----------
    index : positions in the network, shape (n,).
    layers : the layers themselves.
    elements : of the results.
    sources : elements that are read of each input's tensor, each counted once; shape (inputs, n).
    signs : whether each input's words have a sign column, shape (inputs, n).
    in_place : whether the word is taken where the layer before left it.
    window : elements of a pooling window, or channels that an LRN or a norm adds up.
    columns : of an array.
    folds : times that the chip is filled with the elements, one per row.
    sums : how windows share arrays if each element of a window takes a row.
    chip_rows : rows of all arrays.
    adder : of words of which one is not read again.
    """

    index: np.ndarray
    layers: tuple[LayerFields, ...]
    elements: np.ndarray
    sources: np.ndarray
    signs: np.ndarray
    in_place: np.ndarray
    window: np.ndarray
    columns: int
    folds: np.ndarray
    sums: GroupSums
    chip_rows: int
    adder: Adder = "four-pass"


#: counts of all elements of a batch of layers, loads and reads of their words included
Program = Callable[[LayerBatch, Words, CountSet], Counts]
#: bits that all elements take from MAPs, and bits that they return to MAPs
Moved = tuple[np.ndarray, np.ndarray]


class OverRows(NamedTuple):
    """Where a window is averaged over rows: elements of it in one array, windows side by side."""

    part: int
    side_by_side: int
    folds: int


class PartialMaxima(NamedTuple):
    """A round of a maximum but the last: rows that each take a part of the window, and folds."""

    rows: int
    folds: int


class Grouped(NamedTuple):
    """Where a position's channels are the rows of a group.

    Attributes
    ----------
    part : rows of a group in one array.
    side_by_side : groups (or parts) in one array.
    folds : times that the chip is filled with them.
    sums_folds : times that it is filled with one row per group.
    """

    part: int
    side_by_side: int
    folds: int
    sums_folds: int


#: what the widths decide about how a layer runs; None for the operator's usual way
Choice = OverRows | Grouped | tuple[PartialMaxima, ...] | None


@dataclass(frozen=True)
class Step:
    """A layer without products as the emulator runs it: words, constants and folds.

    Attributes
    ----------
    operator : of the layer's kind.
    constants : the layer's integers.
    sources : words of the operands, all of as many bits.
    target : word of the result.
    chain : the layers that take the result in place, one after the other.
    shape : of the result.
    folds : times that the chip is filled.
    columns : of an array.
    choice : what the widths decide about how it runs.
    adder : of words of which one is not read again.
    """

    layer: LayerFields
    operator: "Operator"
    constants: Constants
    sources: tuple[Word, ...]
    target: Word
    chain: tuple["Step", ...]
    shape: Shape
    folds: int
    columns: int
    choice: Choice = None
    adder: Adder = "four-pass"

    @property
    def rows_each(self) -> int:
        """Rows that an element of the result takes where it takes most."""
        if isinstance(self.choice, OverRows):
            return self.choice.part
        if isinstance(self.choice, Grouped):
            return 1
        return max((one.rows for one in self.choice or ()), default=1)

    @property
    def end(self) -> Word:
        """Word of the tensor that leaves the rows."""
        return self.chain[-1].target if self.chain else self.target


class Machine(Protocol):
    """What an emulated pass asks of the emulator: further arrays, and accounts of what they did."""

    def array(self, groups: int, rows: int, columns: int, side_by_side: int = 0) -> Array:
        """Return an array of this shape."""

    def account(self, array: Array, layer: str, phase: str, folds: int, first: bool) -> None:
        """Book what the array has done since the last booking."""

    def record_wear(self, array: Array, layer: str, stage: str, folds: int) -> None:
        """Note how often each column's most written cell was written in a part of a layer."""


#: machine, rows that hold one element each, the layer, its operands one after the other, and
#: whether these are the layer's first elements: their cycles are booked for all
Pass = Callable[[Machine, Rows, Step, list[Tensor], bool], None]


@dataclass(frozen=True)
class Operator:
    """One kind of layer.

    Attributes
    ----------
    kind : its name.
    shape : shape of the result, from the layer and the shapes of its inputs.
    inputs : how many the layer takes; None for two or more.
    phase : under which its work is counted; "" where it computes nothing.
    counts : of all elements, loads and reads included.
    columns : that the program needs, by the words' bits.
    moved : bits that all elements take from MAPs, and that they return.
    operands : the tensors that the emulated pass takes, each of the result's shape.
    run : the emulated pass on rows that hold one element each.
    signed : whether the result may be negative; None: if one of the inputs may.
    leaves_word : whether the result stays in its row, so that an in-place layer finds it there.
    in_place : whether the layer takes a word where the layer before left it.
    over_rows : counts of what it adds up over rows in vertical mode: a phase "reduce" of its own.
    keys : most key columns that a pass drives, by the words' bits; None: as a product's passes.
    choose : what the widths of one precision decide, for each layer of a batch.
    constants : which `Constants` it takes.
    reductions : times that rows are added up, one after the other.
    search_steps : vertical steps of a fold that search a group's rows, before they are added up.
    over_channels : whether all channels of a position form a group, whose rows are added up.
    """

    kind: str
    shape: Callable[[LayerFields, Sequence[Shape]], Shape]
    inputs: int | None = 1
    phase: str = ""
    counts: Program | None = None
    columns: Callable[[LayerBatch, np.ndarray], np.ndarray] | None = None
    moved: Callable[[LayerBatch, Words, bool, CountSet], Moved] | None = None
    operands: Callable[[Step, list[Tensor]], list[Tensor]] | None = None
    run: Pass | None = None
    signed: bool | None = None
    leaves_word: bool = True
    in_place: bool = False
    over_rows: Program | None = None
    keys: Callable[[np.ndarray], np.ndarray] | None = None
    choose: Callable[[LayerBatch, np.ndarray], Sequence[Choice]] | None = None
    constants: ConstantRules = NO_CONSTANTS
    reductions: int = 1
    search_steps: Callable[[LayerBatch, Words], np.ndarray] | None = None
    over_channels: bool = False


def packed(program: Program) -> Program:
    """Run the program of one element on all, densely packed: one per row."""

    def run(x: LayerBatch, words: Words, counts: CountSet) -> Counts:
        return program(x, words, counts).repeat(x.folds, x.elements)

    return run
