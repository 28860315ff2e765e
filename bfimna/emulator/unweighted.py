"""Layers without weights as programs on arrays, one element a row."""

from dataclasses import dataclass

import numpy as np

from bfimna.ap import programs
from bfimna.ap.array import Array
from bfimna.ap.counts import levels, scale_bits
from bfimna.emulator import windows
from bfimna.emulator.arrays import Emulator
from bfimna.emulator.integer import Word, average_scale
from bfimna.network.graph import Layer, Shape

Tensor = np.ndarray


@dataclass(frozen=True)
class Elementwise:
    """A ReLU, pooling layer or residual add with all that its program needs to know.

    Attributes
    ----------
    sources, target : words of the operands, of as many bits, and of the result.
    relu : name of the ReLU that follows on the resident word, if any.
    shape : of the result. folds : times that the chip is filled.
    """

    layer: Layer
    sources: tuple[Word, ...]
    target: Word
    relu: str
    shape: Shape
    folds: int


def elementwise(emulator: Emulator, e: Elementwise, inputs: list[Tensor]) -> Tensor:
    """Run the layer; a residual add with its ReLU, if that follows on the resident word."""
    run, phase = {
        "relu": (_relu, "relu"),
        "add": (_residual, "residual"),
        "maxpool": (_maximum, "pool"),
        "avgpool": (_average, "pool"),
    }[e.layer.kind]
    operands = [operand.reshape(-1) for operand in _operands(e, inputs)]
    size = operands[0].size
    out = np.empty(size, dtype=np.int64)
    step = min(max(emulator.products // 64, 1) * 64, size)
    for start in range(0, size, step):
        stop = min(start + step, size)
        values = [operand[start:stop] for operand in operands]
        array, result = run(emulator, e, values)
        signed = e.target.signed and e.layer.kind != "avgpool"  # an average is in excess form
        if e.relu:
            emulator.account(array, e.layer.name, phase, e.folds, start == 0)
            array.run(programs.relu(result))
            emulator.account(array, e.relu, "relu", e.folds, start == 0)
            result, signed = result[:-1], False
        out[start:stop] = array.read(result, signed=signed)[0]
        emulator.account(array, e.layer.name, phase, e.folds, start == 0)
        emulator.retire(array, e.layer.name, "outputs", e.folds)
    if e.layer.kind == "avgpool":
        out += e.target.low
    return out.reshape(len(inputs[0]), *e.shape)


def _operands(e: Elementwise, inputs: list[Tensor]) -> list[Tensor]:
    """Return the tensors that the program takes one after the other, all of the result's shape."""
    layer, word = e.layer, e.sources[0]
    if layer.kind in ("relu", "add"):
        return inputs
    average = layer.kind == "avgpool"
    x, fill = (inputs[0] - word.low, -word.low) if average else (inputs[0], word.low)
    x = windows.pad(x, layer, e.shape, fill)
    (ky, kx), (dy, dx), (sy, sx) = layer.kernel, layer.dilation, layer.stride
    reach_y, reach_x = (e.shape[1] - 1) * sy + 1, (e.shape[2] - 1) * sx + 1
    corners = [(y * dy, z * dx) for y in range(ky) for z in range(kx)]
    return [x[:, :, y : y + reach_y : sy, z : z + reach_x : sx] for y, z in corners]


def _relu(emulator: Emulator, e: Elementwise, values: list[Tensor]) -> tuple[Array, range]:
    word = range(e.sources[0].bits + 1)
    array = emulator.array(values[0].size, 1, len(word))
    array.load(values[0], word)
    array.run(programs.relu(word))
    return array, word[:-1]


def _residual(emulator: Emulator, e: Elementwise, values: list[Tensor]) -> tuple[Array, range]:
    """Load the words, their signs twice, so that the sum has a column to grow into; add; clamp."""
    bits = e.target.bits + 1
    width = bits + 1
    total, other, carry, flag = range(width), range(width, 2 * width), 2 * width, 2 * width + 1
    array = emulator.array(values[0].size, 1, flag + 1)
    array.load(values[0], total, clear=range(carry, flag + 1))
    array.load(values[1], other)
    array.run(programs.add(other, total, carry))
    array.run(programs.saturate(total, bits, flag))
    return array, total[: e.target.width if not e.relu else bits]


def _maximum(emulator: Emulator, e: Elementwise, values: list[Tensor]) -> tuple[Array, range]:
    """Stream the window: each element is loaded beside the running maximum."""
    width, signed = e.sources[0].width, e.sources[0].signed
    best, other = range(width), range(width, 2 * width)
    array = emulator.array(values[0].size, 1, 2 * width + 2)
    array.load(values[0], best)
    for element in values[1:]:
        array.load(element, other)
        array.run(programs.maximum(other, best, 2 * width, 2 * width + 1, signed))
    return array, best


def _average(emulator: Emulator, e: Elementwise, values: list[Tensor]) -> tuple[Array, range]:
    """Stream the window into a sum; a power of two is divided by reading shifted columns."""
    bits = e.sources[0].width
    b, shift = average_scale(len(values), bits)
    width, m = bits + int(levels(len(values))), int(scale_bits(bits))
    total, other = range(width), range(width, 2 * width)
    carry, product = 2 * width, range(2 * width + 1, 3 * width + 1 + m)
    array = emulator.array(values[0].size, 1, product.stop)
    array.load(values[0], total[:bits], clear=range(bits, carry + 1))
    for element in values[1:]:
        array.load(element, other[:bits])
        array.run(programs.add(other, total, carry))
    if b == 1:
        return array, total[shift : shift + bits]
    factor = other[:m]
    array.load(np.array(b), factor, clear=product)
    array.run(programs.multiply(total, factor, product))
    return array, product[shift : shift + bits]
