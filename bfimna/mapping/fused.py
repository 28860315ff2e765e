"""Carry, bias and scale as one sum: the multiplier's digits as shifted copies of the sum.

b is written in canonical signed digits, of which a word of m bits has at most ⌊(m + 2) / 2⌋ that
are not 0. The sum times b is then the sum of as many shifted copies, complemented where a digit is
negative; a last row holds bias · b and what the complements lack. The rows are added in vertical
mode, the two that are left once in a row, and clamped. Model document, section 3.
"""

from dataclasses import dataclass

import numpy as np

from bfimna.ap import counts as ap
from bfimna.ap import programs
from bfimna.ap.counts import Counts
from bfimna.mapping.lowered import OutputBench, ProductStep
from bfimna.mapping.outputs import PackedOutputs, add_planes, scaled_columns
from bfimna.mapping.vertical import groups_mode
from bfimna.mapping.work import Work
from bfimna.network.bits import Bits
from bfimna.operators.words import SIGN, Words


def most_digits(scale_bits: ap.Amount) -> ap.Amount:
    """Return the most digits other than 0 of a number of so many bits, in canonical signed digits.

    >>> most_digits(9), most_digits(5)
    (5, 3)
    """
    return (scale_bits + 2) // 2


def signed_digits(values: np.ndarray, bits: int) -> np.ndarray:
    """Return the canonical signed digits of numbers below 2^bits: -1, 0 or 1, (bits + 1, numbers).

    >>> signed_digits(np.array([7, 5]), 3).T.tolist()
    [[-1, 0, 0, 1], [1, 0, 1, 0]]
    """
    at = np.arange(1, bits + 2)[:, None]
    return (3 * values >> at & 1) - (values >> at & 1)


