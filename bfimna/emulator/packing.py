"""Compiled loops that pack a layer's operands into bit planes, without im2col's copies.

`bfimna.emulator.runs` defines where each operand lies.
"""

import numpy as np

from bfimna.ap.codegen import U, cached_jit, njit, pointer


@njit(nogil=True)
def _fill(target, value, n):
    """Set n words, eight at a time, since most runs are short."""
    w = 0
    while w + 8 <= n:
        for i in range(8):
            target[w + i] = value
        w += 8
    while w < n:
        target[w] = value
        w += 1


@njit(nogil=True)
def _copy(target, source, n):
    """Copy n words, eight at a time: all eight are read first, so that they are vectorised."""
    w = 0
    while w + 8 <= n:
        a, b, c, d = source[w], source[w + 1], source[w + 2], source[w + 3]
        e, f, g, h = source[w + 4], source[w + 5], source[w + 6], source[w + 7]
        target[w], target[w + 1], target[w + 2], target[w + 3] = a, b, c, d
        target[w + 4], target[w + 5], target[w + 6], target[w + 7] = e, f, g, h
        w += 8
    while w < n:
        target[w] = source[w]
        w += 1


@cached_jit
def broadcast(values, row, first, run, planes):
    """Fill run k of row r with the bits of values[row + r, first + k].

    Parameters
    ----------
    values : signed integers, (rows, runs).
    run : words of a run.
    planes : to be filled, (bits, rows, words).
    """
    bits, rows, words = planes.shape
    flat = planes.reshape(-1)
    for b in range(bits):
        for r in range(rows):
            for k in range(words // run):
                word = U(0) - U((values[row + r, first + k] >> b) & 1)
                _fill(pointer(flat, (b * rows + r) * words + k * run), word, run)


@cached_jit
def repeat(source, row, step, first, share, word, run, planes):
    """Copy words of planes, (bits, rows, words), to every run.

    Run k takes rows from row + step · ⌊(first + k) / share⌋ on, and words from `word` on.
    """
    bits, rows, words = planes.shape
    source_rows, source_words = source.shape[1:]
    flat, flat_source = planes.reshape(-1), source.reshape(-1)
    for b in range(bits):
        for r in range(rows):
            for k in range(words // run):
                at = row + r + step * ((first + k) // share)
                start = pointer(flat_source, (b * source_rows + at) * source_words + word)
                _copy(pointer(flat, (b * rows + r) * words + k * run), start, run)


@cached_jit
def pack_windows(pixels, rows, positions, lo, hi, planes):
    """Pack im2col's rows `lo` to `hi`, pixels[rows[r] + positions[n]], 64 positions per word."""
    bits = len(planes)
    values = np.empty(64, np.int64)
    for r in range(lo, hi):
        for w in range(planes.shape[2]):
            last = min(64, len(positions) - 64 * w)
            for k in range(last):
                values[k] = pixels[rows[r] + positions[64 * w + k]]
            for b in range(bits):
                word = U(0)
                for k in range(last):
                    word |= U((values[k] >> b) & 1) << U(k)
                planes[b, r, w] = word
