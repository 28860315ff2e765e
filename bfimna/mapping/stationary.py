"""One operand stays in the CAP rows over all folds of a layer; the other moves.

A cluster keeps its channels' weights, or its positions' inputs, for the whole layer: they cross its
bus and are loaded once, in place of once a fold. Model document, section 3.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Self

import numpy as np

from bfimna.ap import counts as ap
from bfimna.ap.counts import Counts, CountSet
from bfimna.ap.matrix import add_up, multiply_rows, product_layout
from bfimna.mapping.chip import Chip
from bfimna.mapping.lowered import ProductBench, ProductStep, Side
from bfimna.mapping.mapping import need
from bfimna.mapping.paper import PaperProducts
from bfimna.mapping.storage import Storage, freeze
from bfimna.mapping.tiles import candidates, moved
from bfimna.network.bits import Bits
from bfimna.network.graph import Network
from bfimna.operators.operator import Moved
from bfimna.operators.words import MAX_BITS, Words

#: what stays: nothing, the left operand, or the right one
NEITHER, LEFT, RIGHT = range(3)
SIDES: dict[int, Side] = {LEFT: "left", RIGHT: "right"}


def least_bits(
    network: Network, batch: int, shares: tuple[int, ...], folds: tuple[int, ...]
) -> np.ndarray:
    """Tabulate the fewest bits over the buses: (products, what stays, left bits, right bits).

    A tile whose weights stay takes other positions in each of F folds, so that it has at most a
    share F of all; one whose inputs stay likewise of the channels. Infinite where no tile can.
    """
    return _least_bits(network, batch, shares, folds)


@lru_cache(maxsize=256)
def _least_bits(
    network: Network, batch: int, shares: tuple[int, ...], folds: tuple[int, ...]
) -> np.ndarray:
    left = np.arange(MAX_BITS + 1.0)[:, None, None]
    right = np.arange(MAX_BITS + 1.0)[None, :, None]
    table = np.full((len(shares), 3, MAX_BITS + 1, MAX_BITS + 1), np.inf)
    for row, product, share, times in zip(table, network.matmuls, shares, folds, strict=True):
        channels, positions = candidates(product, batch, share)
        weights, inputs = moved(product, batch, channels, positions)
        for stays, fits, w, a in (
            (NEITHER, channels > 0, weights, inputs),
            (LEFT, positions * times <= product.shared_positions(batch), weights / times, inputs),
            (RIGHT, channels * times <= product.m, weights, inputs / times),
        ):
            if fits.any():
                row[stays] = (w[fits] * left + a[fits] * right).min(axis=-1)
    table.flags.writeable = False
    return table


class StationaryProducts(PaperProducts):
    """A network's products, a row each, with one operand in its row over all folds of a layer."""

    placement = "a product per CAP row, one operand for all folds"
    of_activations = False

    @classmethod
    def lower(  # type: ignore[override]
        cls, storage: Storage, chip: Chip, batch: int, name: str, adder: ap.Adder, fused: bool
    ) -> Self:
        """Lay out a network's products on a chip."""
        need(chip, name, ap_kind="2d-segmented", load_mode="latched", multicast=True)
        lengths = [product.k for product in storage.network.matmuls]
        lowered = cls.packing(lengths, storage, chip, batch, adder, fused)
        freeze(lowered, lowered.sums)
        return lowered

    def _bits_moved(self, bits: Bits) -> tuple[np.ndarray, np.ndarray]:
        """Return what stays, and the bits of operands over the buses, (..., products) each.

        Nothing stays where the sum grows over the operands' columns.
        """
        folds = tuple(self.folds.astype(int).tolist())
        table = least_bits(self.storage.network, self.batch, self.shares, folds)
        number = np.arange(len(folds))
        each = np.stack([table[number, stays, bits.left, bits.right] for stays in range(3)])
        kept = bits.left + bits.right + self.storage.sum_bits(bits) <= self.chip.columns
        each[1:] = np.where(kept & (self.folds > 1), each[1:], np.inf)
        return each.argmin(axis=0), each.min(axis=0)

    @property
    def slots(self) -> np.ndarray:
        """Dot products of a fold, whose stationary operands are loaded."""
        return np.ceil(self.sums.sums / self.folds)

    def _load(self, bits: Bits, exact: bool) -> Counts:
        """Load the moving operand in every fold, the stationary one once; clear the sum along."""
        stays, _ = self._bits_moved(bits)
        rows, load = self.operand_rows, Counts()
        for side, width in ((LEFT, bits.left), (RIGHT, bits.right)):
            once = stays == side
            load = load + ap.load(width).repeat(self.folds, rows) * ~once
            load = load + ap.load(width).repeat(1, self.slots * self.lengths) * once
        free = np.minimum(self.storage.sum_bits(bits), self.chip.columns - bits.left - bits.right)
        return load + ap.clear_along(free).repeat(self.folds, rows)

    def moved(self, bits: Bits, words: Words, counts: CountSet) -> Moved:
        """Return bits that operands bring to the clusters, and bits that results return."""
        _, taken = self._bits_moved(bits)
        left = self.sums.rows_left(counts)
        return taken, self.outputs.returned(bits, words, left)

    def tile(self, number: int, bits: Bits) -> str:
        """Return which operand stays, and the dot products that a cluster computes in a fold."""
        names = {NEITHER: "neither operand", LEFT: "weights", RIGHT: "inputs"}
        stays, _ = self._bits_moved(bits)
        return f"{self.shares[number]} dot products, {names[int(stays[number])]} stationary"

    # ---- emulated pass -----------------------------------------------------------------------

    def accumulate(self, bench: ProductBench, step: ProductStep) -> Iterator[np.ndarray]:
        """Multiply and reduce; the stationary operand must outlive that, as it is loaded once."""
        signed = step.matmul.left.signed, step.matmul.right.signed
        layout = product_layout(
            step.left_bits, step.right_bits, step.matmul.k, signed, step.columns
        )
        stays = SIDES.get(self._stays(step))
        total, folds = layout.total, int(self.folds[step.number])
        slots, beside = (int(x[step.number]) for x in (self.slots, self.sums.side_by_side))
        columns: dict[Side, range] = {"left": layout.weights, "right": layout.activations}
        clear = range(min(total.stop, layout.weights.start))
        for number, part in enumerate(self._parts(step)):
            array = bench.array(number, len(part), beside)
            if stays is not None:
                bench.load(array, stays, part.start, columns[stays], slots=slots)
                bench.account(array, "load", 1, number)
            for side in columns:
                if side != stays:
                    bench.load(array, side, part.start, columns[side], clear)
                    clear = range(0)
            clear = range(min(total.stop, layout.weights.start))
            bench.account(array, "load", folds, number)
            multiply_rows(array, layout)
            bench.account(array, "multiply", folds, number)
            left = add_up(array, layout, self.adder)
            bench.account(array, "reduce", folds, number)
            if stays is not None:
                bench.check_kept(array, stays, part.start, columns[stays])
            planes = array.read_planes(total, left)
            bench.account(array, "read", folds, number)
            bench.record_wear(array, folds)
            yield planes

    def _stays(self, step: ProductStep) -> int:
        """Return what stays in its rows at a step's widths."""
        left, right = (
            np.where(np.arange(len(self.lengths)) == step.number, width, 1)
            for width in (step.left_bits, step.right_bits)
        )
        return int(self._bits_moved(Bits(left, right))[0][step.number])
