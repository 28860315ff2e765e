"""The paper's mapping: each product takes a CAP row, a dot product stays within an array.

im2col: the rows of a dot product hold one element of each operand side by side, so an array holds
⌊rows / k⌋ dot products; a longer one is split evenly over arrays whose partial sums are added. Per
fold: load, multiply, reduce, read. What follows (carry, bias, requantise) runs on densely packed
outputs, one per row. Model document, section 3.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from bfimna.ap import counts as ap
from bfimna.ap.counts import Counts, CountSet
from bfimna.ap.matrix import add_up, multiply_rows, product_layout
from bfimna.mapping.chip import Chip
from bfimna.mapping.fused import FusedOutputs
from bfimna.mapping.lowered import OutputBench, ProductBench, ProductStep
from bfimna.mapping.mapping import need
from bfimna.mapping.outputs import PackedOutputs
from bfimna.mapping.storage import Storage, freeze
from bfimna.mapping.tiles import best_tile, tile_bits
from bfimna.mapping.vertical import reduction_mode
from bfimna.mapping.work import Work
from bfimna.network.bits import Bits
from bfimna.network.matmul import Matmul
from bfimna.operators.group_sums import Fit, GroupSums, fit
from bfimna.operators.operator import Moved
from bfimna.operators.words import Words


def fit_product(product: Matmul, rows: int, batch: int) -> Fit:
    """Fit a product's dot products into arrays of so many rows.

    >>> from bfimna.network import zoo
    >>> fit_product(zoo.resnet18().matmuls[1], rows=4800, batch=1)   # k = 64 · 3 · 3 = 576
    Fit(sums=200704, splits=1, part=576, last_part=576, per_array=8)
    """
    return fit(product.k, product.dot_products * batch, rows)


def arrays_needed(product: Matmul, rows: int, batch: int) -> int:
    """Return how many arrays of so many rows hold all of a product at once."""
    return fit_product(product, rows, batch).arrays


@dataclass(frozen=True, eq=False)
class PaperProducts:
    """A network's products by the paper's mapping; arrays over them, for the whole batch.

    Attributes
    ----------
    lengths : rows that a dot product takes.
    sums : how dot products share arrays.
    shares : dot products of the busiest cluster in a fold.
    outputs : what follows the sums.
    of_activations : whether products of two activations are laid out too.
    """

    placement = "both operands beside each other, a product per CAP row"
    of_activations: ClassVar[bool] = True

    storage: Storage
    chip: Chip
    batch: int
    lengths: np.ndarray
    sums: GroupSums
    shares: tuple[int, ...]
    outputs: PackedOutputs

    @classmethod
    def lower(
        cls,
        storage: Storage,
        chip: Chip,
        batch: int,
        adder: ap.Adder = "four-pass",
        fused: bool = False,
    ) -> Self:
        """Lay out a network's products on a chip.

        Parameters
        ----------
        adder : of whatever is added up.
        fused : whether carry, bias and scale are one sum; see `bfimna.mapping.fused`.
        """
        lengths = [product.k for product in storage.network.matmuls]
        lowered = cls.packing(lengths, storage, chip, batch, adder, fused)
        freeze(lowered, lowered.sums)
        return lowered

    @classmethod
    def packing(
        cls,
        lengths: list[int],
        storage: Storage,
        chip: Chip,
        batch: int,
        adder: ap.Adder = "four-pass",
        fused: bool = False,
    ) -> Self:
        """Lay out dot products that take so many rows each, and their outputs."""
        dots = [product.dot_products * batch for product in storage.network.matmuls]
        sums = GroupSums.fitted(lengths, dots, chip.caps, chip.rows, chip.columns, chip.ap_kind)
        rows = np.array(lengths, dtype=np.int64)
        if fused:
            need(chip, "fused", ap_kind="2d-segmented")
        outputs = FusedOutputs if fused else PackedOutputs
        after = outputs(storage, chip, sums.sums, adder)
        return cls(storage, chip, batch, rows, sums, sums.shares(chip.clusters), after)

    @property
    def folds(self) -> np.ndarray:
        """Times that the chip is filled."""
        return self.sums.folds

    @property
    def operand_rows(self) -> np.ndarray:
        """Rows that hold a product, over all folds."""
        return self.sums.sums * self.lengths

    @property
    def products_each(self) -> np.ndarray:
        """Products of a dot product."""
        return np.array([product.k for product in self.storage.network.matmuls])

    @property
    def takes(self) -> np.ndarray:
        """Whether each product can be laid out so, whatever its widths."""
        return self.of_activations | self.storage.constant

    @property
    def adder(self) -> ap.Adder:
        """Full adder of what is added up."""
        return self.outputs.adder

    # ---- closed form -------------------------------------------------------------------------

    def columns(self, bits: Bits, words: Words) -> list[tuple[str, np.ndarray]]:
        """Return the columns that each phase needs, shape (..., products)."""
        needed = 2 * (bits.left + bits.right) + 3
        return [
            ("multiply (operands, product, carry, flags)", needed),
            *self.outputs.columns(bits, words),
        ]

    def fits(self, bits: Bits, words: Words) -> np.ndarray:
        """Whether an array has the columns for each product; shape (..., products)."""
        needed = [needed for _, needed in self.columns(bits, words)]
        return np.all([columns <= self.chip.columns for columns in needed], axis=0) & self.takes

    def work(self, bits: Bits, words: Words, counts: CountSet) -> dict[str, Work]:
        """Return the work of products in folds, then of densely packed outputs."""
        exact = counts == "microcode"
        left = self.sums.rows_left(counts)
        load, read = self.outputs.transfers(bits, words, left)
        read = self._read(bits, left) + read
        index, sums, rows = self.storage.index, self.sums.sums, self.operand_rows
        mode = reduction_mode(self.sums, self.chip)
        return {
            "load": Work(index, self._load(bits, exact) + load, rows),
            "multiply": Work(index, self._multiply(bits, exact), rows),
            "reduce": Work(index, self._reduce(bits, counts), rows, mode),
            "read": Work(index, read, sums * self.sums.splits),
            **self.outputs.work(bits, words, left, exact),
        }

    def _read(self, bits: Bits, left: np.ndarray) -> Counts:
        """Read the rows that are left of every sum, over all folds."""
        return ap.read(self.storage.sum_bits(bits)).repeat(self.folds, self.sums.sums * left)

    def _load(self, bits: Bits, exact: bool) -> Counts:
        """Load both operands' columns, over all folds; clear the sum's along.

        Latched: latches beside the array hold all rows' operands, and each column is written in one
        cycle, every row its own bit. By row: a CAP has no such latches, so the rows of a CAP are
        written one after the other, all CAPs at once; each takes its word line, and drives its
        columns past the rows of one mat.
        """
        columns, borrow = bits.left + bits.right, self.storage.both_signed
        # where the sum grows over the operands, its columns are cleared after multiplying
        free = np.minimum(self.storage.sum_bits(bits), self.chip.columns - columns - borrow) * exact
        if self.chip.load_mode == "latched":
            load = ap.load(columns) + ap.clear_along(free)
            if exact:
                load = load + ap.clear_along(1) * borrow  # of the right operand's load
            return load.repeat(self.folds, self.operand_rows)
        free = free + borrow * exact
        cells, cleared = self.operand_rows * columns, self.operand_rows * free
        return Counts(  # few rows at once, so that their clears take no cycle of their own
            writes=self.folds * self.chip.rows,
            cells_written=cells + cleared,
            words_written=self.operand_rows,
            lines_driven=cells * np.ceil(self.chip.rows / self.chip.mats) + cleared,
        )

    def _multiply(self, bits: Bits, exact: bool) -> Counts:
        """Multiply the operands of every row, over all folds; extend the products' signs.

        Over the columns that the sum grows by, which are cleared first where they hold operands.
        On a 1D AP a part's signs are extended level by level, and here over what it does not grow
        by.
        """
        signed = self.storage.both_signed
        multiply = ap.multiply(bits.left, bits.right, (True, False)) * ~signed
        multiply = multiply + ap.multiply(bits.left, bits.right, (True, True)) * signed
        multiply = multiply.repeat(self.folds, self.operand_rows)
        if not exact:
            return multiply
        growth = self.storage.growth
        operands = bits.left + bits.right + signed
        over = operands + self.storage.sum_bits(bits) > self.chip.columns
        multiply = multiply + ap.clear(growth, over).repeat(self.folds, self.operand_rows)
        if self.chip.ap_kind != "1d":
            return multiply + ap.sign_extend(growth).repeat(self.folds, self.operand_rows)
        extend = self.sums.each(lambda rows: ap.sign_extend(growth - ap.levels(rows)).over(rows))
        return multiply + extend

    def _reduce(self, bits: Bits, counts: CountSet) -> Counts:
        """Add up the rows of dot products."""
        total, signed = self.storage.sum_bits(bits), counts == "microcode"
        return self.sums.reduce(total, counts, signed, self.adder)

    def moved(self, bits: Bits, words: Words, counts: CountSet) -> Moved:
        """Return bits that operands bring to the clusters, and bits that results return."""
        if self.chip.multicast:
            taken = tile_bits(self.storage.network, self.batch, self.shares, bits)
        else:
            taken = self.sums.sums * self.products_each * (bits.left + bits.right)
        left = self.sums.rows_left(counts)
        return taken, self.outputs.returned(bits, words, left)

    def tile(self, number: int, bits: Bits) -> str:
        """Return the channels × positions that a cluster computes in a fold."""
        if not self.chip.multicast:
            return f"{self.shares[number]} dot products"
        product = self.storage.network.matmuls[number]
        w, a = bits.left[number], bits.right[number]
        return "{} channels × {} positions".format(
            *best_tile(product, self.batch, self.shares[number], w, a)
        )

    # ---- emulated pass -----------------------------------------------------------------------

    def _parts(self, step: ProductStep) -> list[range]:
        """Return the products of a dot product that each of its arrays holds."""
        length, part = step.matmul.k, int(self.sums.part[step.number])
        return [range(lo, min(lo + part, length)) for lo in range(0, length, part)]

    def sum_rows(self, step: ProductStep) -> int:
        """Rows that `accumulate` leaves of each sum."""
        return sum(int(ap.rows_left(len(part), self.chip.ap_kind)) for part in self._parts(step))

    def array_rows(self, step: ProductStep) -> int:
        """Rows of the largest array that `accumulate` asks for, for each dot product."""
        return int(self.sums.part[step.number])

    def excess(self, step: ProductStep, weights: np.ndarray) -> int:
        """Return 0: rows are left whose sum is that of the products."""
        return 0

    def accumulate(self, bench: ProductBench, step: ProductStep) -> Iterator[np.ndarray]:
        """Multiply and reduce the products of each array; yield the rows left as planes."""
        signed = step.matmul.left.signed, step.matmul.right.signed
        layout = product_layout(
            step.left_bits, step.right_bits, step.matmul.k, signed, step.columns
        )
        total, folds = layout.total, int(self.folds[step.number])
        beside = int(self.sums.side_by_side[step.number])
        for number, part in enumerate(self._parts(step)):
            array = bench.array(number, len(part), beside)
            clear = range(min(total.stop, layout.weights.start))
            bench.load(array, "left", part.start, layout.weights, clear)
            bench.load(array, "right", part.start, layout.activations, layout.borrow)
            bench.account(array, "load", folds, number)
            multiply_rows(array, layout)
            bench.account(array, "multiply", folds, number)
            left = add_up(array, layout, self.adder)
            bench.account(array, "reduce", folds, number)
            planes = array.read_planes(total, left)
            bench.account(array, "read", folds, number)
            bench.record_wear(array, folds)
            yield planes

    def finish(self, bench: OutputBench, step: ProductStep) -> np.ndarray:
        """Complete sums, add the bias, scale and clamp; see `outputs`."""
        return self.outputs.finish(bench, step)
