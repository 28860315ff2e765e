"""Chips found for networks, beside the paper's LR: the front of latency, energy and area."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from bfimna.names import load_network, load_precision, load_technology
from bfimna.search.chip_search import GRID, OBJECTIVES, distance, search_chips
from bfimna.search.pareto import pareto_front

#: where the weights lie → further axes of grids: as the paper has it, or as MAPs can hold them
WEIGHTS: Mapping[str, Sequence[Mapping[str, Sequence[Any]]]] = {
    "taken to fit": ({"weights": ("resident",)},),
    "fit or streamed": (
        {"weights": ("streamed",)},
        {"weights": ("resident",), "maps_per_cluster": (4, 8, 16, 32)},
    ),
}


def beside_lr(
    networks: Sequence[str],
    technologies: Sequence[str],
    precision: str = "int8",
    grid: Mapping[str, Sequence[Any]] = GRID,
) -> pd.DataFrame:
    """Sweep chips for networks together, and LR.

    The paper's LR takes the weights to lie in MAPs that cannot hold them. Where they have to fit,
    or else stream from DRAM, so does LR.

    Returns
    -------
    DataFrame with the columns of `search_chips` and: networks; weights_are, a key of `WEIGHTS`;
    is_lr, True for LR's own row, which is no part of the front.
    """
    nets = [load_network(name) for name in networks]
    bits = [load_precision(net, precision) for net in nets]
    frames = []
    for name in technologies:
        tech = load_technology(name)
        lr = search_chips(nets, tech, bits, {})
        for weights_are, grids in WEIGHTS.items():
            swept = [search_chips(nets, tech, bits, {**grid, **axes}) for axes in grids]
            found = pd.concat(swept, ignore_index=True)
            if weights_are == "fit or streamed":
                found = found[found.resident_weights_fit | (found.weights == "streamed")]
                if not lr.resident_weights_fit[0]:
                    lr = search_chips(nets, tech, bits, {"weights": ("streamed",)})
            found = found.assign(
                is_lr=False, on_front=pareto_front(found[list(OBJECTIVES)].to_numpy())
            )
            both = pd.concat([found, lr.assign(is_lr=True, on_front=False)])
            frames.append(both.assign(networks=", ".join(networks), weights_are=weights_are))
    return pd.concat(frames, ignore_index=True)


def distances(table: pd.DataFrame) -> pd.DataFrame:
    """Return how far LR is from the chips of a table of `beside_lr`, per technology and weights."""
    return pd.DataFrame(_distances(table))


def _distances(table: pd.DataFrame) -> Iterator[dict[str, object]]:
    for (technology, weights_are), rows in table.groupby(["technology", "weights_are"], sort=False):
        found = rows[~rows.is_lr]
        yield {
            "technology": technology,
            "weights_are": weights_are,
            "chips": len(found),
            "on_front": int(found.on_front.sum()),
            **distance(found, {str(k): v for k, v in rows[rows.is_lr].iloc[0].items()}),
        }
