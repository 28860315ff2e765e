"""Maximum pooling: a stream of the window's words, or rounds that spread it over rows.

Stream: each element is loaded beside the running maximum. A large window is taken in rounds: in
each, many rows take a part of the window, and what they leave is streamed on fewer rows.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from bfimna.ap import counts as ap
from bfimna.ap import programs
from bfimna.ap.counts import Amount, Counts, CountSet
from bfimna.ap.rows import Rows
from bfimna.operators.operator import (
    Grouped,
    LayerBatch,
    Machine,
    Moved,
    Operator,
    OverRows,
    PartialMaxima,
    Step,
    Tensor,
)
from bfimna.operators.shapes import pad, windowed_shape
from bfimna.operators.words import MAX_BITS, Words


def windows_moved(x: LayerBatch, words: Words, multicast: bool, counts: CountSet) -> Moved:
    """Move every element that a window covers once with multicast, else once per window."""
    taken = x.sources[0] if multicast else x.elements * x.window
    return taken * (words.bits + x.signs[0]), x.elements * words.read_bits


def window_operands(step: Step, x: Tensor, fill: int) -> list[Tensor]:
    """Return the k-th elements of all windows as a tensor of the result's shape, for each k."""
    layer = step.layer
    x = pad(x, layer, step.shape, fill)
    (ky, kx), (dy, dx), (sy, sx) = layer.kernel, layer.dilation, layer.stride
    reach_y, reach_x = (step.shape[1] - 1) * sy + 1, (step.shape[2] - 1) * sx + 1
    corners = [(y * dy, z * dx) for y in range(ky) for z in range(kx)]
    return [x[:, :, y : y + reach_y : sy, z : z + reach_x : sx] for y, z in corners]


class Round(NamedTuple):
    """Words of a window that are left, and rows on which they are streamed to one word each."""

    words: np.ndarray
    rows: np.ndarray

    @property
    def depth(self) -> np.ndarray:
        """Words of the longest stream."""
        return np.ceil(self.words / self.rows)


def rounds(window: Amount, number: int) -> list[Round]:
    """Return the rounds of a maximum: in each, every row takes about as many words as in others.

    >>> [(int(words), int(rows)) for words, rows in rounds(49, 2)]
    [(49, 7), (7, 1)]
    """
    fan = np.ceil(np.asarray(window, float) ** (1 / number))
    fan = np.where((fan - 1) ** number >= window, fan - 1, fan)  # a root is not exact
    left, taken = np.asarray(window, float), []
    for _ in range(number - 1):
        taken.append(Round(left, np.ceil(left / fan)))
        left = taken[-1].rows
    return [*taken, Round(left, np.ones_like(left))]


def number_of_rounds(x: LayerBatch, bits: np.ndarray) -> np.ndarray:
    """Return in how many rounds maxima of words of so many bits are taken; 1 is a stream."""
    return _worthwhile_rounds(x)[bits, np.arange(len(x.layers))]


def _choose(x: LayerBatch, bits: np.ndarray) -> list[tuple[PartialMaxima, ...]]:
    """Return each layer's rounds but the last, at one precision."""
    numbers = number_of_rounds(x, bits).tolist()
    layers = zip(x.elements.tolist(), x.window.tolist(), numbers, strict=True)
    return [
        tuple(
            PartialMaxima(rows := int(one.rows), int(np.ceil(elements * rows / x.chip_rows)))
            for one in rounds(window, number)[:-1]
        )
        for elements, window, number in layers
    ]


@lru_cache(maxsize=256)
def _worthwhile_rounds(x: LayerBatch) -> np.ndarray:
    """Tabulate the rounds that are worth their extra traffic, by bits and layer.

    What a round leaves crosses the bus twice, so each more must halve the cycles of fewer: two do
    for windows of more than 3 × 3 words.
    """
    bits = np.repeat(np.arange(1, MAX_BITS + 1)[:, None], len(x.layers), axis=1)
    words = Words(bits, bits)
    best = np.ones((MAX_BITS + 1, len(x.layers)), dtype=np.int64)
    least = _counts_of(x, words, 1, "microcode").cycles
    for number in range(2, int(ap.levels(x.window.max())) + 1):
        cycles = _counts_of(x, words, number, "microcode").cycles
        worth = 2 * cycles < least
        best[1:] = np.where(worth, number, best[1:])
        least = np.where(worth, cycles, least)
    best.flags.writeable = False
    return best


