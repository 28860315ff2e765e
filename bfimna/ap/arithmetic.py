"""The AP's programs on NumPy integers: the exact result and the counted events.

Each function loads its operands into an array, one element per row, runs the program pass by pass
and reads the result. The counts include the loads and reads. Signed words are two's complement.
"""

from collections.abc import Callable
from math import prod
from typing import Any, get_args

import numpy as np

from bfimna.ap import programs
from bfimna.ap.arguments import (
    MAX_BITS,
    broadcast,
    check_result,
    lay_out,
    operand,
    operand_pair,
    sign_pair,
    width_of,
)
from bfimna.ap.array import Array
from bfimna.ap.bit_planes import COLUMNS
from bfimna.ap.counts import levels
from bfimna.ap.events import ApKind, Counts
from bfimna.errors import BfimnaError, one_of, truth, whole_number

MAX_SCALE_BITS = 32  # of the factors of `requantise`

Result = tuple[np.ndarray, Counts]
Signed = bool | tuple[bool, bool]
Load = tuple[np.ndarray, range, range]  # integers, columns of their words, columns to clear


def _run(
    program: programs.Program, *loads: Load, result: range, signed: bool, threads: int = 0
) -> Result:
    """Load operands of one shape, an element a row; run a program; read its result."""
    shape = loads[0][0].shape
    array = Array(prod(shape), threads=threads)
    for values, columns, clear in loads:
        array.load(values.reshape(1, -1), columns, clear)
    array.run(program)
    return array.read(result, signed).reshape(shape), array.counts


def multiply(
    a: Any, b: Any, a_bits: int = 8, b_bits: int = 8, signed: Signed = False, threads: int = 0
) -> Result:
    """Multiply element by element.

    Parameters
    ----------
    a, b : integers of equal shape.
    a_bits, b_bits : width of the operands.
    signed : whether both are signed, or a and b each. Both take 8 · `a_bits` cycles more.
    threads : processor threads; 0 for all.

    Returns
    -------
    The product, of `a_bits` + `b_bits` bits, and the counts.

    Examples
    --------
    >>> product, counts = multiply([3, 250], [5, 255])
    >>> product, counts.compares, counts.cycles
    (array([   15, 63750]), 256, 544)
    """
    a_bits, b_bits, signed = width_of("a", a_bits), width_of("b", b_bits), sign_pair(signed)
    a, b = broadcast(operand("a", a, a_bits, signed[0]), operand("b", b, b_bits, signed[1]))
    if signed == (False, True):  # the signed one is the multiplier: that takes no extra subtraction
        a, b, a_bits, b_bits, signed = b, a, b_bits, a_bits, (True, False)
    left, right, product, borrow = lay_out(
        "multiply", a_bits, b_bits, a_bits + b_bits, int(signed[1])
    )
    program = programs.multiply(left, right, product, signed, borrow.start if signed[1] else None)
    loads = (a, left, range(product.start, borrow.stop)), (b, right, range(0))
    return _run(program, *loads, result=product, signed=any(signed), threads=threads)


def add(a: Any, b: Any, bits: int = 8, signed: bool = False) -> Result:
    """Add element by element; the sum has a bit more.

    Signed words are added a column wider, so that the sum of the extremes fits.

    >>> add([255, 1], [255, 2])[0]
    array([510,   3])
    """
    return _in_place("add", programs.add, b, a, bits, signed)


def subtract(a: Any, b: Any, bits: int = 8, signed: bool = False) -> Result:
    """Subtract element by element, a - b; the signed difference has a bit more.

    >>> subtract([0, 7], [255, 2])[0]
    array([-255,    5])
    """
    return _in_place("subtract", programs.subtract, b, a, bits, signed)


def _in_place(
    name: str, make: Callable[..., programs.Program], b: Any, a: Any, bits: int, signed: bool
) -> Result:
    """Run a program that changes a, the carry or borrow becoming the result's top bit."""
    bits = width_of("a and b", bits)
    a, b = operand_pair(a, b, bits, signed)
    width = bits + 1 if signed else bits
    addend, running, carry = lay_out(name, width, width, 1)
    program = make(addend, running, carry.start)
    result = running if signed else range(running.start, carry.stop)
    loads = (b, addend, carry), (a, running, range(0))
    return _run(program, *loads, result=result, signed=signed or name == "subtract")


def maximum(a: Any, b: Any, bits: int = 8, signed: bool = False) -> Result:
    """Maximum element by element.

    >>> maximum([3, -8], [2, 7], bits=4, signed=True)[0]
    array([3, 7])
    """
    bits = width_of("a and b", bits)
    a, b = operand_pair(a, b, bits, signed)
    left, right, won, lost = lay_out("maximum", bits, bits, 1, 1)
    program = programs.maximum(left, right, won.start, lost.start, signed)
    loads = (a, left, range(0)), (b, right, range(0))
    return _run(program, *loads, result=right, signed=signed)


