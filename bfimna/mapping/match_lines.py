"""Match lines in segments: what a multiplication's compares leave detached.

The operands, product and carry of a row lie in the first columns, so that a switch between two
segments cuts off all behind them. It is set before each fold's multiplication and again after it;
every other phase attaches the whole line. Programs and their counts stay as they are. Model
document, section 3.
"""

from collections.abc import Sequence

import numpy as np

from bfimna.ap.counts import Counts
from bfimna.mapping.chip import Chip
from bfimna.mapping.work import Vertical, Work, joined

SETTINGS = 2  # of a row's switch in a fold: before the multiplication and after it


def detached(chip: Chip, columns: Sequence[tuple[str, np.ndarray]]) -> np.ndarray:
    """Return the segments that multiplying leaves detached, shape (..., products).

    Parameters
    ----------
    columns : that each phase needs, as `Products.columns` returns them.

    Examples
    --------
    >>> detached(Chip(match_segments=12), [("multiply (all)", np.array([19, 36, 37, 67]))]).tolist()
    [4, 3, 2, 0]
    """
    needed = np.max([n for phase, n in columns if phase.startswith("multiply")], axis=0)
    attached = -(-needed // (chip.match_segments or chip.columns))
    return np.asarray(np.maximum(chip.segments - attached, 0))


def cut(work: Work, free: np.ndarray, folds: np.ndarray, index: np.ndarray) -> Work:
    """Return the work of multiplying with what its detached segments save, and their switches.

    Parameters
    ----------
    free : segments that each product leaves detached, shape (..., products).
    folds : of each product. index : position of each product's layer.
    """
    return joined([_cut(part, free, folds, index) for part in work.by_mode()])


def _cut(work: Work, free: np.ndarray, folds: np.ndarray, index: np.ndarray) -> Work:
    if isinstance(work.mode, Vertical):  # a column's line has segments of its own
        return work
    order = np.argsort(index)
    product = order[np.searchsorted(index, work.layers, sorter=order)]
    off, counts = free[..., product], work.counts
    saved = Counts(
        compares_cut=counts.compares * off,
        rows_cut=counts.compare_rows * off,
        matches_cut=counts.rows_matched * off,
        cuts=SETTINGS * folds[product] * (off > 0),
    )
    return Work(work.layers, counts + saved, work.rows, work.mode)
