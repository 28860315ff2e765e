"""Cells that programs are expected to write in a row whose operand bits are uniformly random.

All else that a program does is exact and stands in `counts`; what it writes follows the data.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from bfimna.ap import tables
from bfimna.ap.lut import Lut

Amount = int | float | np.ndarray
Plane = np.ndarray
Planes = list[np.ndarray]
WIDEST = 64  # widest operand that the tables below cover: 16 + 16 bits and the growth of a sum
SAMPLE = 512  # words of 64 rows: the mean over 32 768 rows is within 1 % of exhaustive enumeration


def _tabulated(function: Callable[..., float]) -> Callable[..., Amount]:
    """Make a scalar function of bit widths accept arrays, computing each entry once."""
    table = np.full((WIDEST + 1,) * function.__code__.co_argcount, np.nan)

    def look_up(*widths: Amount) -> Amount:
        index = tuple(np.asarray(w, dtype=np.intp) for w in widths)
        found = table[index]
        if np.isnan(found).any():
            grid = np.broadcast_arrays(*index)
            for entry in {
                tuple(int(x) for x in e) for e in zip(*(g.flat for g in grid), strict=True)
            }:
                table[entry] = function(*entry)
            found = table[index]
        return found if found.ndim else float(found)

    look_up.__doc__ = function.__doc__
    return look_up


def _ripple(lut: Lut, bits: int) -> float:
    """Cells of a full adder's or subtractor's passes over random words; the carry starts at 0."""
    cells, carry = 0.0, 0.0
    for _ in range(bits):
        written, (_, _, carry) = lut.expect(0.5, 0.5, carry)
        cells += written
    return cells


@_tabulated
def add_cells(bits):  # type: ignore[no-untyped-def]
    """Cells of an addition."""
    return _ripple(tables.FULL_ADD, bits)


@_tabulated
def subtract_cells(bits):  # type: ignore[no-untyped-def]
    """Cells of a subtraction."""
    return _ripple(tables.FULL_SUBTRACT, bits)


def _partial(lut: Lut, control: Plane, a: Planes, p: Planes, carry: Plane) -> tuple[Planes, float]:
    """Run p += a (or -=) where the control bit is 1; return p with the carry, and cells a row."""
    result, cells = [], 0
    for column, running in zip(a, p, strict=True):
        planes, written = lut.run_packed([control, column, running, carry])
        result.append(planes[2])
        carry, cells = planes[3], cells + written
    return [*result, carry], cells / (64 * SAMPLE)


@lru_cache
def _multiply_cells_of(bits: int, operand_signed: bool) -> np.ndarray:
    """Cells by the multiplier's sign and width, (2, WIDEST + 1), for a multiplicand of `bits` bits.

    The product's bits depend on each other, so the passes are run on random rows (fixed seed). A
    partial product does not depend on later multiplier bits, so one run serves every width.
    """
    random = np.random.default_rng(bits)
    words = list(random.integers(0, 2**64, (WIDEST + bits, SAMPLE), dtype=np.uint64))
    control, a, zero = words[:WIDEST], words[WIDEST:], np.zeros(SAMPLE, np.uint64)
    product: Planes = [zero] * bits
    cells = np.zeros((2, WIDEST + 1))
    before = 0.0
    for j in range(WIDEST):
        steps = (tables.CONTROLLED_ADD, tables.CONTROLLED_SUBTRACT)  # by the multiplier's sign
        results = [_partial(lut, control[j], a, product[j:], zero) for lut in steps]
        for signed, (last, written) in enumerate(results):
            cells[signed, j + 1] = before + written
            if operand_signed:
                upper = (product[:j] + last)[bits:]
                lut = tables.CONTROLLED_SUBTRACT
                cells[signed, j + 1] += _partial(lut, a[-1], control[: j + 1], upper, zero)[1]
        product[j:] = results[0][0]
        before += results[0][1]
    return cells


@_tabulated
def multiply_cells(multiplier_bits, bits, signed, operand_signed):  # type: ignore[no-untyped-def]
    """Cells of a multiplication, by the operands' widths and signs (0 or 1)."""
    return _multiply_cells_of(bits, bool(operand_signed))[signed, multiplier_bits]


@_tabulated
def maximum_cells(bits):  # type: ignore[no-untyped-def]
    """Cells of a maximum, the two flags' clearing included."""
    cells, greater, less, lut = 2.0, 0.0, 0.0, tables.MAXIMUM_TOP
    for _ in range(bits):  # the flags exclude each other, so they are no independent columns
        open_cells, (_, _, won, lost) = lut.expect(0.5, 0.5, 0.0, 0.0)
        copy_cells, _ = tables.MAXIMUM.expect(0.5, 0.5, 1.0, 0.0)
        keep_cells, _ = tables.MAXIMUM.expect(0.5, 0.5, 0.0, 1.0)
        still_open = 1.0 - greater - less
        cells += still_open * open_cells + greater * copy_cells + less * keep_cells
        greater, less = greater + still_open * won, less + still_open * lost
        lut = tables.MAXIMUM
    return cells
