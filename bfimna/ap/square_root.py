"""Integer square root in every row, digit by digit: passes, counts, expected cells.

A division whose divisor grows: it is the root so far with the bits 01 below it, and each step takes
two columns of the radicand.
"""

from bfimna.ap.division import step_counts, subtract_if_fits
from bfimna.ap.events import MAX_WORD_BITS, Amount, Counts, tabulated
from bfimna.ap.expectation import expected_tags, with_tags
from bfimna.ap.passes import Pass, Word, cached_program, check_ranges
from bfimna.errors import BfimnaError


@cached_program
def square_root(radicand: Word, above: int, borrow: int) -> tuple[Pass, ...]:
    """Take the root of an unsigned word of 2 N columns, in place: ⌊√radicand⌋ and the remainder.

    The root is left in the N columns up to `above`, the remainder in those below.

    Parameters
    ----------
    above : a column that takes the root's top bit, 0 at the start.
    borrow : 0 at the start and at the end.
    """
    check_ranges("square_root", radicand, (above, borrow))
    if len(radicand) % 2:
        raise BfimnaError(
            f"square_root: a radicand of {len(radicand)} columns, want an even number"
        )
    columns, digits = (*radicand, above), len(radicand) // 2
    steps: tuple[Pass, ...] = ()
    for k in range(digits):
        low, top = 2 * (digits - 1 - k), 2 * digits - k
        trial: tuple[tuple[int, int] | int, ...] = ((-1, 1), (-1, 0), *columns[top + 1 :])
        steps += subtract_if_fits(trial, columns[low : top + 1], borrow)
    return steps


def square_root_counts(digits: Amount) -> Counts:
    """Take the root of a word of 2 `digits` columns.

    >>> int(square_root_counts(8).cycles)
    464
    """
    known = step_counts(0, 1, 1) * digits
    grown = (step_counts(1) + step_counts(0) * -1.0) * (digits * (digits - 1) / 2)
    return with_tags(known + grown, *_root_tagged(digits))


@tabulated(MAX_WORD_BITS // 2)
def _root_tagged(digits: int) -> tuple[float, float]:
    if not digits:
        return 0.0, 0.0
    radicand = range(2 * digits)
    program = square_root(radicand, 2 * digits, 2 * digits + 1)
    return expected_tags(program, radicand)
