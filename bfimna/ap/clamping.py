"""ReLU and saturation, in every row: passes, counts, expected cells. They need no table."""

from bfimna.ap.events import Amount, Counts, CountSet
from bfimna.ap.passes import Pass, Word, cached_program, check_ranges, count_passes
from bfimna.ap.word_access import load_counts, one_bit_counts, read_counts
from bfimna.errors import BfimnaError, whole_number


@cached_program
def relu(word: Word) -> tuple[Pass, ...]:
    """Clear the words whose top bit, the sign, is 1.

    >>> len(relu(range(8)))
    1
    """
    check_ranges("relu", word)
    return (Pass(((word[-1], 1),), tuple((c, 0) for c in word)),)


def relu_counts(bits: Amount, count_set: CountSet = "microcode") -> Counts:
    """ReLU: tag the rows whose sign is 1 and clear all their columns.

    On a resident word 2 cycles; the published form moves the word too, 4M + 1.

    >>> relu_counts(8).cycles, relu_counts(8, "published").cycles
    (2, 33)
    """
    if count_set == "microcode":
        return one_bit_counts(1, bits)
    steps = one_bit_counts(bits, bits) + Counts(writes=1, lines_driven=1)
    return load_counts(bits) + steps + read_counts(bits)


@cached_program
def saturate(word: Word, bits: int, flag: int, signed: bool = True) -> tuple[Pass, ...]:
    """Clamp a signed word to `bits` bits, in its lowest columns; the others are left as they are.

    Raise the flag where the upper columns say that the word fits, then write the largest or the
    smallest value where it is still down. An unsigned result has one such pattern less: a negative
    word becomes 0, so that it is the ReLU too.
    """
    check_ranges("saturate", word, (flag,))
    bits = whole_number("saturate: bits", bits, 1)
    low, upper = word[:bits], word[bits - 1 if signed else bits :]
    if len(word) <= bits:
        raise BfimnaError(f"saturate: a word of {len(word)} columns has no more than {bits} bits")
    fits = [Pass(tuple((c, bit) for c in upper), ((flag, 1),)) for bit in (0, 1)[: 1 + signed]]
    top = word[-1]
    sign = low[-1] if signed else -1
    large = tuple((c, int(c != sign)) for c in low)
    small = tuple((c, int(c == sign)) for c in low)
    return (*fits, Pass(((flag, 0), (top, 0)), large), Pass(((flag, 0), (top, 1)), small))


@cached_program
def clamp(word: Word, bits: int, flag: int, signed: bool = True) -> tuple[Pass, ...]:
    """Saturate a word to `bits` bits; its upper columns then repeat the sign, or are 0."""
    *fits, large, small = saturate(word, bits, flag, signed)
    zeros = tuple((column, 0) for column in word[bits:])
    signs = tuple((column, int(signed)) for column in word[bits:])
    return (*fits, Pass(large.key, large.write + zeros), Pass(small.key, small.write + signs))


def saturate_counts(
    bits: Amount,
    word_bits: Amount | None = None,
    signed: bool = True,
    fitting: Amount | None = None,
) -> Counts:
    """Clamp a signed word to `bits` bits, in place.

    A flag, 0 at the start, is raised where all upper columns are 0, and where all are 1 (an
    unsigned result has no such case); where it is still down, the largest value is written if the
    sign is 0, and the smallest if it is 1. An unsigned result makes negative words 0: a ReLU.

    Parameters
    ----------
    word_bits : of the word, `bits` + 1 unless given.
    fitting : share of the words that fit; that of uniformly random ones unless given.

    >>> saturate_counts(8).cycles, saturate_counts(8, 20, signed=False).cycles
    (8, 6)
    """
    upper = (1 if word_bits is None else word_bits - bits) + int(signed)  # columns that must agree
    patterns = 2 if signed else 1
    fit = patterns * 2.0**-upper if fitting is None else fitting
    return count_passes(
        passes=patterns + 2,
        keys=patterns * upper + 4,
        tags=1.0,  # a word that fits matches a pattern, any other one of the two signs
        cells=fit + (1.0 - fit) * bits,
        lines=patterns + 2 * bits,
    )


def clamp_counts(bits: Amount, word_bits: Amount, signed: bool = True) -> Counts:
    """Clamp a word, and write its upper columns too, so that they repeat the sign, or are 0."""
    return saturate_counts(bits, word_bits, signed) + Counts(lines_driven=2 * (word_bits - bits))
