"""Programs as the arrays that the emulator's kernels read."""

from functools import lru_cache
from typing import Any

import numpy as np

from bfimna.ap.lut import Pass

ALL = np.uint64(2**64 - 1)


@lru_cache(maxsize=256)
def compiled(program: tuple[Pass, ...]) -> tuple[tuple[int, ...], Any, np.ndarray]:
    """Return the program's columns, its passes as arrays over these, and cells a tag writes."""
    from bfimna.ap import kernels  # numba takes half a second: only those who emulate pay it

    lines = sorted({c for step in program for c, _ in (*step.key, *step.write)})
    where = {column: line for line, column in enumerate(lines)}
    keys = [pair for step in program for pair in step.key]
    writes = [pair for step in program for pair in step.write]
    sizes = np.array([len(step.write) for step in program])
    steps = kernels.Steps(
        np.cumsum([0] + [len(step.key) for step in program]),
        np.array([where[c] for c, _ in keys], np.intp),
        np.array([0 if bit else ALL for _, bit in keys], np.uint64),
        np.cumsum([0, *sizes]),
        np.array([where[c] for c, _ in writes], np.intp),
        np.array([bit for _, bit in writes], bool),
    )
    return tuple(lines), steps, sizes
