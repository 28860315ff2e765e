"""Matrix products on the emulator: bit planes in, integers out.

A mapping decides what the arrays run (`ProductStep.products`); this module provides the arrays, the
operands as bit planes, and the threads. Tensors are (images, channels, y, x).
"""

from dataclasses import dataclass

import numpy as np

from bfimna.ap.array import Array
from bfimna.ap.counts import Counts, scale_bits
from bfimna.ap.faults import Faults
from bfimna.emulator.arrays import Emulator
from bfimna.emulator.integer import LayerParameters, zero_point, zero_sums
from bfimna.emulator.layers import ChannelPlanes, Outputs
from bfimna.emulator.runs import Chunk, Runs, window_offsets
from bfimna.errors import BfimnaError
from bfimna.mapping.lowered import ProductStep, Side
from bfimna.operators.shapes import pad
from bfimna.operators.words import SIGN

Tensor = np.ndarray
OUTPUTS = 2**17  # rows of finished outputs that a thread emulates at a time
PACKED = 256  # rows of weights that a thread packs at a time


def run_product(
    emulator: Emulator, step: ProductStep, own: LayerParameters, inputs: list[Tensor]
) -> Tensor:
    """Run a matrix product, and the layers that take its result in place.

    Parameters
    ----------
    inputs : tensors of the operands: the right one, after the left one if that is a tensor too.
    """
    product, images, offset = step.matmul, len(inputs[-1]), own.bias
    if product.left.constant:
        channels = product.output_shape[0]
        runs = Runs.packing(channels, images * product.n, grouped=channels != product.m)
        left, right = own.weights.reshape(channels, -1), _windows(step, inputs[0])
        offset = offset - zero_sums(own.weights, step.source, step.right_bits)
        offset = offset - step.products.excess(step, own.weights)
    else:  # each image has groups of its own
        runs = Runs(False, images * product.groups * product.m, product.n, product.m)
        left, right = _rows_of_groups(step, inputs[0]), _columns_of_groups(step, inputs[1])
    operands = _operands(emulator, step, runs, left, right)
    rows = step.products.sum_rows(step)
    sums = np.empty((rows, step.width, runs.outer, runs.words), np.uint64)

    def products(number: int, chunk: Chunk) -> None:
        row, bench = 0, _Products(emulator, step, operands, runs, chunk, number)
        for planes in step.products.accumulate(bench, step):
            shape = (step.width, -1, chunk.stop - chunk.first, chunk.last - chunk.word)
            for part in planes.reshape(shape).swapaxes(0, 1):
                sums[row, :, chunk.first : chunk.stop, chunk.word : chunk.last] = part
                row += 1

    array_rows = step.products.array_rows(step)
    emulator.map(products, runs.chunks(emulator.products // array_rows // 64))
    out = np.empty((runs.outer, runs.packed), np.int64)
    bias = ChannelPlanes.from_values(offset, step.width, runs)
    scale = ChannelPlanes.from_values(own.multiplier, int(scale_bits(step.target.bits)), runs)

    def outputs(number: int, chunk: Chunk) -> None:
        bench = Outputs(emulator, step, runs, chunk, number, sums, bias, scale, own.shift)
        numbers = step.products.finish(bench, step)
        out[chunk.first : chunk.stop] = numbers.reshape(chunk.stop - chunk.first, -1)

    whole_runs = max(OUTPUTS // 64, runs.words)
    emulator.map(outputs, runs.chunks(whole_runs))
    by_channel = out.T if runs.by_channel else out
    if product.left.constant:
        return by_channel.reshape(-1, images, *product.output_shape[1:]).swapaxes(0, 1)
    groups = by_channel.reshape(images, product.groups, product.m, -1)
    return groups.swapaxes(1, 2).reshape(images, *product.output_shape)


@dataclass(frozen=True)
class _Operands:
    """The two sides of a step's products.

    Attributes
    ----------
    packed : bit planes (bits, rows, words of a run).
    outer : integers (rows, outer elements).
    """

    packed: np.ndarray
    outer: np.ndarray


#: integers, and the offsets of rows and of positions into them
_Right = tuple[np.ndarray, np.ndarray, np.ndarray]


def _operands(
    emulator: Emulator, step: ProductStep, runs: Runs, weights: np.ndarray, right: _Right
) -> _Operands:
    """Pack one side of the products, and lay out the other row by row.

    Parameters
    ----------
    weights : left operands, (rows, k).
    """
    from bfimna.ap import kernels  # these load Numba
    from bfimna.emulator import packing

    pixels, rows, positions = right
    bits = step.left_bits if runs.by_channel else step.right_bits
    planes = np.empty((bits, weights.shape[1] if runs.by_channel else len(rows), runs.words), "u8")

    def pack_weights(lo: int, hi: int) -> None:
        for at in range(lo, hi, PACKED):
            block = weights[:, at : min(at + PACKED, hi)].T
            kernels.pack(np.ascontiguousarray(block, np.int64), at, planes)

    def pack_pixels(lo: int, hi: int) -> None:
        packing.pack_windows(pixels, rows, positions, lo, hi, planes)

    emulator.each(pack_weights if runs.by_channel else pack_pixels, planes.shape[1])
    outer = pixels[rows[:, None] + positions] if runs.by_channel else weights.T
    return _Operands(planes, np.ascontiguousarray(outer, np.int32))


def _rows_of_groups(step: ProductStep, x: Tensor) -> np.ndarray:
    """Return the left operands of all images' groups, (images · groups · m, k).

    A tensor of (k, groups, m) is read as signed words: one that is never negative has a sign column
    of zeros.
    """
    assert step.left is not None
    signed = x >> (step.left.bits + SIGN - step.left_bits)
    return signed.transpose(0, 2, 3, 1).reshape(-1, step.matmul.k)


def _columns_of_groups(step: ProductStep, x: Tensor) -> _Right:
    """Return the top bits of the right operands of all images' groups, and offsets into them.

    Row r of all groups' rows, images · groups · k, at position n reads element rows[r] + n.
    """
    product = step.matmul
    top = (x >> (step.source.width - step.right_bits)) & ((1 << step.right_bits) - 1)
    groups = top.reshape(len(x), product.k, product.groups, product.n).swapaxes(1, 2)
    rows = np.arange(len(x) * product.groups * product.k, dtype=np.int64) * product.n
    return groups.astype(np.uint16).ravel(), rows, np.arange(product.n, dtype=np.int64)


def _windows(step: ProductStep, x: Tensor) -> _Right:
    """Return the top bits of the activations in excess form, flat, and im2col's offsets into them.

    The product's row r at position n reads pixels[rows[r] + positions[n]].
    """
    layer, shape = step.matmul.layer, step.matmul.output_shape
    excess = (x - step.source.low) >> (step.source.width - step.right_bits)
    zero = zero_point(step.source, step.right_bits)
    pixels = pad(excess.astype(np.uint16), layer, shape, zero)
    return pixels.ravel(), *window_offsets(layer, pixels.shape, shape)


@dataclass(frozen=True)
class _Products:
    """Dot products of a chunk: see `bfimna.mapping.mapping.ProductBench`.

    Attributes
    ----------
    number : of the chunk; the cycles of the first one are booked for all.
    """

    emulator: Emulator
    step: ProductStep
    operands: _Operands
    runs: Runs
    chunk: Chunk
    number: int

    def array(self, part: int, rows: int, side_by_side: int) -> Array:
        """Return an array with this many rows for each dot product."""
        count = self.chunk.stop - self.chunk.first
        parts = -(-self.step.matmul.k // self.step.products.array_rows(self.step))
        number = self.number * parts + part
        groups = self.runs.groups(self.chunk)
        return self.emulator.own_array(groups, rows, self.step.columns, count, number, side_by_side)

    def load(
        self,
        array: Array,
        side: Side,
        first: int,
        columns: range,
        clear: range = range(0),
        slots: int = 0,
    ) -> None:
        """Load an operand of products `first`, `first` + 1, … of each dot product, then zeros."""
        before = array.counts
        array.load_by(lambda planes: self._fill(side, first, planes), columns, clear)
        if slots:  # later folds find the operand of the first one in its rows
            loaded = self._first_of(slots) * array.rows * len(columns)
            array.counts = before + Counts(loads=len(columns), cells_loaded=loaded)

    def _first_of(self, slots: int) -> int:
        """Return how many of the chunk's dot products are among the layer's first `slots`."""
        chunk, packed = self.chunk, self.runs.packed
        words = range(64 * chunk.word, min(64 * chunk.last, packed))
        starts = np.arange(chunk.first, chunk.stop) * packed
        inside = np.minimum(slots - starts, words.stop) - words.start
        return int(np.clip(inside, 0, len(words)).sum())

    def check_kept(self, array: Array, side: Side, first: int, columns: range) -> None:
        """Raise unless the columns still hold the operand that was loaded there."""
        kept = array.holds(self.operand(side, first, array.rows), columns)
        if not kept and array.faults == Faults():  # a defect loses it without our doing
            name = self.step.matmul.layer.name
            raise BfimnaError(f"layer {name!r}: the {side} operand did not stay in its rows")

    def operand(self, side: Side, first: int, rows: int) -> np.ndarray:
        """Return planes of products `first`, `first` + 1, … of each dot product, then zeros."""
        bits = self.step.left_bits if side == "left" else self.step.right_bits
        words = (self.chunk.stop - self.chunk.first) * (self.chunk.last - self.chunk.word)
        planes = np.empty((bits, rows, words), np.uint64)
        self._fill(side, first, planes)
        return planes

    def _fill(self, side: Side, first: int, planes: np.ndarray) -> None:
        rows = max(min(planes.shape[1], self.step.matmul.k - first), 0)
        is_packed = (side == "left") == self.runs.by_channel
        operand = planes if rows == planes.shape[1] else np.empty_like(planes[:, :rows])
        (self._fill_packed if is_packed else self._fill_outer)(first, operand)
        if operand is not planes:
            planes[:, :rows], planes[:, rows:] = operand, 0

    def _fill_outer(self, first: int, planes: np.ndarray) -> None:
        from bfimna.emulator import packing

        run = self.chunk.last - self.chunk.word
        packing.broadcast(self.operands.outer, first, self.chunk.first, run, planes)

    def _fill_packed(self, first: int, planes: np.ndarray) -> None:
        from bfimna.emulator import packing

        chunk, product = self.chunk, self.step.matmul
        # channels of a grouped convolution: rows of a group
        stride = 0 if self.runs.by_channel else product.k
        where = first, stride, chunk.first, product.m, chunk.word, chunk.last - chunk.word
        packing.repeat(self.operands.packed, *where, planes)

    def account(self, array: Array, phase: str, folds: int, part: int) -> None:
        """Book what the array has done since the last booking."""
        name, is_first = self.step.matmul.layer.name, self.number == part == 0
        self.emulator.account(array, name, phase, folds, is_first)

    def record_wear(self, array: Array, folds: int) -> None:
        """Record how often the most written cells were written."""
        self.emulator.record_wear(array, self.step.matmul.layer.name, "products", folds)
