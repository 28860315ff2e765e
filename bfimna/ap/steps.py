"""Loops written from truth tables: runs of passes on a few columns, as one loop over words.

Passes of one truth table on the same three or four columns follow each other in every program; such
a *step* is one loop that holds its columns' words in registers and runs the passes there one after
the other, each with its own count of tags. The loop's text is written from the table, so that the
compiler sees which bits a pass compares and writes; it makes vector instructions of whatever width
the processor has.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from bfimna.ap.lut import Lut
from bfimna.ap.machine import U, njit, popcount
from bfimna.ap.tables import STEPS


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
    texts = [step_source(f"step_{name}", lut) for name, lut in STEPS.items()]
    lines = ["def run_step(table, a, b, c, d, valid, n, tagged):"]
    for i, (name, lut) in enumerate(STEPS.items()):
        arguments = ", ".join("abcd"[: len(lut.columns)])
        lines.append(f"    {'elif' if i else 'if'} table == {i}:")
        lines.append(f"        step_{name}({arguments}, valid, n, tagged)")
    return "\n\n".join([*texts, "\n".join(lines)])


SOURCE = _source_of_all()


def _compiled() -> Callable[..., None]:
    """Compile the text of the tables' loops on first use."""
    scope: dict[str, Any] = {"U": U, "np": np, "popcount": popcount}
    exec(compile(SOURCE, __file__, "exec"), scope)
    for name in STEPS:
        scope[f"step_{name}"] = njit(nogil=True)(scope[f"step_{name}"])
    return njit(nogil=True)(scope["run_step"])


run_step = _compiled()
