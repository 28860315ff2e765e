"""Operands of programs on NumPy integers: checked, broadcast, laid side by side in columns."""

from typing import Any

import numpy as np

from bfimna.ap.array import COLUMNS
from bfimna.errors import BfimnaError, shown, whole_number

WIDEST = 32  # bits of an operand


def width_of(name: str, bits: int) -> int:
    """Return the width of an operand as Python's integer: sums of NumPy's small ones wrap."""
    return whole_number(f"bits of {name}", bits, 1, WIDEST + 32)


def words(name: str, values: Any, bits: int, signed: bool) -> np.ndarray:
    """Return `values` as integers, or raise if they are none or do not fit.

    >>> words("a", [3, 300], 8, False)
    Traceback (most recent call last):
    bfimna.errors.BfimnaError: a: 300 does not fit 8 unsigned bits (0 to 255)
    """
    bits = width_of(name, bits)
    if not isinstance(signed, bool | np.bool_):
        raise BfimnaError(f"{name}: signed must be true or false, not {shown(signed)}")
    array = np.asarray(values)
    if array.dtype.kind not in "iub":
        raise BfimnaError(f"{name}: want an array of integers, not {array.dtype}")
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
    return array


def signs(signed: Any) -> tuple[bool, bool]:
    """Return whether each of two operands is signed, from one truth value or a pair of them."""
    if isinstance(signed, bool | np.bool_):
        return bool(signed), bool(signed)
    if isinstance(signed, tuple | list) and len(signed) == 2:
        a, b = signed
        if isinstance(a, bool | np.bool_) and isinstance(b, bool | np.bool_):
            return bool(a), bool(b)
    raise BfimnaError(f"signed must be true or false, or a pair of these, not {shown(signed)}")


def check_result(what: str, bits: int, signed: bool) -> None:
    """Raise unless results of so many bits fit NumPy's integers.

    >>> check_result("reduce", 64, signed=False)
    Traceback (most recent call last):
    bfimna.errors.BfimnaError: reduce: a result of 64 unsigned bits; integers hold 63
    """
    most = 64 if signed else 63
    if bits > most:
        kind = "signed" if signed else "unsigned"
        raise BfimnaError(f"{what}: a result of {bits} {kind} bits; integers hold {most}")


def columns(what: str, *widths: int) -> list[range]:
    """Lay words side by side in an array's columns, or raise if there are too few.

    >>> columns("add", 8, 8, 1)
    [range(0, 8), range(8, 16), range(16, 17)]
    """
    total = sum(widths)
    if total > COLUMNS:
        raise BfimnaError(f"{what} needs {total} columns; the array has {COLUMNS}")
    starts = np.cumsum([0, *widths]).tolist()
    return [range(at, at + width) for at, width in zip(starts, widths, strict=False)]


def pair(a: Any, b: Any, bits: int, signed: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return two operands of one width, checked and of equal shape."""
    return broadcast(words("a", a, bits, signed), words("b", b, bits, signed))


def broadcast(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return two operands in their common shape, or raise if they have none."""
    try:
        return tuple(np.broadcast_arrays(a, b))  # type: ignore[return-value]
    except ValueError:
        raise BfimnaError(f"a and b have shapes {a.shape} and {b.shape}: want equal ones") from None
