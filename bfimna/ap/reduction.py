"""Reduction: add up the rows of each group, in vertical mode or, on a 1D AP, without it."""

from typing import TYPE_CHECKING

import numpy as np

from bfimna.ap.addition import ADDERS, FULL_ADD, Adder, add
from bfimna.ap.events import MAX_WORD_BITS, Amount, ApKind, Counts, CountSet
from bfimna.ap.passes import count_random_step
from bfimna.ap.word_access import sign_extend, sign_extend_counts
from bfimna.errors import BfimnaError, whole_number

if TYPE_CHECKING:
    from bfimna.ap.array import Array


def reduce(
    array: "Array", columns: range, rows: int = 0, adder: Adder = "four-pass", first: int = 0
) -> int:
    """Add up `rows` rows (0: all) of every group, in place; return the rows left over.

    Three rows become two: a full adder over rows, then its carries move one column on. Two rows are
    a sum and a carry already, so they need no step; they are added once, with `add`, beside all
    other results. With segments a third of the rows left are added in each step, until two are left
    (Wallace's tree); without, one row after the other.

    Parameters
    ----------
    adder : "three-pass" where nothing reads the rows that are added to the others.
    first : row of each group; those left over are this one and the one after it.
    """
    first = whole_number("reduce: first row", first, 0, array.rows - 1)
    left = whole_number("reduce: rows", rows, 0, array.rows - first) or array.rows - first
    levels = []
    while left > 2:
        times = left // 3 if array.kind == "2d-segmented" else 1
        levels.append(((first + left - times, first, first + times), times))
        left -= times
    array.add_levels(ADDERS[adder], levels, columns)
    return left


def reduce_1d(
    array: "Array",
    word: range,
    beside: range,
    carry: int,
    bits: int,
    signed: bool,
    adder: Adder = "four-pass",
) -> int:
    """Add up the rows of every group without a vertical mode; return the rows left over: 1.

    Each level moves half of the words beside the others and adds, as many columns at a time as
    there are beside them. Words of `bits` columns grow by one in every level, into columns that
    hold 0; signed ones take a pass there that extends the sign.
    """
    needed = bits + int(levels(array.rows))
    if len(word) < needed or not len(beside):
        have = f"{len(word)}, and {len(beside)} beside them"
        raise BfimnaError(
            f"reduce_1d: words of {needed} columns needed and one beside them, not of {have}"
        )
    left, width = array.rows, bits
    while left > 1:
        pairs, top = left // 2, word[width : width + 1]
        if signed:
            array.run(sign_extend(word[width - 1], top), rows=left)
        width += 1
        for lo in range(0, width, len(beside)):
            part = word[lo : min(lo + len(beside), width)]
            other, clear = beside[: len(part)], range(carry, carry + (lo == 0))
            array.move_rows(left - pairs, pairs, part, other, clear)
            array.run(add(other, part, carry, adder), rows=pairs)
        left -= pairs
    return left


def rows_left(words: Amount, kind: ApKind) -> Amount:
    """Rows that a reduction of so many words leaves: sum and carry, on a 1D AP the sum only."""
    return np.minimum(words, 1 if kind == "1d" else 2)


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


def reduce_counts(
    words: Amount,
    bits: Amount,
    kind: ApKind = "2d-segmented",
    count_set: CountSet = "microcode",
    groups: Amount = 1,
    signed: bool = False,
    beside: Amount = MAX_WORD_BITS,
    adder: Adder = "four-pass",
) -> Counts:
    """Add up each group of `words` rows of `bits`-bit words; events are per group.

    Microcode on a 2D AP: a full adder over three rows leaves a sum and a carry row, 12 cycles with
    the hand-over of the carries by one column. Two rows *are* a sum and a carry, so they need no
    step (a half adder on the first two would gain nothing); one `add` of packed results follows.
    Unsegmented 12 (L - 2), one group after the other; segmented 12 for each level of a Wallace
    tree, whatever the groups. On a 1D AP words are moved beside their partners, in ⌈log2 L⌉ levels,
    each a column wider.

    Parameters
    ----------
    words : L, rows of a group.
    kind : of the AP.
    groups : in the same array.
    signed : 1D only: each level extends the words' signs first.
    beside : 1D only: columns beside the words, so how many are moved and added at a time.
    adder : "three-pass" takes 10 cycles a level instead of 12; the published set has the other.

    >>> int(reduce_counts(576, 16).cycles)
    180
    >>> int(reduce_counts(576, 16, count_set="published").cycles)
    80
    """
    depth = levels(words)
    columns = bits + depth
    if kind == "1d":
        return _reduce_1d_counts(words, bits, groups, signed, beside, adder)
    if count_set == "published":
        steps = (depth if kind == "2d-segmented" else (words - 1) * groups) * (words > 1)
        return count_random_step(FULL_ADD).repeat(steps, columns * (words - 1))
    joins = np.maximum(words - 2, 0)
    steps = tree_levels(words) if kind == "2d-segmented" else joins * groups
    return join_counts(columns, adder).repeat(steps, columns * joins)


def join_counts(columns: Amount, adder: Adder = "four-pass") -> Counts:
    """Turn three rows into two in one column, and hand the carry on: events per column.

    >>> join_counts(16).cycles, join_counts(16, "three-pass").cycles
    (12, 10)
    """
    return count_random_step(ADDERS[adder]) + _hand_on_counts(columns)


def _hand_on_counts(columns: Amount) -> Counts:
    """Move a row's carries on by a column: compare, shift the tags, clear the row, write it."""
    carry = FULL_ADD.expect(0.5, 0.5, 0.5).after[2]
    handed_on = carry * (columns - 1) / columns  # the top column's carry is dropped
    return Counts(
        compares=1,
        writes=2,
        shifts=1,
        compare_rows=1,
        key_cells=1,
        cells_written=1.0 + handed_on,
        tags_shifted=1,
        rows_matched=carry,
        words_written=1.0 + handed_on,
        lines_driven=2,
    )


def _reduce_1d_counts(
    words: Amount, bits: Amount, groups: Amount, signed: bool, beside: Amount, adder: Adder
) -> Counts:
    """Extend the words' signs, move half of the words beside the others (read, load), add."""
    depth, left = levels(words), words
    steps: Amount = 0  # columns that are added
    moves: Amount = 0
    events: Amount = 0  # columns that are moved, of all words
    extended: Amount = 0  # rows
    for level in range(1, int(np.max(depth)) + 1):
        width, pairs = bits + level, left // 2
        steps = steps + width * (level <= depth)
        moves = moves + pairs * -(-width // beside)
        events = events + width * pairs
        extended = extended + left * (left > 1)
        left = left - pairs
    # a carry is cleared with each word moved, one row at a time: no cycle, whatever the chip's rule
    carries = Counts(cells_written=words - 1, lines_driven=words - 1)
    added = count_random_step(ADDERS[adder]).repeat(steps, events) + carries
    if signed:
        added = added + sign_extend_counts(1).repeat(depth, extended)
    read = moves * groups
    return added + Counts(reads=read, loads=read, cells_loaded=events, cells_read=events)
