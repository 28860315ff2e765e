"""Vertical mode of a reduction: what its lines have attached, and how often it is entered."""

import numpy as np

from bfimna.ap import counts as ap
from bfimna.mapping.chip import Chip
from bfimna.mapping.schedule import HORIZONTAL, Mode, Vertical
from bfimna.operators.group_sums import GroupSums, segments


def reduction_mode(sums: GroupSums, chip: Chip) -> Mode:
    """Return the mode in which sums are reduced on a chip's arrays; horizontal on 1D ones.

    A fold enters vertical mode once. The rows of its arrays change, and with segments every level
    cuts them anew. (A layer without three rows to add takes no cycle, and is not charged.)
    """
    if chip.ap_kind == "1d":
        return HORIZONTAL
    attached = [segments(n, chip.ap_kind, chip.rows, chip.mats) for n in sums.part.tolist()]
    rows, span, mats = np.array(attached, dtype=float).reshape(-1, 3).T
    entered = sums.sums * ((sums.splits - 1) * sums.part + sums.last_part)
    cuts = entered * ap.tree_levels(sums.part) * (chip.ap_kind == "2d-segmented")
    whole = np.where(chip.ap_kind == "2d", chip.rows, sums.part)
    longest = np.minimum(whole, -(-chip.rows // chip.mats))
    return Vertical(rows, span, mats, sums.folds, entered, cuts, longest)
