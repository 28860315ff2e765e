"""The compiled loops of the emulator: passes over packed bit planes, 64 rows a word.

`planes[column, word]` holds an array's cells. Passes of one truth table on the same three or four
columns follow each other in every program; such a *step* is one loop that holds its columns' words
in registers and runs the passes there one after the other, each with its own count of tags. The
loop's text is written from the table (`step_source`), so that the compiler sees which bits
a pass compares and writes; it makes vector instructions of whatever width the processor has. Any
other pass is a loop over each of its lines. `careful` has the loops for cells that fail or wear.

The loops work on blocks of words that stay in the first-level cache. They release the interpreter's
lock, so that threads can each take a range of words. None checks a range: `array` does.
"""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

from bfimna.ap.lut import Lut
from bfimna.ap.tables import STEPS

U = np.uint64
BLOCK = 512  # words of a line in one go: the four lines of a step fit the first-level cache


def step_source(name: str, lut: Lut) -> str:
    """Return the text of a function that runs a table's passes, one after the other.

    Its arguments are the table's columns and the valid rows, of n words each, and the counts of
    tags that it adds to, one a pass.

    >>> from bfimna.ap import tables
    >>> print(step_source("full_add", tables.FULL_ADD))  # doctest: +ELLIPSIS
    def full_add(a, p, c, valid, n, tagged):
        count0 = count1 = count2 = count3 = U(0)
        for w in range(n):
            rows, a_, p_, c_ = valid[w], a[w], p[w], c[w]
            tags = rows & ~a_ & ~p_ & c_
            count0 += popcount(tags)
            p_ |= tags
            c_ &= ~tags
            ...
            p[w] = p_
            c[w] = c_
        tagged[0] += np.int64(count0)
        ...
    """
    cells = [f"{column}_" for column in lut.columns]
    counts = [f"count{i}" for i in range(len(lut))]
    words = ", ".join(f"{column}[w]" for column in lut.columns)
    body = [f"rows, {', '.join(cells)} = valid[w], {words}"]
    for count, step in zip(counts, lut.passes, strict=True):
        key = [cells[c] if bit else f"~{cells[c]}" for c, bit in step.key]
        body += [f"tags = {' & '.join(['rows', *key])}", f"{count} += popcount(tags)"]
        body += [f"{cells[c]} |= tags" if bit else f"{cells[c]} &= ~tags" for c, bit in step.write]
    for c in sorted({c for step in lut.passes for c, _ in step.write}):
        body.append(f"{lut.columns[c]}[w] = {cells[c]}")
    lines = [f"def {name}({', '.join(lut.columns)}, valid, n, tagged):"]
    lines += [f"    {' = '.join(counts)} = U(0)", "    for w in range(n):"]
    lines += [f"        {line}" for line in body]
    lines += [f"    tagged[{i}] += np.int64({count})" for i, count in enumerate(counts)]
    return "\n".join(lines)


def _dispatch_source() -> str:
    """Return the text of the loops of all tables, and of a function that picks one by number."""
    texts = [step_source(f"step_{name}", lut) for name, lut in STEPS.items()]
    lines = ["def run_step(table, a, b, c, d, valid, n, tagged):"]
    for i, (name, lut) in enumerate(STEPS.items()):
        arguments = ", ".join("abcd"[: len(lut.columns)])
        lines.append(f"    {'elif' if i else 'if'} table == {i}:")
        lines.append(f"        step_{name}({arguments}, valid, n, tagged)")
    return "\n\n".join([*texts, "\n".join(lines)])


SOURCE = _dispatch_source()
#: machine code that was kept of other tables or of another version of this file is not ours
VERSION = sha256(SOURCE.encode() + Path(__file__).read_bytes()).hexdigest()[:8]


