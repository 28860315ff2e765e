"""Restoring division in every row, by a word or by a constant: tables, passes, counts.

The remainder slides down over the dividend by addressing, one column a step. Its divisor is
compared first (the borrow alone, two passes a column) and subtracted only where it fits, which
takes six passes a column where subtracting and restoring take eight. The top column of a step's
remainder is free afterwards and takes the quotient bit, so the quotient replaces the dividend.
"""

from collections.abc import Sequence

from bfimna.ap.addition import subtract_bits
from bfimna.ap.constant_operand import with_bit
from bfimna.ap.events import MAX_WORD_BITS, Amount, Counts, by_width, tabulated
from bfimna.ap.expectation import expected_tags, with_tags
from bfimna.ap.multiplication import CONTROLLED_SUBTRACT, if_control
from bfimna.ap.passes import Lut, Pass, Row, Word, cached_program, check_ranges, count_table
from bfimna.ap.truth import generate
from bfimna.ap.word_access import clear, clear_counts
from bfimna.errors import BfimnaError, whole_number


def borrow_bits(a: int, p: int, c: int) -> Row:
    """One column of the borrow of p - a; the words stay."""
    return a, p, subtract_bits(a, p, c)[2]


BORROW = generate("apc", borrow_bits)
#: p - a of a constant's bit, and its borrow; rows without the control bit have no borrow
BORROW_OF = tuple(generate("pc", with_bit(borrow_bits, a)) for a in (0, 1))
SUBTRACT_OF = tuple(
    generate("bpc", if_control(with_bit(subtract_bits, a)), [(0, 0, 1), (0, 1, 1)]) for a in (0, 1)
)
#: the divisor fits unless the compare borrows and the top column is 0; a row of (1, 0) cannot occur
FITS = Lut(("w", "c"), (Pass(((1, 0),), ((0, 1),)),))


def subtract_if_fits(
    operand: Sequence[tuple[int, int] | int], window: Word, borrow: int
) -> tuple[Pass, ...]:
    """Subtract an operand from a window's lower columns where it is not greater; note it on top.

    Parameters
    ----------
    operand : for each column but the window's top one, the column of the operand's bit, or
        (-1, bit) of a bit that is known.
    window : its top column becomes 1 where the operand was subtracted, else 0.
    borrow : 0 before and after.
    """
    *low, top = window
    compare: tuple[Pass, ...] = ()
    minus: tuple[Pass, ...] = ()
    for a, p in zip(operand, low, strict=True):
        if isinstance(a, tuple):
            compare += BORROW_OF[a[1]].at((p, borrow))
            minus += SUBTRACT_OF[a[1]].at((top, p, borrow))
        else:
            compare += BORROW.at((a, p, borrow))
            minus += CONTROLLED_SUBTRACT.at((top, a, p, borrow))
    undo = clear((borrow,))
    return (*compare, *FITS.at((top, borrow)), *undo, *minus, *undo)


def step_counts(columns: Amount, zeros: Amount = 0, ones: Amount = 0) -> Counts:
    """Count `subtract_if_fits`, but for the tags of its passes: cycles, keys and lines.

    Parameters
    ----------
    columns : of the operand. zeros, ones : further bits of it that are known.
    """
    parts = [(BORROW, columns), (CONTROLLED_SUBTRACT, columns)]
    parts += [(BORROW_OF[a], known) for a, known in ((0, zeros), (1, ones))]
    parts += [(SUBTRACT_OF[a], known) for a, known in ((0, zeros), (1, ones))]
    total = count_table(FITS, 1, (0.0, 0.0)) + clear_counts(1, 2)
    for lut, times in parts:
        total = total + count_table(lut, times, (0.0, 0.0))
    return total


@cached_program
def divide(dividend: Word, above: Word, divisor: Word, borrow: int) -> tuple[Pass, ...]:
    """Divide unsigned words, in place: quotient ⌊dividend / divisor⌋ and remainder.

    The remainder is left in the lowest len(divisor) columns of dividend and `above`, the quotient
    in the others. Dividing by 0 gives a quotient of ones.

    Parameters
    ----------
    above : as many columns as the divisor has, 0 at the start.
    borrow : 0 at the start and at the end.
    """
    check_ranges("divide", dividend, above, divisor, (borrow,))
    if len(above) != len(divisor):
        raise BfimnaError(
            f"divide: {len(above)} columns above the dividend, want the divisor's {len(divisor)}"
        )
    return _divide((*dividend, *above), tuple(divisor), borrow)


