"""Integers of a layer → bit planes of its products' rows, without ever spelling the rows out.

The compiled loops; `windows` says where everything lies.
"""

import numpy as np

from bfimna.ap.kernels import _jit

U = np.uint64


@_jit
def broadcast(values, row, first, run, planes):  # type: ignore[no-untyped-def]
    """Give each run of words the bits of one integer a row: of values[row + r, first + k].

    Parameters
    ----------
    values : signed integers, (rows, runs).
    run : words of a run.
    planes : to be filled, (bits, rows, words).
    """
    bits, rows, words = planes.shape
    for r in range(rows):
        for b in range(bits):
            for k in range(words // run):
                bit = U(0) - U((values[row + r, first + k] >> b) & 1)
                for w in range(k * run, (k + 1) * run):
                    planes[b, r, w] = bit


@_jit
def repeat(source, row, step, first, share, word, run, planes):  # type: ignore[no-untyped-def]
    """Copy words of planes, (bits, rows, words), to each run of words.

    Run k has rows from row + step · ⌊(first + k) / share⌋ on, and words from `word` on.
    """
    bits, rows, words = planes.shape
    for r in range(rows):
        for b in range(bits):
            for k in range(words // run):
                at = row + r + step * ((first + k) // share)
                for w in range(run):
                    planes[b, r, k * run + w] = source[b, at, word + w]


@_jit
def pack_windows(pixels, rows, positions, lo, hi, planes):  # type: ignore[no-untyped-def]
    """im2col: pixels[rows[r] + positions[n]] for rows lo to hi, 64 positions a word."""
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
