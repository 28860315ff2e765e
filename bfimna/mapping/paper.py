"""The paper's mapping: each product takes a CAP row, a dot product stays within an array.

im2col: the rows of a dot product hold one element of each operand side by side, so an array holds
⌊rows / k⌋ dot products; a longer one is split evenly over arrays whose partial sums are added. Per
fold: load, multiply, reduce, read. What follows (carry, bias, requantise) runs on densely packed
outputs, one per row. Model document, section 3.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bfimna.ap import counts as ap
from bfimna.ap import programs
from bfimna.ap.array import Array
from bfimna.ap.counts import Counts, CountSet
from bfimna.ap.matrix import add_up, product_layout
from bfimna.mapping.chip import Chip
from bfimna.mapping.mapping import OutputBench, ProductBench, ProductStep
from bfimna.mapping.schedule import HORIZONTAL, Mode, Vertical, Work
from bfimna.mapping.storage import Storage, freeze
from bfimna.mapping.tiles import best_tile, tile_bits
from bfimna.network.bits import Bits
from bfimna.network.matmul import Matmul
from bfimna.operators.group_sums import Fit, GroupSums, attached_rows, fit
from bfimna.operators.operator import Moved
from bfimna.operators.words import SIGN, Words


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


def scaled_columns(total: ap.Amount, out_bits: ap.Amount, columns: int) -> ap.Amount:
    """Columns of a sum that requantising takes: all, or the top ones that there is room for.

    Beside them lie the multiplier b, as many columns and one that the product grows into, carry and
    flag. What is left out is a fraction of a step of the result.

    >>> int(scaled_columns(24, 8, 72)), int(scaled_columns(45, 16, 72))
    (24, 35)
    """
    return np.minimum(total, columns - 2 * ap.scale_bits(out_bits) - 3)


@dataclass(frozen=True, eq=False)
class PaperProducts:
    """A network's products by the paper's mapping; arrays over them, for the whole batch.

    Attributes
    ----------
    lengths : rows that a dot product takes.
    sums : how dot products share arrays.
    shares : dot products of the busiest cluster in a fold.
    """

    placement = "both operands beside each other, a product per CAP row"

    storage: Storage
    chip: Chip
    batch: int
    lengths: np.ndarray
    sums: GroupSums
    shares: tuple[int, ...]

    @classmethod
    def lower(cls, storage: Storage, chip: Chip, batch: int) -> "PaperProducts":
        """Lay out a network's products on a chip."""
        lengths = [product.k for product in storage.network.matmuls]
        lowered = cls.packing(lengths, storage, chip, batch)
        freeze(lowered, lowered.sums)
        return lowered

    @classmethod
    def packing(
        cls, lengths: list[int], storage: Storage, chip: Chip, batch: int
    ) -> "PaperProducts":
        """Lay out dot products that take so many rows each."""
        dots = [product.dot_products * batch for product in storage.network.matmuls]
        sums = GroupSums.fitted(lengths, dots, chip.caps, chip.rows, chip.columns, chip.ap_kind)
        rows = np.array(lengths, dtype=np.int64)
        return cls(storage, chip, batch, rows, sums, sums.shares(chip.clusters))

    @property
    def folds(self) -> np.ndarray:
        """Times that the chip is filled."""
        return self.sums.folds

    @property
    def operand_rows(self) -> np.ndarray:
        """Rows that hold a product, over all folds."""
        return self.sums.sums * self.lengths

    @property
    def dense_folds(self) -> np.ndarray:
        """Times that the chip is filled with outputs, one per row."""
        return np.ceil(self.sums.sums / self.chip.product_rows)

    # ---- closed form -------------------------------------------------------------------------

    def columns(self, bits: Bits, words: Words) -> list[tuple[str, np.ndarray]]:
        """Return the columns that each phase needs, shape (..., products)."""
        total, scaled = self.storage.sum_bits(bits), ~self.storage.keeps_sum
        least = words.bits + 2 + 2 * ap.scale_bits(words.bits) + 3  # some of the sum are scaled
        operands = bits.left + bits.right
        return [
            ("multiply (operands, product, carry, flags)", 2 * operands + 3),
            ("carry", total + 2),
            ("requantise", np.where(scaled, least, 0)),
        ]

    def work(self, bits: Bits, words: Words, counts: CountSet) -> dict[str, Work]:
        """Return the work of products in folds, then of densely packed outputs."""
        exact = counts == "microcode"
        sums, folds = self.sums.sums, self.folds
        total, scaled = self.storage.sum_bits(bits), ~self.storage.keeps_sum
        out = np.where(scaled, words.bits, 1)  # where a sum is the output nothing is scaled
        rows, dense, left = self.operand_rows, self.dense_folds, self.sums.rows_left(counts)
        load, multiply = self._load(bits, exact), self._multiply(bits)
        carry = ap.load(total) * left + ap.add(total) * (left - 1)
        read = ap.read(total).repeat(folds, sums * left)
        read = read + ap.read(words.read_bits).repeat(dense, sums)
        m, scaled_bits = ap.scale_bits(out), scaled_columns(total, out, self.chip.columns)
        scale = ap.load(m) + ap.requantise(np.where(scaled, scaled_bits, 1), m, out + SIGN)
        bias = ap.load(total) + ap.add(total)
        if exact:  # flag, carries and the product's columns are cleared along with a load
            carry = carry + ap.clear_along(1) * left
            bias = bias + ap.clear_along(1)
            scale = scale + ap.clear_along(m + 1)
        index, reduce = self.storage.index, self._reduce(bits, counts)
        mode: Mode = HORIZONTAL
        if self.chip.ap_kind != "1d":
            mode = Vertical(attached_rows(self.sums.part, self.chip.ap_kind, self.chip.rows))
        return {
            "load": Work(index, load, rows),
            "multiply": Work(index, multiply, rows),
            "reduce": Work(index, reduce, rows, mode),
            "read": Work(index, read, sums * self.sums.splits),
            "carry": Work(index, carry.repeat(dense, sums), sums),
            "bias": Work(index, bias.repeat(dense, sums), sums),
            "requantise": Work(index, (scale * scaled).repeat(dense, sums), sums * scaled),
        }

    def _load(self, bits: Bits, exact: bool) -> Counts:
        """Load both operands' columns, over all folds; clear the sum's along.

        Latched: latches beside the array hold all rows' operands, and each column is written in one
        cycle, every row its own bit. By row: a CAP has no such latches, so the rows of a CAP are
        written one after the other, all CAPs at once; each takes its word line, and drives its
        columns past the rows of one mat.
        """
        columns = bits.left + bits.right
        # where the sum grows over the operands, its columns are cleared after multiplying
        free = np.minimum(self.storage.sum_bits(bits), self.chip.columns - columns) * exact
        if self.chip.load_mode == "latched":
            load = ap.load(columns) + ap.clear_along(free)
            return load.repeat(self.folds, self.operand_rows)
        cells, cleared = self.operand_rows * columns, self.operand_rows * free
        return Counts(  # few rows at once, so that their clears take no cycle of their own
            writes=self.folds * self.chip.rows,
            cells_written=cells + cleared,
            words_written=self.operand_rows,
            lines_driven=cells * np.ceil(self.chip.rows / self.chip.mats) + cleared,
        )

    def _multiply(self, bits: Bits) -> Counts:
        """Multiply the operands of every row, over all folds."""
        multiply = ap.multiply(bits.left, bits.right, (True, False))
        return multiply.repeat(self.folds, self.operand_rows)

    def _reduce(self, bits: Bits, counts: CountSet) -> Counts:
        """Extend the products' signs over the columns that the sum grows by; add up their rows.

        On a 1D AP signs are extended level by level, but over what a part does not grow by.
        """
        total = self.storage.sum_bits(bits)
        if counts == "published":
            return self.sums.reduce(total, counts)
        growth = self.storage.growth
        over = (
            bits.left + bits.right + total > self.chip.columns
        )  # the sum grows over the operands: a clear
        reduce = self.sums.reduce(total, counts, signed=True)
        reduce = reduce + ap.clear(growth, over).repeat(self.folds, self.operand_rows)
        if self.chip.ap_kind != "1d":
            return reduce + ap.sign_extend(growth).repeat(self.folds, self.operand_rows)
        extend = self.sums.each(lambda rows: ap.sign_extend(growth - ap.levels(rows)).over(rows))
        return reduce + extend

    def moved(self, bits: Bits, words: Words, counts: CountSet) -> Moved:
        """Return bits that operands bring to the clusters, and bits that results return."""
        if self.chip.multicast:
            taken = tile_bits(self.storage.network, self.batch, self.shares, bits)
        else:
            taken = self.operand_rows * (bits.left + bits.right)
        left = self.sums.rows_left(counts) * self.storage.sum_bits(bits)
        return taken, self.sums.sums * (left + words.read_bits)

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
            bench.load(array, "right", part.start, layout.activations)
            bench.account(array, "load", folds, number)
            array.run(layout.multiply)
            bench.account(array, "multiply", folds, number)
            left = add_up(array, layout)
            bench.account(array, "reduce", folds, number)
            planes = array.read_planes(total, left)
            bench.account(array, "read", folds, number)
            bench.record_wear(array, folds)
            yield planes

    def finish(self, bench: OutputBench, step: ProductStep) -> np.ndarray:
        """Add sums and carries, add the bias, scale, clamp; then fused layers, one output a row."""
        width, m, dropped = step.width, 0, 0
        if not step.keeps_sum:
            m = int(ap.scale_bits(step.target.bits))
            dropped = width - int(scaled_columns(width, step.target.bits, step.columns))
        total = range(m + 1 - dropped, m + 1 - dropped + width)
        flag, carry = total.stop, total.stop + 1
        spare = range(carry + 1, step.columns)
        array = bench.array()
        array.load_planes(bench.sums[0], total, clear=range(flag, flag + 1))
        for partial in bench.sums[1:]:
            _add(array, partial, total, carry, spare)
        bench.account(array, "carry")
        _add(array, bench.bias, total, carry, spare)
        bench.account(array, "bias")
        if step.keeps_sum:
            return bench.results(array, total)
        size, shift = step.target.bits + SIGN, bench.shift - dropped
        array.load_planes(bench.multiplier, spare[:m], clear=range(m + 1))
        array.run(programs.requantise(total[dropped:], spare[:m], shift, size, flag))
        bench.account(array, "requantise")
        return bench.results(array, range(shift, shift + size))


def _add(array: Array, planes: np.ndarray, total: range, carry: int, spare: range) -> None:
    """Load a word and add it to the total: in slices, each as wide as the spare columns."""
    for lo in range(0, len(total), len(spare)):
        part = total[lo : lo + len(spare)]
        other = spare[: len(part)]
        clear = range(carry, carry + (lo == 0))
        array.load_planes(planes[lo : lo + len(part)], other, clear)
        array.run(programs.add(other, part, carry))
