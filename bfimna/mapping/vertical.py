"""Vertical mode of a reduction: what its lines have attached, and how often it is entered."""

import numpy as np

from bfimna.ap import counts as ap
from bfimna.mapping.chip import Chip
from bfimna.mapping.schedule import HORIZONTAL, Mode, Vertical
from bfimna.operators.group_sums import GroupSums, segments


def reduction_mode(sums: GroupSums, chip: Chip) -> Mode:
    """Return the mode in which sums are reduced on a chip's arrays; horizontal on 1D ones.

    A fold enters vertical mode once, unless no sum has three rows. The rows of its arrays change,
    and with segments every level cuts them anew.
    """
    if chip.ap_kind == "1d":
        return HORIZONTAL
    entered = sums.sums * ((sums.splits - 1) * sums.part + sums.last_part)
    return groups_mode(sums.part, sums.folds, entered, chip)


def groups_mode(
    part: np.ndarray, folds: np.ndarray, entered: np.ndarray, chip: Chip, apart: float = 1.0
) -> Vertical:
    """Return the mode in which groups of rows are reduced on a chip's 2D arrays.

    Parameters
    ----------
    part : rows of a group.
    folds : times that the chip is filled with groups.
    entered : rows of all groups, with those that lie between them.
    apart : rows of the array for each row of a group.
    """
    lengths, which = np.unique(part, return_inverse=True)
    array = chip.ap_kind, chip.rows, chip.mats
    attached = [segments(n, *array, apart) for n in lengths.tolist()]
    rows, span, mats = np.array(attached, dtype=float).T[:, which.reshape(np.shape(part))]
    reduced = part > 2
    cuts = entered * reduced * ap.tree_levels(part) * (chip.ap_kind == "2d-segmented")
    return Vertical(rows, span, mats, folds * reduced, entered * reduced, cuts)
