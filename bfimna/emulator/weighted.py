"""Weighted layers as programs on arrays: bit planes in, integers out.

Tensors are (images, channels, y, x). The order of the phases and their cost are those of
`bfimna.mapping.placement`; the emulator is that table's oracle.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bfimna.ap import programs
from bfimna.ap.array import Array
from bfimna.ap.bit_planes import pack
from bfimna.ap.counts import rows_left, scale_bits
from bfimna.ap.lowering import ALL_ONES
from bfimna.ap.matrix import Layout, add_up, product_layout
from bfimna.emulator import windows
from bfimna.emulator.arrays import Emulator
from bfimna.emulator.integer import LayerParameters, Word, folded_bias, zero_point
from bfimna.emulator.rows import Rows
from bfimna.emulator.step import Step
from bfimna.emulator.unweighted import run_chain
from bfimna.emulator.windows import Chunk, Runs
from bfimna.mapping.columns import scaled_columns
from bfimna.network.graph import Gemm

Tensor = np.ndarray
OUTPUTS = 2**17  # rows of finished outputs that a thread emulates at a time
PACKED = 256  # rows of weights that are packed at a time


@dataclass(frozen=True)
class Product:
    """A weighted layer with all that its programs need to know.

    Attributes
    ----------
    width : bits of a sum.
    source : word of the tensor before.
    target : word of the tensor after.
    chain : the layers that take the result one after the other where it lies.
    last : whether the sums are the output.
    part : rows of a dot product in one CAP.
    splits : CAPs that share a dot product.
    side_by_side : dot products, or parts of some, in one CAP.
    folds : times that the chip is filled with products.
    dense_folds : times that it is filled with outputs.
    columns : of an array.
    """

    gemm: Gemm
    weight_bits: int
    bits: int
    width: int
    source: Word
    target: Word
    chain: tuple[Step, ...]
    last: bool
    part: int
    splits: int
    side_by_side: int
    folds: int
    dense_folds: int
    columns: int


def weighted(emulator: Emulator, p: Product, own: LayerParameters, x: Tensor) -> Tensor:
    """Run a convolution or linear layer; with what follows on the resident word."""
    gemm = p.gemm
    channels, positions = gemm.output_shape[0], len(x) * gemm.positions
    runs = Runs.of(channels, positions, grouped=channels != gemm.channels)
    weights = own.weights.reshape(channels, -1)
    operands = _operands(emulator, p, runs, weights, *_windows(p, x))
    parts = [(lo, min(lo + p.part, gemm.length)) for lo in range(0, gemm.length, p.part)]
    kept = sum(int(rows_left(stop - lo, emulator.kind)) for lo, stop in parts)
    sums = np.empty((kept, p.width, runs.outer, runs.words), np.uint64)

    def products(number: int, chunk: Chunk) -> None:
        row = 0
        for k, (lo, stop) in enumerate(parts):
            part_number = number * len(parts) + k
            found = _dot_products(emulator, p, operands, runs, chunk, lo, stop, part_number)
            shape = (p.width, -1, chunk.stop - chunk.first, chunk.last - chunk.word)
            for part in found.reshape(shape).swapaxes(0, 1):
                sums[row, :, chunk.first : chunk.stop, chunk.word : chunk.last] = part
                row += 1

    emulator.map(products, runs.chunks(emulator.products // p.part // 64))
    out = np.empty((runs.outer, runs.packed), np.int64)
    bias = _Channels.of(folded_bias(own, p.source, p.bits), p.width, runs)
    scale = _Channels.of(own.multiplier, int(scale_bits(p.target.bits)), runs)

    def outputs(number: int, chunk: Chunk) -> None:
        numbers = _finish(emulator, p, sums, bias, scale, own.shift, runs, chunk, number)
        out[chunk.first : chunk.stop] = numbers

    whole_runs = max(OUTPUTS // 64, runs.words)
    emulator.map(outputs, runs.chunks(whole_runs))
    by_channel = out.T if runs.by_channel else out
    return by_channel.reshape(channels, len(x), *gemm.output_shape[1:]).swapaxes(0, 1)


def _windows(p: Product, x: Tensor) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the top bits of the activations in excess form, and where im2col finds each window.

    The product's row r at position n has the pixel [rows[r] + places[n]].
    """
    excess = (x - p.source.low) >> (p.source.width - p.bits)
    zero = zero_point(p.source, p.bits)
    pixels = windows.pad(excess.astype(np.uint16), p.gemm.layer, p.gemm.output_shape, zero)
    return pixels.ravel(), *windows.window_offsets(p.gemm.layer, pixels.shape, p.gemm.output_shape)


class _Operands(NamedTuple):
    """The two sides of a layer's products, and what is done with them.

    Attributes
    ----------
    packed : bit planes (bits, rows, words of a run).
    outer : integers (rows, outer elements).
    layout : columns of a product.
    """

    packed: np.ndarray
    outer: np.ndarray
    layout: Layout


