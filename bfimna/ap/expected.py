"""Tables of what programs are expected to match and write in a row of random operand bits.

All else that a program does is exact; these two follow the data. Each program's file has its own.
"""

from collections.abc import Callable
from functools import wraps
from math import prod
from typing import Any

import numpy as np

from bfimna.ap.events import Amount
from bfimna.errors import BfimnaError

WIDEST = 64  # bits of a word that programs take

Tagged = tuple[Amount, ...]  # expected per row: passes that match, and cells that they write
LookUp = Callable[..., tuple[Amount, ...]]


def tabulated(*highest: int, values: int = 2) -> Callable[[Callable[..., object]], LookUp]:
    """Make a function of whole numbers that returns floats accept arrays, each entry computed once.

    Parameters
    ----------
    highest : value of each argument.
    values : floats that the function returns.
    """
    shape = tuple(h + 1 for h in highest)

    def decorate(function: Callable[..., object]) -> LookUp:
        table = np.full((values, prod(shape)), np.nan)

        @wraps(function)
        def look_up(*arguments: Amount) -> tuple[Amount, ...]:
            index: tuple[Any, ...] = tuple(np.asarray(x, dtype=np.intp) for x in arguments)
            try:
                at = np.ravel_multi_index(index, shape)
            except ValueError:
                raise _too_wide(index, highest) from None
            found = table[:, at]
            if np.isnan(found[0]).any():
                for entry in set(np.ravel(at[np.isnan(found[0])]).tolist()):
                    table[:, entry] = function(*(int(x) for x in np.unravel_index(entry, shape)))
                found = table[:, at]
            return tuple(found if found.ndim > 1 else found.tolist())

        return look_up

    return decorate


def _too_wide(index: tuple[Any, ...], highest: tuple[int, ...]) -> BfimnaError:
    for width, high in zip(index, highest, strict=True):
        for wrong in width[(width < 0) | (width > high)].flat:
            return BfimnaError(f"a word of {wrong} bits: programs take 0 to {high}")
    shapes = [np.shape(width) for width in index]
    return BfimnaError(f"widths of shapes {shapes} do not broadcast")
