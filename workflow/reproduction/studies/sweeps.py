"""What a sweep's picture shows of a dataset that need not fit in memory: fronts and a sample."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Shown:
    """Points of a sweep worth drawing.

    Attributes
    ----------
    points : how many points there are.
    front : of each network and mean width in whole bits, the points than which no other is both
        faster and cheaper, fastest first; with the column bits.
    cloud : points drawn at random, of each network at most so many.
    best : the point of least EDP of each network.
    """

    points: int
    front: pd.DataFrame
    cloud: pd.DataFrame
    best: pd.DataFrame


def shown(parts: Iterable[pd.DataFrame], drawn: int, seed: int = 0) -> Shown:
    """Look at a sweep part by part, and keep what is to be drawn.

    Parameters
    ----------
    parts : tables of points, as `read_parts` yields them.
    drawn : points of each network in the cloud.
    """
    random = np.random.default_rng(seed)
    count, front, cloud, best = 0, pd.DataFrame(), pd.DataFrame(), pd.DataFrame()
    for part in parts:
        count += len(part)
        part = part.assign(bits=part.mean_bits.round().astype(int), lot=random.random(len(part)))
        front = _unbeaten(pd.concat([front, part]))
        cloud = _least(pd.concat([cloud, part]), "lot", drawn)
        best = _least(pd.concat([best, part]), "edp_js", 1)
    left, right = front.drop(columns="lot"), best.drop(columns=["bits", "lot"])
    return Shown(count, left.reset_index(drop=True), cloud, right)


def _unbeaten(points: pd.DataFrame) -> pd.DataFrame:
    """Return the fronts: sorted by latency, the points whose energy is below all before."""
    ordered = points.sort_values(["latency_s", "energy_j"], ignore_index=True)
    groups = [ordered.network, ordered.bits]
    least = ordered.groupby(groups, sort=False).energy_j.cummin()
    before = least.groupby(groups, sort=False).shift(fill_value=np.inf)
    return ordered[ordered.energy_j < before]


def _least(points: pd.DataFrame, column: str, most: int) -> pd.DataFrame:
    """Return of each network the rows that are least in a column."""
    return points.sort_values(column, kind="stable").groupby("network", sort=True).head(most)
