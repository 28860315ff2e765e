"""Rows of an array with one element each: the word that a chain of layers works on.

Columns are addressed one by one, so a word's columns need not be adjacent: a program is written for
adjacent columns and runs on any.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby

import numpy as np

from bfimna.ap.array import Array
from bfimna.ap.passes import Pass
from bfimna.ap.programs import Program
from bfimna.errors import BfimnaError

Columns = tuple[int, ...]


class Rows:
    """Rows of an array, each with its own word in the same columns.

    Attributes
    ----------
    word : its columns; the last is a sign column, even if the word is never negative.
    channel : of each row's element.
    offset : of a word in excess form, added when it is read; 0 for all other words.
    """

    def __init__(self, array: Array, channel: np.ndarray, word: Sequence[int] = ()) -> None:
        self.array, self.channel = array, channel
        self.word: Columns = tuple(word)
        self.offset = 0

    def spare(self, count: int, *words: Sequence[int]) -> Columns:
        """Return `count` columns that are in none of these words."""
        used = {column for word in words for column in word}
        free = [column for column in range(self.array.columns) if column not in used]
        if len(free) < count:
            raise BfimnaError(
                f"a layer needs {len(used) + count} columns; the array has {self.array.columns}"
            )
        return tuple(free[:count])

    def load(self, values: np.ndarray, columns: Columns, clear: Columns = ()) -> None:
        """Load a word in every row, one column per cycle, and clear the columns `clear` with it."""
        self.array.clear_along(_runs(clear))
        numbers, at = np.asarray(values), 0
        for run in _runs(columns):
            last = at + len(run) == len(columns)
            part = numbers >> at if last else (numbers >> at) & ((1 << len(run)) - 1)
            self.array.load(part, run)
            at += len(run)

    def read(self, columns: Columns, signed: bool) -> np.ndarray:
        """Read a word of every row, one column per cycle."""
        numbers, at = np.zeros(self.array.groups, np.int64), 0
        for run in _runs(columns):
            last = at + len(run) == len(columns)
            numbers += self.array.read(run, signed=signed and last)[0] << at
            at += len(run)
        return numbers

    def result(self, width: int, signed: bool) -> np.ndarray:
        """Read the word's lowest `width` columns; a word in excess form has no sign column."""
        return self.read(self.word[:width], signed and not self.offset) + self.offset

    def run(self, program: Sequence[Pass], columns: Columns = ()) -> None:
        """Run a program; its column k is the k-th of `columns`, if any are given."""
        self.array.run(_moved(Program(program), columns) if columns else program)


def _runs(columns: Columns) -> list[range]:
    """Split columns into runs of adjacent ones.

    >>> _runs((3, 4, 7))
    [range(3, 5), range(7, 8)]
    """
    runs = []
    for _, group in groupby(enumerate(columns), lambda pair: pair[1] - pair[0]):
        run = [column for _, column in group]
        runs.append(range(run[0], run[-1] + 1))
    return runs


@lru_cache(maxsize=1024)
def _moved(program: Program, columns: Columns) -> Program:
    return Program(
        Pass(
            tuple((columns[c], bit) for c, bit in step.key),
            tuple((columns[c], bit) for c, bit in step.write),
        )
        for step in program
    )
