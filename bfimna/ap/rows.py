"""One element per row: the word that a chain of layers works on, and the columns around it.

Columns are addressed one by one, so a word needs no neighbouring ones: a program is written for
columns that lie side by side and run wherever its words are.
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
    """Rows of an array, each with a word of its own in the same columns.

    Attributes
    ----------
    word : its columns, the sign's the last, even where a word is never negative.
    channel : of each row's element.
    offset : of a word in excess form, to be added to what is read; 0 for all others.
    """

    def __init__(self, array: Array, channel: np.ndarray, word: Sequence[int] = ()) -> None:
        self.array, self.channel = array, channel
        self.word: Columns = tuple(word)
        self.offset = 0

    def spare(self, count: int, *taken: Sequence[int]) -> Columns:
        """Return columns that none of these words take."""
        used = {column for word in taken for column in word}
        free = [column for column in range(self.array.columns) if column not in used]
        if len(free) < count:
            raise BfimnaError(
                f"a layer needs {len(used) + count} columns; the array has {self.array.columns}"
            )
        return tuple(free[:count])

    def load(self, values: np.ndarray, columns: Columns, clear: Columns = ()) -> None:
        """Load a word in every row, one column a cycle; `clear` is cleared along with it."""
        for run in _runs(clear):
            self.array.load_planes(np.empty((0, 1, self.array.words), np.uint64), range(0), run)
        numbers, at = np.asarray(values), 0
        for run in _runs(columns):
            last = at + len(run) == len(columns)
            part = numbers >> at if last else (numbers >> at) & ((1 << len(run)) - 1)
            self.array.load(part, run)
            at += len(run)

    def read(self, columns: Columns, signed: bool) -> np.ndarray:
        """Read a word of every row, one column a cycle."""
        numbers, at = np.zeros(self.array.groups, np.int64), 0
        for run in _runs(columns):
            last = at + len(run) == len(columns)
            numbers += self.array.read(run, signed=signed and last)[0] << at
            at += len(run)
        return numbers

    def result(self, width: int, signed: bool) -> np.ndarray:
        """Read the word's lowest `width` columns; what is in excess form has no sign."""
        return self.read(self.word[:width], signed and not self.offset) + self.offset

    def run(self, program: Sequence[Pass], columns: Columns = ()) -> None:
        """Run a program; if columns are given, the program's column k stands for the k-th."""
        self.array.run(_moved(Program(program), columns) if columns else program)


def _runs(columns: Columns) -> list[range]:
    """Split columns into runs of neighbouring ones.

    >>> _runs((3, 4, 7))
    [range(3, 5), range(7, 8)]
    """
    found = []
    for _, group in groupby(enumerate(columns), lambda pair: pair[1] - pair[0]):
        run = [column for _, column in group]
        found.append(range(run[0], run[-1] + 1))
    return found


@lru_cache(maxsize=1024)
def _moved(program: Program, columns: Columns) -> Program:
    return Program(
        Pass(
            tuple((columns[c], bit) for c, bit in step.key),
            tuple((columns[c], bit) for c, bit in step.write),
        )
        for step in program
    )
