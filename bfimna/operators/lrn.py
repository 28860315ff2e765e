"""Local response normalisation: x · (k + α/n Σ x²)^-β over n neighbouring channels.

Square; read the squares and load and add those of n - 1 neighbours; scale the sum; look up the
power; multiply by x.
"""

import numpy as np

from bfimna.ap import counts as ap
from bfimna.ap import programs
from bfimna.ap.counts import Amount, Counts, CountSet
from bfimna.ap.rows import Columns, Rows
from bfimna.operators.constants import ConstantRules
from bfimna.operators.one_word import (
    broadcast_operands,
    load_counts,
    moved_once,
    word_keys,
)
from bfimna.operators.operator import LayerBatch, Machine, Moved, Operator, Step, Tensor, packed
from bfimna.operators.shapes import LayerFields, same_shape
from bfimna.operators.word_programs import (
    copy,
    copy_counts,
    load,
    look_up,
    multiply,
    product,
    product_counts,
    rescale_counts,
    scale,
)
from bfimna.operators.words import SIGN, Words


def squares_scaled(bits: Amount, channels: Amount, columns: int) -> Amount:
    """Columns of the sum of squares that are scaled: all, or the top ones that there is room for.

    >>> int(squares_scaled(9, 5, 72)), int(squares_scaled(17, 5, 72))
    (21, 19)
    """
    return np.minimum(2 * bits + ap.levels(channels), columns - 3 * bits - 2)


def lrn_counts(bits: Amount, channels: Amount, columns: int) -> Counts:
    """Normalise a word of `bits` columns by the squares of `channels` neighbouring channels."""
    square, total = 2 * bits, 2 * bits + ap.levels(channels)
    multiplied = ap.multiply(bits, bits, (True, True))
    squares = copy_counts(bits) + ap.clear(square + 1) + multiplied + ap.read(square)
    growth = total - square  # columns of the sum and of its operand above a square's; a carry
    each = ap.load(square) + _cleared(bits, growth, columns) + ap.add(total)
    # the columns that the sum grows into are cleared along with the first neighbour's
    neighbours = each * (channels - 1) + Counts(cells_written=growth, lines_driven=growth)
    scaled = squares_scaled(bits, channels, columns)
    power = rescale_counts(scaled, bits) + ap.look_up(bits)
    return squares + neighbours + power + product_counts(bits)


def _cleared(bits: Amount, growth: Amount, columns: int) -> Counts:
    """Clear a neighbour's carry and upper columns: along with every slice that has some."""
    square = 2 * bits
    free = columns - (square + growth) - (1 + bits)  # columns of a slice
    further = -(-(square + growth) // free) - np.maximum(square // free, 1)
    clears = 1 + np.maximum(further, 0) * (growth > 0)
    return Counts(
        cells_written=growth + 1, lines_driven=growth + 1, clears=clears, rows_cleared=clears
    )


@packed
def _counts(x: LayerBatch, words: Words, counts: CountSet) -> Counts:
    program = lrn_counts(words.bits + SIGN, x.window, x.columns)
    return load_counts(x, words) + program + ap.read(words.read_bits)


def _moved(x: LayerBatch, words: Words, multicast: bool, counts: CountSet) -> Moved:
    """Move the words, and their squares out and in again: with multicast each once."""
    taken, returned = moved_once(x, words, multicast, counts)
    square = 2 * (words.bits + SIGN)
    copies = 1 if multicast else x.window - 1
    return taken + x.elements * copies * square, returned + x.elements * square


def _columns(x: LayerBatch, bits: np.ndarray) -> np.ndarray:
    """Return the columns of a word and its square's product, of its sum, of a product's scaling."""
    m = bits + SIGN
    return np.maximum(4 * m + 2, m + 2 * m + ap.levels(x.window) + 2)


def _scaled_columns(layer: LayerFields, bits: int, columns: int) -> tuple[int, int]:
    """Return the columns of the sum of squares, and the lowest of them that are left out."""
    m, n = bits + SIGN, layer.kernel[0]
    total = 2 * m + int(ap.levels(n))
    return total, total - int(squares_scaled(m, n, columns))


def _run(machine: Machine, rows: Rows, step: Step, operands: list[Tensor], first: bool) -> None:
    """Rows hold a position's channels one after the other, so a neighbour is a row away."""
    own, n = step.constants, step.layer.kernel[0]
    word = load(rows, operands[0], step.sources[0])
    square = multiply(rows, word, copy(rows, word))
    squares = rows.read(square, signed=False).reshape(-1, step.shape[0])
    growth = int(ap.levels(n))
    more = rows.spare(growth + 1, word, square)
    carry, total = more[growth], (*square, *more[:growth])
    padded = np.pad(squares, ((0, 0), (n // 2, n - 1 - n // 2)))
    clear = more
    for k in (k for k in range(n) if k != n // 2):
        neighbour = padded[:, k : k + step.shape[0]].reshape(-1)
        _add_slices(rows, neighbour, total, len(square), (carry, *word), clear)
        clear = (carry,)
    dropped = len(total) - int(squares_scaled(len(word), n, step.columns))
    power = scale(rows, total[dropped:], len(word), own.multiplier, own.shift - dropped, word)
    power = look_up(rows, power, own.table, word)
    rows.word = product(rows, word, power, own)


def _add_slices(
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


OPERATORS = (
    Operator(
        "lrn", same_shape, phase="elementwise", counts=_counts, columns=_columns, moved=_moved,
        operands=broadcast_operands, run=_run, leaves_word=False,
        constants=ConstantRules(
            ("multiplier", "table", "product_multiplier"), signed_table=False,
            scaled=_scaled_columns,
        ),
        keys=word_keys,
    ),
)  # fmt: skip
