"""Weighted layers as programs on arrays: bit planes in, integers out.

Tensors are (images, channels, y, x). The order of the phases and their cost are those of
`bfimna.chip.placement`; the emulator is that table's oracle.
"""

from dataclasses import dataclass

import numpy as np

from bfimna.ap import programs
from bfimna.ap.array import Array
from bfimna.ap.counts import scale_bits
from bfimna.ap.matrix import Layout
from bfimna.chip.columns import scaled_columns
from bfimna.emulator import windows
from bfimna.emulator.arrays import Emulator
from bfimna.emulator.integer import LayerParameters, Word, folded_bias, zero_point
from bfimna.emulator.rows import Rows
from bfimna.emulator.unweighted import Step, run_chain
from bfimna.network.graph import Gemm

Tensor = np.ndarray


@dataclass(frozen=True)
class Product:
    """A weighted layer with all that its programs need to know.

    Attributes
    ----------
    width : bits of a sum. source, target : words of the tensors before and after.
    chain : the layers that take the result one after the other where it lies.
    last : whether the sums are the output.
    part, splits : rows of a dot product in one CAP, and how many CAPs share it.
    folds, dense_folds : times that the chip is filled with products, and with outputs.
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
    folds: int
    dense_folds: int
    columns: int


def weighted(emulator: Emulator, p: Product, own: LayerParameters, x: Tensor) -> Tensor:
    """Run a convolution or linear layer; with what follows on the resident word."""
    gemm, channels = p.gemm, p.gemm.output_shape[0]
    positions = len(x) * gemm.u
    planes = _im2col(emulator, p, x)
    weights = own.weights.reshape(channels, -1)
    dots = channels * positions
    out = np.empty(dots, dtype=np.int64)
    step = min(max(emulator.products // p.part // 64, 1) * 64, dots)
    bias = folded_bias(own, p.source, p.bits)
    for start in range(0, dots, step):
        stop = min(start + step, dots)
        where = windows.runs(start, stop, positions)
        sums = []
        for lo in range(0, gemm.j, p.part):
            part, first = weights[:, lo : lo + p.part], start + lo == 0
            sums += _dot_products(emulator, p, part, planes, lo, where, stop - start, first)
        channel = np.arange(start, stop) // positions
        scale = own.multiplier[channel] if len(own.multiplier) else own.multiplier
        args = sums, bias[channel], scale, own.shift, channel, start == 0
        out[start:stop] = _finish(emulator, p, *args)
    shape = (channels, len(x), *gemm.output_shape[1:])
    return out.reshape(shape).swapaxes(0, 1)


def _im2col(emulator: Emulator, p: Product, x: Tensor) -> np.ndarray:
    """Top bits of the activations, in excess form, as planes (bits, rows, words of positions)."""
    from bfimna.emulator import packing  # which brings numba: only those who emulate pay for it

    excess = (x - p.source.low) >> (p.source.width - p.bits)
    zero = zero_point(p.source, p.bits)
    pixels = windows.pad(excess.astype(np.uint16), p.gemm.layer, p.gemm.output_shape, zero)
    rows, places = windows.window_offsets(p.gemm.layer, pixels.shape, p.gemm.output_shape)
    planes = np.empty((p.bits, len(rows), -(-len(places) // 64)), np.uint64)
    flat = pixels.ravel()

    def work(lo: int, hi: int) -> None:
        packing.pack_windows(flat, rows, places, lo, hi, planes)

    emulator.each(work, len(rows))
    return planes


def _dot_products(
    emulator: Emulator,
    p: Product,
    weights: np.ndarray,
    planes: np.ndarray,
    row: int,
    where: windows.Runs,
    groups: int,
    first: bool,
) -> list[np.ndarray]:
    """Multiply and reduce one part of some dot products; return the planes of sum and carry."""
    from bfimna.emulator import packing

    rows, words, name = weights.shape[1], -(-groups // 64), p.gemm.layer.name
    w = np.empty((p.weight_bits, rows, words), np.uint64)
    a = np.empty((p.bits, rows, words), np.uint64)
    source = planes[:, row:]

    def work(lo: int, hi: int) -> None:
        packing.spread(weights, lo, hi, where, w)
        packing.gather(source, p.gemm.j, p.gemm.i, lo, hi, where, a)

    emulator.each(work, rows)
    layout = Layout.of(p.weight_bits, p.bits, p.gemm.j, (True, False), p.columns)
    array = emulator.array(groups, rows, p.columns)
    total = layout.total
    array.load_planes(w, layout.w, clear=range(min(total.stop, layout.w.start)))
    array.load_planes(a, layout.a)
    emulator.account(array, name, "load", p.folds, first)
    multiply = programs.multiply(layout.w, layout.a, layout.product, layout.signed)
    array.run(multiply)
    emulator.account(array, name, "multiply", p.folds, first)
    array.run(layout.program[len(multiply) :])  # the sign, over the columns that the sum grows by
    left = programs.reduce(array, total)
    emulator.account(array, name, "reduce", p.folds, first)
    found = array.read_planes(total, left).copy()  # the array is used again
    emulator.account(array, name, "read", p.folds, first)
    emulator.retire(array, name, "products", p.folds)
    return [found[:, k : k + 1] for k in range(left)]


def _finish(
    emulator: Emulator,
    p: Product,
    sums: list[np.ndarray],
    bias: np.ndarray,
    scale: np.ndarray,
    shift: int,
    channel: np.ndarray,
    first: bool,
) -> np.ndarray:
    """Add sums and carries, add the bias, scale, clamp; and what follows there: an output a row."""
    from bfimna.ap import kernels

    name, width, m = p.gemm.layer.name, p.width, 0 if p.last else int(scale_bits(p.target.bits))
    dropped = 0 if p.last else width - int(scaled_columns(width, p.target.bits, p.columns))
    total = range(m + 1 - dropped, m + 1 - dropped + width)
    flag, carry = total.stop, total.stop + 1
    spare = range(carry + 1, p.columns)
    array = emulator.array(len(channel), 1, p.columns)
    array.load_planes(sums[0], total, clear=range(flag, flag + 1))
    for partial in sums[1:]:
        _add(array, partial, total, carry, spare)
    emulator.account(array, name, "carry", p.dense_folds, first)
    planes = np.empty((width, 1, array.words), np.uint64)
    kernels.pack(bias[None], planes)
    _add(array, planes, total, carry, spare)
    emulator.account(array, name, "bias", p.dense_folds, first)
    result = total
    if not p.last:
        size = p.target.bits + 1
        array.load(scale, spare[:m], clear=range(m + 1))
        array.run(programs.requantise(total[dropped:], spare[:m], shift - dropped, size, flag))
        emulator.account(array, name, "requantise", p.dense_folds, first)
        result = range(shift - dropped, shift - dropped + size)
    rows = Rows(array, channel, result)
    run_chain(emulator, rows, p.chain, first)
    end = p.chain[-1].target if p.chain else p.target
    numbers = rows.result(end.width, end.signed)
    emulator.account(array, name, "read", p.dense_folds, first)
    emulator.retire(array, name, "outputs", p.dense_folds)
    return numbers


def _add(array: Array, planes: np.ndarray, total: range, carry: int, spare: range) -> None:
    """Load a word and add it to the total: in slices, each as wide as the spare columns."""
    for lo in range(0, len(total), len(spare)):
        part = total[lo : lo + len(spare)]
        other = spare[: len(part)]
        clear = range(carry, carry + (lo == 0))
        array.load_planes(planes[lo : lo + len(part)], other, clear)
        array.run(programs.add(other, part, carry))
