"""Integers as packed bit planes: (bits, rows, words), 64 neighbours of a row in a word."""

import numpy as np

from bfimna.errors import BfimnaError


def pack(values: np.ndarray, bits: int) -> np.ndarray:
    """Return the bit planes of integers (rows, n); bits above an integer's are its sign."""
    from bfimna.ap import kernels  # numba takes half a second: only those who emulate pay it

    planes = np.empty((bits, len(values), -(-values.shape[1] // 64)), np.uint64)
    kernels.pack(np.ascontiguousarray(values, np.int64), 0, planes)
    return planes


def unpack(planes: np.ndarray, n: int, signed: bool) -> np.ndarray:
    """Return the integers (rows, n) of bit planes; the top plane is a sign if `signed`."""
    from bfimna.ap import kernels

    numbers = np.empty((planes.shape[1], n), np.int64)
    kernels.unpack(np.ascontiguousarray(planes), bool(signed), numbers)
    return numbers


def check_fit(numbers: np.ndarray, bits: int) -> None:
    """Raise unless these are integers that words of so many bits hold, signed or not."""
    if numbers.dtype.kind not in "iub":
        raise BfimnaError(f"load: want integers, not {numbers.dtype}")
    low, high = (int(numbers.min()), int(numbers.max())) if numbers.size else (0, 0)
    if low < -(1 << bits >> 1) or high >= 1 << bits:
        raise BfimnaError(f"values from {low} to {high} do not fit {bits} bits")
