"""Tables of what programs are expected to match and write in a row of random operand bits.

All else that a program does is exact; these two follow the data. Each program's file has its own.
"""

from collections.abc import Callable
from functools import wraps
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

    def decorate(function: Callable[..., object]) -> LookUp:
        table = np.full((values, *(h + 1 for h in highest)), np.nan)

        @wraps(function)
        def look_up(*arguments: Amount) -> tuple[Amount, ...]:
            index: tuple[Any, ...] = tuple(np.asarray(x, dtype=np.intp) for x in arguments)
            for at, high in zip(index, highest, strict=True):
                if at.size and not 0 <= at.min() <= at.max() <= high:
                    wrong = at.min() if at.min() < 0 else at.max()
                    raise BfimnaError(f"a word of {wrong} bits: programs take 0 to {high}")
            found = table[(slice(None), *index)]
            if np.isnan(found).any():
                grid = np.broadcast_arrays(*index)
                for entry in set(zip(*(g.ravel().tolist() for g in grid), strict=True)):
                    table[(slice(None), *entry)] = function(*entry)
                found = table[(slice(None), *index)]
            return tuple(found if found.ndim > 1 else found.tolist())

        return look_up

    return decorate
