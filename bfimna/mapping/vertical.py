"""Vertical mode of a reduction: what its lines have attached, and how often it is entered."""

from dataclasses import replace

import numpy as np

from bfimna.ap import counts as ap
from bfimna.mapping.chip import Chip
from bfimna.mapping.work import HORIZONTAL, Mode, Vertical
from bfimna.operators.group_sums import GroupSums, segments
from bfimna.operators.operator import LayerBatch


def reduction_mode(sums: GroupSums, chip: Chip) -> Mode:
    """Return the mode in which sums are reduced on a chip's arrays; horizontal on 1D ones.

    A fold enters vertical mode once. The rows of its arrays change, and with segments every level
    cuts them anew. (A layer without three rows to add takes no cycle, and is not charged.)
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
    whole = np.where(chip.ap_kind == "2d", chip.rows, part * apart)
    longest = np.minimum(whole, -(-chip.rows // chip.mats))
    return Vertical(rows, span, mats, folds * reduced, entered * reduced, cuts, longest)


def repeated_mode(mode: Vertical, times: int) -> Vertical:
    """Return the mode of groups that are reduced several times, one after the other."""
    fields = ("entries", "entered_rows", "cut_rows")
    return replace(mode, **{name: getattr(mode, name) * times for name in fields})


def searched_mode(mode: Vertical, batch: LayerBatch, steps: np.ndarray, chip: Chip) -> Vertical:
    """Return the mode of groups that search before they are reduced.

    Each step of a search enters vertical mode by itself, and its two cycles have a whole group
    attached. Energies keep the reduction's rows: a search has a line per group and step, a
    reduction one for each three rows and column.

    Parameters
    ----------
    steps : of the search, in a fold; shape (..., n).
    """
    part, mat = batch.sums.part, -(-chip.rows // chip.mats)
    attached = part if chip.ap_kind == "2d-segmented" else np.full_like(part, chip.rows)
    reduced = ap.reduce(part, 1, adder=batch.adder).cycles
    share = 2.0 * steps / np.maximum(2.0 * steps + reduced, 1.0)
    span = mode.span + share * (np.minimum(attached, mat) - mode.span)
    mats = mode.mats + share * (ap.levels(np.ceil(attached / mat)) - mode.mats)
    entries = mode.entries + batch.sums.folds * steps
    rows = batch.sums.sums * ((batch.sums.splits - 1) * part + batch.sums.last_part)
    entered = mode.entered_rows + rows * steps
    return replace(mode, span=span, mats=mats, entries=entries, entered_rows=entered)
