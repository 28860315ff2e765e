"""Reduction of dot products, the rows of a group added up: vertical, and without such a mode."""

from typing import TYPE_CHECKING

import numpy as np

from bfimna.ap.addition import FULL_ADD, add
from bfimna.ap.events import Amount, ApKind, Counts, CountSet
from bfimna.ap.program import random_step
from bfimna.ap.words import clear_along_counts
from bfimna.errors import BfimnaError, whole_number

if TYPE_CHECKING:
    from bfimna.ap.array import Array


def reduce(array: "Array", columns: range, rows: int = 0) -> int:
    """Add up the first `rows` rows (0: all) of every group, in place; return the rows left over.

    Three rows become two: a full adder over rows, then its carries move one column on. Two rows are
    a sum and a carry already, so they need no step; they are added once, with `add`, beside all
    other results. With segments a third of the rows left are added in each step, until two are left
    (Wallace's tree); without, one row after the other.
    """
    left = whole_number("reduce: rows", rows, 0, array.rows) or array.rows
    levels = []
    while left > 2:
        times = left // 3 if array.kind == "2d-segmented" else 1
        levels.append(((left - times, 0, times), times))
        left -= times
    array.add_levels(FULL_ADD, levels, columns)
    return left


def reduce_1d(
    array: "Array", word: range, beside: range, carry: int, bits: int, signed: bool
) -> int:
    """Add up the rows of every group without a vertical mode; return the rows left over: 1.

    Each level moves half of the words beside the others and adds. Unsigned words grow by one
    column per level; signed ones, extended over all of `word` beforehand, are added in full
    width, because an addition leaves the sign columns above it stale.
    """
    needed = bits + int(levels(array.rows))
    if min(len(word), len(beside)) < needed:
        raise BfimnaError(f"reduce_1d: words of {needed} columns needed, not of {len(word)}")
    left, width = array.rows, bits
    while left > 1:
        pairs, width = left // 2, len(word) if signed else width + 1
        source, target = word[:width], beside[:width]
        array.move_rows(left - pairs, pairs, source, target, range(carry, carry + 1))
        array.run(add(target, source, carry), rows=pairs)
        left -= pairs
    return left


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
) -> Counts:
    """Add up each group of `words` rows of `bits`-bit words; events are per group.

    Microcode on a 2D AP: a full adder over three rows leaves a sum and a carry row, 12 cycles with
    the hand-over of the carries by one column. Two rows *are* a sum and a carry, so they need no
    step (a half adder on the first two would gain nothing); one `add` of packed results follows.
    Unsegmented 12 (L - 2), one group after the other; segmented 12 for each level of a Wallace
    tree, whatever the groups. On a 1D AP words are moved beside their partners, in ⌈log2 L⌉ levels.

    Parameters
    ----------
    words : L, rows of a group.
    kind : of the AP.
    groups : in the same array.
    signed : 1D only: signed words are added in full width in every level.

    >>> int(reduce_counts(576, 16).cycles)
    180
    >>> int(reduce_counts(576, 16, count_set="published").cycles)
    80
    """
    depth = levels(words)
    columns = bits + depth
    if kind == "1d":
        return _reduce_1d_counts(words, bits, groups, signed)
    if count_set == "published":
        steps = (depth if kind == "2d-segmented" else (words - 1) * groups) * (words > 1)
        return random_step(FULL_ADD).repeat(steps, columns * (words - 1))
    joins = np.maximum(words - 2, 0)
    steps = tree_levels(words) if kind == "2d-segmented" else joins * groups
    return (random_step(FULL_ADD) + _hand_on_counts(columns)).repeat(steps, columns * joins)


def _hand_on_counts(columns: Amount) -> Counts:
    """Move a row's carries on by a column: compare, shift the tags, clear the row, write it."""
    carry = FULL_ADD.expect(0.5, 0.5, 0.5).after[2]
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


def _reduce_1d_counts(words: Amount, bits: Amount, groups: Amount, signed: bool) -> Counts:
    """Move each word beside its partner (read, load), then add; ⌈log2 L⌉ levels."""
    depth, moved = levels(words), words - 1
    steps: Amount = 0
    events: Amount = 0
    left = words
    for level in range(1, int(np.max(depth)) + 1):
        width = bits + (depth if signed else level)
        steps = steps + width * (level <= depth)
        events = events + width * (left // 2)
        left = left - left // 2
    add = random_step(FULL_ADD).repeat(steps, events) + clear_along_counts(
        moved
    )  # the carry column
    return add + Counts(
        reads=moved * groups, loads=moved * groups, cells_loaded=events, cells_read=events
    )
