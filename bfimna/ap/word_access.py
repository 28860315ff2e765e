"""Programs on one word of every row: load, read, clear, extend the sign, copy, look up."""

from collections.abc import Sequence

import numpy as np

from bfimna.ap.events import Amount, Counts
from bfimna.ap.passes import Pass, Word, cached_program, check_ranges, count_passes
from bfimna.errors import BfimnaError


def load_counts(bits: Amount) -> Counts:
    """Load a word in every row, one bit column per cycle."""
    return Counts(loads=bits, cells_loaded=bits)


def read_counts(bits: Amount) -> Counts:
    """Read a word of every row, one bit column per cycle."""
    return Counts(reads=bits, cells_read=bits)


def clear(columns: Sequence[int]) -> tuple[Pass, ...]:
    """Clear columns in every row: one write."""
    return (Pass((), tuple((c, 0) for c in columns)),)


def clear_counts(columns: Amount, times: Amount = 1) -> Counts:
    """Clear columns in every row, in one write, `times` times."""
    cells = columns * times
    return Counts(writes=times, cells_written=cells, words_written=times, lines_driven=cells)


def clear_along_counts(columns: Amount) -> Counts:
    """Clear columns along with a load: in its first cycle, or in a write of their own.

    `Counts.settled` decides which. In the load's cycle every row is enabled already, so no word is
    written for it; the columns are driven in either case.
    """
    clears = np.minimum(columns, 1)
    return Counts(cells_written=columns, lines_driven=columns, clears=clears, rows_cleared=clears)


@cached_program
def sign_extend(sign: int, columns: Word) -> tuple[Pass, ...]:
    """Copy the sign into cleared columns above it."""
    if not columns:
        return ()
    check_ranges("sign_extend", (sign,), columns)
    return (Pass(((sign, 1),), tuple((c, 1) for c in columns)),)


def sign_extend_counts(bits: Amount) -> Counts:
    """Copy a word's sign into `bits` cleared columns above it: one pass (none where bits = 0)."""
    return one_bit_counts(np.minimum(bits, 1), bits)


def one_bit_counts(passes: Amount, columns: Amount) -> Counts:
    """Count passes whose key is one random bit and which write `columns` columns in all."""
    return count_passes(passes, passes, 0.5 * passes, 0.5 * columns, columns)


@cached_program
def copy(word: Word, target: Word) -> tuple[Pass, ...]:
    """Copy a word into cleared columns of its row, bit by bit."""
    check_ranges("copy", word, target)
    check_ranges("copy", word, target, equal=True)
    return tuple(Pass(((c, 1),), ((t, 1),)) for c, t in zip(word, target, strict=True))


def copy_counts(bits: Amount) -> Counts:
    """Copy a word within its row: scaling and multiplying need their operands apart."""
    return one_bit_counts(bits, bits)


@cached_program
def look_up(word: Word, target: Word, results: tuple[int, ...]) -> tuple[Pass, ...]:
    """Write results[k] beside the words whose bits are k; no column of `target` needs clearing."""
    check_ranges("look_up", word, target)
    if len(results) != 1 << len(word):
        raise BfimnaError(
            f"look_up: {len(results)} results for a word of {len(word)} bits, want {1 << len(word)}"
        )
    return tuple(
        Pass(
            tuple((c, k >> i & 1) for i, c in enumerate(word)),
            tuple((c, result >> i & 1) for i, c in enumerate(target)),
        )
        for k, result in enumerate(results)
    )


def look_up_counts(bits: Amount) -> Counts:
    """Look up any function of a word: for each bit pattern a compare and a write beside it.

    Every row is tagged once. The operand stays, so the order of the passes does not matter.

    >>> look_up_counts(5).cycles, look_up_counts(9).cycles
    (64.0, 1024.0)
    """
    patterns = 2.0**bits
    return count_passes(patterns, bits * patterns, tags=1.0, cells=bits, lines=bits * patterns)
