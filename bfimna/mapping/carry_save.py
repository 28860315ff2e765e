"""Dot products added up in carry-save form, three rows each: a Booth latch feeds the addends.

A row X takes one addend after the other and is added to a sum row S and a carry row C in vertical
mode, all columns at once. The addends of a product are the activation times the weight's radix-4
Booth digits (0, ±1, ±2), one for each two weight bits, which the load latch selects, shifts and
complements. Several dot products lie side by side in the columns. Model document, section 3.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np

from bfimna.ap import counts as ap
from bfimna.ap import programs
from bfimna.ap.addition import ADDERS
from bfimna.ap.booth import booth_addends, booth_excess
from bfimna.ap.counts import Counts, CountSet
from bfimna.errors import BfimnaError
from bfimna.mapping.chip import Chip
from bfimna.mapping.fused import FusedOutputs
from bfimna.mapping.lowered import OutputBench, ProductBench, ProductStep
from bfimna.mapping.mapping import need
from bfimna.mapping.outputs import PackedOutputs
from bfimna.mapping.storage import Storage, freeze
from bfimna.mapping.tiles import best_tile, tile_bits
from bfimna.mapping.vertical import groups_mode
from bfimna.mapping.work import Vertical, Work
from bfimna.network.bits import Bits
from bfimna.network.matmul import Matmul
from bfimna.operators.operator import Moved
from bfimna.operators.words import Words

TRIPLE = 3  # rows: addend, sum, carry


def triples(k: int, most: int) -> tuple[int, int]:
    """Return the triples of a dot product, at most so many, and the products of each.

    >>> triples(576, 100), triples(576, 1600)
    ((96, 6), (576, 1))
    """
    each = -(-k // max(most, 1))
    return -(-k // each), each


def most_triples(rows: int) -> int:
    """Return the triples that an array of so many rows holds."""
    return rows // TRIPLE


def arrays_needed(product: Matmul, rows: int, batch: int, beside: int, parts: int) -> int:
    """Return how many arrays of so many rows hold all of a product at once."""
    count, _ = triples(product.k, min(parts or product.k, most_triples(rows)))
    each = beside * max(most_triples(rows) // count, 1)
    return -(-product.dot_products * batch // each)


@dataclass(frozen=True, eq=False)
class CarrySaveProducts:
    """A network's products in carry-save form; arrays over them, for the whole batch.

    Attributes
    ----------
    beside : dot products side by side in the columns.
    dots : dot products.
    triples : of rows that share a dot product.
    products_each : of a triple.
    folds : times that the chip is filled.
    shares : dot products of the busiest cluster in a fold.
    outputs : what follows the sums.
    """

    placement = "a dot product in triples of CAP rows: addend, sum and carry"

    storage: Storage
    chip: Chip
    batch: int
    beside: int
    dots: np.ndarray
    triples: np.ndarray
    products_each: np.ndarray
    folds: np.ndarray
    shares: tuple[int, ...]
    outputs: PackedOutputs

    @classmethod
    def lower(
        cls,
        storage: Storage,
        chip: Chip,
        batch: int,
        name: str,
        beside: int,
        parts: int,
        adder: ap.Adder,
        fused: bool,
    ) -> Self:
        """Lay out a network's products on a chip."""
        need(chip, name, ap_kind="2d-segmented", load_mode="latched", latch="booth")
        room = most_triples(chip.rows)
        if not room:
            raise BfimnaError(
                f"mapping {name!r} needs rows=3 or more; chip {chip.name!r} has {chip.rows}"
            )
        dots = [product.dot_products * batch for product in storage.network.matmuls]
        split = []
        for product, number in zip(storage.network.matmuls, dots, strict=True):
            wanted = parts or beside * room * chip.caps // number  # as many as fill the chip once
            split.append(triples(product.k, min(max(wanted, 1), room, product.k)))
        counts, each = (np.array(column) for column in zip(*split, strict=True))
        per_fold = chip.caps * beside * (room // counts)
        folds = -(-np.array(dots) // per_fold)
        shares = tuple((-(-np.array(dots) // (folds * chip.clusters))).tolist())
        sums = np.array(dots, dtype=float)
        after = (
            FusedOutputs(storage, chip, sums, adder, whole=True)
            if fused
            else PackedOutputs(storage, chip, sums, adder)
        )
        lowered = cls(storage, chip, batch, beside, sums, counts, each, folds * 1.0, shares, after)
        freeze(lowered, lowered.outputs)
        return lowered

    @property
    def operand_rows(self) -> np.ndarray:
        """Rows that hold operands, over all folds."""
        return self.dots * self.triples * TRIPLE / self.beside

    @property
    def takes(self) -> np.ndarray:
        """Whether each product can be laid out so: Booth's latch takes unsigned activations."""
        return self.storage.constant

    # ---- closed form -------------------------------------------------------------------------

    def columns(self, bits: Bits, words: Words) -> list[tuple[str, np.ndarray]]:
        """Return the columns that each phase needs, shape (..., products)."""
        beside = self.beside * self.storage.sum_bits(bits)
        return [("multiply (sums side by side)", beside), *self.outputs.columns(bits, words)]

    def fits(self, bits: Bits, words: Words) -> np.ndarray:
        """Whether an array has the columns for each product; shape (..., products)."""
        needed = [needed for _, needed in self.columns(bits, words)]
        return np.all([columns <= self.chip.columns for columns in needed], axis=0) & self.takes

    def _wide(self, bits: Bits) -> np.ndarray:
        """Columns of a triple's sum."""
        return np.asarray(bits.left + bits.right + ap.levels(self.products_each))

    def work(self, bits: Bits, words: Words, counts: CountSet) -> dict[str, Work]:
        """Return the work of products in folds, then of densely packed outputs."""
        total, left = self.storage.sum_bits(bits), np.full(len(self.dots), 2)
        load, read = self.outputs.transfers(bits, words, left)
        read = ap.read(total).repeat(self.folds * self.beside, 2 * self.dots) + read
        addends = -(-bits.left // 2) * self.products_each
        steps, rows = np.maximum(addends - 2, 0), self.dots * self.triples
        wide, joined = self._wide(bits), rows * steps
        step = ap.join(wide, self.adder).repeat(steps * self.folds, wide * joined)
        tree = ap.reduce(2 * self.triples, total - ap.levels(2 * self.triples), adder=self.adder)
        index = self.storage.index
        return {
            "load": Work(index, self._load(bits, addends) + load, rows),
            "multiply": Work(index, step, rows, self._step_mode(steps)),
            "reduce": Work(index, tree.repeat(self.folds, self.dots), rows, self._tree_mode()),
            "read": Work(index, read, 2 * self.dots),
            **self.outputs.work(bits, words, left, True),
        }

    @property
    def adder(self) -> ap.Adder:
        """Full adder of what is added up."""
        return self.outputs.adder

    def _load(self, bits: Bits, addends: np.ndarray) -> Counts:
        """Load each addend's field into its row; clear the row's other columns along.

        The first two addends are the sum and carry rows, cleared over the whole sum.
        """
        fields = self.products_each * (-(-bits.left // 2) * (bits.right + 1) - bits.left % 2)
        total, wide = self.storage.sum_bits(bits), self._wide(bits)
        more, rows = np.maximum(addends - 2, 0), self.dots * self.triples
        cleared = 2 * total + more * wide - fields
        once = Counts(clears=2 + more, rows_cleared=2 + more)
        cells = Counts(cells_written=cleared, lines_driven=cleared)
        load = ap.load(fields).repeat(self.folds * self.beside, rows)
        return load + (once + cells).repeat(self.folds, rows)

    def _step_mode(self, steps: np.ndarray) -> Vertical:
        """Return the mode of the additions: entered for each, in the same cuts."""
        rows = self.operand_rows
        once = groups_mode(np.full(len(rows), TRIPLE), self.folds, rows, self.chip)
        entries, entered = self.folds * steps, rows * steps
        return Vertical(once.rows, once.span, once.mats, entries, entered, rows)

    def _tree_mode(self) -> Vertical:
        """Return the mode of the tree over sum and carry rows; addend rows lie between them."""
        return groups_mode(
            2 * self.triples, self.folds, self.operand_rows, self.chip, apart=TRIPLE / 2
        )

    def moved(self, bits: Bits, words: Words, counts: CountSet) -> Moved:
        """Return bits that operands bring to the clusters, and bits that results return."""
        if self.chip.multicast:
            taken = tile_bits(self.storage.network, self.batch, self.shares, bits)
        else:
            each = self.triples * self.products_each
            taken = self.dots * each * (bits.left + bits.right)
        left = np.full(len(self.dots), 2)
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

    def sum_rows(self, step: ProductStep) -> int:
        """Rows that `accumulate` leaves of each sum."""
        return 2

    def array_rows(self, step: ProductStep) -> int:
        """Rows of the array that `accumulate` asks for, for each dot product."""
        return int(self.triples[step.number]) * TRIPLE

    def excess(self, step: ProductStep, weights: np.ndarray) -> np.ndarray:
        """Return what complemented addends make each channel's sums too large by."""
        return booth_excess(weights, step.left_bits, step.right_bits)

    def accumulate(self, bench: ProductBench, step: ProductStep) -> Iterator[np.ndarray]:
        """Add up the addends in triples, then sums and carries; yield the rows left as planes."""
        number, count = step.number, int(self.triples[step.number])
        each, folds = int(self.products_each[number]), int(self.folds[number])
        total = range(step.width)
        wide = range(step.left_bits + step.right_bits + int(ap.levels(each)))
        array = bench.array(0, count * TRIPLE, 0)
        taken = 0
        for time in range(each):
            w = bench.operand("left", time * count, count)
            x = bench.operand("right", time * count, count)
            for column, field in booth_addends(w, x):
                row = (taken + 1) * count if taken < 2 else 0  # sum rows, carry rows, then X
                columns = range(column, column + len(field))
                word = total if taken < 2 else wide
                rest = range(word.start, columns.start), range(columns.stop, word.stop)
                array.clear_along(rest, count, row)  # of all sums that lie side by side
                bench.account(array, "load", folds, 0)
                array.load_planes(field, columns, first=row)
                bench.account(array, "load", folds * self.beside, 0)
                if taken >= 2:
                    levels = [((0, count, 2 * count), count)]
                    array.add_levels(ADDERS[self.adder], levels, wide)
                bench.account(array, "multiply", folds, 0)
                taken += 1
        if taken < 2:  # no carries: their rows are cleared along with the only addend's load
            array.clear_along((total,), count, 2 * count)
            bench.account(array, "load", folds, 0)
        rows = programs.reduce(array, total, 2 * count, self.adder, first=count)
        bench.account(array, "reduce", folds, 0)
        planes = array.read_planes(total, rows, first=count)
        bench.account(array, "read", folds * self.beside, 0)
        bench.record_wear(array, folds)
        yield planes

    def finish(self, bench: OutputBench, step: ProductStep) -> np.ndarray:
        """Complete sums, add the bias, scale and clamp; see `outputs`."""
        return self.outputs.finish(bench, step)
