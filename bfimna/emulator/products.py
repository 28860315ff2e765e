"""Matrix products on the emulator: bit planes in, integers out.

A mapping says what the arrays run (`ProductStep.products`); here are the arrays, the operands as
bit planes, and the threads. Tensors are (images, channels, y, x).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from bfimna.ap.array import Array
from bfimna.ap.bit_planes import pack
from bfimna.ap.counts import scale_bits
from bfimna.ap.lowering import ALL_ONES
from bfimna.ap.rows import Rows
from bfimna.emulator import windows
from bfimna.emulator.arrays import Emulator
from bfimna.emulator.integer import LayerParameters, folded_bias, zero_point
from bfimna.emulator.layers import run_chain
from bfimna.emulator.windows import Chunk, Runs
from bfimna.mapping.mapping import ProductStep
from bfimna.operators.shapes import pad

Tensor = np.ndarray
OUTPUTS = 2**17  # rows of finished outputs that a thread emulates at a time
PACKED = 256  # rows of weights that are packed at a time


def run_product(emulator: Emulator, step: ProductStep, own: LayerParameters, x: Tensor) -> Tensor:
    """Run a convolution or linear layer, and the layers that take its result in place."""
    product = step.matmul
    channels, positions = product.output_shape[0], len(x) * product.n
    runs = Runs.packing(channels, positions, grouped=channels != product.m)
    operands = _operands(emulator, step, runs, own.weights.reshape(channels, -1), x)
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
    bias = _Channels.from_values(folded_bias(own, step.source, step.right_bits), step.width, runs)
    scale = _Channels.from_values(own.multiplier, int(scale_bits(step.target.bits)), runs)

    def outputs(number: int, chunk: Chunk) -> None:
        bench = _Outputs(emulator, step, runs, chunk, number, sums, bias, scale, own.shift)
        numbers = step.products.finish(bench, step)
        out[chunk.first : chunk.stop] = numbers.reshape(chunk.stop - chunk.first, -1)

    whole_runs = max(OUTPUTS // 64, runs.words)
    emulator.map(outputs, runs.chunks(whole_runs))
    by_channel = out.T if runs.by_channel else out
    return by_channel.reshape(channels, len(x), *product.output_shape[1:]).swapaxes(0, 1)


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


def _operands(
    emulator: Emulator, step: ProductStep, runs: Runs, weights: np.ndarray, x: Tensor
) -> _Operands:
    """Pack one side of the products, and lay out the other row by row."""
    from bfimna.ap import kernels  # numba: only those who emulate pay for it
    from bfimna.emulator import packing

    pixels, rows, places = _windows(step, x)
    bits = step.left_bits if runs.by_channel else step.right_bits
    planes = np.empty((bits, weights.shape[1] if runs.by_channel else len(rows), runs.words), "u8")

    def pack_weights(lo: int, hi: int) -> None:
        for at in range(lo, hi, PACKED):
            block = weights[:, at : min(at + PACKED, hi)].T
            kernels.pack(np.ascontiguousarray(block, np.int64), at, planes)

    def pack_pixels(lo: int, hi: int) -> None:
        packing.pack_windows(pixels, rows, places, lo, hi, planes)

    emulator.each(pack_weights if runs.by_channel else pack_pixels, planes.shape[1])
    outer = pixels[rows[:, None] + places] if runs.by_channel else weights.T
    return _Operands(planes, np.ascontiguousarray(outer, np.int32))


def _windows(step: ProductStep, x: Tensor) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the top bits of the activations in excess form, and where im2col finds each window.

    The product's row r at position n has the pixel [rows[r] + places[n]].
    """
    layer, shape = step.matmul.layer, step.matmul.output_shape
    excess = (x - step.source.low) >> (step.source.width - step.right_bits)
    zero = zero_point(step.source, step.right_bits)
    pixels = pad(excess.astype(np.uint16), layer, shape, zero)
    return pixels.ravel(), *windows.window_offsets(layer, pixels.shape, shape)


