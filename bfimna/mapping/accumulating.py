"""Several products of a dot product in each row, one after the other, added up in the row.

The chip is filled fewer times and fewer rows are reduced; each product but the first is added to a
running sum beside it. It needs no hardware that the paper's chip has not. Model document, section
3.
"""

from collections.abc import Iterator
from typing import Self

import numpy as np

from bfimna.ap import counts as ap
from bfimna.ap import programs
from bfimna.ap.accumulation import (
    accumulate,
    accumulate_counts,
    multiply_accumulate,
    multiply_accumulate_counts,
)
from bfimna.ap.counts import Counts
from bfimna.mapping.chip import Chip
from bfimna.mapping.lowered import ProductBench, ProductStep
from bfimna.mapping.mapping import need
from bfimna.mapping.paper import PaperProducts
from bfimna.mapping.storage import Storage, freeze
from bfimna.network.bits import Bits
from bfimna.network.matmul import Matmul
from bfimna.operators.group_sums import fit
from bfimna.operators.words import Words


def rows_of(length: int, products_per_row: int) -> int:
    """Return the rows of a dot product of so many products."""
    return -(-length // products_per_row)


def arrays_needed(product: Matmul, rows: int, batch: int, products_per_row: int) -> int:
    """Return how many arrays of so many rows hold all of a product at once."""
    length = rows_of(product.k, products_per_row)
    return fit(length, product.dot_products * batch, rows).arrays


class AccumulatingProducts(PaperProducts):
    """A network's products, several of a dot product in each row; arrays over the products."""

    of_activations = False

    @classmethod
    def lower(  # type: ignore[override]
        cls,
        storage: Storage,
        chip: Chip,
        batch: int,
        name: str,
        products_per_row: int,
        adder: ap.Adder,
        fused: bool,
    ) -> Self:
        """Lay out a network's products on a chip."""
        need(chip, name, ap_kind="2d-segmented", load_mode="latched")
        lengths = [rows_of(product.k, products_per_row) for product in storage.network.matmuls]
        lowered = cls.packing(lengths, storage, chip, batch, adder, fused)
        freeze(lowered, lowered.sums)
        return lowered

    @property
    def placement(self) -> str:  # type: ignore[override]
        """Where the operands lie, in words."""
        return f"up to {int(self.per_row.max())} products of a dot product in each CAP row"

    @property
    def per_row(self) -> np.ndarray:
        """Products in each row: rows of a dot product share them evenly."""
        return -(-self.products_each // self.lengths)

    @property
    def growth(self) -> np.ndarray:
        """Columns by which a row's sum is wider than a product."""
        return np.asarray(ap.levels(self.per_row))

    # ---- closed form -------------------------------------------------------------------------

    def apart(self, operands: ap.Amount) -> np.ndarray:
        """Whether a product finds columns beside the sum; by the bits of both operands."""
        beside = 3 * operands + self.growth + 1 <= self.chip.columns
        return np.asarray(beside & (self.per_row > 1))

    def columns(self, bits: Bits, words: Words) -> list[tuple[str, np.ndarray]]:
        """Return the columns that each phase needs, shape (..., products)."""
        operands = bits.left + bits.right
        needed = operands * (2 + self.apart(operands)) + self.growth + 1
        return [
            ("multiply (operands, product, sum, carry)", needed),
            *self.outputs.columns(bits, words),
        ]

    def _load(self, bits: Bits, exact: bool) -> Counts:
        """Load each product's operands; clear its columns, the sum's and the carry along."""
        operands, times = bits.left + bits.right, self.per_row
        again = ap.clear_along(operands * self.apart(operands) + 1) * (times - 1)
        load = ap.load(operands) * times + ap.clear_along(operands + self.growth + 1) + again
        return load.repeat(self.folds, self.operand_rows)

    def _multiply(self, bits: Bits, exact: bool) -> Counts:
        """Multiply, add to the row's sum, and extend the sign over the columns of the whole sum."""
        operands, times = bits.left + bits.right, self.per_row
        one, more = ap.multiply(bits.left, bits.right, (True, False)), times - 1
        wide, apart = operands + self.growth, self.apart(operands)
        added = (one + accumulate_counts(operands, wide, self.adder)) * (more * apart)
        onto = multiply_accumulate_counts(bits.left, bits.right, wide) * (more * ~apart)
        above = self.storage.sum_bits(bits) - wide
        extended = ap.clear(above, above > 0) + ap.sign_extend(above)
        row = one + ap.sign_extend(self.growth) + added + onto + extended
        return row.repeat(self.folds, self.operand_rows)

    # ---- emulated pass -----------------------------------------------------------------------

    def _parts(self, step: ProductStep) -> list[range]:
        """Return the rows of a dot product that each of its arrays holds."""
        length, part = int(self.lengths[step.number]), int(self.sums.part[step.number])
        return [range(lo, min(lo + part, length)) for lo in range(0, length, part)]

    def accumulate(self, bench: ProductBench, step: ProductStep) -> Iterator[np.ndarray]:
        """Multiply and add up in each row, then reduce the rows; yield those left as planes."""
        number, product = step.number, step.left_bits + step.right_bits
        folds, beside = int(self.folds[number]), int(self.sums.side_by_side[number])
        times, length = int(self.per_row[number]), int(self.lengths[number])
        total = range(step.width)
        wide = range(product + int(self.growth[number]))
        carry = wide.stop
        apart = bool(self.apart(product)[number])
        one = range(carry + 1, carry + 1 + product * apart)
        left = range(one.stop, one.stop + step.left_bits)
        right = range(left.stop, left.stop + step.right_bits)
        above = range(wide.stop, total.stop)
        for part_number, part in enumerate(self._parts(step)):
            array = bench.array(part_number, len(part), beside)
            for time in range(times):
                word = one if time else wide[:product]
                first = time * length + part.start
                clear = range(carry, carry + 1 + len(one)) if time else range(carry + 1)
                bench.load(array, "left", first, left, clear)
                bench.load(array, "right", first, right)
                bench.account(array, "load", folds, part_number)
                if time and not apart:
                    array.run(multiply_accumulate(left, right, wide, carry))
                else:
                    array.run(programs.multiply(left, right, word, (True, False)))
                if not time:
                    array.run(programs.sign_extend(word[-1], wide[product:]))
                elif apart:
                    array.run(accumulate(one, wide, carry, self.adder))
                bench.account(array, "multiply", folds, part_number)
            if above:
                array.run(programs.clear(above))
                array.run(programs.sign_extend(wide[-1], above))
            bench.account(array, "multiply", folds, part_number)
            rows = programs.reduce(array, total, adder=self.adder)
            bench.account(array, "reduce", folds, part_number)
            planes = array.read_planes(total, rows)
            bench.account(array, "read", folds, part_number)
            bench.record_wear(array, folds)
            yield planes