@dataclass(frozen=True, eq=False)
class FusedOutputs(PackedOutputs):
    """Outputs of products whose carry, bias and scale are one sum of rows.

    Where requantising leaves columns of the sum out, or the sum itself is the output, it runs as in
    the paper's mapping, with the bias added in the phase `carry`.

    Attributes
    ----------
    whole : whether the rows that a reduction leaves are not negative and add up without a carry out
        of the sum's columns; then each is scaled, else their sum.
    """

    bias_phase = "carry"
    scaling_phase = "bias"

    whole: bool = False

    def fused(self, bits: Bits, words: Words) -> np.ndarray:
        """Whether an output's scale is a sum of rows, shape (..., products)."""
        total, scaled = self.storage.sum_bits(bits), ~self.storage.keeps_sum
        out = np.where(scaled, words.bits, 1)
        every = scaled_columns(total, out, self.chip.columns) == total
        copies = self.copies(out, np.full(out.shape, 2))
        return np.asarray(scaled & every & (copies <= self.chip.rows))

    def copies(self, out_bits: ap.Amount, left: ap.Amount) -> np.ndarray:
        """Rows of an output: shifted copies, then bias · b."""
        rows = left if self.whole else 1
        return np.asarray(rows * most_digits(ap.scale_bits(out_bits)) + 1)

    def spread_folds(self, copies: np.ndarray, sums: ap.Amount) -> np.ndarray:
        """Return how often the chip is filled with outputs of so many rows each."""
        each = np.maximum(self.chip.rows // copies, 1)
        return np.ceil(sums / (self.chip.caps * each))

    # ---- closed form -------------------------------------------------------------------------

    def columns(self, bits: Bits, words: Words) -> list[tuple[str, np.ndarray]]:
        """Return the columns that each phase needs, shape (..., products)."""
        total = self.storage.sum_bits(bits)
        wide = np.where(self.fused(bits, words), total + ap.scale_bits(words.bits), 0)
        return [*super().columns(bits, words), ("requantise (product, carry, flag)", wide + 3)]

    def transfers(self, bits: Bits, words: Words, left: np.ndarray) -> tuple[Counts, Counts]:
        """Return loads of the copies, and reads of resolved sums, of scaled rows and results."""
        load, read = super().transfers(bits, words, left)
        fused, total = self.fused(bits, words), self.storage.sum_bits(bits)
        copies, wide, folds = self._rows(bits, words, left)
        load = load + ap.load(wide).repeat(folds, self.sums * copies) * fused
        resolved = ap.read(total).repeat(self.folds, self.sums) * self._resolved(fused, left)
        return load, read + resolved + ap.read(wide).repeat(folds, 2 * self.sums) * fused

    def _rows(
        self, bits: Bits, words: Words, left: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return an output's rows, their columns, and the folds of all outputs."""
        out = np.where(self.storage.keeps_sum, 1, words.bits)
        copies = self.copies(out, left)
        wide = self.storage.sum_bits(bits) + ap.scale_bits(out)
        return copies, np.asarray(wide), self.spread_folds(copies, self.sums)

    def _resolved(self, fused: np.ndarray, left: np.ndarray) -> np.ndarray:
        """Whether sum and carry are added before their sum is scaled."""
        return fused & (left > 1) & (not self.whole)

    def work(self, bits: Bits, words: Words, left: np.ndarray, exact: bool) -> dict[str, Work]:
        """Return the work by phase; see `PackedOutputs.work`."""
        packed, fused = super().work(bits, words, left, exact), self.fused(bits, words)
        copies, wide, folds = self._rows(bits, words, left)
        index, sums = self.storage.index, self.sums
        carry = packed["carry"].counts * (~fused | self._resolved(fused, left))
        carry = carry + packed["bias"].counts * ~fused
        tree = ap.reduce(copies, wide - ap.levels(copies), adder=self.adder)
        scaled = ~self.storage.keeps_sum
        out = np.where(scaled, words.bits, 1)
        final = ap.load(2 * wide) + ap.add(wide, self.adder) + ap.clear_along(1) * 2
        total, m = self.storage.sum_bits(bits), ap.scale_bits(out)
        final = final + ap.clamp_product(total, m, out + SIGN)
        requantise = packed["requantise"].counts * ~fused
        requantise = requantise + final.repeat(self.folds, sums) * fused
        mode = groups_mode(copies, folds, sums * copies, self.chip)
        return {
            "carry": Work(index, carry, sums),
            self.scaling_phase: Work(index, tree.repeat(folds, sums) * fused, sums * scaled, mode),
            "requantise": Work(index, requantise, sums * scaled),
        }

    def returned(self, bits: Bits, words: Words, left: np.ndarray) -> np.ndarray:
        """Bits of sums, resolved sums, scaled rows and results that cross the buses."""
        fused, total = self.fused(bits, words), self.storage.sum_bits(bits)
        _, wide, _ = self._rows(bits, words, left)
        more = total * self._resolved(fused, left) + 2 * wide * fused
        return super().returned(bits, words, left) + self.sums * more

    # ---- emulated pass -----------------------------------------------------------------------

    def finish(self, bench: OutputBench, step: ProductStep) -> np.ndarray:
        """Add, scale by copies, clamp; then fused layers, one output a row."""
        width, out = step.width, step.target.bits
        every = int(scaled_columns(width, out, step.columns)) == width
        if step.keeps_sum or not every or self.copies(out, 2) > self.chip.rows:
            if not step.keeps_sum:
                bench.account(bench.array(), self.scaling_phase)  # nothing is scaled there
            return super().finish(bench, step)
        wide, size = width + int(ap.scale_bits(out)), out + SIGN
        rows = self._copied(bench, self._summands(bench, step), wide, int(ap.scale_bits(out)))
        outputs = int(self.sums[step.number])
        folds = int(self.spread_folds(np.asarray(len(rows)), outputs))
        spread = bench.array(len(rows))
        spread.load(rows, range(wide))
        bench.account(spread, "load", folds)
        left = programs.reduce(spread, range(wide), adder=self.adder)
        bench.account(spread, self.scaling_phase, folds)
        planes = spread.read_planes(range(wide), left).copy()
        bench.account(spread, "read", folds)
        array, flag = bench.array(), wide
        array.load_planes(planes[:, :1], range(wide), clear=range(flag, flag + 1))
        spare = range(wide + 2, step.columns)
        add_planes(array, planes[:, 1:], range(wide), wide + 1, spare, self.adder)
        array.run(programs.saturate(range(bench.shift, wide), size, flag))
        bench.account(array, "requantise")
        return bench.results(array, range(bench.shift, bench.shift + size))

    def _summands(self, bench: OutputBench, step: ProductStep) -> list[np.ndarray]:
        """Return the numbers that are scaled: the rows that are left, or their sum."""
        width = range(step.width)
        array, summands = bench.array(), []
        for planes in bench.sums if self.whole or len(bench.sums) == 1 else ():
            summands.append(bench.integers(planes, signed=not self.whole))
        if not summands:
            flag, carry = width.stop, width.stop + 1
            array.load_planes(bench.sums[0], width, clear=range(flag, flag + 1))
            for partial in bench.sums[1:]:
                spare = range(carry + 1, step.columns)
                add_planes(array, partial, width, carry, spare, self.adder)
            bench.account(array, "carry")
            summands.append(array.read(width, signed=True)[0])
            bench.account(array, "read")
        else:
            bench.account(array, "carry")
        return summands

    def _copied(
        self, bench: OutputBench, summands: list[np.ndarray], wide: int, scale_bits: int
    ) -> np.ndarray:
        """Return the rows of every output: shifted copies, zeros, then bias · b and constants."""
        digits = signed_digits(bench.multipliers, scale_bits)
        most, mask = int(most_digits(scale_bits)), (1 << wide) - 1
        rows = np.zeros((len(summands) * most + 1, len(bench.multipliers)), np.int64)
        constant = bench.biases * bench.multipliers
        number = np.cumsum(digits != 0, axis=0) - 1  # of a digit among those that are not 0
        for first, summand in zip(range(0, len(rows) - 1, most), summands, strict=True):
            for position, digit in enumerate(digits):
                (at,) = np.nonzero(digit)
                copy = summand[at] << position
                rows[first + number[position, at], at] = np.where(digit[at] < 0, ~copy, copy) & mask
            constant = constant + (digits < 0).sum(axis=0)  # -x = ~x + 1
        rows[-1] = constant & mask
        return rows
