"""Compiled loops for cells that fail or wear: pass by pass, each write with its defects.

The same passes as `kernels` runs, several times slower: every line's cells are written back after
each pass, match lines err at random, stuck cells fall back and each cell's writes are counted.
"""

from typing import NamedTuple

import numpy as np

from bfimna.ap.codegen import U, njit, pointer, popcount
from bfimna.ap.kernels import BLOCK, compare, count_ones, jit, write

GOLDEN = U(0x9E3779B97F4A7C15)  # the increment of the splitmix64 random generator


class Defects(NamedTuple):
    """Defects of the cells; without defects, empty arrays and a rate of 0.

    Attributes
    ----------
    stuck : planes, 1 where a cell is stuck.
    value : planes of the values that these are stuck at.
    match_error : probability that a match line errs.
    seed : of this program's errors.
    """

    stuck: np.ndarray
    value: np.ndarray
    match_error: float
    seed: np.uint64


@njit(nogil=True)
def _mix(z):
    """Scatter a number over 64 bits: the output function of splitmix64."""
    z = (z ^ (z >> U(30))) * U(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> U(27))) * U(0x94D049BB133111EB)
    return z ^ (z >> U(31))


@njit(nogil=True)
def _random(state):
    """Next number of splitmix64, uniform in (0, 1]."""
    state[0] += GOLDEN
    return (_mix(state[0]) >> U(11)) * 2.0**-53 + 2.0**-53


@njit(nogil=True)
def _misread(tags, ok, error, state, n):
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
def _wear_out(wear, tags, n):
    """Count a write for each tagged cell of a line."""
    for w in range(n):
        left = tags[w]
        while left:
            lowest = left & (~left + U(1))
            wear[64 * w + int(popcount(lowest - U(1)))] += 1
            left ^= lowest


@njit(nogil=True)
def _write(planes, at, one, tags, n, defects, wear):
    """Write a bit into the tagged rows of n words; stuck cells keep theirs, each write wears."""
    cells = pointer(planes, at)
    write(cells, one, tags, n)
    if defects.stuck.size:
        stuck, value = pointer(defects.stuck, at), pointer(defects.value, at)
        for w in range(n):
            cells[w] = (cells[w] & ~stuck[w]) | value[w]
    if wear.size:
        _wear_out(pointer(wear, 64 * at), tags, n)


@njit(nogil=True)
def _begin(state, start, segment, seed):
    """Start the errors of a block of words in a segment: the same whichever thread runs it."""
    state[0] = _mix(seed ^ _mix((U(segment) << U(40)) + U(start + 1)))


@njit(nogil=True)
def _run(planes, lines, start, n, ok, program, tags, state, defects, wear, tagged):
    """Run a program on n words of each line, pass by pass."""
    for i in range(len(program.key_at) - 1):
        compare(planes, lines, start, n, ok, program, i, tags)
        if defects.match_error > 0 and program.key_at[i] < program.key_at[i + 1]:
            _misread(tags, ok, defects.match_error, state, n)
        tagged[i] += count_ones(tags, n)
        for k in range(program.write_at[i], program.write_at[i + 1]):
            at = lines[program.write_line[k]] + start
            _write(planes, at, program.write_one[k], tags, n, defects, wear)


@jit
def execute(planes, valid, lo, hi, lines, program, scratch, tagged, defects, wear):
    """Run a program as `kernels.execute` does, on cells that may fail and wear.

    `lo` is to be a multiple of the block, so that the threads' shares do not move the errors.
    """
    state = np.empty(1, U)
    for start in range(lo, hi, BLOCK):
        n = min(BLOCK, hi - start)
        ok, tags = pointer(valid, start), pointer(scratch, 0)
        _begin(state, start, 0, defects.seed)
        _run(planes, lines, start, n, ok, program, tags, state, defects, wear, tagged)


@jit
def add_rows(
    planes, valid, lo, hi, lines, stride, segments, program, shifted, scratch, tagged, defects, wear
):
    """Run a program as `kernels.add_rows` does, on cells that may fail and wear; one level."""
    state, tags = np.empty(1, U), pointer(scratch, 0)
    for segment in range(segments):
        here = lines[0] + segment * stride
        for start in range(lo[0], hi[0], BLOCK):
            n, at = min(BLOCK, hi[0] - start), here[-1] + start
            ok, below = pointer(valid, start), pointer(shifted, start - lo[0])
            _begin(state, start, segment, defects.seed)
            _run(planes, here, start, n, ok, program, tags, state, defects, wear, tagged[0])
            for w in range(n):
                tags[w] = planes[at + w] & ok[w]
            if defects.match_error > 0:
                _misread(tags, ok, defects.match_error, state, n)
            tagged[0, -2] += count_ones(tags, n)
            tagged[0, -1] += count_ones(below, n)
            _write(planes, at, False, ok, n, defects, wear)
            _write(planes, at, True, below, n, defects, wear)
            for w in range(n):
                below[w] = tags[w]
