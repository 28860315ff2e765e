"""The compiled loops of the emulator: passes over packed bit planes, 64 rows a word.

`planes[column, word]` holds an array's cells. A kernel copies a block of them into a buffer that
stays in the first-level cache, runs every pass of a program on it, one after the other, and copies
it back. Nothing here knows what a program computes: compare, write and shift are all there is.
The kernels release the interpreter's lock, so that threads can each take a range of words.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

U = np.uint64
BLOCK = 512  # words of a buffer's row; loops of known length are fast, and long ones cost less each
GOLDEN = U(0x9E3779B97F4A7C15)  # the increment of the splitmix64 random generator


def _jit(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile on first use; keep the machine code where there is a writable place for it."""
    try:
        return njit(nogil=True, cache=True)(function)
    except RuntimeError:  # numba finds no writable folder
        return njit(nogil=True)(function)


class Steps(NamedTuple):
    """A program as arrays: pass i has keys key_at[i]:key_at[i+1] and writes likewise.

    `key_flip` is 0 where the key is 1 and all ones where it is 0, so that (cell ^ flip) is a match.
    """

    key_at: np.ndarray
    key_line: np.ndarray
    key_flip: np.ndarray
    write_at: np.ndarray
    write_line: np.ndarray
    write_one: np.ndarray


class Lines(NamedTuple):
    """The lines that the passes' keys and writes refer to.

    In horizontal mode a line is a column, in one segment. In vertical mode a line is a row (of 64
    groups a word), and its segments are the columns, each with a tag of its own.
    """

    plane: np.ndarray  # first plane of each line
    base: np.ndarray  # word offset of each line
    segments: int  # planes from the first on


class Defects(NamedTuple):
    """What is wrong with the cells; arrays of shape (0, 0) and a rate of 0 where nothing is."""

    stuck: np.ndarray  # planes: 1 where a cell is stuck
    value: np.ndarray  # planes: the value that it is stuck at
    match_error: float
    seed: int


@intrinsic
def _popcount(_context, _word):  # type: ignore[no-untyped-def]
    """Count the ones of a 64-bit word, by the processor's own instruction."""

    def generate(_context, builder, _signature, arguments):  # type: ignore[no-untyped-def]
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


@njit(inline="always")
def _compare(tags, ok, cells, steps, i):  # type: ignore[no-untyped-def]
    """Tag the rows that match pass i's key; return how many they are."""
    first, last = steps.key_at[i], steps.key_at[i + 1]
    count = U(0)
    if last - first == 3:  # three or four keys are the rule: one loop, no traffic of tags
        a, x = steps.key_line[first], steps.key_flip[first]
        b, y = steps.key_line[first + 1], steps.key_flip[first + 1]
        c, z = steps.key_line[first + 2], steps.key_flip[first + 2]
        for w in range(BLOCK):
            tag = ok[w] & (cells[a, w] ^ x) & (cells[b, w] ^ y) & (cells[c, w] ^ z)
            tags[w] = tag
            count += _popcount(tag)
    elif last - first == 4:
        a, x = steps.key_line[first], steps.key_flip[first]
        b, y = steps.key_line[first + 1], steps.key_flip[first + 1]
        c, z = steps.key_line[first + 2], steps.key_flip[first + 2]
        d, v = steps.key_line[first + 3], steps.key_flip[first + 3]
        for w in range(BLOCK):
            tag = ok[w] & (cells[a, w] ^ x) & (cells[b, w] ^ y) & (cells[c, w] ^ z)
            tag &= cells[d, w] ^ v
            tags[w] = tag
            count += _popcount(tag)
    else:
        for w in range(BLOCK):
            tags[w] = ok[w]
        for k in range(first, last):
            a, x = steps.key_line[k], steps.key_flip[k]
            for w in range(BLOCK):
                tags[w] &= cells[a, w] ^ x
        for w in range(BLOCK):
            count += _popcount(tags[w])
    return count


@njit(inline="always")
def _write(cells, r, tags, one):  # type: ignore[no-untyped-def]
    """Write a bit into the tagged rows of a line."""
    if one:
        for w in range(BLOCK):
            cells[r, w] |= tags[w]
    else:
        for w in range(BLOCK):
            cells[r, w] &= ~tags[w]


@_jit
def _random(state):  # type: ignore[no-untyped-def]
    """Next number of splitmix64, uniform in (0, 1]."""
    state[0] += GOLDEN
    z = state[0]
    z = (z ^ (z >> U(30))) * U(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> U(27))) * U(0x94D049BB133111EB)
    return ((z ^ (z >> U(31))) >> U(11)) * 2.0**-53 + 2.0**-53


