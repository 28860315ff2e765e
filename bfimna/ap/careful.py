"""The compiled loops for cells that fail or wear: pass by pass, with what each write does to cells.

The same passes as `kernels` runs, several times slower: every line's cells are written back after
each pass, match lines err at random, stuck cells fall back and each cell's writes are counted.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from bfimna.ap.kernels import (
    BLOCK,
    U,
    _jit,
    cells_of,
    compare,
    count_ones,
    pointer,
    popcount,
    write,
)

GOLDEN = U(0x9E3779B97F4A7C15)  # the increment of the splitmix64 random generator


class Defects(NamedTuple):
    """What is wrong with the cells; arrays of shape (0, 0) and a rate of 0 where nothing is.

    Attributes
    ----------
    stuck, value : planes, 1 where a cell is stuck, and the value that it is stuck at.
    match_error : probability that a match line errs. seed : of this program's errors.
    """

    stuck: np.ndarray
    value: np.ndarray
    match_error: float
    seed: int


@njit(nogil=True)
def _mix(z):  # type: ignore[no-untyped-def]
    """Scatter a number over 64 bits: the output function of splitmix64."""
    z = (z ^ (z >> U(30))) * U(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> U(27))) * U(0x94D049BB133111EB)
    return z ^ (z >> U(31))


@njit(nogil=True)
def _random(state):  # type: ignore[no-untyped-def]
    """Next number of splitmix64, uniform in (0, 1]."""
    state[0] += GOLDEN
    return (_mix(state[0]) >> U(11)) * 2.0**-53 + 2.0**-53


@njit(nogil=True)
def _misread(tags, ok, error, state, n):  # type: ignore[no-untyped-def]
    """Flip each match line's tag with probability `error`."""
    row = -1
    while True:
        gap = np.log(_random(state)) / np.log1p(-error)  # geometric: rows that read correctly
        if gap >= 64 * n - row:
            break
        row += 1 + int(gap)
        if row >= 64 * n:
            break
        tags[row // 64] ^= (U(1) << U(row % 64)) & ok[row // 64]


@njit(nogil=True)
def _wear_out(wear, tags, n):  # type: ignore[no-untyped-def]
    """Count a write for each tagged cell of a line."""
    for w in range(n):
        left = tags[w]
        while left:
            lowest = left & (~left + U(1))
            wear[64 * w + int(popcount(lowest - U(1)))] += 1
            left ^= lowest


@njit(nogil=True)
def _write_line(planes, lines, line, segment, start, n, one, tags, defects, wear):  # type: ignore[no-untyped-def]
    """Write a bit into the tagged rows; stuck cells keep theirs, and each write wears a cell."""
    cells = cells_of(planes, lines, line, segment, start)
    write(cells, one, tags, n)
    if defects.stuck.size:
        stuck = cells_of(defects.stuck, lines, line, segment, start)
        value = cells_of(defects.value, lines, line, segment, start)
        for w in range(n):
            cells[w] = (cells[w] & ~stuck[w]) | value[w]
    if wear.size:
        at = 64 * (lines.base[line] + start)
        _wear_out(pointer(wear, lines.plane[line] + segment, at), tags, n)


@njit(nogil=True)
def _hand_on_all(planes, lines, line, start, n, ok, scratch, states, defects, wear, tagged):  # type: ignore[no-untyped-def]
    """Move the ones of a line on by one segment: compare, shift the tags, clear, write.

    Row s of the scratch holds the tags that are shifted into segment s.
    """
    into_lowest = pointer(scratch, 0, 0)
    for w in range(n):
        into_lowest[w] = U(0)
    for segment in range(lines.segments):
        cells = cells_of(planes, lines, line, segment, start)
        shifted = pointer(scratch, segment + 1, 0)
        for w in range(n):
            shifted[w] = cells[w] & ok[w]
        if defects.match_error > 0:
            _misread(shifted, ok, defects.match_error, states[segment : segment + 1], n)
        tagged[0, -2] += count_ones(shifted, ok, n)
    for segment in range(lines.segments):
        below = pointer(scratch, segment, 0)
        tagged[0, -1] += count_ones(below, ok, n)
        _write_line(planes, lines, line, segment, start, n, False, ok, defects, wear)
        _write_line(planes, lines, line, segment, start, n, True, below, defects, wear)


@_jit
def execute(planes, valid, lo, hi, lines, program, carry, tagged, scratch, defects, wear):  # type: ignore[no-untyped-def]
    """Run a program's passes as `kernels.execute` does, on cells that may fail and wear.

    The errors of a block of words in one segment follow from the seed and where they lie, whichever
    thread runs it, as long as `lo` is a multiple of the block.

    Parameters
    ----------
    scratch : (segments + 1, block of words), for the tags.
    """
    tags = pointer(scratch, 0, 0)
    states = np.empty(lines.segments, U)
    for start in range(lo, hi, BLOCK):
        n = min(BLOCK, hi - start)
        ok = pointer(valid, 0, lines.base[0] + start)
        for segment in range(lines.segments):
            place = U(start // BLOCK * lines.segments + segment)
            states[segment] = _mix(defects.seed ^ _mix(place + U(1)))
            state = states[segment : segment + 1]
            for i in range(len(program.key_at) - 1):
                compare(planes, lines, segment, start, n, ok, program, i, tags)
                if defects.match_error > 0 and program.key_at[i] < program.key_at[i + 1]:
                    _misread(tags, ok, defects.match_error, state, n)
                tagged[0, i] += count_ones(tags, ok, n)
                for k in range(program.write_at[i], program.write_at[i + 1]):
                    line, one = program.write_line[k], program.write_one[k]
                    _write_line(planes, lines, line, segment, start, n, one, tags, defects, wear)
        if carry >= 0:
            _hand_on_all(planes, lines, carry, start, n, ok, scratch, states, defects, wear, tagged)
