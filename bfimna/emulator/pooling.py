"""Maxima and means of windows on arrays: streamed, in rounds, or over rows.

The programs are those that `bfimna.mapping.pooling` counts.
"""

import numpy as np

from bfimna.ap import programs
from bfimna.ap.counts import levels, scale_bits
from bfimna.emulator.arrays import Emulator
from bfimna.emulator.integer import average_scale
from bfimna.emulator.rows import Columns, Rows
from bfimna.emulator.step import Step, Tensor
from bfimna.mapping.pooling import mean_overlaps


def maximum(rows: Rows, step: Step, operands: list[Tensor]) -> None:
    """Stream the window: each element is loaded beside the running maximum."""
    width, signed = step.sources[0].width, step.sources[0].signed
    best, other = tuple(range(width)), tuple(range(width, 2 * width))
    rows.load(operands[0], best)
    for element in operands[1:]:
        rows.load(element, other)
        rows.run(programs.maximum(other, best, 2 * width, 2 * width + 1, signed))
    rows.word = best


def in_rounds(emulator: Emulator, step: Step, operands: list[Tensor], first: bool) -> list[Tensor]:
    """Run a maximum's rounds but the last: every row takes a part of the window."""
    (word, *_), size = step.sources, len(operands[0])
    best, other = range(word.width), range(word.width, 2 * word.width)
    program = programs.maximum(other, best, other.stop, other.stop + 1, word.signed)
    for rows, folds in step.rounds:
        array = emulator.array(size, rows, step.columns)
        array.load(np.stack(operands[:rows]), best)
        for lo in range(rows, len(operands), rows):
            part = np.stack(operands[lo : lo + rows])
            array.load(part, other, rows=len(part))
            array.run(program, rows=len(part))
        operands = list(array.read(best, signed=word.signed))
        emulator.account(array, step.layer.name, "pool", folds, first)
        emulator.retire(array, step.layer.name, "windows", folds)
    return operands


def average(rows: Rows, step: Step, operands: list[Tensor]) -> None:
    """Stream the window into a sum."""
    bits = step.sources[0].width
    total, other, carry = _sum_columns(bits, len(operands))
    rows.load(operands[0], total[:bits], clear=(*total[bits:], *other[bits:], carry))
    for element in operands[1:]:
        rows.load(element, other[:bits])
        rows.run(programs.add(other, total, carry))
    _mean(rows, step, len(operands))


def average_over_rows(
    emulator: Emulator, rows: Rows, step: Step, operands: list[Tensor], first: bool
) -> None:
    """Load the window's elements in a row each and reduce the rows; add what is left, packed."""
    assert step.over_rows
    (part, beside, folds), size = step.over_rows, len(operands[0])
    bits = step.sources[0].width
    total, other, carry = _sum_columns(bits, len(operands))
    left = []
    for lo in range(0, len(operands), part):
        values = np.stack(operands[lo : lo + part])
        array = emulator.array(size, len(values), step.columns, beside)
        array.load(values, range(bits), clear=range(bits, len(total)))
        emulator.account(array, step.layer.name, "pool", folds, first and not lo)
        found = programs.reduce(array, range(len(total)))
        emulator.account(array, step.layer.name, "reduce", folds, first and not lo)
        planes = array.read_planes(range(len(total)), found).copy()  # the array is used again
        left += [planes[:, row : row + 1] for row in range(found)]
        emulator.account(array, step.layer.name, "pool", folds, first and not lo)
        emulator.retire(array, step.layer.name, "windows", folds)
    rows.array.load_planes(left[0], range(len(total)), range(carry, carry + 1))
    for more in left[1:]:
        rows.array.load_planes(more, range(other[0], carry), range(carry, carry + 1))
        rows.run(programs.add(other, total, carry))
    _mean(rows, step, len(operands))


def _sum_columns(bits: int, window: int) -> tuple[Columns, Columns, int]:
    """Return the columns of a running sum, of what is added to it, and the carry."""
    width = bits + int(levels(window))
    return tuple(range(width)), tuple(range(width, 2 * width)), 2 * width


def _mean(rows: Rows, step: Step, window: int) -> None:
    """Divide the sum by reading shifted columns, or multiply it by a scale first."""
    bits, rows.offset = step.sources[0].width, step.target.low
    (b, shift), m = average_scale(window, bits), int(scale_bits(bits))
    total, other, carry = _sum_columns(bits, window)
    product: Columns = total
    if b > 1 and mean_overlaps(bits, window, step.columns):
        word = (*total, carry)  # with a sign, which is 0
        low = rows.spare(m + 1, word)
        factor = rows.spare(m, word, low)
        rows.load(np.array(b), factor, clear=(*low, carry))
        top = m + 1 + len(word)
        product = (*low, *word)
        rows.run(programs.scale_up(range(m + 1, top), range(top, top + m)), (*product, *factor))
    elif b > 1:
        product = tuple(range(carry + 1, carry + 1 + len(total) + m))
        rows.load(np.array(b), other[:m], clear=product)
        rows.run(programs.multiply(total, other[:m], product))
    rows.word = product[shift : shift + bits]
