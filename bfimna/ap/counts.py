"""What each AP program costs, in closed form: cycles, and the events that take energy.

Two sets: `microcode`, what the bit-exact programs take (the emulator in `bfimna.ap` is their
oracle), and `published`, the closed forms of the literature where they differ. Model document,
section 1. Every function takes scalars or NumPy arrays (which broadcast) and counts one run; the
energy events are per row (per dot product for `reduce`): multiply by the rows with `over`.
"""

import numpy as np

from bfimna.ap import expected, tables
from bfimna.ap.events import CYCLES as CYCLES
from bfimna.ap.events import ENERGY_EVENTS as ENERGY_EVENTS
from bfimna.ap.events import EVENTS as EVENTS
from bfimna.ap.events import Amount, ApKind, Counts, CountSet
from bfimna.ap.events import check_set as check_set
from bfimna.ap.expected import Tagged
from bfimna.ap.lut import Lut

NOTHING = Tagged(0, 0)


def _passes(lut: Lut, steps: Amount, tagged: Tagged) -> Counts:
    """Return `steps` runs of a pass table that match and write so much in all."""
    n = len(lut) * steps
    return Counts(
        compares=n,
        writes=n,
        compare_rows=n,
        key_cells=lut.key_columns * steps,
        cells_written=tagged.cells,
        rows_matched=tagged.matches,
        words_written=tagged.matches,
        lines_driven=lut.written_columns * steps,
    )


def _step(lut: Lut) -> Counts:
    """Return one run of an adder's table on random bits, carry included."""
    matches, cells, _ = lut.expect(0.5, 0.5, 0.5)
    return _passes(lut, 1, Tagged(matches, cells))


def clear(columns: Amount, times: Amount = 1) -> Counts:
    """Clear columns in every row, in one write; that `times` times."""
    cells = columns * times
    return Counts(writes=times, cells_written=cells, words_written=times, lines_driven=cells)


def clear_along(columns: Amount) -> Counts:
    """Clear columns in the cycle that loads another one, or a word: no cycle of its own.

    The load has enabled every row, so no word is written for it; the columns are driven.
    """
    return Counts(cells_written=columns, lines_driven=columns)


# ---- words that every row holds for itself --------------------------------------------------


def load(bits: Amount) -> Counts:
    """Load a word in every row, one bit column a cycle."""
    return Counts(loads=bits, cells_loaded=bits)


def read(bits: Amount) -> Counts:
    """Read a word of every row, one bit column a cycle."""
    return Counts(reads=bits, cells_read=bits)


def add(bits: Amount) -> Counts:
    """Add in place, p += a, over `bits` columns; the carry column starts at 0.

    >>> add(8).cycles
    64
    """
    return _passes(tables.FULL_ADD, bits, expected.add_tagged(bits))


def subtract(bits: Amount) -> Counts:
    """Subtract in place, p -= a: the same passes with another table."""
    return _passes(tables.FULL_SUBTRACT, bits, expected.subtract_tagged(bits))


def multiply(
    multiplier_bits: Amount, bits: Amount, signed: tuple[bool, bool] = (False, False)
) -> Counts:
    """Multiply into product columns that start at 0.

    The carry of partial product j lives in product column j + `bits`, which is still 0. A signed
    multiplier takes a subtraction in the last partial product, of the same length. A signed
    multiplicand is taken as unsigned and costs one more subtraction, of the multiplier.

    Parameters
    ----------
    signed : whether the multiplier is signed, and whether the multiplicand is.

    >>> multiply(8, 8).cycles, multiply(8, 8, (True, True)).cycles
    (512, 576)
    """
    tagged = expected.multiply_tagged(multiplier_bits, bits, int(signed[0]), int(signed[1]))
    steps = multiplier_bits * (bits + signed[1])
    return _passes(tables.CONTROLLED_ADD, steps, tagged)


