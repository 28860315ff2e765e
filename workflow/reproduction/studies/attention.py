"""A transformer against its length: what its kinds of layers take of time and energy."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bfimna import load_network, simulate
from bfimna.names import AnyChip, AnyTechnology
from bfimna.operators import WEIGHTED
from reproduction.studies.arguments import checked

#: parts of a network, in the order in which they are drawn
PARTS = ("products with weights", "scores and values", "softmax", "norms", "other layers")


def part_of(kind: str) -> str:
    """Return the part of a network that a kind of layer belongs to."""
    if kind in WEIGHTED:
        return PARTS[0]
    parts = {"matmul": PARTS[1], "softmax": PARTS[2], "layernorm": PARTS[3], "rmsnorm": PARTS[3]}
    return parts.get(kind, PARTS[4])


@checked
def attention(
    network: str, tokens: Sequence[int], bits: int, technology: AnyTechnology, chip: AnyChip
) -> pd.DataFrame:
    """Time and energy of a language model by part, for several lengths.

    Parameters
    ----------
    network : a language model of the zoo, without its length.
    tokens : lengths.
    bits : of all operands.

    Returns
    -------
    Columns: network, tokens, part, latency_s, energy_j, latency_share, energy_share.
    """
    tables = []
    for length in tokens:
        report = simulate(load_network(f"{network}-{length}"), bits, chip, technology)
        layers = report.layers
        by_part = layers.groupby(layers.kind.map(part_of))[["latency_s", "energy_j"]].sum()
        one = by_part.reindex(list(PARTS), fill_value=0.0).rename_axis("part").reset_index()
        for what in ("latency", "energy"):
            column = one["latency_s" if what == "latency" else "energy_j"]
            one[f"{what}_share"] = column / np.sum(column)
        one.insert(0, "network", network)
        one.insert(1, "tokens", length)
        tables.append(one)
    return pd.concat(tables, ignore_index=True)
