"""What programs on words in their rows are made of; `bfimna.mapping.resident` counts the same.

Each takes the columns of its words and of those that must be kept, and returns its result's.
"""

import numpy as np

from bfimna.ap import programs
from bfimna.ap.counts import scale_bits
from bfimna.emulator.constants import Constants, of_channels
from bfimna.emulator.integer import Word
from bfimna.emulator.rows import Columns, Rows
from bfimna.mapping.resident import SIGN


def load(rows: Rows, values: np.ndarray, word: Word, *taken: Columns) -> Columns:
    """Load a word; one without a sign gets a 0 there, which is cleared along with it."""
    columns = rows.spare(word.bits + SIGN, *taken)
    rows.load(values, columns[: word.width], clear=columns[word.width :])
    return columns


def scale(
    rows: Rows, word: Columns, bits: int, b: np.ndarray, shift: int, *kept: Columns
) -> Columns:
    """Multiply a word by a constant b / 2^shift and clamp it to `bits` columns: return these."""
    m, n = int(scale_bits(bits - SIGN)), len(word)
    more = rows.spare(2 * m + 2, word, *kept)
    low, factor, flag = more[: m + 1], more[m + 1 : 2 * m + 1], more[2 * m + 1]
    rows.load(of_channels(b, rows.channel), factor, clear=(*low, flag))
    top = m + 1 + n
    program = programs.requantise(range(m + 1, top), range(top, top + m), shift, bits, top + m)
    places = (*low, *word, *factor, flag)
    rows.run(program, places)
    return places[shift : shift + bits]


def shift(
    rows: Rows, word: Columns, values: np.ndarray, bits: int, signed: bool, *kept: Columns
) -> Columns:
    """Add a constant to a word, in a column more, and clamp to `bits` columns."""
    n = len(word)
    more = rows.spare(n + 3, word, *kept)
    constant, (top, carry, flag) = more[:n], more[n:]
    rows.load(of_channels(values, rows.channel), constant, clear=(top, carry, flag))
    rows.run(programs.sign_extend(word[-1], (top,)))
    rows.run(programs.add(constant, word, carry))
    rows.run(programs.add(constant[-1:], (top,), carry))  # the constant's sign once more
    rows.run(programs.clamp((*word, top), bits, flag, signed))
    return word


def multiply(rows: Rows, a: Columns, b: Columns, *kept: Columns) -> Columns:
    """Multiply two signed words into columns that are cleared first."""
    more = rows.spare(2 * len(a) + 1, a, b, *kept)
    rows.run(programs.clear(more))
    rows.run(programs.multiply(a, b, more[:-1], (True, True), more[-1]))
    return more[:-1]


def product(rows: Rows, a: Columns, b: Columns, own: Constants) -> Columns:
    """Multiply two words, scale and clamp."""
    product = multiply(rows, a, b)
    return scale(rows, product, len(a), own.product_multiplier, own.product_shift)


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


def scaled(x: np.ndarray, bits: int, b: np.ndarray, shift: int) -> np.ndarray:
    """Return what `scale` computes, as integers."""
    return np.clip((x * b) >> shift, -(2**bits), 2**bits - 1)


def add_slices(
    rows: Rows, values: np.ndarray, total: Columns, bits: int, kept: Columns, clear: Columns
) -> None:
    """Load a word of `bits` bits and add it, in slices that fit the columns; the carry goes on."""
    carry, free = kept[0], rows.array.columns - len(total) - len(kept)
    for lo in range(0, len(total), free):
        part = total[lo : lo + free]
        other = rows.spare(len(part), total, kept)
        loaded = max(min(bits - lo, len(part)), 0)
        slice_ = (values >> lo) & ((1 << loaded) - 1)
        cleared = clear if lo == 0 else ()
        rows.load(slice_, other[:loaded], clear=(*other[loaded:], *cleared))
        rows.run(programs.add(other, part, carry))