def _operands(
    emulator: Emulator,
    p: Product,
    runs: Runs,
    weights: np.ndarray,
    pixels: np.ndarray,
    rows: np.ndarray,
    places: np.ndarray,
) -> _Operands:
    """Pack one side of the products, and lay out the other row by row."""
    from bfimna.ap import kernels  # numba: only those who emulate pay for it
    from bfimna.emulator import packing

    bits = p.weight_bits if runs.by_channel else p.bits
    planes = np.empty((bits, weights.shape[1] if runs.by_channel else len(rows), runs.words), "u8")

    def pack_weights(lo: int, hi: int) -> None:
        for at in range(lo, hi, PACKED):
            block = weights[:, at : min(at + PACKED, hi)].T
            kernels.pack(np.ascontiguousarray(block, np.int64), at, planes)

    def pack_pixels(lo: int, hi: int) -> None:
        packing.pack_windows(pixels, rows, places, lo, hi, planes)

    emulator.each(pack_weights if runs.by_channel else pack_pixels, planes.shape[1])
    outer = pixels[rows[:, None] + places] if runs.by_channel else weights.T
    layout = product_layout(p.weight_bits, p.bits, p.gemm.length, (True, False), p.columns)
    return _Operands(planes, np.ascontiguousarray(outer, np.int32), layout)


def _dot_products(
    emulator: Emulator,
    p: Product,
    operands: _Operands,
    runs: Runs,
    chunk: Chunk,
    lo: int,
    stop: int,
    number: int,
) -> np.ndarray:
    """Multiply and reduce rows lo to stop of some dot products; return what is left, as planes."""
    from bfimna.emulator import packing

    name, first, run = p.gemm.layer.name, number == 0, chunk.last - chunk.word
    layout, total = operands.layout, operands.layout.total
    count = chunk.stop - chunk.first
    groups, beside = runs.groups(chunk), p.side_by_side
    array = emulator.own_array(groups, stop - lo, p.columns, count, number, beside)
    # channels of a grouped convolution: rows of a group
    step = 0 if runs.by_channel else p.gemm.length

    def outer(planes: np.ndarray) -> None:
        packing.broadcast(operands.outer, lo, chunk.first, run, planes)

    def packed(planes: np.ndarray) -> None:
        where = lo, step, chunk.first, p.gemm.channels, chunk.word, run
        packing.repeat(operands.packed, *where, planes)

    w, a = (packed, outer) if runs.by_channel else (outer, packed)
    array.load_by(w, layout.weights, clear=range(min(total.stop, layout.weights.start)))
    array.load_by(a, layout.activations)
    emulator.account(array, name, "load", p.folds, first)
    array.run(layout.multiply)
    emulator.account(array, name, "multiply", p.folds, first)
    left = add_up(array, layout)
    emulator.account(array, name, "reduce", p.folds, first)
    found = array.read_planes(total, left)
    emulator.account(array, name, "read", p.folds, first)
    emulator.retire(array, name, "products", p.folds)
    return found


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
    def of(cls, values: np.ndarray, bits: int, runs: Runs) -> "_Channels":
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


def _finish(
    emulator: Emulator,
    p: Product,
    sums: np.ndarray,
    bias: _Channels,
    scale: _Channels,
    shift: int,
    runs: Runs,
    chunk: Chunk,
    number: int,
) -> np.ndarray:
    """Add sums and carries, add the bias, scale, clamp; and what follows there: an output a row."""
    name, width, m = p.gemm.layer.name, p.width, 0 if p.last else int(scale_bits(p.target.bits))
    first, count = number == 0, chunk.stop - chunk.first
    dropped = 0 if p.last else width - int(scaled_columns(width, p.target.bits, p.columns))
    total = range(m + 1 - dropped, m + 1 - dropped + width)
    flag, carry = total.stop, total.stop + 1
    spare = range(carry + 1, p.columns)
    array = emulator.own_array(runs.groups(chunk), 1, p.columns, count, number)
    words = [part[:, chunk.first : chunk.stop].reshape(width, 1, -1) for part in sums]
    array.load_planes(words[0], total, clear=range(flag, flag + 1))
    for partial in words[1:]:
        _add(array, partial, total, carry, spare)
    emulator.account(array, name, "carry", p.dense_folds, first)
    _add(array, bias.of_chunk(chunk, runs.words), total, carry, spare)
    emulator.account(array, name, "bias", p.dense_folds, first)
    result = total
    if not p.last:
        size = p.target.bits + 1
        array.load_planes(scale.of_chunk(chunk, runs.words), spare[:m], clear=range(m + 1))
        array.run(programs.requantise(total[dropped:], spare[:m], shift - dropped, size, flag))
        emulator.account(array, name, "requantise", p.dense_folds, first)
        result = range(shift - dropped, shift - dropped + size)
    rows = Rows(array, runs.channel(chunk), result)
    run_chain(emulator, rows, p.chain, first)
    end = p.chain[-1].target if p.chain else p.target
    numbers = rows.result(end.width, end.signed)
    emulator.account(array, name, "read", p.dense_folds, first)
    emulator.retire(array, name, "outputs", p.dense_folds)
    return numbers.reshape(count, -1)


def _add(array: Array, planes: np.ndarray, total: range, carry: int, spare: range) -> None:
    """Load a word and add it to the total: in slices, each as wide as the spare columns."""
    for lo in range(0, len(total), len(spare)):
        part = total[lo : lo + len(spare)]
        other = spare[: len(part)]
        clear = range(carry, carry + (lo == 0))
        array.load_planes(planes[lo : lo + len(part)], other, clear)
        array.run(programs.add(other, part, carry))