def maximum(bits: Amount, counts: CountSet = "microcode") -> Counts:
    """Maximum of two words, in place: from the top bit down, after one write clears two flags.

    The published form is 8M + 2. With ternary keys three passes a bit do, and two in the top
    column, where no flag is up yet: 6M - 1, signed or not.

    >>> maximum(8).cycles, maximum(8, "published").cycles
    (47, 66)
    """
    top = _passes(tables.MAXIMUM_TOP, 1, expected.maximum_tagged(bits))
    program = clear(2) + top + _passes(tables.MAXIMUM, bits - 1, NOTHING)
    if counts == "microcode":
        return program
    return program + Counts(
        compares=bits + 1,
        writes=bits + 2,
        compare_rows=bits + 1,
        key_cells=4 * bits,
        lines_driven=bits + 2,
    )


def relu(bits: Amount, counts: CountSet = "microcode") -> Counts:
    """ReLU: tag the rows whose sign is 1 and clear all their columns.

    On a resident word 2 cycles; the published form moves the word too, 4M + 1.

    >>> relu(8).cycles, relu(8, "published").cycles
    (2, 33)
    """
    if counts == "microcode":
        return _one_pass(1, bits)
    steps = Counts(
        compares=bits,
        writes=bits + 1,
        compare_rows=bits,
        key_cells=bits,
        cells_written=0.5 * bits,
        rows_matched=0.5 * bits,
        words_written=0.5 * bits,
        lines_driven=bits + 1,
    )
    return load(bits) + steps + read(bits)


def saturate(bits: Amount, word_bits: Amount | None = None, signed: bool = True) -> Counts:
    """Clamp a signed word to `bits` bits, in place.

    A flag, 0 at the start, is raised where all upper columns are 0, and where all are 1 (an
    unsigned result has no such case); where it is still down, the largest value is written if the
    sign is 0, and the smallest if it is 1. An unsigned result makes negative words 0: a ReLU.

    Parameters
    ----------
    word_bits : of the word, `bits` + 1 unless given.

    >>> saturate(8).cycles, saturate(8, 20, signed=False).cycles
    (8, 6)
    """
    upper = (1 if word_bits is None else word_bits - bits) + int(signed)  # columns that must agree
    patterns = 2 if signed else 1
    fit = patterns * 2.0**-upper
    return Counts(
        compares=patterns + 2,
        writes=patterns + 2,
        compare_rows=patterns + 2,
        key_cells=patterns * upper + 4,
        cells_written=fit + (1.0 - fit) * bits,
        rows_matched=1.0,  # what fits matches a pattern, the others one of the two signs
        words_written=1.0,
        lines_driven=patterns + 2 * bits,
    )


def requantise(
    bits: Amount,
    scale_bits: Amount,
    out_bits: Amount,
    shift: Amount | None = None,
    signed: bool = True,
) -> Counts:
    """Scale a signed word by b / 2^c, integers only: multiply by `scale_bits`-bit b, shift, clamp.

    The product takes over the word's columns one by one (which is what keeps it within the array),
    each after a write that clears it.

    Parameters
    ----------
    shift : c; unless given, one that leaves `out_bits` + 1 columns.
    signed : whether the result is signed.
    """
    word = None if shift is None else bits + scale_bits - shift
    program = multiply(bits, scale_bits, (True, False)) + saturate(out_bits, word, signed)
    return program + clear(1, bits - 1)


def scale_bits(out_bits: Amount) -> Amount:
    """Width of the dyadic multiplier b: keeps its rounding below half a step of the result."""
    return out_bits + 1


# ---- dot products: the rows of one group added up -------------------------------------------


def levels(words: Amount) -> Amount:
    """⌈log2 words⌉, exactly, for scalars and arrays.

    >>> [int(levels(n)) for n in (1, 2, 3, 4, 5, 4800)]
    [0, 1, 2, 2, 3, 13]
    """
    mantissa, exponent = np.frexp(np.asarray(words, dtype=float))
    return exponent - (mantissa == 0.5)


