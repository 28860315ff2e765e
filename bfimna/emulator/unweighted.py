"""Layers without weights as programs on arrays, one element per row: one entry per kind.

The programs are those that `bfimna.mapping.kinds` counts.
"""

from collections.abc import Callable

import numpy as np

from bfimna.ap import programs
from bfimna.ap.counts import levels
from bfimna.emulator import pooling, windows
from bfimna.emulator.arrays import Emulator
from bfimna.emulator.constants import Constants
from bfimna.emulator.resident import (
    add_slices,
    codes,
    copy,
    load,
    look_up,
    multiply,
    product,
    scale,
    scaled,
    shift,
)
from bfimna.emulator.rows import Columns, Rows
from bfimna.emulator.step import Step, Tensor
from bfimna.mapping.kinds import KINDS as COSTS
from bfimna.mapping.resident import SIGN, squares_scaled, tabulated


def unweighted(emulator: Emulator, step: Step, inputs: list[Tensor]) -> Tensor:
    """Run a layer, and those that take its word where it lies; return the last one's tensor."""
    operands = [np.moveaxis(x, 1, -1).reshape(-1) for x in _operands(step, inputs)]
    channels, size = step.shape[0], operands[0].size  # channels last: an LRN's are neighbours
    out = np.empty(size, dtype=np.int64)
    most = step.over_rows.part if step.over_rows else max((r.rows for r in step.rounds), default=1)
    rows_each = channels * most
    lot = min(max(emulator.products // (64 * rows_each), 1) * 64 * channels, size)
    name, phase = step.layer.name, COSTS[step.layer.kind].phase
    for start in range(0, size, lot):
        stop, first = min(start + lot, size), start == 0
        array = emulator.array(stop - start, 1, step.columns)
        rows = Rows(array, np.arange(start, stop) % channels)
        values = [operand[start:stop] for operand in operands]
        if step.over_rows:
            pooling.average_over_rows(emulator, rows, step, values, first)
        else:
            values = pooling.in_rounds(emulator, step, values, first)
            KINDS[step.layer.kind](rows, step, values)
        emulator.account(array, name, phase, step.folds, first)
        run_chain(emulator, rows, step.chain, first)
        out[start:stop] = rows.result(step.end.width, step.end.signed)
        emulator.account(array, name, phase, step.folds, first)
        emulator.retire(array, name, "outputs", step.folds)
    return np.moveaxis(out.reshape(len(inputs[0]), *step.shape[1:], channels), -1, 1)


def run_chain(emulator: Emulator, rows: Rows, chain: tuple[Step, ...], first: bool) -> None:
    """Run layers one after the other on the word that lies in its row."""
    for step in chain:
        KINDS[step.layer.kind](rows, step, [])
        phase = COSTS[step.layer.kind].phase
        emulator.account(rows.array, step.layer.name, phase, step.folds, first)


def _operands(step: Step, inputs: list[Tensor]) -> list[Tensor]:
    """Return the tensors that the program takes one after the other, all of the result's shape."""
    layer, word, shape = step.layer, step.sources[0], (len(inputs[0]), *step.shape)
    if layer.kind not in ("maxpool", "avgpool"):
        return [np.broadcast_to(x, shape) for x in inputs]
    average = layer.kind == "avgpool"
    x, fill = (inputs[0] - word.low, -word.low) if average else (inputs[0], word.low)
    x = windows.pad(x, layer, step.shape, fill)
    (ky, kx), (dy, dx), (sy, sx) = layer.kernel, layer.dilation, layer.stride
    reach_y, reach_x = (step.shape[1] - 1) * sy + 1, (step.shape[2] - 1) * sx + 1
    corners = [(y * dy, z * dx) for y in range(ky) for z in range(kx)]
    return [x[:, :, y : y + reach_y : sy, z : z + reach_x : sx] for y, z in corners]


# ---- one program per kind --------------------------------------------------------------------


def _one_word(program: Callable[[Rows, Step], Columns]) -> "Program":
    """Take the word where it lies, or load it."""

    def run(rows: Rows, step: Step, operands: list[Tensor]) -> None:
        if operands:
            rows.word = load(rows, operands[0], step.sources[0])
        rows.word = program(rows, step)

    return run


def _relu(rows: Rows, step: Step) -> Columns:
    rows.run(programs.relu(rows.word))
    return rows.word


def _one_scale(rows: Rows, step: Step) -> Columns:
    own = step.own
    return scale(rows, rows.word, len(rows.word), own.multiplier, own.shift)


def _bias(rows: Rows, step: Step) -> Columns:
    return shift(rows, rows.word, step.own.offset, len(rows.word), True)


def _clip(rows: Rows, step: Step) -> Columns:
    """Clamp to the range of a word one column shorter."""
    (flag,) = rows.spare(1, rows.word)
    rows.run(programs.clear((flag,)))
    rows.run(programs.clamp(rows.word, len(rows.word) - 1, flag))
    return rows.word


def _lookup(rows: Rows, step: Step) -> Columns:
    return look_up(rows, rows.word, step.own.table)


def _function(
    arithmetic: Callable[[Rows, Step], Columns],
    values: Callable[[np.ndarray, int, Constants], np.ndarray],
) -> Callable[[Rows, Step], Columns]:
    """Compute a function of one word, or look it up where that takes fewer cycles."""

    def run(rows: Rows, step: Step) -> Columns:
        bits = len(rows.word) - SIGN
        if not tabulated(step.layer.kind, bits + SIGN):
            return arithmetic(rows, step)
        return look_up(rows, rows.word, values(codes(bits), bits, step.own))

    return run


def _leaky_relu(rows: Rows, step: Step) -> Columns:
    word, own = rows.word, step.own
    scaled = scale(rows, copy(rows, word), len(word), own.multiplier, own.shift, word)
    won, lost = rows.spare(2, word, scaled)
    rows.run(programs.maximum(scaled, word, won, lost, True))
    return word


def _leaky_values(x: np.ndarray, bits: int, own: Constants) -> np.ndarray:
    return np.maximum(x, scaled(x, bits, own.multiplier, own.shift))


def _hard(rows: Rows, step: Step, word: Columns, *kept: Columns) -> Columns:
    own = step.own
    scaled = scale(rows, word, len(word), own.multiplier, own.shift, *kept)
    return shift(rows, scaled, own.offset, len(word) - SIGN, False, *kept)


def _hard_sigmoid(rows: Rows, step: Step) -> Columns:
    return _hard(rows, step, rows.word)


def _hard_values(x: np.ndarray, bits: int, own: Constants) -> np.ndarray:
    return np.clip(scaled(x, bits, own.multiplier, own.shift) + own.offset, 0, 2**bits - 1)


def _hard_swish(rows: Rows, step: Step) -> Columns:
    word = rows.word
    return product(rows, word, _hard(rows, step, copy(rows, word), word), step.own)


def _swish_values(x: np.ndarray, bits: int, own: Constants) -> np.ndarray:
    product = x * _hard_values(x, bits, own)
    return scaled(product, bits, own.product_multiplier, own.product_shift)


def _add(rows: Rows, step: Step, operands: list[Tensor]) -> None:
    """Load the words, their signs twice, so that the sum has a column to grow into; add; clamp."""
    bits = step.target.bits + SIGN
    total, other = tuple(range(bits + 1)), tuple(range(bits + 1, 2 * bits + 2))
    carry, flag = 2 * bits + 2, 2 * bits + 3
    rows.load(operands[0], total, clear=(carry, flag))
    rows.load(operands[1], other)
    rows.run(programs.add(other, total, carry))
    rows.run(programs.saturate(total, bits, flag))
    rows.word = total[:bits]


def _mul(rows: Rows, step: Step, operands: list[Tensor]) -> None:
    a = load(rows, operands[0], step.sources[0])
    b = load(rows, operands[1], step.sources[1], a)
    rows.word = product(rows, a, b, step.own)


def _lrn(rows: Rows, step: Step, operands: list[Tensor]) -> None:
    """Square; add the neighbouring channels' squares; scale, look up the power; multiply."""
    own, n = step.own, step.layer.kernel[0]
    word = load(rows, operands[0], step.sources[0])
    square = multiply(rows, word, copy(rows, word))
    squares = rows.read(square, signed=False).reshape(-1, step.shape[0])
    growth = int(levels(n))
    more = rows.spare(growth + 1, word, square)
    carry, total = more[growth], (*square, *more[:growth])
    padded = np.pad(squares, ((0, 0), (n // 2, n - 1 - n // 2)))
    clear = more
    for k in (k for k in range(n) if k != n // 2):
        neighbour = padded[:, k : k + step.shape[0]].reshape(-1)
        add_slices(rows, neighbour, total, len(square), (carry, *word), clear)
        clear = (carry,)
    scaled = int(squares_scaled(len(word), n, step.columns))
    dropped = len(total) - scaled
    power = scale(rows, total[dropped:], len(word), own.multiplier, own.shift - dropped, word)
    power = look_up(rows, power, own.table, word)
    rows.word = product(rows, word, power, own)


Program = Callable[[Rows, Step, list[Tensor]], None]
KINDS: dict[str, Program] = {
    "relu": _one_word(_relu),
    "maxpool": pooling.maximum,
    "avgpool": pooling.average,
    "add": _add,
    "mul": _mul,
    "scale": _one_word(_one_scale),
    "bias": _one_word(_bias),
    "clip": _one_word(_clip),
    "lookup": _one_word(_lookup),
    "leakyrelu": _one_word(_function(_leaky_relu, _leaky_values)),
    "hardsigmoid": _one_word(_function(_hard_sigmoid, _hard_values)),
    "hardswish": _one_word(_function(_hard_swish, _swish_values)),
    "lrn": _lrn,
}
