"""The best chip that can be built, and how far another one is from the best."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from bfimna.errors import one_of
from bfimna.mapping.chip import Chip
from bfimna.names import AnyChip, AnyNetwork, AnyPrecision, AnyTechnology, load_chip
from bfimna.search.chip_search import (
    GRID,
    OBJECTIVES,
    Value,
    checked_grid,
    chips_of,
    search_chips,
)

if TYPE_CHECKING:
    import pandas as pd


def best_chip(
    networks: AnyNetwork | Sequence[AnyNetwork],
    technology: AnyTechnology,
    precisions: AnyPrecision | Sequence[AnyPrecision] | None = None,
    objective: str = "edp_js",
    grid: Mapping[str, Sequence[Value]] = GRID,
    budgets: Mapping[str, float] | None = None,
    base: AnyChip | None = None,
    batch: int = 1,
) -> Chip:
    """Return the feasible chip of a grid with the least latency, energy, EDP or area.

    Every chip of the grid is simulated, so none of them is better. Of equals, the smallest, then
    the fastest. Parameters and errors are those of `search_chips`.

    Parameters
    ----------
    objective : "latency_s", "energy_j", "edp_js" or "area_m2", of all networks together.

    Examples
    --------
    >>> import bfimna as bf
    >>> chip = best_chip("resnet18", "sram-14nm-lstp", grid={"weights": ("auto",),
    ...     "clusters": (16, 64), "maps_per_cluster": (1, 8)}, budgets={"area_m2": 200e-6})
    >>> chip.clusters
    16
    """
    one_of("objective of a chip", objective, (*OBJECTIVES, "edp_js"))
    table = search_chips(
        networks, technology, precisions, grid, budgets, base, batch, must_be_feasible=True
    )
    best = table.sort_values([objective, *OBJECTIVES[::-1]], kind="stable").iloc[0]
    own = Chip.limited() if base is None else load_chip(base)
    return next(chip for chip in chips_of(own, checked_grid(grid)) if chip.name == best.chip)


def distance(table: "pd.DataFrame", reference: Mapping[str, float]) -> dict[str, float]:
    """Return how far a chip is from the best of a table of `search_chips`.

    Parameters
    ----------
    reference : latency_s, energy_j and area_m2 of the chip.

    Returns
    -------
    ``latency_ratio``, ``energy_ratio``, ``area_ratio``: the least of each among chips no worse in
    the other two, over the reference's (1: none is better). ``all_ratio``: the least factor by
    which one chip's three are all smaller or equal at once (above 1: each has one that is
    greater). ``beaten_by``: the number of chips that dominate it.
    """
    ratios = table[list(OBJECTIVES)].to_numpy(float) / [reference[what] for what in OBJECTIVES]
    distances = {}
    for k, what in enumerate(OBJECTIVES):
        others = (np.delete(ratios, k, axis=1) <= 1).all(axis=1)
        name = f"{what.split('_')[0]}_ratio"
        distances[name] = min(1.0, float(ratios[others, k].min(initial=np.inf)))
    distances["all_ratio"] = float(ratios.max(axis=1).min())
    better = (ratios <= 1).all(axis=1) & (ratios < 1).any(axis=1)
    return {**distances, "beaten_by": int(better.sum())}