@cached_program
def divide_by(dividend: Word, above: Word, divisor: int, borrow: int) -> tuple[Pass, ...]:
    """Divide unsigned words by a constant, in place, as `divide` does; half of its passes.

    Parameters
    ----------
    above : as many columns as the constant has bits, 0 at the start.
    """
    divisor = whole_number("divide_by: divisor", divisor, 1)
    check_ranges("divide_by", dividend, above, (borrow,))
    if len(above) != divisor.bit_length():
        raise BfimnaError(
            f"divide_by: {len(above)} columns above the dividend; a divisor of {divisor} takes "
            f"{divisor.bit_length()}"
        )
    bits = [(-1, divisor >> k & 1) for k in range(len(above))]
    return _divide((*dividend, *above), bits, borrow)


def _divide(
    columns: Word, operand: Sequence[tuple[int, int] | int], borrow: int
) -> tuple[Pass, ...]:
    m = len(operand)
    windows = (columns[i : i + m + 1] for i in reversed(range(len(columns) - m)))
    return tuple(step for one in windows for step in subtract_if_fits(operand, one, borrow))


@cached_program
def fraction(part: Word, above: Word, whole: Word, below: Word, borrow: int) -> tuple[Pass, ...]:
    """Divide a part by the whole, in place: ⌊part · 2^len(below) / whole⌋, of a bit more.

    The result is left in the top len(below) + 1 columns of below, part and above. Its top bit is 1
    where the part is the whole.

    Parameters
    ----------
    part : unsigned, at most the whole.
    above : such that part and `above` have a column more than the whole has, 0 at the start.
    below : 0 at the start.
    """
    check_ranges("fraction", part, above, whole, below, (borrow,))
    if len(part) + len(above) != len(whole) + 1:
        raise BfimnaError(
            f"fraction: a part of {len(part)} columns and {len(above)} above it, want "
            f"{len(whole) + 1} in all"
        )
    return _divide((*below, *part, *above), tuple(whole), borrow)


def fraction_counts(bits: Amount, part_bits: Amount, whole_bits: Amount) -> Counts:
    """Divide a part by the whole to `bits` bits; random words stand for both.

    >>> int(fraction_counts(8, 14, 22).cycles)
    2412
    """
    steps = step_counts(whole_bits) * (bits + 1)
    return with_tags(steps, *_fraction_tagged(bits, part_bits, whole_bits))


@tabulated(17, MAX_WORD_BITS, MAX_WORD_BITS)
def _fraction_tagged(bits: int, part_bits: int, whole_bits: int) -> tuple[float, float]:
    if not bits or not part_bits or part_bits > whole_bits:
        return 0.0, 0.0
    below, part = range(bits), range(bits, bits + part_bits)
    above = range(part.stop, bits + whole_bits + 1)
    whole = range(above.stop, above.stop + whole_bits)
    return expected_tags(fraction(part, above, whole, below, whole.stop), (*part, *whole))


def divide_counts(bits: Amount, divisor_bits: Amount) -> Counts:
    """Divide a word of `bits` columns by one of `divisor_bits`: 12 M + 4 cycles a quotient bit.

    >>> int(divide_counts(8, 8).cycles)
    800
    """
    return with_tags(step_counts(divisor_bits) * bits, *_divide_tagged(bits, divisor_bits))


@tabulated(MAX_WORD_BITS, MAX_WORD_BITS)
def _divide_tagged(bits: int, divisor_bits: int) -> tuple[float, float]:
    if not bits or not divisor_bits:
        return 0.0, 0.0
    dividend, above = range(bits), range(bits, bits + divisor_bits)
    divisor = range(above.stop, above.stop + divisor_bits)
    program = divide(dividend, above, divisor, divisor.stop)
    return expected_tags(program, (*dividend, *divisor))


@by_width
def divide_by_counts(bits: int, divisor: int) -> Counts:
    """Divide a word of `bits` columns by a constant.

    >>> int(divide_by_counts(8, 255).cycles)
    416
    """
    divisor = whole_number("divide_by: divisor", divisor, 1)
    ones, above = divisor.bit_count(), divisor.bit_length()
    words = range(bits), range(bits, bits + above)
    tagged = expected_tags(divide_by(*words, divisor, bits + above), words[0])
    return with_tags(step_counts(0, above - ones, ones) * bits, *tagged)
