"""HAWQ-V3's own search, run again: T4 latencies, its three budgets, its published bits beside."""

import numpy as np
import pandas as pd

from bfimna import data, zoo
from bfimna.search.sensitivity import hawq_sensitivity
from bfimna.search.space import Space

#: share of the way from int4 to int8 that each of HAWQ-V3's budgets allows
LEVELS = {"high": 0.75, "medium": 0.5, "low": 0.25}
CHOICES = (4, 8)


def t4_costs(space: Space) -> dict[str, np.ndarray]:
    """Return HAWQ-V3's three costs as vectors: size (bits), bops, latency on a T4 (s).

    The T4 latencies leave out the first and the last layer, whose width is fixed.
    """
    widths = np.array(space.widths, dtype=float)
    weights = np.array([g.weights for g in space.network.gemms], dtype=float)
    macs = np.array([g.macs for g in space.network.gemms], dtype=float)
    rows = data.hawq_sensitivity(space.network.name).set_index("layer")
    rows = rows.reindex(space.network.gemm_names).fillna(0.0)
    t4_ms = np.stack([rows[f"t4_latency_int{b}_ms"] for b in space.widths], axis=1)
    costs = {
        "size": np.outer(weights, widths),
        "bops": np.outer(macs, widths**2),
        "latency": t4_ms * 1e-3,
    }
    return {name: space.program.vector(space.by_group(cost)) for name, cost in costs.items()}


def _runs(network_name: str) -> list[tuple[str, pd.DataFrame, dict[str, float]]]:
    """Solve each scheme; its layers, and what it amounts to."""
    network = zoo.load(network_name)
    sensitivity = hawq_sensitivity(network)
    space = Space(network, sensitivity, CHOICES)
    costs = t4_costs(space)
    runs = []
    for quantity, cost in costs.items():
        ends = [cost @ space.program.expand(space.uniform(end)) for end in (0, -1)]
        for level, fraction in LEVELS.items():
            scheme = f"{quantity}-{level}"
            budget = ends[0] + fraction * (ends[1] - ends[0])
            found = space.program.minimise(space.program.omega_vector, [(cost, 0.0, budget)])
            published = data.load_precision(network, f"hawq_v3/{scheme}")
            layers = pd.DataFrame(
                {
                    "scheme": scheme,
                    "layer": network.gemm_names,
                    "bits": space.precision(found, scheme).weight_bits,
                    "published_bits": published.weight_bits,
                }
            )
            bits = dict(zip(network.gemm_names, published.weight_bits, strict=True))
            used = cost @ space.program.expand(space.choice(bits))
            values = {
                "budget": budget,
                "used_share": cost @ space.program.expand(found) / budget,
                "published_used_share": used / budget,
                "omega": space.program.omega_vector @ space.program.expand(found),
                "published_omega": sensitivity.total(bits),
            }
            runs.append((scheme, layers, values))
    return runs