#: rows that one more level of full adders can bring down to two: each brings three to two
_TREE = [2]
while _TREE[-1] < 2**40:
    _TREE.append(_TREE[-1] * 3 // 2)


def tree_levels(words: Amount) -> Amount:
    """Levels of a Wallace tree: three rows become two in each, until two are left.

    >>> [int(tree_levels(n)) for n in (1, 2, 3, 4, 9, 10, 4608)]
    [0, 0, 1, 2, 4, 5, 20]
    """
    return np.searchsorted(_TREE, words)


def reduce(
    words: Amount,
    bits: Amount,
    ap: ApKind = "2d-segmented",
    counts: CountSet = "microcode",
    groups: Amount = 1,
    signed: bool = False,
) -> Counts:
    """Add up each group of `words` rows of `bits`-bit words; events are per group.

    Microcode on a 2D AP: a full adder over three rows leaves a sum and a carry row, 12 cycles with
    the hand-over of the carries by one column. Two rows *are* a sum and a carry, so they need no
    step (a half adder on the first two would gain nothing); one `add` of packed results follows.
    Unsegmented 12 (L - 2), one group after the other; segmented 12 for each level of a Wallace
    tree, whatever the groups. On a 1D AP words are moved beside their partners, in ⌈log2 L⌉ levels.

    Parameters
    ----------
    words : L, rows of a group. `groups` : groups in the same array.
    signed : 1D only: signed words are added in full width in every level.

    >>> int(reduce(576, 16).cycles), int(reduce(576, 16, counts="published").cycles)
    (180, 80)
    """
    depth = levels(words)
    columns = bits + depth
    if ap == "1d":
        return _reduce_1d(words, bits, groups, signed)
    if counts == "published":
        steps = (depth if ap == "2d-segmented" else (words - 1) * groups) * (words > 1)
        return _step(tables.FULL_ADD).repeat(steps, columns * (words - 1))
    joins = np.maximum(words - 2, 0)
    steps = tree_levels(words) if ap == "2d-segmented" else joins * groups
    return (_step(tables.FULL_ADD) + _hand_on(columns)).repeat(steps, columns * joins)


def _hand_on(columns: Amount) -> Counts:
    """Move a row's carries on by a column: compare, shift the tags, clear the row, write it."""
    carry = tables.FULL_ADD.expect(0.5, 0.5, 0.5).after[2]
    kept = carry * (columns - 1) / columns  # the top column's carry is dropped
    return Counts(
        compares=1,
        writes=2,
        shifts=1,
        compare_rows=1,
        key_cells=1,
        cells_written=1.0 + kept,
        tags_shifted=1,
        rows_matched=carry,
        words_written=1.0 + kept,
        lines_driven=2,
    )


def _reduce_1d(words: Amount, bits: Amount, groups: Amount, signed: bool) -> Counts:
    """Move each word beside its partner (read, load), then add; ⌈log2 L⌉ levels."""
    depth, moved = levels(words), words - 1
    steps, events, left = 0, 0, words
    for level in range(1, int(np.max(depth)) + 1):
        width = bits + (depth if signed else level)
        steps = steps + width * (level <= depth)
        events = events + width * (left // 2)
        left = left - left // 2
    add = _step(tables.FULL_ADD).repeat(steps, events) + clear_along(moved)  # the carry column
    return add + Counts(
        reads=moved * groups, loads=moved * groups, cells_loaded=events, cells_read=events
    )


def sign_extend(bits: Amount) -> Counts:
    """Copy a word's sign into `bits` cleared columns above it: one pass (none where bits = 0)."""
    once = np.minimum(bits, 1)
    return _one_pass(once, bits)


def _one_pass(once: Amount, columns: Amount) -> Counts:
    """Return one pass (or none) with one random column as key that writes `columns` columns."""
    half = 0.5 * once
    return Counts(
        compares=once,
        writes=once,
        compare_rows=once,
        key_cells=once,
        cells_written=0.5 * columns,
        rows_matched=half,
        words_written=half,
        lines_driven=columns,
    )