@_jit
def _misread(tags, ok, error, state, n):  # type: ignore[no-untyped-def]
    """Flip each match line's tag with probability `error`; return the tags now set."""
    row, count = -1, U(0)
    while True:
        gap = np.log(_random(state)) / np.log1p(-error)  # geometric: rows that read correctly
        if gap >= 64 * n - row:
            break
        row += 1 + int(gap)
        if row >= 64 * n:
            break
        tags[row // 64] ^= (U(1) << U(row % 64)) & ok[row // 64]
    for w in range(n):
        count += _popcount(tags[w])
    return count


@_jit
def _wear_out(wear, tags, n):  # type: ignore[no-untyped-def]
    """Count a write for each tagged cell of a line."""
    for w in range(n):
        left = tags[w]
        while left:
            lowest = left & (~left + U(1))
            wear[64 * w + int(_popcount(lowest - U(1)))] += 1
            left ^= lowest


@_jit
def _after_write(line, tags, r, start, m, lines, defects, wear):  # type: ignore[no-untyped-def]
    """Let stuck cells fall back to their value, and count the writes of each cell."""
    at = lines.base[r] + start
    for s in range(lines.segments):
        if defects.stuck.size:
            stuck = defects.stuck[lines.plane[r] + s, at : at + m]
            value = defects.value[lines.plane[r] + s, at : at + m]
            for w in range(m):
                line[s * m + w] = (line[s * m + w] & ~stuck[w]) | value[w]
        if wear.size:
            cells = wear[lines.plane[r] + s, 64 * at : 64 * (at + m)]
            _wear_out(cells, tags[s * m : (s + 1) * m], m)


@_jit
def _hand_on(buffer, tags, ok, r, start, m, lines, state, defects, wear, tagged):  # type: ignore[no-untyped-def]
    """Move the ones of a line on by one segment: compare, shift the tags, clear, write."""
    n, line, count = lines.segments * m, buffer[r], U(0)
    shifted = np.zeros(BLOCK, U)
    for w in range(BLOCK):
        tags[w] = line[w] & ok[w]
        count += _popcount(tags[w])
    if defects.match_error > 0:
        count = _misread(tags, ok, defects.match_error, state, n)
    tagged[-2] += np.int64(count)
    for w in range(n - m):
        shifted[m + w] = tags[w]
    for w in range(n - m, n):  # the last segment's tags are shifted out
        count -= _popcount(tags[w])
    tagged[-1] += np.int64(count)
    for w in range(BLOCK):
        line[w] &= ~ok[w]
    _after_write(line, ok, r, start, m, lines, defects, wear)
    for w in range(BLOCK):
        line[w] |= shifted[w]
    _after_write(line, shifted, r, start, m, lines, defects, wear)


@_jit
def execute(planes, valid, lo, hi, lines, steps, carry, defects, wear, tagged):  # type: ignore[no-untyped-def]
    """Run a program's passes on words lo to hi of each line, counting the tags of each pass.

    Parameters
    ----------
    carry : line whose ones are handed on by one segment after the passes; -1 for none.
    tagged : tags set by each pass, added to; then the hand-over's, before and after the shift.
    """
    width = BLOCK // lines.segments
    buffer = np.zeros((len(lines.plane), BLOCK), U)
    ok, tags = np.zeros(BLOCK, U), np.zeros(BLOCK, U)
    state = np.empty(1, U)
    careful = defects.stuck.size + wear.size > 0
    for start in range(lo, hi, width):
        m = min(width, hi - start)
        state[0] = U(defects.seed) ^ (U(start + 1) * GOLDEN)
        for s in range(lines.segments):
            for w in range(m):  # slices copied by assignment are slower
                ok[s * m + w] = valid[lines.base[0] + start + w]
            for r in range(len(lines.plane)):
                column, at = lines.plane[r] + s, lines.base[r] + start
                for w in range(m):
                    buffer[r, s * m + w] = planes[column, at + w]
        n = lines.segments * m
        ok[n:] = 0
        for i in range(len(steps.key_at) - 1):
            count = _compare(tags, ok, buffer, steps, i)
            if defects.match_error > 0 and steps.key_at[i] < steps.key_at[i + 1]:
                count = _misread(tags, ok, defects.match_error, state, n)
            tagged[i] += np.int64(count)
            for k in range(steps.write_at[i], steps.write_at[i + 1]):
                r = steps.write_line[k]
                _write(buffer, r, tags, steps.write_one[k])
                if careful:
                    _after_write(buffer[r], tags, r, start, m, lines, defects, wear)
        if carry >= 0:
            _hand_on(buffer, tags, ok, carry, start, m, lines, state, defects, wear, tagged)
        for r in range(len(lines.plane)):
            for s in range(lines.segments):
                column, at = lines.plane[r] + s, lines.base[r] + start
                for w in range(m):
                    planes[column, at + w] = buffer[r, s * m + w]


@_jit
def pack(values, planes):  # type: ignore[no-untyped-def]
    """Spread integers (rows, groups) over planes (bits, rows, words of 64 groups)."""
    rows, groups = values.shape
    for r in range(rows):
        for w in range((groups + 63) // 64):
            last = min(64, groups - 64 * w)
            for b in range(len(planes)):
                word = U(0)
                for k in range(last):
                    word |= U((values[r, 64 * w + k] >> b) & 1) << U(k)
                planes[b, r, w] = word


@_jit
def unpack(planes, signed, values):  # type: ignore[no-untyped-def]
    """Gather integers (rows, groups) from their planes; the top plane is a sign if `signed`."""
    rows, groups = values.shape
    bits = len(planes)
    top = (1 << (bits - 1)) if signed else 0
    numbers = np.empty(64, np.int64)
    for r in range(rows):
        for w in range((groups + 63) // 64):
            numbers[:] = 0
            for b in range(bits):
                word = planes[b, r, w]
                for k in range(64):
                    numbers[k] |= np.int64((word >> U(k)) & U(1)) << b
            for k in range(min(64, groups - 64 * w)):
                values[r, 64 * w + k] = numbers[k] - 2 * (numbers[k] & top)
