"""Pareto-optimal chips in latency, energy and area, beside the paper's LR.

The table behind the figure `chips`.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from bfimna.names import load_network, load_precision, load_technology
from bfimna.search.best_chip import distance
from bfimna.search.chip_search import GRID, OBJECTIVES, search_chips
from bfimna.search.pareto import pareto_front
from reproduction.studies.arguments import checked

#: placement of the weights → further axes of the grid: as in the paper, or where they fit
WEIGHTS: Mapping[str, Sequence[Mapping[str, Sequence[Any]]]] = {
    "taken to fit": ({"weights": ("resident",)},),
    "fit or streamed": (
        {"weights": ("streamed",)},
        {"weights": ("resident",), "maps_per_cluster": (4, 8, 16, 32)},
    ),
}


@checked
def beside_lr(
    networks: Sequence[str],
    technologies: Sequence[str],
    precision: str = "int8",
    grid: Mapping[str, Sequence[Any]] = GRID,
) -> pd.DataFrame:
    """Sweep a grid of chips, and LR, for networks that share the chip.

    The paper's LR assumes resident weights that its MAPs cannot hold. Under "fit or streamed" they
    have to fit or else stream from DRAM, on LR as well.

    Returns
    -------
    DataFrame with the columns of `search_chips` and: networks; weights_placement, a key of
    `WEIGHTS`; is_lr, True for the row of LR itself, which is not part of the front.
    """
    nets = [load_network(name) for name in networks]
    bits = [load_precision(net, precision) for net in nets]
    frames = []
    for name in technologies:
        tech = load_technology(name)
        lr = search_chips(nets, tech, bits, {})
        for weights_placement, grids in WEIGHTS.items():
            swept = [search_chips(nets, tech, bits, {**grid, **axes}) for axes in grids]
            points = pd.concat(swept, ignore_index=True)
            if weights_placement == "fit or streamed":
                points = points[points.resident_weights_fit | (points.weights == "streamed")]
                if not lr.resident_weights_fit[0]:
                    lr = search_chips(nets, tech, bits, {"weights": ("streamed",)})
            on_front = pareto_front(points[list(OBJECTIVES)].to_numpy())
            points = points.assign(is_lr=False, on_front=on_front)
            both = pd.concat([points, lr.assign(is_lr=True, on_front=False)])
            frames.append(
                both.assign(networks=", ".join(networks), weights_placement=weights_placement)
            )
    return pd.concat(frames, ignore_index=True)


def distances(table: pd.DataFrame) -> pd.DataFrame:
    """Return LR's distance from the chips of `beside_lr`, by technology and weights."""
    return pd.DataFrame(_distances(table))


def _distances(table: pd.DataFrame) -> Iterator[dict[str, object]]:
    for (technology, weights_placement), rows in table.groupby(
        ["technology", "weights_placement"], sort=False
    ):
        others = rows[~rows.is_lr]
        yield {
            "technology": technology,
            "weights_placement": weights_placement,
            "chips": len(others),
            "on_front": int(others.on_front.sum()),
            **distance(others, {str(k): v for k, v in rows[rows.is_lr].iloc[0].items()}),
        }
