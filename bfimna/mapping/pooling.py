"""Pooling: streams of a window's elements, maxima in rounds, averages over rows."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from bfimna.ap import counts as ap
from bfimna.ap.counts import Amount, Counts, CountSet
from bfimna.mapping.alike import Alike, Moved, Words, packed
from bfimna.network.precision import MAX_BITS


class Round(NamedTuple):
    """Words of a window that are left, and rows on which they are streamed to one word each."""

    words: np.ndarray
    rows: np.ndarray

    @property
    def depth(self) -> np.ndarray:
        """Words of the longest stream."""
        return np.ceil(self.words / self.rows)


def rounds(window: Amount, number: int) -> list[Round]:
    """Return the rounds of a maximum: in each, every row takes about as many words as in others.

    >>> [(int(words), int(rows)) for words, rows in rounds(49, 2)]
    [(49, 7), (7, 1)]
    """
    fan = np.ceil(np.asarray(window, float) ** (1 / number))
    fan = np.where((fan - 1) ** number >= window, fan - 1, fan)  # a root is not exact
    left, found = np.asarray(window, float), []
    for _ in range(number - 1):
        found.append(Round(left, np.ceil(left / fan)))
        left = found[-1].rows
    return [*found, Round(left, np.ones_like(left))]


def maximum(x: Alike, words: Words, counts: CountSet) -> Counts:
    """Take the maximum as a stream or in rounds; published: as a stream."""
    if counts == "published":
        return _maximum(x, words, 1, counts)
    numbers = number_of_rounds(x, words.bits)
    return sum(
        (_maximum(x, words, n, counts) * (numbers == n) for n in np.unique(numbers)), Counts()
    )


def _maximum(x: Alike, words: Words, number: int, counts: CountSet) -> Counts:
    """Stream words beside a running maximum, on fewer rows in each round."""
    width = words.bits + x.signs[0]
    load, step, done = ap.load(width), ap.maximum(width, counts), Counts()
    for k, one in enumerate(rounds(x.window, number)):
        left, rows, depth = one.words, one.rows, one.depth
        folds = np.ceil(x.elements * rows / x.chip_rows)
        read = ap.read(words.kept if k == number - 1 else width)
        done = done + load.repeat(folds * depth, x.elements * left)
        done = done + step.repeat(folds * (depth - 1), x.elements * (left - rows))
        done = done + read.repeat(folds, x.elements * rows)
    return done


def number_of_rounds(x: Alike, bits: np.ndarray) -> np.ndarray:
    """Return in how many rounds maxima of words of so many bits are taken; 1 is a stream."""
    return _worth_their_words(x)[bits, np.arange(len(x.layers))]


@lru_cache(maxsize=256)
def _worth_their_words(x: Alike) -> np.ndarray:
    """Tabulate the rounds that are worth their words, by bits and layer.

    What a round leaves crosses the bus twice, so each more must halve the cycles of fewer: two do
    for windows of more than 3 × 3 words.
    """
    bits = np.repeat(np.arange(1, MAX_BITS + 1)[:, None], len(x.layers), axis=1)
    words = Words(bits, bits)
    best = np.ones((MAX_BITS + 1, len(x.layers)), dtype=np.int64)
    least = _maximum(x, words, 1, "microcode").cycles
    for number in range(2, int(ap.levels(x.window.max())) + 1):
        cycles = _maximum(x, words, number, "microcode").cycles
        worth = 2 * cycles < least
        best[1:] = np.where(worth, number, best[1:])
        least = np.where(worth, cycles, least)
    best.flags.writeable = False
    return best


def average(x: Alike, words: Words, counts: CountSet) -> Counts:
    """Average as a stream or over rows, whichever takes fewer cycles; published: as a stream.

    Without the `reduction` that adds up the rows.
    """
    rows = averaged_over_rows(x, words.bits)
    if counts == "published" or not rows.any():
        return _average_as_stream(x, words, counts)
    if rows.all():
        return _average_over_rows(x, words)
    return _average_as_stream(x, words, counts) * ~rows + _average_over_rows(x, words) * rows


@packed
def _average_as_stream(x: Alike, words: Words, counts: CountSet) -> Counts:
    """Stream the window into a sum of words in excess form, which have no negative values."""
    bits = words.bits + x.signs[0]
    growth = ap.levels(x.window)  # of the running sum and of its operand; and a carry
    steps = ap.load(bits) * x.window + ap.add(bits + growth) * (x.window - 1)
    return steps + ap.clear_along(2 * growth + 1) + _mean(x, bits) + ap.read(words.kept)


def _mean(x: Alike, bits: np.ndarray) -> Counts:
    """Divide a sum by its number of words: shift the columns read, or scale."""
    width, m = bits + ap.levels(x.window), ap.scale_bits(bits)  # such that it cannot overflow
    over = np.where(mean_overlaps(bits, x.window, x.columns), 1.0, 0.0)
    apart, onto = ap.multiply(width, m), ap.multiply(width + 1, m, (True, False))
    onto = onto + ap.clear(1) * width + ap.clear_along(m + 2)
    apart = apart + ap.clear_along(width + m)
    return (ap.load(m) + apart * (1.0 - over) + onto * over) * ~_power_of_two(x.window)


def _average_over_rows(x: Alike, words: Words) -> Counts:
    """Load a window's elements in a row each and add up the rows, as in a dot product."""
    bits, p = words.bits + x.signs[0], x.parts
    total, left = bits + ap.levels(x.window), p.rows_left("microcode")
    spread = ap.load(bits) + ap.clear_along(total - bits)
    in_folds = spread.repeat(p.folds, p.dots * x.window)
    in_folds = in_folds + ap.read(total).repeat(p.folds, p.dots * left)
    carry = ap.load(total) * left + ap.clear_along(left) + ap.add(total) * (left - 1)
    dense = carry + _mean(x, bits) + ap.read(words.kept)
    return in_folds + dense.repeat(x.folds, x.elements)


