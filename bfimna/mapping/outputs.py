"""What follows a product's sums: carries, bias and scale, on outputs packed one per row.

The paper's way: the rows that a reduction leaves are loaded into one row an output and added there,
then the bias; the sum is multiplied by b, shifted and clamped. `bfimna.mapping.fused` has another
way. Model document, section 3.
"""

from dataclasses import dataclass

import numpy as np

from bfimna.ap import counts as ap
from bfimna.ap import programs
from bfimna.ap.array import Array
from bfimna.ap.counts import Counts
from bfimna.mapping.chip import Chip
from bfimna.mapping.lowered import OutputBench, ProductStep
from bfimna.mapping.storage import Storage
from bfimna.mapping.work import Work
from bfimna.network.bits import Bits
from bfimna.operators.words import SIGN, Words


def scaled_columns(total: ap.Amount, out_bits: ap.Amount, columns: int) -> ap.Amount:
    """Columns of a sum that requantising takes: all, or the top ones that there is room for.

    Beside them lie the multiplier b, as many columns and one that the product grows into, carry and
    flag. What is left out is a fraction of a step of the result.

    >>> int(scaled_columns(24, 8, 72)), int(scaled_columns(45, 16, 72))
    (24, 35)
    """
    return np.minimum(total, columns - 2 * ap.scale_bits(out_bits) - 3)


@dataclass(frozen=True, eq=False)
class PackedOutputs:
    """A network's outputs of products, one per row; arrays over the products.

    Attributes
    ----------
    sums : outputs of each product, for the whole batch.
    adder : of sums, carries and bias.
    """

    bias_phase = "bias"

    storage: Storage
    chip: Chip
    sums: np.ndarray
    adder: ap.Adder = "four-pass"

    @property
    def folds(self) -> np.ndarray:
        """Times that the chip is filled with outputs, one per row."""
        return np.ceil(self.sums / self.chip.product_rows)

    def columns(self, bits: Bits, words: Words) -> list[tuple[str, np.ndarray]]:
        """Return the columns that each phase needs, shape (..., products)."""
        total, scaled = self.storage.sum_bits(bits), ~self.storage.keeps_sum
        least = words.bits + 2 + 2 * ap.scale_bits(words.bits) + 3  # some of the sum are scaled
        return [("carry", total + 2), ("requantise", np.where(scaled, least, 0))]

    def transfers(self, bits: Bits, words: Words, left: np.ndarray) -> tuple[Counts, Counts]:
        """Return loads and reads of the outputs that other phases than these do: the results'."""
        return Counts(), ap.read(words.read_bits).repeat(self.folds, self.sums)

    def work(self, bits: Bits, words: Words, left: np.ndarray, exact: bool) -> dict[str, Work]:
        """Return the work by phase.

        Parameters
        ----------
        left : rows that the reduction leaves of each sum.
        exact : whether clears along with loads are counted.
        """
        total, sums, scaled = self.storage.sum_bits(bits), self.sums, ~self.storage.keeps_sum
        carry = ap.load(total) * left + ap.add(total, self.adder) * (left - 1)
        bias = ap.load(total) + ap.add(total, self.adder)
        scale = self._scale(bits, words, exact)
        if exact:  # flag and carries are cleared along with a load
            carry = carry + ap.clear_along(1) * left
            bias = bias + ap.clear_along(1)
        index, folds = self.storage.index, self.folds
        return {
            "carry": Work(index, carry.repeat(folds, sums), sums),
            "bias": Work(index, bias.repeat(folds, sums), sums),
            "requantise": Work(index, (scale * scaled).repeat(folds, sums), sums * scaled),
        }

    def _scale(self, bits: Bits, words: Words, exact: bool) -> Counts:
        """Scale and clamp an output; nothing is scaled where the sum itself is the output."""
        total, scaled = self.storage.sum_bits(bits), ~self.storage.keeps_sum
        out = np.where(scaled, words.bits, 1)
        m, scaled_bits = ap.scale_bits(out), scaled_columns(total, out, self.chip.columns)
        scale = ap.load(m) + ap.requantise(np.where(scaled, scaled_bits, 1), m, out + SIGN)
        return scale + ap.clear_along(m + 1) if exact else scale  # the product's columns

    def returned(self, bits: Bits, words: Words, left: np.ndarray) -> np.ndarray:
        """Bits of sums and results that cross the clusters' buses."""
        return self.sums * (left * self.storage.sum_bits(bits) + words.read_bits)

    # ---- emulated pass -----------------------------------------------------------------------

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
            add_planes(array, partial, total, carry, spare, self.adder)
        bench.account(array, "carry")
        add_planes(array, bench.bias, total, carry, spare, self.adder)
        bench.account(array, self.bias_phase)
        if step.keeps_sum:
            return bench.results(array, total)
        size, shift = step.target.bits + SIGN, bench.shift - dropped
        array.load_planes(bench.multiplier, spare[:m], clear=range(m + 1))
        array.run(programs.requantise(total[dropped:], spare[:m], shift, size, flag))
        bench.account(array, "requantise")
        return bench.results(array, range(shift, shift + size))


def add_planes(
    array: Array, planes: np.ndarray, total: range, carry: int, spare: range, adder: ap.Adder
) -> None:
    """Load a word and add it to the total: in slices, each as wide as the spare columns."""
    for lo in range(0, len(total), len(spare)):
        part = total[lo : lo + len(spare)]
        other = spare[: len(part)]
        clear = range(carry, carry + (lo == 0))
        array.load_planes(planes[lo : lo + len(part)], other, clear)
        array.run(programs.add(other, part, carry, adder))
