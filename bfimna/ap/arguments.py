"""Validate the arguments of arrays and of programs on NumPy integers, before compiled code runs."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np

from bfimna.ap.bit_planes import COLUMNS, RowSets
from bfimna.errors import BfimnaError, shown, truth, whole_number

MAX_BITS = 64  # of an integer


# ---- of arrays -------------------------------------------------------------------------------


def row_sets(names: tuple[str, ...], levels: Sequence[RowSets], group: int) -> tuple[RowSets, ...]:
    """Return sets of rows as Python's integers: NumPy's would overflow in the checks below.

    Parameters
    ----------
    names : of the table that runs on them, each of which takes a row.
    group : rows of a group.
    """
    checked = []
    try:
        for rows, times in levels:
            if not all(type(number) is int for number in (*rows, times)):
                times = whole_number("sets of rows", times, 1)
                rows = tuple(whole_number("first row", row, 0) for row in rows)
            checked.append((tuple(rows), times))
    except (TypeError, ValueError) as error:
        if isinstance(error, BfimnaError):
            raise
        raise BfimnaError(f"levels: want pairs (rows, times), not {shown(levels)}") from None
    _check_row_sets(names, tuple(checked), group)
    return tuple(checked)


@lru_cache(maxsize=64)
def _check_row_sets(names: tuple[str, ...], levels: tuple[RowSets, ...], group: int) -> None:
    """Raise unless these are sets of rows that exist, in groups of so many, and do not overlap."""
    for rows, times in levels:
        whole_number("sets of rows", times, 1)
        if len(rows) != len(names):
            raise BfimnaError(f"{len(rows)} rows for the names {names}")
        for row in rows:
            whole_number("first row", row, 0)
        if max(rows) + times > group:
            raise BfimnaError(f"row {shown(max(rows) + times - 1)} of a group of {group} rows")
        if any(after - row < times for row, after in pairwise(sorted(rows))):
            raise BfimnaError(f"{times} sets of rows from {tuple(rows)} on overlap")


def word_bits(what: str, columns: range) -> int:
    """Return the bits of a word that is loaded from, or read into, integers."""
    if not isinstance(columns, range) or abs(columns.stop - columns.start) > MAX_BITS:
        raise BfimnaError(f"{what}: want a range of at most 64 columns, not {shown(columns)}")
    return len(columns)


def integers_to_load(values: Any, bits: int, shape: tuple[int, int]) -> np.ndarray:
    """Return `values` broadcast to a shape, or raise unless words of so many bits hold them."""
    numbers = _array("load", values)
    low, high = (int(numbers.min()), int(numbers.max())) if numbers.size else (0, 0)
    if low < -(1 << bits >> 1) or high >= 1 << bits:
        raise BfimnaError(f"values from {low} to {high} do not fit {bits} bits")
    try:
        return np.broadcast_to(numbers, shape).astype(np.int64, copy=False)
    except ValueError:
        raise BfimnaError(
            f"load: values of shape {numbers.shape}, want {shape} or one that broadcasts to it"
        ) from None


# ---- of programs on NumPy integers -----------------------------------------------------------


def width_of(name: str, bits: int) -> int:
    """Return the width of an operand as Python's integer: sums of NumPy's small ones wrap."""
    return whole_number(f"bits of {name}", bits, 1, MAX_BITS)


def operand(name: str, values: Any, bits: int, signed: bool) -> np.ndarray:
    """Return `values` as 64-bit integers, or raise if they are not integers or do not fit.

    >>> operand("a", [3, 300], 8, False)
    Traceback (most recent call last):
    bfimna.errors.BfimnaError: a: 300 does not fit 8 unsigned bits (0 to 255)
    """
    bits, signed = width_of(name, bits), truth(f"{name}: signed", signed)
    array = _array(name, values)
    if not array.size:
        raise BfimnaError(f"{name} has no elements (shape {array.shape})")
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    least, most = int(array.min()), int(array.max())
    if not signed and least < 0:
        raise BfimnaError(
            f"{name}: {least} is negative, but the program is unsigned (signed=True?)"
        )
    if least < low or most > high:
        kind = "signed" if signed else "unsigned"
        worst = most if most > high else least
        raise BfimnaError(f"{name}: {worst} does not fit {bits} {kind} bits ({low} to {high})")
    return array.astype(np.int64, copy=False)  # the same bits


def _array(name: str, values: Any) -> np.ndarray:
    try:
        array = np.asarray(values)
    except (ValueError, MemoryError):
        raise BfimnaError(f"{name}: want an array of integers, not {shown(values)}") from None
    if array.dtype.kind not in "iub":
        raise BfimnaError(f"{name}: want an array of integers, not {array.dtype}")
    return array


def operand_pair(a: Any, b: Any, bits: int, signed: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return two operands of one width, checked and of equal shape."""
    return broadcast(operand("a", a, bits, signed), operand("b", b, bits, signed))


def broadcast(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return two operands in their common shape, or raise if they have none."""
    try:
        shape = np.broadcast_shapes(a.shape, b.shape)
    except ValueError:
        raise BfimnaError(f"a and b have shapes {a.shape} and {b.shape}: want equal ones") from None
    both = (x if x.shape == shape else np.broadcast_to(x, shape).copy() for x in (a, b))
    return tuple(both)  # type: ignore[return-value]


def sign_pair(signed: Any) -> tuple[bool, bool]:
    """Return whether each of two operands is signed, from one truth value or a pair of them."""
    pair = signed if isinstance(signed, tuple | list) else (signed, signed)
    if len(pair) == 2 and all(isinstance(value, bool | np.bool_) for value in pair):
        return bool(pair[0]), bool(pair[1])
    raise BfimnaError(f"signed must be true or false, or a pair of these, not {shown(signed)}")


def check_result(what: str, bits: int, signed: bool) -> None:
    """Raise unless results of so many bits fit NumPy's integers.

    >>> check_result("reduce", 64, signed=False)
    Traceback (most recent call last):
    bfimna.errors.BfimnaError: reduce: a result of 64 unsigned bits; integers hold 63
    """
    most = MAX_BITS if signed else MAX_BITS - 1
    if bits > most:
        kind = "signed" if signed else "unsigned"
        raise BfimnaError(f"{what}: a result of {bits} {kind} bits; integers hold {most}")


def lay_out(what: str, *widths: int) -> list[range]:
    """Lay words side by side in an array's columns, or raise if there are too few.

    >>> lay_out("add", 8, 8, 1)
    [range(0, 8), range(8, 16), range(16, 17)]
    """
    total = sum(widths)
    if total > COLUMNS:
        raise BfimnaError(f"{what} needs {total} columns; the array has {COLUMNS}")
    starts = np.cumsum([0, *widths]).tolist()
    return [range(at, at + width) for at, width in zip(starts, widths, strict=False)]
