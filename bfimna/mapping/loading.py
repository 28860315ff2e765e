"""How a fold's operands get into the rows of the CAPs: the two ways to store what im2col copies."""

import numpy as np

from bfimna.ap import counts as ap
from bfimna.ap.counts import Counts
from bfimna.mapping.geometry import Geometry


def load_operands(g: Geometry, bits: np.ndarray) -> Counts:
    """Count what loading the folds' operands takes, over all folds.

    Latched: latches beside the array hold all rows' operands, and each column is written in one
    cycle, every row its own bit. By row: a CAP has no such latches, so the rows of a CAP are
    written one after the other, all CAPs at once; each takes its word line, and drives its columns
    past the rows of one mat.

    Parameters
    ----------
    bits : columns of both operands, shape (..., weighted layers).
    """
    if g.chip.load_mode == "latched":
        return ap.load(bits).repeat(g.parts.folds, g.products)
    cells = g.products * bits
    return Counts(
        writes=g.parts.folds * g.chip.rows,
        cells_written=cells,
        words_written=g.products,
        lines_driven=cells * np.ceil(g.chip.rows / g.chip.mats),
    )
