"""Maximum over the rows of each group by a search, bit by bit: passes, counts, expected cells.

From the top bit down, the rows that hold the largest word so far and a 1 here stay candidates, if
there are any in the group: a compare of the whole column in vertical mode tells whether there are.
The search takes 8 cycles a bit, however many rows a group has; a tree of maxima takes as many reads
and loads of whole words as it has levels. Every row ends with the maximum's complement, so that one
addition gives its distance to the maximum, which is what a softmax needs.
"""

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from bfimna.ap.addition import add, add_counts
from bfimna.ap.events import Amount, ApKind, Counts
from bfimna.ap.passes import Pass, Word, cached_program
from bfimna.ap.word_access import copy_counts

if TYPE_CHECKING:
    from bfimna.ap.array import Array


def search_maximum(
    array: "Array",
    word: Word,
    complement: Word,
    candidate: int,
    signed: bool = False,
    book: Callable[[bool], None] = lambda vertical: None,
) -> None:
    """Find the largest word of every group, and leave its complement in all rows of the group.

    Afterwards `candidate` is 1 in the rows that hold the maximum.

    Parameters
    ----------
    complement : columns that start at 0, as many as the word has. Of signed words, the top one ends
        as the maximum's sign, not its complement: add the word and invert this column's result.
    book : called after what ran in horizontal (False) or in vertical mode (True).
    """
    array.run((Pass((), ((candidate, 1),)),))
    for k in reversed(range(len(word))):
        larger = int(not (signed and k == len(word) - 1))  # a sign of 0 makes a word the greater
        has_bit = ((candidate, 1), (word[k], larger))
        array.run((Pass(has_bit, ((complement[k], 1),)),))
        book(False)
        array.fill_empty(complement[k])
        book(True)
        array.run(
            (Pass(((complement[k], 0),), ((candidate, 0),)), Pass(has_bit, ((complement[k], 0),)))
        )
        book(False)


def search_rows_counts(bits: Amount, rows: Amount) -> Counts:
    """Count the horizontal passes of a search, per group of `rows` rows: 6 cycles a bit, and one.

    >>> int(search_rows_counts(8, 197).cycles)
    49
    """
    with_bit, some = _expected(bits, rows)
    dropped = rows * some - with_bit  # rows without the bit, in groups that have some with it
    tags = 2 * with_bit + dropped
    return Counts(
        compares=3 * bits,
        writes=3 * bits + 1,
        compare_rows=3 * bits * rows,
        key_cells=5 * bits * rows,
        cells_written=tags + rows,
        rows_matched=tags,
        words_written=tags + rows,
        lines_driven=(3 * bits + 1) * rows,
    )


def search_columns_counts(
    bits: Amount, rows: Amount, kind: ApKind = "2d-segmented", groups: Amount = 1
) -> Counts:
    """Count the vertical compares and writes of a search, per group of `rows` rows.

    Parameters
    ----------
    kind : of the AP; without segments one group after the other.
    groups : in the same array.
    """
    _, some = _expected(bits, rows)
    none = bits - some
    times = bits if kind == "2d-segmented" else bits * groups
    return Counts(
        compares=times,
        writes=times,
        compare_rows=bits,
        key_cells=bits * rows,
        cells_written=none * rows,
        rows_matched=none,
        words_written=none,
        lines_driven=bits * rows,
    )


def _expected(bits: Amount, rows: Amount) -> tuple[Amount, Amount]:
    """Return candidates with the bit, and bits that some candidate has, summed over the bits."""
    widths, groups = np.broadcast_arrays(bits, rows)
    pairs = [_expected_of(int(b), int(n)) for b, n in zip(widths.flat, groups.flat, strict=True)]
    with_bit, some = np.array(pairs).T.reshape(2, *widths.shape)
    return with_bit, some


@cache
def _expected_of(bits: int, rows: int) -> tuple[float, float]:
    """Return these for one width and size of a group.

    Of uniformly random words the first k bits of the maximum are at most v with the probability
    ((v + 1) / 2^k)^rows.
    """
    with_bit = some = 0.0
    for k in range(1, bits + 1):
        odd = np.arange(1, 2**k, 2) / 2.0**k
        step = 2.0**-k
        some += float(((odd + step) ** rows - odd**rows).sum())
        with_bit += float(rows * step * ((odd + step) ** (rows - 1)).sum())
    return with_bit, some


@cached_program
def distance_to_maximum(
    word: Word, complement: Word, target: Word, carry: int, signed: bool = False
) -> tuple[Pass, ...]:
    """Compute target := maximum - word from the maximum's complement, which becomes their sum.

    Parameters
    ----------
    target, carry : start at 0.
    signed : as in the search.
    """
    inverted = [int(signed and k == len(word) - 1) for k in range(len(word))]
    copied = tuple(
        Pass(((c, bit),), ((t, 1),)) for c, t, bit in zip(complement, target, inverted, strict=True)
    )
    return (*add(word, complement, carry), *copied)


def distance_counts(bits: Amount) -> Counts:
    """Count the addition and the copy of its complement, per row.

    >>> int(distance_counts(8).cycles)
    80
    """
    return add_counts(bits) + copy_counts(bits)
