"""Closed forms of runs of passes: exact events, and the expected tags and cells.

What a program does to a row of random operand bits is tabulated by width: passes that match, and
cells that they write. All else is exact. Each program's file has its own table.
"""

from collections.abc import Callable
from functools import wraps
from math import prod
from typing import Any

import numpy as np

from bfimna.ap.events import Amount, Counts
from bfimna.ap.passes import Lut
from bfimna.errors import BfimnaError

MAX_WORD_BITS = 64  # of a word that programs take

Tagged = tuple[Amount, ...]  # expected per row: passes that match, and cells that they write


def count_passes(
    passes: Amount, keys: Amount, tags: Amount, cells: Amount, lines: Amount
) -> Counts:
    """Count passes that each compare a key and write the tagged rows.

    Parameters
    ----------
    keys : driven key columns, over all passes.
    tags : expected passes that match a row.
    cells : expected cells that are written of a row.
    lines : driven written columns, over all passes.
    """
    return Counts(
        compares=passes,
        writes=passes,
        compare_rows=passes,
        key_cells=keys,
        cells_written=cells,
        rows_matched=tags,
        words_written=tags,
        lines_driven=lines,
    )


def count_table(lut: Lut, steps: Amount, tagged: Tagged) -> Counts:
    """Count `steps` runs of a pass table that match and write so much in all."""
    tags, cells = tagged
    lines = lut.written_columns * steps
    return count_passes(len(lut) * steps, lut.key_columns * steps, tags, cells, lines)


def count_random_step(lut: Lut) -> Counts:
    """Count one run of a pass table on columns of random bits, the carry's too."""
    matches, cells, _ = lut.expect(*[0.5] * len(lut.columns))
    return count_table(lut, 1, (matches, cells))


def tabulated(
    *highest: int, values: int = 2
) -> Callable[[Callable[..., Any]], Callable[..., Tagged]]:
    """Make a function of whole numbers that returns floats accept arrays, each entry computed once.

    Parameters
    ----------
    highest : value of each argument.
    values : floats that the function returns.
    """
    shape = tuple(h + 1 for h in highest)

    def decorate(function: Callable[..., Any]) -> Callable[..., Tagged]:
        table = np.full((values, prod(shape)), np.nan)

        @wraps(function)
        def look_up(*arguments: Amount) -> Tagged:
            index: tuple[Any, ...] = tuple(np.asarray(x, dtype=np.intp) for x in arguments)
            try:
                at = np.ravel_multi_index(index, shape)
            except ValueError:
                raise _too_wide(index, highest) from None
            entries = table[:, at]
            if np.isnan(entries[0]).any():
                for entry in set(np.ravel(at[np.isnan(entries[0])]).tolist()):
                    table[:, entry] = function(*(int(x) for x in np.unravel_index(entry, shape)))
                entries = table[:, at]
            return tuple(entries if entries.ndim > 1 else entries.tolist())

        return look_up

    return decorate


def _too_wide(index: tuple[Any, ...], highest: tuple[int, ...]) -> BfimnaError:
    for width, high in zip(index, highest, strict=True):
        for wrong in width[(width < 0) | (width > high)].flat:
            return BfimnaError(f"a word of {wrong} bits: programs take 0 to {high}")
    shapes = [np.shape(width) for width in index]
    return BfimnaError(f"widths of shapes {shapes} do not broadcast")
