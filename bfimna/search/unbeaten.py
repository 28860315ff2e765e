"""Pareto's rule, once: which rows no other row beats."""

import numpy as np


def unbeaten(values: np.ndarray) -> np.ndarray:
    """Return whether each row has no other that is nowhere greater and somewhere less.

    Parameters
    ----------
    values : what is to be small, shape (rows, objectives). Equal rows do not beat each other.

    Returns
    -------
    bool array of shape (rows,).

    Examples
    --------
    >>> unbeaten(np.array([[1.0, 3.0], [2.0, 2.0], [2.0, 3.0], [1.0, 3.0]])).tolist()
    [True, True, False, True]
    """
    distinct, of = np.unique(values, axis=0, return_inverse=True)  # sorted: no row beats an earlier
    kept: list[int] = []
    for k, row in enumerate(distinct):
        if not (distinct[kept] <= row).all(axis=1).any():
            kept.append(k)
    return np.isin(of.reshape(-1), kept)
