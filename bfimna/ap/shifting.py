"""Shift by a number of each row's own: passes, counts, expected cells.

A shift by the same distance in all rows is addressing and takes no cycle. One by a word of the row
takes a stage for each of its bits: where the bit is 1 the word moves by so many columns, in place,
starting from the end that it moves towards.
"""

import numpy as np

from bfimna.ap.events import MAX_WORD_BITS, Amount, Counts, tabulated
from bfimna.ap.expectation import expected_tags, with_tags
from bfimna.ap.passes import Pass, Row, Word, cached_program, check_ranges, count_table
from bfimna.ap.truth import generate


def move_bit(s: int, source: int, target: int) -> Row:
    """One column of target := source where s; the source stays."""
    return s, source, source if s else target


MOVE = generate("sxo", move_bit)


@cached_program
def shift_right(word: Word, amount: Word) -> tuple[Pass, ...]:
    """Shift an unsigned word down by each row's own amount, in place: ⌊word / 2^amount⌋.

    An amount of len(word) or more leaves 0.
    """
    check_ranges("shift_right", word, amount)
    steps: tuple[Pass, ...] = ()
    for k, control in enumerate(amount):
        moved = max(len(word) - 2**k, 0)
        for source, target in zip(word[len(word) - moved :], word[:moved], strict=True):
            steps += MOVE.at((control, source, target))
        steps += (Pass(((control, 1),), tuple((c, 0) for c in word[moved:])),)
    return steps


def shift_right_counts(bits: Amount, amount_bits: Amount) -> Counts:
    """Shift a word of `bits` columns by a word of `amount_bits`.

    >>> int(shift_right_counts(8, 3).cycles)
    74
    """
    stages = np.arange(np.max(amount_bits, initial=0))
    used = stages < np.asarray(amount_bits)[..., None]
    moved = (np.maximum(np.asarray(bits)[..., None] - 2.0**stages, 0.0) * used).sum(axis=-1)
    emptied = bits * amount_bits - moved
    steps = count_table(MOVE, moved, (0.0, 0.0)) + Counts(
        compares=amount_bits, writes=amount_bits, compare_rows=amount_bits,
        key_cells=amount_bits, lines_driven=emptied,
    )  # fmt: skip
    return with_tags(steps, *_shift_tagged(bits, amount_bits))


@tabulated(MAX_WORD_BITS, 8)
def _shift_tagged(bits: int, amount_bits: int) -> tuple[float, float]:
    if not bits or not amount_bits:
        return 0.0, 0.0
    word, amount = range(bits), range(bits, bits + amount_bits)
    return expected_tags(shift_right(word, amount), (*word, *amount))
