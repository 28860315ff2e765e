"""Programs on words that lie in their rows: closed form and emulated pass side by side.

Each pair has the counts of one row (`…_counts`, by the columns of the word) and the pass that the
emulator runs on `Rows`, which takes the columns of its words and of those that must be kept, and
returns its result's columns. Constants are b / 2^c, as in integer-only inference.
"""

import numpy as np

from bfimna.ap import counts as ap
from bfimna.ap import programs
from bfimna.ap.counts import Amount, Counts
from bfimna.ap.rows import Columns, Rows
from bfimna.operators.constants import Constants, of_rows
from bfimna.operators.words import SIGN, Word


def load(rows: Rows, values: np.ndarray, word: Word, *taken: Columns) -> Columns:
    """Load a word; one without a sign gets a 0 there, which is cleared along with it."""
    columns = rows.spare(word.bits + SIGN, *taken)
    rows.load(values, columns[: word.width], clear=columns[word.width :])
    return columns


# ---- multiply by a constant and clamp --------------------------------------------------------


def scale_counts(bits: Amount) -> Counts:
    """Multiply a word by a constant b / 2^c and clamp it to the same columns."""
    return rescale_counts(bits, bits)


def rescale_counts(word_bits: Amount, bits: Amount) -> Counts:
    """Multiply a word by a constant b / 2^c and clamp it to `bits` columns.

    The product's lowest columns and the flag are cleared along with the constant's load.
    """
    b = ap.scale_bits(bits - SIGN)
    return ap.load(b) + ap.clear_along(b + 2) + ap.requantise(word_bits, b, bits)


def scale(
    rows: Rows, word: Columns, bits: int, b: np.ndarray, shift: int, *kept: Columns
) -> Columns:
    """Multiply a word by a constant b / 2^shift and clamp it to `bits` columns: return these."""
    m, n = int(ap.scale_bits(bits - SIGN)), len(word)
    more = rows.spare(2 * m + 2, word, *kept)
    low, factor, flag = more[: m + 1], more[m + 1 : 2 * m + 1], more[2 * m + 1]
    rows.load(of_rows(b, rows.channel), factor, clear=(*low, flag))
    top = m + 1 + n
    program = programs.requantise(range(m + 1, top), range(top, top + m), shift, bits, top + m)
    places = (*low, *word, *factor, flag)
    rows.run(program, places)
    return places[shift : shift + bits]


def scaled(x: np.ndarray, bits: int, b: np.ndarray, shift: int) -> np.ndarray:
    """Return what `scale` computes, as integers."""
    return np.clip((x * b) >> shift, -(2**bits), 2**bits - 1)


# ---- add a constant and clamp ----------------------------------------------------------------


def bias_counts(bits: Amount) -> Counts:
    """Add a constant per row, in a column more, and clamp."""
    return shift_counts(bits) + ap.clamp(bits, bits + 1)


def clip_counts(bits: Amount) -> Counts:
    """Clamp to the range of a word one column shorter, after a write that clears the flag."""
    return ap.clear(1) + ap.clamp(bits - SIGN, bits)


def clip(rows: Rows, word: Columns) -> Columns:
    """Clamp a word to the range of one a column shorter."""
    (flag,) = rows.spare(1, word)
    rows.run(programs.clear((flag,)))
    rows.run(programs.clamp(word, len(word) - 1, flag))
    return word


def shift_counts(bits: Amount) -> Counts:
    """Add a constant per row, in a column more."""
    return ap.load(bits) + ap.clear_along(3) + ap.sign_extend(1) + ap.add(bits + 1)


def shift(
    rows: Rows, word: Columns, values: np.ndarray, bits: int, signed: bool, *kept: Columns
) -> Columns:
    """Add a constant to a word, in a column more, and clamp to `bits` columns."""
    n = len(word)
    more = rows.spare(n + 3, word, *kept)
    constant, (top, carry, flag) = more[:n], more[n:]
    rows.load(of_rows(values, rows.channel), constant, clear=(top, carry, flag))
    rows.run(programs.sign_extend(word[-1], (top,)))
    rows.run(programs.add(constant, word, carry))
    rows.run(programs.add(constant[-1:], (top,), carry))  # the constant's sign once more
    rows.run(programs.clamp((*word, top), bits, flag, signed))
    return word


# ---- products of two words of a row ----------------------------------------------------------


def product_counts(bits: Amount) -> Counts:
    """Multiply two words into columns that are cleared, scale and clamp."""
    cleared = ap.clear(2 * bits + 1)
    return cleared + ap.multiply(bits, bits, (True, True)) + rescale_counts(2 * bits, bits)


def multiply(rows: Rows, a: Columns, b: Columns, *kept: Columns) -> Columns:
    """Multiply two signed words into columns that are cleared first."""
    more = rows.spare(2 * len(a) + 1, a, b, *kept)
    rows.run(programs.clear(more))
    rows.run(programs.multiply(a, b, more[:-1], (True, True), more[-1]))
    return more[:-1]


def product(rows: Rows, a: Columns, b: Columns, constants: Constants) -> Columns:
    """Multiply two words, scale and clamp."""
    wide = multiply(rows, a, b)
    return scale(rows, wide, len(a), constants.product_multiplier, constants.product_shift)


# ---- copies and look-ups ---------------------------------------------------------------------


def copy_counts(bits: Amount) -> Counts:
    """Copy a word within its row into columns that are cleared."""
    return ap.clear(bits) + ap.copy(bits)


def copy(rows: Rows, word: Columns) -> Columns:
    """Copy a word into columns that are cleared first."""
    columns = rows.spare(len(word), word)
    rows.run(programs.clear(columns))
    rows.run(programs.copy(word, columns))
    return columns


def look_up(rows: Rows, word: Columns, table: np.ndarray, *kept: Columns) -> Columns:
    """Replace a word by a function of it: a pass for every bit pattern, the result beside it."""
    result = rows.spare(len(word), word, *kept)
    by_pattern = np.roll(table, len(table) // 2)  # codes begin with the negative ones
    rows.run(programs.look_up(word, result, tuple(by_pattern.tolist())))
    return result


def codes(bits: int) -> np.ndarray:
    """Return all values of a word of `bits` bits and a sign."""
    return np.arange(-(2**bits), 2**bits)
