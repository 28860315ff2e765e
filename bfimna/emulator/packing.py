"""Integers of a layer → bit planes of its products' rows, without ever spelling the rows out.

The compiled loops; `windows` says where everything lies.
"""

import numpy as np

from bfimna.ap.kernels import _jit

U = np.uint64


@_jit
def _run_mask(length, offset):  # type: ignore[no-untyped-def]
    ones = ~U(0) if length == 64 else (U(1) << U(length)) - U(1)
    return ones << U(offset)


@_jit
def spread(values, lo, hi, where, planes):  # type: ignore[no-untyped-def]
    """Copy each channel's integers, (channels, rows), to all its groups, for rows lo to hi."""
    bits, _, words = planes.shape
    for r in range(lo, hi):
        for w in range(words):
            for b in range(bits):
                planes[b, r, w] = U(0)
            for k in range(where.at[w], where.at[w + 1]):
                value = np.int64(values[where.channel[k], r])
                mask = _run_mask(where.length[k], where.offset[k])
                for b in range(bits):
                    planes[b, r, w] |= mask & (U(0) - U((value >> b) & 1))


@_jit
def gather(source, step, share, lo, hi, where, planes):  # type: ignore[no-untyped-def]
    """Copy activations, (bits, rows, words of positions), to the groups at these positions.

    A channel's rows begin at `step` · ⌊channel / share⌋: groups of a grouped convolution.
    """
    bits, _, words = planes.shape
    for r in range(lo, hi):
        for w in range(words):
            for b in range(bits):
                planes[b, r, w] = U(0)
            for k in range(where.at[w], where.at[w + 1]):
                row = r + step * (where.channel[k] // share)
                word, shift = where.position[k] >> 6, U(where.position[k] & 63)
                mask = _run_mask(where.length[k], where.offset[k])
                more = shift + U(where.length[k]) > U(64)
                for b in range(bits):
                    found = source[b, row, word] >> shift
                    if more:
                        found |= source[b, row, word + 1] << (U(64) - shift)
                    planes[b, r, w] |= (found << U(where.offset[k])) & mask


@_jit
def pack_windows(pixels, rows, positions, lo, hi, planes):  # type: ignore[no-untyped-def]
    """im2col: pixels[rows[r] + positions[n]] for rows lo to hi, 64 positions a word."""
    bits = len(planes)
    for r in range(lo, hi):
        for w in range(planes.shape[2]):
            last = min(64, len(positions) - 64 * w)
            for b in range(bits):
                planes[b, r, w] = U(0)
            for k in range(last):
                value = U(pixels[rows[r] + positions[64 * w + k]])
                for b in range(bits):
                    planes[b, r, w] |= ((value >> U(b)) & U(1)) << U(k)
