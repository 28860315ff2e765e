"""The compiled loops of the emulator: passes over packed bit planes, 64 rows a word.

`planes[column, word]` holds an array's cells. A run of passes of one truth table is a loop of
`codegen`; any other pass is a loop over each of its lines. `faulty_kernels` has the loops for cells
that fail or wear. Programs come as `lowering.PassArrays`.

The loops work on blocks of words that stay in the first-level cache. They release the interpreter's
lock, so that threads can each take a range of words. None checks a range: `array` does.
"""

from collections.abc import Callable
from hashlib import sha256
from typing import Any

import numpy as np

from bfimna.ap.codegen import (
    STEP_SOURCE,
    U,
    cached_jit,
    code_bytes,
    njit,
    pointer,
    popcount,
    run_step,
)

BLOCK = 512  # words of a line in one go: the four lines of a step fit the first-level cache
_DIGEST = sha256(f"{BLOCK} {STEP_SOURCE}".encode())  # of all parts of compiled functions so far


def _part(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function that others call."""
    _DIGEST.update(code_bytes(function.__code__))
    return njit(nogil=True)(function)


def jit(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function that calls the parts so far, and keep its machine code."""
    return cached_jit(function, _DIGEST.hexdigest()[:8])


@_part
def _key(planes, lines, start, valid, program, k, stop):
    """Point to the cells of key k, with its flip; past the pass's keys, to rows that all match."""
    if k < stop:
        return pointer(planes, lines[program.key_line[k]] + start), program.key_flip[k]
    return valid, U(0)


@_part
def _match(rows, a, not_a, b, not_b, c, not_c, d, not_d, tags, n):
    """Tag the rows that match a key of four columns; return how many they are."""
    count = U(0)
    for w in range(n):
        matching = (a[w] ^ not_a) & (b[w] ^ not_b) & (c[w] ^ not_c) & (d[w] ^ not_d)
        tag = rows[w] & matching
        tags[w] = tag
        count += popcount(tag)
    return np.int64(count)


@_part
def compare(planes, lines, start, n, valid, program, i, tags):
    """Tag the rows that match the key of pass i, four of its columns at a time; count them."""
    count, stop, rows = np.int64(0), program.key_at[i + 1], valid
    for k in range(program.key_at[i], max(stop, program.key_at[i] + 1), 4):
        a, not_a = _key(planes, lines, start, valid, program, k, stop)
        b, not_b = _key(planes, lines, start, valid, program, k + 1, stop)
        c, not_c = _key(planes, lines, start, valid, program, k + 2, stop)
        d, not_d = _key(planes, lines, start, valid, program, k + 3, stop)
        count = _match(rows, a, not_a, b, not_b, c, not_c, d, not_d, tags, n)
        rows = tags
    return count


@_part
def write(cells, one, tags, n):
    """Write a bit into the tagged rows of a line."""
    flip = U(0) if one else ~U(0)
    for w in range(n):
        cells[w] = ((cells[w] ^ flip) | tags[w]) ^ flip


@_part
def count_ones(words, n):
    """Count the ones of n words."""
    count = U(0)
    for w in range(n):
        count += popcount(words[w])
    return np.int64(count)


@_part
def _pass(planes, lines, start, n, valid, program, i, tags):
    """Run pass i by itself; return the tags set."""
    count = compare(planes, lines, start, n, valid, program, i, tags)
    for k in range(program.write_at[i], program.write_at[i + 1]):
        cells = pointer(planes, lines[program.write_line[k]] + start)
        write(cells, program.write_one[k], tags, n)
    return count


@_part
def _run(planes, lines, start, n, valid, program, tags, tagged):
    """Run a program on n words of each line."""
    for s in range(len(program.table)):
        i = program.first[s]
        if program.table[s] < 0:
            tagged[i] += _pass(planes, lines, start, n, valid, program, i, tags)
            continue
        a = pointer(planes, lines[program.line[s, 0]] + start)
        b = pointer(planes, lines[program.line[s, 1]] + start)
        c = pointer(planes, lines[program.line[s, 2]] + start)
        d = pointer(planes, lines[program.line[s, 3]] + start)
        run_step(program.table[s], a, b, c, d, valid, n, pointer(tagged, i))


@jit
def execute(planes, valid, lo, hi, lines, program, scratch, tagged):
    """Run a program in horizontal mode on words lo to hi of its columns.

    Parameters
    ----------
    planes : all cells.
    valid : the rows of a column that exist.
    lines : word at which each of the program's columns begins.
    scratch : a block of words, for the tags.
    tagged : tags set by each pass, added to.
    """
    for start in range(lo, hi, BLOCK):
        n = min(BLOCK, hi - start)
        _run(planes, lines, start, n, pointer(valid, start), program, pointer(scratch, 0), tagged)


@_part
def _hand_on(cells, below, valid, n, tagged):
    """Move the ones of n words on by one segment: compare, shift the tags, clear, write.

    `below` holds the tags that were shifted here from the segment below, then this segment's.
    """
    matched = written = U(0)
    for w in range(n):
        tags, arrived = cells[w] & valid[w], below[w]
        matched += popcount(tags)
        written += popcount(arrived)
        cells[w] = (cells[w] & ~valid[w]) | arrived
        below[w] = tags
    tagged[-2] += np.int64(matched)
    tagged[-1] += np.int64(written)


@jit
def add_rows(planes, valid, lo, hi, lines, stride, segments, program, shifted, scratch, tagged):
    """Run a program in vertical mode on sets of rows, level by level, and hand its last line on.

    A segment, that is a column, takes part by itself but for the tags that are shifted there: so
    all levels run in one column, then in the next, and a column's cells stay in the cache.

    Parameters
    ----------
    lo, hi : for each level, the words of its lines that take part.
    lines : (levels, lines), word at which each line begins in the lowest column.
    stride : words from one column to the next.
    segments : columns that take part.
    shifted : as many zeros as all levels have words: the column tags, as they were shifted on.
    tagged : (levels, passes + 2), as `execute` has it; then the tags of the hand-over's compare and
        those of its write, one column on.
    """
    tags = pointer(scratch, 0)
    for segment in range(segments):
        at = 0
        for level in range(len(lines)):
            here = lines[level] + segment * stride
            for start in range(lo[level], hi[level], BLOCK):
                n, ok = min(BLOCK, hi[level] - start), pointer(valid, start)
                _run(planes, here, start, n, ok, program, tags, tagged[level])
                carry = pointer(planes, here[-1] + start)
                _hand_on(carry, pointer(shifted, at), ok, n, tagged[level])
                at += n


@jit
def pack(values, row, planes):
    """Spread integers (rows, groups) over planes (bits, rows, words of 64 groups), from a row on.

    Bits above an integer's are its sign.
    """
    rows, groups = values.shape
    for r in range(rows):
        for w in range((groups + 63) // 64):
            last = min(64, groups - 64 * w)
            for b in range(len(planes)):
                word = U(0)
                for k in range(last):
                    word |= (U(values[r, 64 * w + k] >> min(b, 63)) & U(1)) << U(k)
                planes[b, row + r, w] = word


@jit
def unpack(planes, signed, values):
    """Gather integers (rows, groups) from their planes; the top plane is a sign if `signed`."""
    rows, groups = values.shape
    bits = len(planes)
    spare = 64 - bits if signed else 0
    numbers = np.empty(64, np.int64)
    for r in range(rows):
        for w in range((groups + 63) // 64):
            numbers[:] = 0
            for b in range(bits):
                word = planes[b, r, w]
                for k in range(64):
                    numbers[k] |= np.int64((word >> U(k)) & U(1)) << b
            for k in range(min(64, groups - 64 * w)):
                values[r, 64 * w + k] = (numbers[k] << spare) >> spare
