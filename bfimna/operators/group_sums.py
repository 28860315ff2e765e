"""Sums over rows: groups of rows that are added up in an array, some split over several arrays."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import repeat

import numpy as np

from bfimna.ap import counts as ap
from bfimna.ap.counts import Counts, CountSet


@dataclass(frozen=True)
class Fit:
    """How sums of equal length, one word per row, fit arrays.

    Attributes
    ----------
    sums : how many there are.
    splits : arrays that share one sum.
    part : rows of a sum in one array.
    last_part : rows of a sum in the last of its arrays.
    per_array : sums (or parts) that find room side by side in an array.
    """

    sums: int
    splits: int
    part: int
    last_part: int
    per_array: int

    @property
    def arrays(self) -> int:
        """Arrays that hold all sums at once."""
        return -(-self.sums * self.splits // self.per_array)

    def folds(self, arrays: int) -> int:
        """Return how often a chip of so many arrays is filled."""
        return -(-self.arrays // arrays)

    def side_by_side(self, arrays: int) -> int:
        """Return the sums (or parts) of an array, spread evenly over folds and arrays."""
        return -(-self.sums * self.splits // (self.folds(arrays) * arrays))


def fit(length: int, sums: int, rows: int) -> Fit:
    """Fit sums of `length` words: ⌊rows / length⌋ in an array, or each over ⌈length / rows⌉.

    >>> fit(576, sums=200704, rows=4800)
    Fit(sums=200704, splits=1, part=576, last_part=576, per_array=8)
    """
    splits = -(-length // rows)
    part = -(-length // splits)
    last = length - part * (splits - 1)
    return Fit(sums, splits, part, last, rows // part if splits == 1 else 1)


@dataclass(frozen=True)
class GroupSums:
    """The fits of several layers, as arrays over them.

    Attributes
    ----------
    sums, splits, part, last_part : see `Fit`.
    side_by_side : sums (or parts) in one array.
    folds : times that the chip is filled.
    kind : of the arrays.
    columns : of an array.
    """

    sums: np.ndarray
    splits: np.ndarray
    part: np.ndarray
    last_part: np.ndarray
    side_by_side: np.ndarray
    folds: np.ndarray
    kind: ap.ApKind
    columns: int
    fits: tuple[Fit, ...]

    @classmethod
    def fitted(
        cls,
        lengths: Iterable[int],
        sums: Iterable[int],
        arrays: int,
        rows: int,
        columns: int,
        kind: ap.ApKind,
    ) -> "GroupSums":
        """Fit layers' sums, of these lengths and numbers, into a chip's arrays."""
        fits = tuple(map(fit, lengths, sums, repeat(rows)))
        return cls(
            fits=fits,
            sums=np.array([f.sums for f in fits], dtype=float),
            splits=np.array([f.splits for f in fits], dtype=float),
            part=np.array([f.part for f in fits], dtype=np.int64),
            last_part=np.array([f.last_part for f in fits], dtype=np.int64),
            side_by_side=np.array([f.side_by_side(arrays) for f in fits], dtype=float),
            folds=np.array([f.folds(arrays) for f in fits], dtype=float),
            kind=kind,
            columns=columns,
        )

    def shares(self, clusters: int) -> tuple[int, ...]:
        """Return the sums of the busiest of so many clusters in a fold."""
        folds = self.folds.astype(int).tolist()
        pairs = zip(self.fits, folds, strict=True)
        return tuple(-(-f.sums // (times * clusters)) for f, times in pairs)

    def rows_left(self, counts: CountSet) -> np.ndarray:
        """Rows that the reduction of a sum leaves to be added, over all its parts."""
        if counts == "published":
            return self.splits
        whole, last = (ap.rows_left(rows, self.kind) for rows in (self.part, self.last_part))
        return (self.splits - 1) * whole + last

    def reduce(
        self,
        total: np.ndarray,
        counts: CountSet,
        signed: bool = False,
        adder: ap.Adder = "four-pass",
    ) -> Counts:
        """Add up the rows of all parts, in the `total` columns of the whole sum.

        Parameters
        ----------
        signed : whether the words are, and their signs are extended level by level (1D only).
        """
        beside = self.columns - total - 1  # which is the carry's

        def program(length: np.ndarray) -> Counts:
            narrow = total - ap.levels(length)
            beside_each = self.side_by_side
            return ap.reduce(length, narrow, self.kind, counts, beside_each, signed, beside, adder)

        return self.each(program)

    def each(self, program: Callable[[np.ndarray], Counts]) -> Counts:
        """Return the counts of all parts, from the counts of one part by its rows."""

        def parts(length: np.ndarray, number: np.ndarray) -> Counts:
            return program(length).repeat(self.folds, number)

        if (self.last_part == self.part).all():
            return parts(self.part, self.sums * self.splits)
        last = parts(self.last_part, self.sums)  # beside the longer ones: no cycles of its own
        return parts(self.part, self.sums * (self.splits - 1)) + last.repeat(0, 1)


@lru_cache(maxsize=4096)
def segments(
    words: int, kind: ap.ApKind, rows: int, mats: int, apart: float = 1.0
) -> tuple[float, float, float]:
    """Return what a column's line has attached while a group of `words` rows is reduced.

    With segments every level attaches each row of the group to one of its sets of three, so a set
    has words / sets rows on average; without, every set has all `rows` of the array.

    Parameters
    ----------
    rows, mats : of the array, whose mats have as many rows each.
    apart : rows of the array for each row of the group, where others lie between them.

    Returns
    -------
    Mean rows over all sets; over the levels, mean rows in one mat, and mean number of times that
    the mats spanned double.

    >>> [tuple(round(x, 1) for x in segments(n, "2d-segmented", 4800, 16)) for n in (3, 9, 576)]
    [(3.0, 3.0, 0.0), (5.1, 6.4, 0.0), (15.1, 114.3, 0.1)]
    """
    spans, sets, left = [float(min(words, 3))] * (words < 3), [1.0] * (words < 3), words
    while left > 2:
        sets.append(left // 3)
        spans.append(words / sets[-1])
        left -= left // 3
    if kind == "2d":
        spans = [float(rows)] * len(spans)
    mat = -(-rows // mats)
    spans = [span * apart for span in spans]
    doublings = [float(ap.levels(np.ceil(span / mat))) for span in spans]
    each = np.array(spans)
    return (
        float(np.average(each, weights=sets)),
        float(np.minimum(each, mat).mean()),
        float(np.mean(doublings)),
    )
