"""HAWQ-V3's own search, run again: T4 latencies, its three budgets, and the bits it published."""

from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from bfimna import data
from bfimna.errors import BfimnaError, one_of
from bfimna.network import zoo
from bfimna.network.precision import Precision
from bfimna.search.costs import model_costs
from bfimna.search.limits import Limit
from bfimna.search.sensitivity import hawq_sensitivity
from bfimna.search.solve import Search
from bfimna.search.space import Space

#: share of the way from int4 to int8 that each of HAWQ-V3's budgets allows
LEVELS = {"high": 0.75, "medium": 0.5, "low": 0.25}
CHOICES = (4, 8)


def t4_costs(space: Space) -> dict[str, np.ndarray]:
    """Return HAWQ-V3's three costs as vectors: size (bits), bops, and latency on a T4 (s).

    The T4 latencies leave out the first and the last layer, whose width is fixed.
    """
    rows = data.hawq_sensitivity(space.network.name).set_index("layer")
    rows = rows.reindex(space.network.gemm_names).fillna(0.0)
    t4_ms = np.stack([rows[f"t4_latency_int{b}_ms"] for b in space.widths], axis=1)
    model = model_costs(space)
    latency = space.program.vector(space.by_group(t4_ms * 1e-3))
    return {"size": model["size_bits"], "bops": model["bops"], "latency": latency}


def _check(network_name: str) -> None:
    """Raise unless HAWQ-V3 searched a network of this name."""
    if isinstance(network_name, str) and network_name == "resnet50":
        raise BfimnaError(
            "HAWQ-V3's ResNet50 is version 1, here 'resnet50_v1'; 'resnet50' is torchvision's "
            "(stride in the 3 × 3 convolutions), which it did not search"
        )
    one_of("network of HAWQ-V3", network_name, data.HAWQ_NAMES)


def _space(network_name: str) -> Space:
    _check(network_name)
    network = zoo.load(network_name)
    return Space(network, hawq_sensitivity(network), CHOICES)


@lru_cache
def _solved(network_name: str) -> tuple[tuple[str, float, np.ndarray, Precision, Precision], ...]:
    """Scheme, budget, cost vector, bits found and bits published, for each of the nine schemes."""
    space = _space(network_name)
    solved = []
    for quantity, cost in t4_costs(space).items():
        int4, int8 = (space.program.cost(cost, space.uniform(end)) for end in (0, -1))
        search = Search(space.program, cost[None])
        for level, fraction in LEVELS.items():
            scheme, budget = f"{quantity}-{level}", int4 + fraction * (int8 - int4)
            choice = search.within(Limit(search.vectors, budget))
            assert choice is not None  # int4 is within every one of these budgets
            published = data.load_precision(space.network, f"hawq_v3/{scheme}")
            solved.append((scheme, budget, cost, space.precision(choice, scheme), published))
    return tuple(solved)


def reproduce_hawq(network_name: str) -> pd.DataFrame:
    """Return each layer's bits in HAWQ-V3's nine schemes: found again, and as published.

    Parameters
    ----------
    network_name : "resnet18", or "resnet50_v1" (in HAWQ-V3's own tables "resnet50").

    Examples
    --------
    >>> rows = reproduce_hawq("resnet18")
    >>> list(rows.columns), bool((rows.bits == rows.published_bits).all())
    (['scheme', 'layer', 'bits', 'published_bits'], True)
    """
    _check(network_name)  # before it is looked up in a cache
    frames = [
        pd.DataFrame(
            {
                "scheme": scheme,
                "layer": found.layers,
                "bits": found.weight_bits,
                "published_bits": published.weight_bits,
            }
        )
        for scheme, _, _, found, published in _solved(network_name)
    ]
    return pd.concat(frames, ignore_index=True)


def reproduced_schemes(network_name: str) -> pd.DataFrame:
    """Return one row per scheme: what its bits come to, found again and published.

    Columns: layers that differ; the budget (bits, bit operations or seconds) and the share of it
    that each uses; total Ω of each; `excess_omega`, by how much the published exceeds the optimum.
    """
    space = _space(network_name)
    rows = []
    for scheme, budget, cost, found, published in _solved(network_name):
        values: dict[str, Any] = {"scheme": scheme, "budget": budget}
        for prefix, precision in (("", found), ("published_", published)):
            bits = dict(zip(precision.layers, precision.weight_bits, strict=True))
            values[f"{prefix}budget_used"] = space.program.cost(cost, space.choice(bits)) / budget
            values[f"{prefix}omega"] = space.sensitivity.total(bits)
        pairs = zip(found.layers, found.weight_bits, published.weight_bits, strict=True)
        values["different"] = ", ".join(layer for layer, ours, theirs in pairs if ours != theirs)
        values["excess_omega"] = values["published_omega"] / values["omega"] - 1
        rows.append(values)
    return pd.DataFrame(rows)
