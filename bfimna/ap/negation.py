"""Negation where a control bit says so, and the absolute value: table, passes, counts.

Inverting a bit in place is a circle of rewrites (0 to 1 and 1 to 0), so the result is written one
column below: into the columns that the word itself has left, each cleared first.
"""

from bfimna.ap.events import MAX_WORD_BITS, Amount, Counts, tabulated
from bfimna.ap.expectation import expected_tags, with_tags
from bfimna.ap.passes import Pass, Row, Word, cached_program, check_ranges, count_table
from bfimna.ap.truth import generate
from bfimna.ap.word_access import clear, clear_counts
from bfimna.errors import BfimnaError


def negate_bits(s: int, x: int, f: int, o: int) -> Row:
    """One column of o := -x where s, else x; f: a lower column held a one. o starts at 0."""
    return s, x, f | (s & x), x ^ (s & f)


NEGATE = generate(
    "sxfo",
    negate_bits,
    [(s, x, f, o) for s in (0, 1) for x in (0, 1) for f in (0, 1) for o in (0, 1) if o or f > s],
)


@cached_program
def negate_if(word: Word, below: int, control: int, flag: int) -> tuple[Pass, ...]:
    """Negate a two's complement word where the control bit is 1; the result lies a column below.

    The result is in `below` and the word's columns but the top one, which keeps its old bit. Its
    bits are those of -word modulo 2^len(word).

    Parameters
    ----------
    control : a column that stays as it is; the word's top one for the absolute value.
    flag : 0 at the start and at the end.
    """
    check_ranges("negate_if", word, (below, flag))
    if control in (below, flag, *word[:-1]):
        raise BfimnaError(f"negate_if: control in column {control}, which is overwritten")
    steps: tuple[Pass, ...] = ()
    for out, column in zip((below, *word[:-1]), word, strict=True):
        own = control if control != column else -1
        steps += clear((out,))
        steps += NEGATE.at((control, column, flag, out)) if own >= 0 else _top(control, flag, out)
    return (*steps, *clear((flag,)))


def _top(sign: int, flag: int, out: int) -> tuple[Pass, ...]:
    """Return the step of a sign that controls itself: of -2^(n-1) alone it remains a one."""
    return (Pass(((sign, 1), (flag, 0)), ((out, 1),)),)


def absolute(word: Word, below: int, flag: int) -> tuple[Pass, ...]:
    """Take the absolute value, unsigned, one column below; the sign stays in the word's top one."""
    return negate_if(word, below, word[-1], flag)


def negate_counts(bits: Amount) -> Counts:
    """Negate a word of `bits` columns where another column's bit is 1.

    >>> int(negate_counts(8).cycles)
    57
    """
    steps = count_table(NEGATE, bits, (0.0, 0.0)) + clear_counts(1, bits + 1)
    return with_tags(steps, *_negate_tagged(bits))


def absolute_counts(bits: Amount) -> Counts:
    """Take the absolute value of a word of `bits` columns: its sign needs one pass only.

    >>> int(absolute_counts(8).cycles)
    53
    """
    steps = count_table(NEGATE, bits - 1, (0.0, 0.0)) + clear_counts(1, bits + 1)
    top = Counts(compares=1, writes=1, compare_rows=1, key_cells=2, lines_driven=1)
    return with_tags(steps + top, *_absolute_tagged(bits))


@tabulated(MAX_WORD_BITS)
def _negate_tagged(bits: int) -> tuple[float, float]:
    if not bits:
        return 0.0, 0.0
    program = negate_if(range(1, bits + 1), 0, bits + 1, bits + 2)
    return expected_tags(program, range(1, bits + 2))


@tabulated(MAX_WORD_BITS)
def _absolute_tagged(bits: int) -> tuple[float, float]:
    if not bits:
        return 0.0, 0.0
    return expected_tags(absolute(range(1, bits + 1), 0, bits + 1), range(1, bits + 1))