def reduction(x: Alike, words: Words, counts: CountSet) -> Counts:
    """Add up the rows of windows that are averaged over rows; nothing for the others."""
    rows = averaged_over_rows(x, words.bits)
    if counts == "published" or not rows.any():
        return Counts()
    total = words.bits + x.signs[0] + ap.levels(x.window)
    return x.parts.reduce(total, "microcode") * rows


def averaged_over_rows(x: Alike, bits: np.ndarray) -> np.ndarray:
    """Whether windows of words of so many bits are averaged over rows: for large ones, mostly."""
    return _shorter_over_rows(x)[bits, np.arange(len(x.layers))]


@lru_cache(maxsize=256)
def _shorter_over_rows(x: Alike) -> np.ndarray:
    """Tabulate whether that takes fewer cycles than a stream, by bits and layer.

    A 1D AP has the stream only, since it adds up rows word by word.
    """
    bits = np.repeat(np.arange(1, MAX_BITS + 1)[:, None], len(x.layers), axis=1)
    words = Words(bits, bits)
    shorter = np.zeros((MAX_BITS + 1, len(x.layers)), dtype=bool)
    if x.parts.kind != "1d":
        stream = _average_as_stream(x, words, "microcode").cycles
        total = bits + x.signs[0] + ap.levels(x.window)
        upright = x.parts.reduce(total, "microcode").cycles
        shorter[1:] = _average_over_rows(x, words).cycles + upright < stream
    shorter.flags.writeable = False
    return shorter


def _power_of_two(window: Amount) -> np.ndarray:
    """Whether a mean is a shift of the columns read."""
    return np.asarray(window == 2 ** ap.levels(window))


def mean_overlaps(bits: Amount, window: Amount, columns: int) -> np.ndarray:
    """Whether the scaled sum of a mean takes over the sum's columns, since too few are left.

    >>> [bool(mean_overlaps(bits, 49, 72)) for bits in (13, 14)]
    [False, True]
    """
    width = bits + ap.levels(window)
    return np.asarray(3 * width + 1 + ap.scale_bits(bits) > columns)


def window_moved(x: Alike, words: Words, multicast: bool, counts: CountSet) -> Moved:
    """Every element that a window covers once with multicast, else once per window."""
    taken = x.sources[0] if multicast else x.elements * x.window
    return taken * (words.bits + x.signs[0]), x.elements * words.kept


def maximum_moved(x: Alike, words: Words, multicast: bool, counts: CountSet) -> Moved:
    """Move what each round but the last leaves out and in again, too."""
    taken, returned = window_moved(x, words, multicast, counts)
    if counts == "published":
        return taken, returned
    numbers, between = number_of_rounds(x, words.bits), np.zeros_like(returned)
    for number in np.unique(numbers):
        rows = sum(one.rows for one in rounds(x.window, number)[:-1])
        between = between + x.elements * rows * (words.bits + x.signs[0]) * (numbers == number)
    return taken + between, returned + between


def mean_moved(x: Alike, words: Words, multicast: bool, counts: CountSet) -> Moved:
    """Return the rows that a reduction leaves of a window too, where it is averaged over rows."""
    taken, returned = window_moved(x, words, multicast, counts)
    total = words.bits + x.signs[0] + ap.levels(x.window)
    if counts == "published":
        return taken, returned
    left = x.elements * x.parts.rows_left("microcode") * total
    return taken, returned + left * averaged_over_rows(x, words.bits)


def window_columns(x: Alike, bits: np.ndarray) -> np.ndarray:
    """Return the columns of a running maximum, its operand and two flags."""
    return 2 * (bits + x.signs[0]) + 2


def mean_columns(x: Alike, bits: np.ndarray) -> np.ndarray:
    """Return the columns of a running sum, its operand, a carry; then of a sum that is scaled."""
    bits = bits + x.signs[0]
    width = bits + ap.levels(x.window)
    scaled = width + 2 * ap.scale_bits(bits) + 2
    return np.where(_power_of_two(x.window), 2 * width + 1, np.maximum(2 * width + 1, scaled))