def relu(a: Any, bits: int = 8) -> Result:
    """Clear the negative ones of signed words.

    >>> relu([-128, -1, 0, 127])[0]
    array([  0,   0,   0, 127])
    """
    bits = width_of("a", bits)
    a = operand("a", a, bits, True)
    (word,) = lay_out("relu", bits)
    return _run(programs.relu(word), (a, word, range(0)), result=word, signed=True)


def requantise(
    a: Any, scale: Any, shift: int, bits: int = 8, a_bits: int = 24, signed: bool = True
) -> Result:
    """Scale signed words by a dyadic number: clamp(⌊a · scale / 2^shift⌋) to `bits` bits.

    Parameters
    ----------
    scale : positive integers, one for all or one each; their width follows from the largest.
    signed : whether the result is signed; an unsigned one is the ReLU too.

    >>> requantise([1000, -1000, 1], 3, 4, bits=8)[0]
    array([ 127, -128,    0])
    """
    a_bits, signed = width_of("a", a_bits), truth("signed", signed)
    a = operand("a", a, a_bits, True)
    factor = operand("scale", scale, MAX_SCALE_BITS, False)
    scale_bits = max(1, int(factor.max()).bit_length())
    bits = whole_number("bits", bits, 1, MAX_BITS)
    if a_bits + scale_bits - bits < 1:
        raise BfimnaError(
            f"requantise: {a_bits} bits times {scale_bits} leave no shift that gives {bits}"
        )
    shift = whole_number("shift", shift, 0, a_bits + scale_bits - bits - 1)
    a, factor = broadcast(a, factor)
    low, word, scales, flag = lay_out("requantise", scale_bits + 1, a_bits, scale_bits, 1)
    program = programs.requantise(word, scales, shift, bits, flag.start, signed)
    loads = (a, word, low), (factor, scales, flag)
    result = range(low.start + shift, low.start + shift + bits)
    return _run(program, *loads, result=result, signed=signed)


def reduce(a: Any, bits: int = 8, signed: bool = False, kind: ApKind = "2d-segmented") -> Result:
    """Add up the first axis.

    Parameters
    ----------
    a : integers, (words of a group, ...): the words of one group are rows of one array.
    kind : of the AP. A 2D one leaves a sum and a carry row, which are then added, densely packed.

    >>> reduce([[1, 10], [2, 20], [3, 30]])[0]
    array([ 6, 60])
    """
    one_of("AP kind", kind, get_args(ApKind))
    bits = width_of("a", bits)
    a = operand("a", a, bits, signed)
    rows = a.shape[0] if a.ndim else 1
    width = bits + int(levels(rows))
    check_result("reduce", width, signed)
    if kind == "1d":
        word, beside, carry = lay_out("reduce", width, width, 1)
    else:
        word, beside, carry = *lay_out("reduce", width), range(0), range(0)
    array = Array(prod(a.shape[1:]), rows, kind=kind)
    array.load(a.reshape(rows, -1), word[:bits], clear=range(bits, carry.stop or width))
    if kind == "1d":
        programs.reduce_1d(array, word, beside, carry.start, bits, signed)
        return array.read(word, signed, rows=1).reshape(a.shape[1:]), array.counts
    if signed:
        array.run(programs.sign_extend(word[bits - 1], word[bits:]))
    left = programs.reduce(array, word)
    sums, counts = resolve_carries([array.read_planes(word, rows=left)], array, signed)
    return sums.reshape(a.shape[1:]), array.counts + counts


def resolve_carries(parts: list[np.ndarray], array: Array, signed: bool) -> Result:
    """Add up the sum and carry rows that reductions leave, densely packed: one group per row.

    Two words of more than 35 bits do not fit beside each other: then each column of the second is
    loaded when its turn comes, which takes the same cycles.

    Parameters
    ----------
    parts : bit planes, (bits, rows left, words): each part's sum and carry rows.
    array : the one that they were read from.
    """
    width = len(parts[0])
    at_once = width if 2 * width < COLUMNS else 1
    running, addend, carry = lay_out("carry resolution", width, at_once, 1)
    dense = Array(array.groups, runs=array.runs, threads=array.threads)
    rows = [part[:, r : r + 1] for part in parts for r in range(part.shape[1])]
    dense.load_planes(rows[0], running)
    for row in rows[1:]:
        for i in range(0, width, at_once):
            dense.load_planes(row[i : i + at_once], addend, range(0) if i else carry)
            dense.run(programs.add(addend, running[i : i + at_once], carry.start))
    return dense.read(running, signed)[0], dense.counts
