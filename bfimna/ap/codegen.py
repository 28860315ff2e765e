"""Compile loops over packed words: cached machine code, and loops written from truth tables.

Passes of one truth table on the same three or four columns follow each other in every program; such
a *step* is one loop that holds its columns' words in registers and runs the passes there one after
the other, each with its own count of tags. The loop's text is written from the table, so that the
compiler sees which bits a pass compares and writes; it makes vector instructions of whatever width
the processor has.
"""

from collections.abc import Callable
from types import CodeType
from typing import Any

import numpy as np

from bfimna.ap.lowering import LOOP_TABLES
from bfimna.ap.passes import Lut
from bfimna.errors import missing_extra

try:  # the only import of Numba
    from numba import njit, types
    from numba.extending import intrinsic
except ImportError:
    raise missing_extra("Numba", "emulate") from None

U = np.uint64


def cached_jit(function: Callable[..., Any], made_of: str = "") -> Callable[..., Any]:
    """Compile on first use; cache the machine code if a folder for it can be written to.

    Parameters
    ----------
    made_of : digest of the functions of other files that it calls. Numba looks at a function's own
        file only, so the digest becomes part of the name under which the code is cached.
    """
    if made_of:
        function.__qualname__ = f"{function.__name__}_{made_of}"
    try:
        return njit(nogil=True, cache=True)(function)
    except RuntimeError:  # numba has no writable folder
        return njit(nogil=True)(function)


def code_bytes(code: CodeType) -> bytes:
    """Return a function's code as bytes that are the same in every process.

    >>> code_bytes((lambda x: x + 1).__code__) == code_bytes((lambda x: x + 2).__code__)
    False
    """
    inner = (code_bytes(c) if isinstance(c, CodeType) else repr(c).encode() for c in code.co_consts)
    return b"".join([code.co_code, repr(code.co_names).encode(), *inner])


@intrinsic
def popcount(_context, _word):
    """Count the ones of a 64-bit word, by the processor's own instruction."""

    def generate(_context, builder, _signature, arguments):
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


@intrinsic
def pointer(_context, words, _at):
    """Point to a word of an array: no reference is counted, no index checked.

    Point to arrays that a caller from Python holds, not to those made in compiled code: they are
    freed after their last use by name.
    """

    def generate(context, builder, signature, arguments):
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        return builder.gep(array.data, [arguments[1]])

    return types.CPointer(words.dtype)(words, types.intp), generate


def step_source(name: str, lut: Lut) -> str:
    """Return the text of a function that runs a table's passes, one after the other.

    Its arguments are the table's columns and the valid rows, of n words each, and the counts of
    tags that it adds to, one a pass.

    >>> print(step_source("full_add", LOOP_TABLES["full_add"]))  # doctest: +ELLIPSIS
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
    body = [f"rows, {', '.join(cells)} = valid[w], {words}", *passes_source(lut, cells, counts)]
    for c in sorted({c for step in lut.passes for c, _ in step.write}):
        body.append(f"{lut.columns[c]}[w] = {cells[c]}")
    lines = [f"def {name}({', '.join(lut.columns)}, valid, n, tagged):"]
    lines += [f"    {' = '.join(counts)} = U(0)", "    for w in range(n):"]
    lines += [f"        {line}" for line in body]
    lines += [f"    tagged[{i}] += np.int64({count})" for i, count in enumerate(counts)]
    return "\n".join(lines)


def passes_source(lut: Lut, cells: list[str], counts: list[str]) -> list[str]:
    """Return lines that run a table's passes on words in variables: its cells', `rows`, counts."""
    lines = []
    for count, step in zip(counts, lut.passes, strict=True):
        key = [cells[c] if bit else f"~{cells[c]}" for c, bit in step.key]
        lines += [f"tags = {' & '.join(['rows', *key])}", f"{count} += popcount(tags)"]
        lines += [f"{cells[c]} |= tags" if bit else f"{cells[c]} &= ~tags" for c, bit in step.write]
    return lines


def _source_of_all() -> str:
    """Return the text of the loops of all tables, and of a function that picks one by number."""
    texts = [step_source(f"step_{name}", lut) for name, lut in LOOP_TABLES.items()]
    lines = ["def run_step(table, a, b, c, d, valid, n, tagged):"]
    for i, (name, lut) in enumerate(LOOP_TABLES.items()):
        arguments = ", ".join("abcd"[: len(lut.columns)])
        lines.append(f"    {'elif' if i else 'if'} table == {i}:")
        lines.append(f"        step_{name}({arguments}, valid, n, tagged)")
    return "\n\n".join([*texts, "\n".join(lines)])


STEP_SOURCE = _source_of_all()


def _compiled_steps() -> Callable[..., None]:
    """Compile the text of the tables' loops on first use."""
    scope: dict[str, Any] = {"U": U, "np": np, "popcount": popcount}
    exec(compile(STEP_SOURCE, __file__, "exec"), scope)
    for name in LOOP_TABLES:
        scope[f"step_{name}"] = njit(nogil=True)(scope[f"step_{name}"])
    return njit(nogil=True)(scope["run_step"])


run_step = _compiled_steps()