def _counts(x: LayerBatch, words: Words, counts: CountSet) -> Counts:
    """Take the maximum as a stream or in rounds; published: as a stream."""
    if counts == "published":
        return _counts_of(x, words, 1, counts)
    numbers = number_of_rounds(x, words.bits)
    return sum(
        (_counts_of(x, words, n, counts) * (numbers == n) for n in np.unique(numbers)), Counts()
    )


def _counts_of(x: LayerBatch, words: Words, number: int, counts: CountSet) -> Counts:
    """Stream words beside a running maximum, on fewer rows in each round."""
    width = words.bits + x.signs[0]
    load, step, done = ap.load(width), ap.maximum(width, counts), Counts()
    for k, one in enumerate(rounds(x.window, number)):
        left, rows, depth = one.words, one.rows, one.depth
        folds = np.ceil(x.elements * rows / x.chip_rows)
        read = ap.read(words.read_bits if k == number - 1 else width)
        done = done + load.repeat(folds * depth, x.elements * left)
        done = done + step.repeat(folds * (depth - 1), x.elements * (left - rows))
        done = done + read.repeat(folds, x.elements * rows)
    return done


def _moved(x: LayerBatch, words: Words, multicast: bool, counts: CountSet) -> Moved:
    """Move what each round but the last leaves out and in again, too."""
    taken, returned = windows_moved(x, words, multicast, counts)
    if counts == "published":
        return taken, returned
    numbers, between = number_of_rounds(x, words.bits), np.zeros_like(returned)
    for number in np.unique(numbers):
        rows = sum(one.rows for one in rounds(x.window, number)[:-1])
        between = between + x.elements * rows * (words.bits + x.signs[0]) * (numbers == number)
    return taken + between, returned + between


def _columns(x: LayerBatch, bits: np.ndarray) -> np.ndarray:
    """Return the columns of a running maximum, its operand and two flags."""
    return 2 * (bits + x.signs[0]) + 2


def _operands(step: Step, inputs: list[Tensor]) -> list[Tensor]:
    low = step.sources[0].low  # less than any element: padding never wins
    return window_operands(step, inputs[0], low)


def _run(machine: Machine, rows: Rows, step: Step, operands: list[Tensor], first: bool) -> None:
    assert not isinstance(step.choice, OverRows | Grouped)
    for one in step.choice or ():
        operands = _run_round(machine, step, one, operands, first)
    width, signed = step.sources[0].width, step.sources[0].signed
    best, other = tuple(range(width)), tuple(range(width, 2 * width))
    rows.load(operands[0], best)
    for element in operands[1:]:
        rows.load(element, other)
        rows.run(programs.maximum(other, best, 2 * width, 2 * width + 1, signed))
    rows.word = best


def _run_round(
    machine: Machine, step: Step, one: PartialMaxima, operands: list[Tensor], first: bool
) -> list[Tensor]:
    """Stream the window on several rows of each group; return what each row leaves."""
    (word, *_), size = step.sources, len(operands[0])
    best, other = range(word.width), range(word.width, 2 * word.width)
    program = programs.maximum(other, best, other.stop, other.stop + 1, word.signed)
    array = machine.array(size, one.rows, step.columns)
    array.load(np.stack(operands[: one.rows]), best)
    for lo in range(one.rows, len(operands), one.rows):
        part = np.stack(operands[lo : lo + one.rows])
        array.load(part, other, rows=len(part))
        array.run(program, rows=len(part))
    left = list(array.read(best, signed=word.signed))
    machine.account(array, step.layer.name, step.operator.phase, one.folds, first)
    machine.record_wear(array, step.layer.name, "windows", one.folds)
    return left


OPERATORS = (
    Operator(
        "maxpool", windowed_shape, phase="pool", counts=_counts, columns=_columns, moved=_moved,
        operands=_operands, run=_run, leaves_word=False, choose=_choose,
    ),
)  # fmt: skip
