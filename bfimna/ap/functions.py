"""Functions of one or two words on NumPy integers: quotients, roots, absolute values, shifts.

As in `bfimna.ap.arithmetic`: operands are loaded one element per row, the program runs pass by
pass, and the counts include loads and reads.
"""

from typing import Any

import numpy as np

from bfimna.ap.arguments import broadcast, lay_out, operand, width_of
from bfimna.ap.array import Array
from bfimna.ap.division import divide as divide_program
from bfimna.ap.events import Counts
from bfimna.ap.negation import absolute as absolute_program
from bfimna.ap.shifting import shift_right as shift_program
from bfimna.ap.square_root import square_root as root_program
from bfimna.errors import BfimnaError

Result = tuple[np.ndarray, Counts]


def divide(
    a: Any, b: Any, a_bits: int = 8, b_bits: int = 8
) -> tuple[np.ndarray, np.ndarray, Counts]:
    """Divide unsigned integers element by element, by restoring division.

    Returns
    -------
    Quotient ⌊a / b⌋, remainder, and the counts.

    Raises
    ------
    BfimnaError
        For operands that do not fit their bits, or a divisor of 0.

    Examples
    --------
    >>> quotient, remainder, counts = divide([200, 7], [7, 9])
    >>> quotient, remainder, counts.cycles
    (array([28,  0]), array([4, 7]), 832)
    """
    a_bits, b_bits = width_of("a", a_bits), width_of("b", b_bits)
    a, b = broadcast(operand("a", a, a_bits, False), operand("b", b, b_bits, False))
    if not b.all():
        raise BfimnaError("divide: a divisor of 0")
    dividend, above, divisor, borrow = lay_out("divide", a_bits, b_bits, b_bits, 1)
    array = Array(a.size)
    array.load(a.reshape(1, -1), dividend, clear=range(above.start, above.stop))
    array.load(b.reshape(1, -1), divisor, clear=borrow)
    array.run(divide_program(dividend, above, divisor, borrow.start))
    remainder = array.read(range(b_bits)).reshape(a.shape)
    return array.read(range(b_bits, above.stop)).reshape(a.shape), remainder, array.counts


def square_root(a: Any, bits: int = 8) -> Result:
    """Take the integer square root ⌊√a⌋ of unsigned integers.

    >>> square_root([0, 24, 25, 255])[0]
    array([ 0,  4,  5, 15])
    """
    bits = width_of("a", bits)
    a = operand("a", a, bits, False)
    even = bits + bits % 2
    radicand, above, borrow = lay_out("square_root", even, 1, 1)
    array = Array(a.size)
    array.load(a.reshape(1, -1), radicand[:bits], clear=range(bits, borrow.stop))
    array.run(root_program(radicand, above.start, borrow.start))
    root = array.read(range(even // 2 + 1, above.stop))
    return root.reshape(a.shape), array.counts


def absolute(a: Any, bits: int = 8) -> Result:
    """Take the absolute value of signed integers.

    >>> absolute([-128, -1, 0, 127])[0]
    array([128,   1,   0, 127])
    """
    bits = width_of("a", bits)
    a = operand("a", a, bits, True)
    below, word, flag = lay_out("absolute", 1, bits, 1)
    array = Array(a.size)
    array.load(a.reshape(1, -1), word, clear=flag)
    array.run(absolute_program(word, below.start, flag.start))
    return array.read(range(bits)).reshape(a.shape), array.counts


def shift_right(a: Any, amount: Any, bits: int = 8, amount_bits: int = 3) -> Result:
    """Shift unsigned integers down, each by its own amount: ⌊a / 2^amount⌋.

    >>> shift_right([200, 200, 200], [0, 3, 7])[0]
    array([200,  25,   1])
    """
    bits, amount_bits = width_of("a", bits), width_of("amount", amount_bits)
    shifts = operand("amount", amount, amount_bits, False)
    a, shifts = broadcast(operand("a", a, bits, False), shifts)
    word, by = lay_out("shift_right", bits, amount_bits)
    array = Array(a.size)
    array.load(a.reshape(1, -1), word)
    array.load(shifts.reshape(1, -1), by)
    array.run(shift_program(word, by))
    return array.read(word).reshape(a.shape), array.counts