@dataclass(frozen=True)
class _Products:
    """Dot products of a chunk: see `bfimna.mapping.mapping.ProductBench`.

    Attributes
    ----------
    number : of the chunk: what the first one does stands for the cycles of all.
    """

    emulator: Emulator
    step: ProductStep
    operands: _Operands
    runs: Runs
    chunk: Chunk
    number: int

    def array(self, part: int, rows: int, side_by_side: int) -> Array:
        """Return an array with so many rows for each of the dot products."""
        count = self.chunk.stop - self.chunk.first
        parts = -(-self.step.matmul.k // self.step.products.array_rows(self.step))
        number = self.number * parts + part
        groups = self.runs.groups(self.chunk)
        return self.emulator.own_array(groups, rows, self.step.columns, count, number, side_by_side)

    def load(
        self,
        array: Array,
        side: Literal["left", "right"],
        first: int,
        columns: range,
        clear: range = range(0),
    ) -> None:
        """Load an operand of products `first`, `first` + 1, … of each dot product; 0 after them."""
        held = min(array.rows, self.step.matmul.k - first)
        is_packed = (side == "left") == self.runs.by_channel

        def fill(planes: np.ndarray) -> None:
            whole = planes if held == array.rows else np.empty_like(planes[:, :held])
            (self._fill_packed if is_packed else self._fill_outer)(first, whole)
            if whole is not planes:
                planes[:, :held], planes[:, held:] = whole, 0

        array.load_by(fill, columns, clear)

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
        """Note how often the most written cells were written."""
        self.emulator.record_wear(array, self.step.matmul.layer.name, "products", folds)


@dataclass(frozen=True)
class _Channels:
    """An integer for each channel, as planes that serve any chunk of outputs.

    Attributes
    ----------
    planes : (bits, channels, 1) where channels are the outer side, else (bits, 1, words of a run).
    """

    planes: np.ndarray
    by_channel: bool

    @classmethod
    def from_values(cls, values: np.ndarray, bits: int, runs: Runs) -> "_Channels":
        """Make the planes of signed integers."""
        if runs.by_channel:
            planes = pack(values[None], bits)
        else:
            one = values[None, :, None] >> np.arange(bits)[:, None, None] & 1
            planes = np.where(one, ALL_ONES, np.uint64(0))
        return cls(planes, runs.by_channel)

    def of_chunk(self, chunk: Chunk, words: int) -> np.ndarray:
        """Return the planes of a chunk of whole runs, (bits, 1, words)."""
        mine = self.planes if self.by_channel else self.planes[:, chunk.first : chunk.stop]
        count = chunk.stop - chunk.first
        spread = np.broadcast_to(mine, (len(mine), count, words))
        return spread.reshape(len(mine), 1, count * words)


class _Outputs:
    """Outputs of a chunk, one per row: see `bfimna.mapping.mapping.OutputBench`."""

    def __init__(
        self,
        emulator: Emulator,
        step: ProductStep,
        runs: Runs,
        chunk: Chunk,
        number: int,
        sums: np.ndarray,
        bias: _Channels,
        multiplier: _Channels,
        shift: int,
    ) -> None:
        self._emulator, self._step, self._runs = emulator, step, runs
        self._chunk, self._number = chunk, number
        self.sums = [part[:, chunk.first : chunk.stop].reshape(step.width, 1, -1) for part in sums]
        self.bias = bias.of_chunk(chunk, runs.words)
        self.multiplier = np.zeros((0, 1, 0), np.uint64)
        if not step.keeps_sum:
            self.multiplier = multiplier.of_chunk(chunk, runs.words)
        self.shift = shift

    def array(self) -> Array:
        """Return an array with a row for each output."""
        groups, count = self._runs.groups(self._chunk), self._chunk.stop - self._chunk.first
        return self._emulator.own_array(groups, 1, self._step.columns, count, self._number)

    def account(self, array: Array, phase: str) -> None:
        """Book what the array has done since the last booking."""
        step, is_first = self._step, self._number == 0
        self._emulator.account(array, step.matmul.layer.name, phase, step.dense_folds, is_first)

    def results(self, array: Array, word: range) -> np.ndarray:
        """Run the layers that take the word in place, and read the result."""
        step = self._step
        rows = Rows(array, self._runs.channel(self._chunk), word)
        run_chain(self._emulator, rows, step.chain, self._number == 0)
        end = step.chain[-1].target if step.chain else step.target
        numbers = rows.result(end.width, end.signed)
        self.account(array, "read")
        name = step.matmul.layer.name
        self._emulator.record_wear(array, name, "outputs", step.dense_folds)
        return numbers