def _jit(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile on first use; keep the machine code where there is a writable place for it."""
    function.__qualname__ = f"{function.__name__}_{VERSION}"
    try:
        return njit(nogil=True, cache=True)(function)
    except RuntimeError:  # numba finds no writable folder
        return njit(nogil=True)(function)


@intrinsic
def popcount(_context, _word):  # type: ignore[no-untyped-def]
    """Count the ones of a 64-bit word, by the processor's own instruction."""

    def generate(_context, builder, _signature, arguments):  # type: ignore[no-untyped-def]
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


@intrinsic
def pointer(_context, array, _row, _word):  # type: ignore[no-untyped-def]
    """Point to a word of a two-dimensional array: no reference is counted, no index checked.

    Point to arrays that a caller from Python holds, not to those made in compiled code: they are
    freed after their last use by name.
    """

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        found = context.make_array(signature.args[0])(context, builder, arguments[0])
        words = builder.extract_value(found.shape, 1)
        return builder.gep(found.data, [builder.add(builder.mul(arguments[1], words), arguments[2])])

    return types.CPointer(array.dtype)(array, types.intp, types.intp), generate


def _steps() -> Callable[..., None]:
    """Compile the text of the tables' loops on first use."""
    scope: dict[str, Any] = {"U": U, "np": np, "popcount": popcount}
    exec(compile(SOURCE, __file__, "exec"), scope)
    for name in STEPS:
        scope[f"step_{name}"] = njit(nogil=True)(scope[f"step_{name}"])
    return njit(nogil=True)(scope["run_step"])


run_step = _steps()


class Program(NamedTuple):
    """A program as arrays.

    Attributes
    ----------
    table, line, first : of each step: its table's number (-1: a pass by itself), its lines, its
        first pass.
    key_at, key_line, key_flip : pass i has the keys key_at[i] to key_at[i + 1]. The flip is 0 where
        the key is 1 and all ones where it is 0, so that (cell ^ flip) is a match.
    write_at, write_line, write_one : likewise, the lines that it writes and whether with a 1.
    """

    table: np.ndarray
    line: np.ndarray
    first: np.ndarray
    key_at: np.ndarray
    key_line: np.ndarray
    key_flip: np.ndarray
    write_at: np.ndarray
    write_line: np.ndarray
    write_one: np.ndarray


class Lines(NamedTuple):
    """The lines that a program's keys and writes refer to.

    In horizontal mode a line is a column, in one segment. In vertical mode a line is a row (of 64
    groups a word), and its segments are the columns, each with a tag of its own.

    Attributes
    ----------
    plane, base : first plane of each line, and its word offset there.
    segments : planes from the first on.
    """

    plane: np.ndarray
    base: np.ndarray
    segments: int


@njit(nogil=True)
def cells_of(planes, lines, line, segment, start):  # type: ignore[no-untyped-def]
    """Point to a line's words from `start` on, in one segment."""
    return pointer(planes, lines.plane[line] + segment, lines.base[line] + start)


@njit(nogil=True)
def compare(planes, lines, segment, start, n, valid, program, i, tags):  # type: ignore[no-untyped-def]
    """Tag the rows that match the key of pass i."""
    for w in range(n):
        tags[w] = valid[w]
    for k in range(program.key_at[i], program.key_at[i + 1]):
        cells = cells_of(planes, lines, program.key_line[k], segment, start)
        flip = program.key_flip[k]
        for w in range(n):
            tags[w] &= cells[w] ^ flip


@njit(nogil=True)
def write(cells, one, tags, n):  # type: ignore[no-untyped-def]
    """Write a bit into the tagged rows of a line."""
    flip = U(0) if one else ~U(0)
    for w in range(n):
        cells[w] = ((cells[w] ^ flip) | tags[w]) ^ flip


@njit(nogil=True)
def count_ones(words, valid, n):  # type: ignore[no-untyped-def]
    """Count the ones of n words in the valid rows."""
    count = U(0)
    for w in range(n):
        count += popcount(words[w] & valid[w])
    return np.int64(count)


@njit(nogil=True)
def _single_pass(planes, lines, segment, start, n, valid, program, i, tags):  # type: ignore[no-untyped-def]
    """Run pass i by itself; return the tags set."""
    compare(planes, lines, segment, start, n, valid, program, i, tags)
    for k in range(program.write_at[i], program.write_at[i + 1]):
        cells = cells_of(planes, lines, program.write_line[k], segment, start)
        write(cells, program.write_one[k], tags, n)
    return count_ones(tags, valid, n)


@njit(nogil=True)
def _hand_on(planes, lines, line, start, n, valid, tagged):  # type: ignore[no-untyped-def]
    """Move the ones of a line on by one segment: compare, shift the tags, clear, write.

    From the top segment down, so that a segment is written after its own tags were shifted on. The
    top segment's tags are shifted out, and nothing is shifted into the lowest.
    """
    for segment in range(lines.segments - 1, -1, -1):
        cells = cells_of(planes, lines, line, segment, start)
        count = count_ones(cells, valid, n)
        tagged[0, -2] += count
        if segment < lines.segments - 1:
            tagged[0, -1] += count
        below = cells_of(planes, lines, line, max(segment - 1, 0), start)
        kept = ~U(0) if segment else U(0)
        for w in range(n):
            cells[w] = (cells[w] & ~valid[w]) | (below[w] & valid[w] & kept)


@_jit
def execute(planes, valid, lo, hi, lines, program, carry, tagged, scratch):  # type: ignore[no-untyped-def]
    """Run a program's passes on words lo to hi of each line, counting the tags of each pass.

    Parameters
    ----------
    valid : rows that exist, (1, words).
    carry : line whose ones are handed on by one segment after the passes; -1 for none.
    tagged : (1, passes + 2), tags set by each pass, added to; then those of the hand-over, before
        and after the shift.
    scratch : (1, block of words), for the tags.
    """
    tags = pointer(scratch, 0, 0)
    for start in range(lo, hi, BLOCK):
        n = min(BLOCK, hi - start)
        ok = pointer(valid, 0, lines.base[0] + start)
        for segment in range(lines.segments):
            for s in range(len(program.table)):
                i = program.first[s]
                if program.table[s] < 0:
                    tagged[0, i] += _single_pass(
                        planes, lines, segment, start, n, ok, program, i, tags
                    )
                    continue
                a = cells_of(planes, lines, program.line[s, 0], segment, start)
                b = cells_of(planes, lines, program.line[s, 1], segment, start)
                c = cells_of(planes, lines, program.line[s, 2], segment, start)
                d = cells_of(planes, lines, program.line[s, 3], segment, start)
                run_step(program.table[s], a, b, c, d, ok, n, pointer(tagged, 0, i))
        if carry >= 0:
            _hand_on(planes, lines, carry, start, n, ok, tagged)


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
