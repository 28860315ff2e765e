"""Sums over rows: groups of rows that are added up in an array, some split over several arrays."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bfimna.ap import counts as ap
from bfimna.ap.counts import Counts, CountSet
from bfimna.chip.chip import Chip, Fit


@dataclass(frozen=True)
class Parts:
    """Arrays over layers; see `bfimna.chip.chip.Fit`.

    Attributes
    ----------
    dots : sums of the batch.
    splits : arrays that share one sum.
    part : rows of a sum in one array.
    last_part : rows of a sum in the last of its arrays.
    side_by_side : sums (or parts) in one array.
    folds : times that the chip is filled.
    kind : of the arrays.
    """

    dots: np.ndarray
    splits: np.ndarray
    part: np.ndarray
    last_part: np.ndarray
    side_by_side: np.ndarray
    folds: np.ndarray
    kind: ap.ApKind

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
        )

    def rows_left(self, counts: CountSet) -> np.ndarray:
        """Rows that the reduction of a sum leaves to be added, over all its parts.

        A sum and a carry each, but for a part of one row, and on a 1D AP.
        """
        if counts == "published" or self.kind == "1d":
            return self.splits
        whole, last = np.minimum(self.part, 2), np.minimum(self.last_part, 2)
        return (self.splits - 1) * whole + last

    def reduce(self, total: np.ndarray, counts: CountSet) -> Counts:
        """Add up the rows of all parts, in the `total` columns of the whole sum."""

        def parts(length: np.ndarray, number: np.ndarray) -> Counts:
            narrow = total - ap.levels(length)
            program = ap.reduce(length, narrow, self.kind, counts, self.side_by_side)
            return program.repeat(self.folds, number)

        if (self.last_part == self.part).all():
            return parts(self.part, self.dots * self.splits)
        last = parts(self.last_part, self.dots)  # beside the longer ones: no cycles of its own
        return parts(self.part, self.dots * (self.splits - 1)) + last.repeat(0, 1)
