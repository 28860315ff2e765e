"""Pareto-optimal chips in latency, energy and area, beside the paper's LR.

The table behind the figure `chips`.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from bfimna.mapping.chip import Chip
from bfimna.names import load_network, load_precision, load_technology
from bfimna.search.best_chip import distance
from bfimna.search.chip_search import GRID, OBJECTIVES, search_chips
from bfimna.search.pareto import pareto_front
from reproduction.studies.arguments import checked

#: what a chip assumes → LR, and further axes of the grid
ASSUMED: Mapping[str, tuple[Chip, Mapping[str, Sequence[Any]]]] = {
    "as the paper assumes": (Chip.paper(), {}),
    "as can be built": (Chip.limited(), {"maps_per_cluster": (1, 4, 8, 16, 32)}),
}


@checked
def beside_lr(
    networks: Sequence[str],
    technologies: Sequence[str],
    precision: str = "int8",
    grid: Mapping[str, Sequence[Any]] = GRID,
) -> pd.DataFrame:
    """Sweep a grid of chips, and LR, for networks that share the chip.

    The paper's LR assumes weights and activations in MAPs that cannot hold them, and has no limit
    of power. "As can be built", weights that do not fit stream from DRAM, on LR as well; chips that
    are infeasible all the same are left out.

    Returns
    -------
    DataFrame with the columns of `search_chips` and: networks; assumed, a key of `ASSUMED`; is_lr,
    True for the row of LR itself, which is not part of the front.
    """
    nets = [load_network(name) for name in networks]
    bits = [load_precision(net, precision) for net in nets]
    frames = []
    for name in technologies:
        tech = load_technology(name)
        for assumed, (base, axes) in ASSUMED.items():
            lr = search_chips(nets, tech, bits, {}, base=base)
            points = search_chips(
                nets, tech, bits, {**grid, **axes}, base=base, must_be_feasible=base != Chip.paper()
            )
            on_front = pareto_front(points[list(OBJECTIVES)].to_numpy())
            points = points.assign(is_lr=False, on_front=on_front)
            both = pd.concat([points, lr.assign(is_lr=True, on_front=False)])
            frames.append(both.assign(networks=", ".join(networks), assumed=assumed))
    return pd.concat(frames, ignore_index=True)


def distances(table: pd.DataFrame) -> pd.DataFrame:
    """Return LR's distance from the chips of `beside_lr`, by technology and what is assumed."""
    return pd.DataFrame(_distances(table))


def _distances(table: pd.DataFrame) -> Iterator[dict[str, object]]:
    for (technology, assumed), rows in table.groupby(["technology", "assumed"], sort=False):
        others = rows[~rows.is_lr]
        yield {
            "technology": technology,
            "assumed": assumed,
            "chips": len(others),
            "on_front": int(others.on_front.sum()),
            **distance(others, {str(k): v for k, v in rows[rows.is_lr].iloc[0].items()}),
        }
