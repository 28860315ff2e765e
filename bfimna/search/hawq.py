"""HAWQ-V3's own search reproduced: latencies on a T4, three budgets, and the published bits."""

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from bfimna import data
from bfimna.errors import BfimnaError, one_of
from bfimna.network import zoo
from bfimna.network.precision import Precision
from bfimna.search.bounds import Limit
from bfimna.search.costs import NetworkCosts
from bfimna.search.sensitivity import hawq_sensitivity
from bfimna.search.solver import Solver
from bfimna.search.space import SearchSpace

if TYPE_CHECKING:
    import pandas as pd

#: share of the way from int4 to int8 that each of HAWQ-V3's budgets allows
LEVELS = {"high": 0.75, "medium": 0.5, "low": 0.25}
CHOICES = (4, 8)


@dataclass(frozen=True, eq=False)
class _Scheme:
    """One of HAWQ-V3's nine schemes; `cost` is the limited quantity as a cost vector."""

    name: str
    budget: float
    cost: np.ndarray
    reproduced: Precision
    published: Precision


def t4_costs(space: SearchSpace) -> dict[str, np.ndarray]:
    """Return HAWQ-V3's three costs as vectors: size (bits), bops, and latency on a T4 (s).

    The T4 latencies leave out the first and the last layer, whose width is fixed.
    """
    rows = data.hawq_sensitivity(space.network.name).set_index("layer")
    rows = rows.reindex(space.network.matmul_names).fillna(0.0)
    t4_ms = np.stack([rows[f"t4_latency_int{b}_ms"] for b in space.widths], axis=1)
    costs = NetworkCosts(space).of_any_widths
    latency = space.graph.vector(space.by_group(t4_ms * 1e-3))
    return {"size": costs["size_bits"], "bops": costs["bops"], "latency": latency}


def _check(network_name: str) -> None:
    """Raise unless HAWQ-V3 searched a network of this name."""
    if isinstance(network_name, str) and network_name == "resnet50":
        raise BfimnaError(
            "HAWQ-V3's ResNet50 is version 1, here 'resnet50_v1'; 'resnet50' is torchvision's "
            "(stride in the 3 × 3 convolutions), which it did not search"
        )
    one_of("network of HAWQ-V3", network_name, data.HAWQ_NAMES)


def _space(network_name: str) -> SearchSpace:
    _check(network_name)
    network = zoo.load(network_name)
    return SearchSpace(network, hawq_sensitivity(network), CHOICES)


@lru_cache
def _schemes(network_name: str) -> tuple[_Scheme, ...]:
    """Solve each of the nine schemes."""
    space = _space(network_name)
    schemes = []
    for quantity, cost in t4_costs(space).items():
        int4, int8 = (space.graph.cost(cost, space.uniform(end)) for end in (0, -1))
        solver = Solver(space.graph, cost[None])
        for level, fraction in LEVELS.items():
            name, budget = f"{quantity}-{level}", int4 + fraction * (int8 - int4)
            choice = solver.best_within(Limit(solver.vectors, budget))
            assert choice is not None  # int4 is within each of these budgets
            published = data.load_precision(space.network, f"hawq_v3/{name}")
            schemes.append(_Scheme(name, budget, cost, space.precision(choice, name), published))
    return tuple(schemes)


def reproduce_hawq(network_name: str) -> "pd.DataFrame":
    """Return each layer's bits in HAWQ-V3's nine schemes, reproduced and published.

    Parameters
    ----------
    network_name : "resnet18", or "resnet50_v1" (in HAWQ-V3's own tables "resnet50").

    Examples
    --------
    >>> rows = reproduce_hawq("resnet18")
    >>> list(rows.columns), bool((rows.bits == rows.published_bits).all())
    (['scheme', 'layer', 'bits', 'published_bits'], True)
    """
    import pandas as pd

    _check(network_name)  # before it is looked up in a cache
    frames = [
        pd.DataFrame(
            {
                "scheme": scheme.name,
                "layer": scheme.reproduced.layers,
                "bits": scheme.reproduced.weight_bits,
                "published_bits": scheme.published.weight_bits,
            }
        )
        for scheme in _schemes(network_name)
    ]
    return pd.concat(frames, ignore_index=True)


def reproduced_schemes(network_name: str) -> "pd.DataFrame":
    """Return one row per scheme: budget, Ω and differing layers of its bits, beside the published.

    Columns: layers that differ; the budget (bits, bit operations or seconds) and the share of it
    that each uses; total Ω of each; `excess_omega`, by how much the published exceeds the optimum.
    """
    import pandas as pd

    space = _space(network_name)
    rows = []
    for scheme in _schemes(network_name):
        shares, omegas = [], []
        for precision in (scheme.reproduced, scheme.published):
            bits = dict(zip(precision.layers, precision.weight_bits, strict=True))
            cost = space.graph.cost(scheme.cost, space.choice_from_bits(bits))
            shares.append(cost / scheme.budget)
            omegas.append(space.sensitivity.total(bits))
        widths = scheme.reproduced.weight_bits, scheme.published.weight_bits
        different = [
            layer
            for layer, ours, theirs in zip(scheme.reproduced.layers, *widths, strict=True)
            if ours != theirs
        ]
        rows.append(
            {
                "scheme": scheme.name,
                "budget": scheme.budget,
                "budget_used": shares[0],
                "omega": omegas[0],
                "published_budget_used": shares[1],
                "published_omega": omegas[1],
                "different": ", ".join(different),
                "excess_omega": omegas[1] / omegas[0] - 1,
            }
        )
    return pd.DataFrame(rows)
