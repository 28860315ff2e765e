"""How long a column's line is while rows are added up in vertical mode."""

import numpy as np

from bfimna.ap import counts as ap
from bfimna.mapping.chip import Chip


def segment_rows(words: np.ndarray, chip: Chip) -> np.ndarray:
    """Mean rows attached to a column's line while groups of `words` rows are reduced.

    With segments every level attaches each row of a group to one of its joins; without, all rows of
    the array are attached in every join.

    >>> [round(float(segment_rows(np.array(n), Chip())), 1) for n in (3, 9, 576)]
    [3.0, 5.1, 15.1]
    """
    if chip.ap_kind == "2d":
        return np.full(np.shape(words), float(chip.rows))
    per_join = words * ap.tree_levels(words) / np.maximum(words - 2, 1)
    return np.maximum(per_join, np.minimum(words, 3))
