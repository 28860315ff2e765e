"""Mean of a sum, and root of a mean square, in every row: what norms take of a group's sums."""

from functools import cache
from typing import NamedTuple

from bfimna.ap.constant_operand import ADD_OF, ripple_constant, same_column
from bfimna.ap.division import divide_by
from bfimna.ap.events import Counts, by_width
from bfimna.ap.expectation import program_counts
from bfimna.ap.passes import Pass, Program
from bfimna.ap.square_root import square_root
from bfimna.ap.word_access import clear_counts


class MomentProgram(NamedTuple):
    """A program on a sum in columns 0, 1, …, where its result lies, and the columns it takes."""

    program: Program
    result: tuple[int, ...]
    columns: int


@cache
def mean_of_sum(total: int, length: int) -> MomentProgram:
    """Divide a sum of `length` words, in `total` columns, to the nearest whole number."""
    m, carry = length.bit_length(), total + 1  # a column more: the sum grows by half the length
    word = tuple(range(total + 1))
    steps = ripple_constant(ADD_OF, length // 2, word, same_column(carry, total + 1))
    if length == 1 << (m - 1):
        return MomentProgram(Program(steps), word[m - 1 :], total + 2)
    above = tuple(range(total + 2, total + 2 + m))
    steps += divide_by(word, above, length, carry)
    return MomentProgram(Program(steps), (*word, *above)[m:], total + 2 + m)


@cache
def root_of_mean(squares: int, below: int, length: int, root: int) -> MomentProgram:
    """Take the root of a mean square, at least 1, from a sum of squares over `length` words.

    Parameters
    ----------
    squares : columns of the sum, from 0 on.
    below : columns of zeros that scale it up.
    root : columns of the result.
    """
    m, spare, flag = length.bit_length(), squares, squares + 1
    zeros = tuple(range(squares + 2, squares + 2 + below))
    above = tuple(range(zeros[-1] + 1, zeros[-1] + 1 + m))
    dividend = (*zeros, *range(squares))
    steps: tuple[Pass, ...] = ()
    quotient = dividend[m - 1 :]
    if length != 1 << (m - 1):
        steps += divide_by(dividend, above, length, flag)
        quotient = (*dividend, *above)[m:]
    radicand = quotient[: 2 * root]
    steps += square_root(radicand, spare, flag)
    result = (*radicand[root + 1 :], spare)
    steps += (Pass(tuple((c, 0) for c in result), ((result[0], 1),)),)
    return MomentProgram(Program(steps), result, above[-1] + 1)


@by_width
def mean_of_sum_counts(total: int, length: int) -> Counts:
    """Count the mean of a sum of random bits, after a write that clears its further columns.

    >>> mean_of_sum_counts(19, 1024).cycles, mean_of_sum_counts(19, 768).cycles
    (81, 1361)
    """
    program = mean_of_sum(total, length)
    return clear_counts(program.columns - total) + program_counts(program.program, range(total))


@by_width
def root_of_mean_counts(squares: int, below: int, length: int, root: int) -> Counts:
    """Count the root of a mean square of random bits, after a write that clears its columns.

    >>> root_of_mean_counts(28, 6, 768, 12).cycles
    3163
    """
    program = root_of_mean(squares, below, length, root)
    return clear_counts(program.columns - squares) + program_counts(program.program, range(squares))
