"""Sums over rows: groups of rows that are added up in an array, some split over several arrays."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bfimna.ap import counts as ap
from bfimna.ap.counts import Counts, CountSet
from bfimna.mapping.chip import Chip, Fit


@dataclass(frozen=True)
class Parts:
    """Arrays over layers; see `bfimna.mapping.chip.Fit`.

    Attributes
    ----------
    dots : sums of the batch.
    splits : arrays that share one sum.
    part : rows of a sum in one array.
    last_part : rows of a sum in the last of its arrays.
    side_by_side : sums (or parts) in one array.
    folds : times that the chip is filled.
    kind : of the arrays.
    columns : of an array.
    """

    dots: np.ndarray
    splits: np.ndarray
    part: np.ndarray
    last_part: np.ndarray
    side_by_side: np.ndarray
    folds: np.ndarray
    kind: ap.ApKind
    columns: int

    @classmethod
    def of(cls, fits: Sequence[Fit], chip: Chip) -> "Parts":
        """Lay the fits of layers side by side."""
        return cls(
            dots=np.array([f.dots for f in fits], dtype=float),
            splits=np.array([f.splits for f in fits], dtype=float),
            part=np.array([f.part for f in fits], dtype=np.int64),
            last_part=np.array([f.last_part for f in fits], dtype=np.int64),
            side_by_side=np.array([f.side_by_side(chip.caps) for f in fits], dtype=float),
            folds=np.array([f.folds(chip.caps) for f in fits], dtype=float),
            kind=chip.ap_kind,
            columns=chip.columns,
        )

    def rows_left(self, counts: CountSet) -> np.ndarray:
        """Rows that the reduction of a sum leaves to be added, over all its parts."""
        if counts == "published":
            return self.splits
        whole, last = (ap.rows_left(rows, self.kind) for rows in (self.part, self.last_part))
        return (self.splits - 1) * whole + last

    def reduce(self, total: np.ndarray, counts: CountSet, signed: bool = False) -> Counts:
        """Add up the rows of all parts, in the `total` columns of the whole sum.

        Parameters
        ----------
        signed : whether the words are, and their signs are extended level by level (1D only).
        """
        beside = self.columns - total - 1  # which is the carry's

        def program(length: np.ndarray) -> Counts:
            narrow = total - ap.levels(length)
            return ap.reduce(length, narrow, self.kind, counts, self.side_by_side, signed, beside)

        return self.each(program)

    def each(self, program: Callable[[np.ndarray], Counts]) -> Counts:
        """Run the program of a part of so many rows on all parts."""

        def parts(length: np.ndarray, number: np.ndarray) -> Counts:
            return program(length).repeat(self.folds, number)

        if (self.last_part == self.part).all():
            return parts(self.part, self.dots * self.splits)
        last = parts(self.last_part, self.dots)  # beside the longer ones: no cycles of its own
        return parts(self.part, self.dots * (self.splits - 1)) + last.repeat(0, 1)
