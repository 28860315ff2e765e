"""Weighted layers as programs on arrays: bit planes in, integers out.

Tensors are (images, channels, y, x). The order of the phases and their cost are those of
`bfimna.placement`; the emulator is that table's oracle.
"""

from dataclasses import dataclass

import numpy as np

from bfimna.ap import packing, programs
from bfimna.ap.counts import scale_bits
from bfimna.ap.emulator import Emulator
from bfimna.ap.integer import LayerParameters, Word, folded_bias, zero_point
from bfimna.network import Gemm

Tensor = np.ndarray


@dataclass(frozen=True)
class Product:
    """A weighted layer with all that its programs need to know.

    Attributes
    ----------
    width : bits of a sum. source, target : words of the tensors before and after. relu : name
    of the ReLU that follows on the resident word, if any. last : whether the sums are the output. part, splits : rows of
    a dot product in one CAP, and how many CAPs share it. folds, dense_folds : times that the chip is
    filled with products, and with outputs.
    """

    gemm: Gemm
    weight_bits: int
    bits: int
    width: int
    source: Word
    target: Word
    relu: str
    last: bool
    part: int
    splits: int
    folds: int
    dense_folds: int

    @property
    def columns(self) -> int:
        """Columns that the products need: operands and sum."""
        return self.weight_bits + self.bits + self.width


def weighted(emulator: Emulator, p: Product, own: LayerParameters, x: Tensor) -> Tensor:
    """Run a convolution or linear layer; with its ReLU, if that follows on the resident word."""
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
        where = packing.runs(start, stop, positions)
        sums = []
        for lo in range(0, gemm.j, p.part):
            part = weights[:, lo : lo + p.part]
            sums += _dot_products(emulator, p, part, planes, lo, where, stop - start, start == 0)
        channel = np.arange(start, stop) // positions
        scale = own.multiplier[channel] if len(own.multiplier) else own.multiplier
        args = sums, bias[channel], scale, own.shift, stop - start, start == 0
        out[start:stop] = _finish(emulator, p, *args)
    shape = (channels, len(x), *gemm.output_shape[1:])
    return out.reshape(shape).swapaxes(0, 1)


def _im2col(emulator: Emulator, p: Product, x: Tensor) -> np.ndarray:
    """Top bits of the activations, in excess form, as planes (bits, rows, words of positions)."""
    excess = (x - p.source.low) >> (p.source.width - p.bits)
    zero = zero_point(p.source, p.bits)
    pixels = packing.pad(excess.astype(np.uint16), p.gemm.layer, p.gemm.output_shape, zero)
    rows, places = packing.window_offsets(p.gemm.layer, pixels.shape, p.gemm.output_shape)
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
    where: packing.Runs,
    groups: int,
    first: bool,
) -> list[np.ndarray]:
    """Multiply and reduce one part of some dot products; return the planes of sum and carry."""
    rows, words, name = weights.shape[1], -(-groups // 64), p.gemm.layer.name
    w = np.empty((p.weight_bits, rows, words), np.uint64)
    a = np.empty((p.bits, rows, words), np.uint64)
    source = planes[:, row:]

    def work(lo: int, hi: int) -> None:
        packing.spread(weights, lo, hi, where, w)
        packing.gather(source, p.gemm.j, p.gemm.i, lo, hi, where, a)

    emulator.each(work, rows)
    array = emulator.array(groups, rows, p.columns)
    m, n = p.weight_bits, p.weight_bits + p.bits
    total = range(n, n + p.width)
    array.load_planes(w, range(m), clear=total)
    array.load_planes(a, range(m, n))
    emulator.account(array, name, "load", p.folds, first)
    product = total[: p.weight_bits + p.bits]
    array.run(programs.multiply(range(m), range(m, n), product, (True, False)))
    emulator.account(array, name, "multiply", p.folds, first)
    array.run(programs.sign_extend(product[-1], total[len(product) :]))
    left = programs.reduce(array, total)
    emulator.account(array, name, "reduce", p.folds, first)
    found = array.read_planes(total, left)
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
    groups: int,
    first: bool,
) -> np.ndarray:
    """Add sums and carries, add the bias, scale, clamp, ReLU: one output a row."""
    name, width, m = p.gemm.layer.name, p.width, int(scale_bits(p.target.bits))
    operand = max(width, 0 if p.last else m)
    total, other, flag = range(width), range(width, 2 * width), width + operand
    carry = range(flag + 1, flag + 2)
    product = range(flag + 2, flag + 2 + width + m)
    array = emulator.array(groups, 1, carry.stop if p.last else product.stop)
    array.load_planes(sums[0], total, clear=range(flag, flag + 2))
    for partial in sums[1:]:
        array.load_planes(partial, other, clear=carry)
        array.run(programs.add(other, total, carry.start))
    emulator.account(array, name, "carry", p.dense_folds, first)
    array.load(bias, other, clear=carry)
    array.run(programs.add(other, total, carry.start))
    emulator.account(array, name, "bias", p.dense_folds, first)
    result = total
    if not p.last:
        factor = range(width, width + m)
        array.load(scale, factor, clear=product)
        size = p.target.bits + 1
        array.run(programs.requantise(total, factor, product, shift, size, flag))
        emulator.account(array, name, "requantise", p.dense_folds, first)
        result = product[shift : shift + size]
    if p.relu:
        array.run(programs.relu(result))
        result = result[:-1]
        emulator.account(array, p.relu, "relu", p.dense_folds, first)
    numbers = array.read(result, signed=not p.relu)[0]
    emulator.account(array, name, "read", p.dense_folds, first)
    emulator.retire(array, name, "outputs", p.dense_folds)
    return numbers
