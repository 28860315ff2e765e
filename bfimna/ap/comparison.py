"""Maximum of two words, in every row: the tables, passes, counts, expected cells."""

from bfimna.ap.events import MAX_WORD_BITS, Amount, Counts, CountSet, tabulated
from bfimna.ap.passes import Pass, Row, Word, cached_program, check_ranges, count_table
from bfimna.ap.truth import generate
from bfimna.ap.word_access import clear, clear_counts


def maximum_bits(a: int, b: int, u: int, v: int) -> Row:
    """One column of b := max(a, b); u, v: a higher column has shown a, or b, to be greater."""
    if u:
        return a, a, u, v
    if v or a == b:
        return a, b, u, v
    return (a, 1, 1, 0) if a else (a, b, 0, 1)


def sign_bits(a: int, b: int, u: int, v: int) -> Row:
    """Compare the signs, of which a 0 makes a word the greater."""
    return a, a & b, b & (1 - a), a & (1 - b)


MAXIMUM = generate("abuv", maximum_bits, [(a, b, 1, 1) for a in (0, 1) for b in (0, 1)])
# the first step of a maximum: no flag is up yet, which saves a pass
_FLAGS_UP = [(a, b, *f) for a in (0, 1) for b in (0, 1) for f in ((0, 1), (1, 0), (1, 1))]
MAXIMUM_TOP = generate("abuv", maximum_bits, _FLAGS_UP)
MAXIMUM_SIGN = generate("abuv", sign_bits, _FLAGS_UP)


@cached_program
def maximum(a: Word, b: Word, won: int, lost: int, signed: bool = False) -> tuple[Pass, ...]:
    """Maximum in place, b := max(a, b), from the top bit down; clears its two flags first.

    The top column needs a pass less, no flag being up yet. If it is a sign, a 0 there makes a word
    the greater.
    """
    check_ranges("maximum", a, b, (won, lost))
    check_ranges("maximum", a, b, equal=True)
    lut = MAXIMUM_SIGN if signed else MAXIMUM_TOP
    steps = clear((won, lost))
    for i, k in reversed(tuple(zip(a, b, strict=True))):
        steps += lut.at((i, k, won, lost))
        lut = MAXIMUM
    return steps


def maximum_counts(bits: Amount, count_set: CountSet = "microcode") -> Counts:
    """Maximum of two words, in place: from the top bit down, after one write clears two flags.

    The published form is 8M + 2. With ternary keys three passes a bit do, and two in the top
    column, where no flag is up yet: 6M - 1, signed or not.

    >>> maximum_counts(8).cycles, maximum_counts(8, "published").cycles
    (47, 66)
    """
    top = count_table(MAXIMUM_TOP, 1, _maximum_tagged(bits))
    microcode = clear_counts(2) + top + count_table(MAXIMUM, bits - 1, (0, 0))
    if count_set == "microcode":
        return microcode
    return microcode + Counts(
        compares=bits + 1,
        writes=bits + 2,
        compare_rows=bits + 1,
        key_cells=4 * bits,
        lines_driven=bits + 2,
    )


@tabulated(MAX_WORD_BITS)
def _maximum_tagged(bits: int) -> tuple[float, float]:
    """Return expected matches and cells of the passes, without the write that clears the flags."""
    matches, cells, greater, less, lut = 0.0, 0.0, 0.0, 0.0, MAXIMUM_TOP
    for _ in range(bits):  # the flags exclude each other, so they are no independent columns
        undecided = lut.expect(0.5, 0.5, 0.0, 0.0)
        copied = MAXIMUM.expect(0.5, 0.5, 1.0, 0.0)
        settled = MAXIMUM.expect(0.5, 0.5, 0.0, 1.0)
        still = 1.0 - greater - less
        matches += still * undecided.matches + greater * copied.matches + less * settled.matches
        cells += still * undecided.cells + greater * copied.cells + less * settled.cells
        greater, less = greater + still * undecided.after[2], less + still * undecided.after[3]
        lut = MAXIMUM
    return matches, cells
