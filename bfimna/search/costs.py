"""Costs of a choice on the AP, exactly, as sums of terms of a `CostGraph`.

A layer's cost depends on its own bits and on the bits at which its tensor is stored, those of the
widest layer that reads it; a layer without weights has the latter only. Latency and energy add up
over the layers. So each is a sum of terms of one or two nodes, and the simulator itself provides
the terms: no formula is repeated here.
"""

from collections.abc import Mapping
from typing import Literal, get_args

import numpy as np

from bfimna.cost.formulas import costs
from bfimna.errors import BfimnaError
from bfimna.mapping.chip import Chip
from bfimna.mapping.plan import plan
from bfimna.search.cost_graph import Choice, CostGraph
from bfimna.search.space import SearchSpace
from bfimna.search.width_pairs import cost_vector, pairs_of_widths
from bfimna.technology.technology import Technology

Quantity = Literal["size_bits", "bops", "latency_s", "energy_j", "edp_js"]
QUANTITIES = get_args(Quantity)

Vectors = Mapping[str, np.ndarray]  # cost vectors by quantity


def network_costs(space: SearchSpace) -> dict[str, np.ndarray]:
    """Return size of the weights (bits) and bit operations, as cost vectors.

    >>> from bfimna.network import zoo
    >>> from bfimna.search.sensitivity import hawq_sensitivity
    >>> s = SearchSpace(zoo.resnet18(), hawq_sensitivity(zoo.resnet18()), (4, 8))
    >>> float(network_costs(s)["bops"][s.graph.entries(s.uniform(-1)[None])[0]].sum()) / 64
    1814073344.0
    """
    widths = np.array(space.widths, dtype=float)
    weights = np.array([g.weights for g in space.network.matmuls], dtype=float)
    macs = np.array([g.macs for g in space.network.matmuls], dtype=float)
    by_layer = {"size_bits": np.outer(weights, widths), "bops": np.outer(macs, widths**2)}
    return {name: space.graph.vector(space.by_group(cost)) for name, cost in by_layer.items()}


def ap_costs(space: SearchSpace, chip: Chip, technology: Technology) -> dict[str, np.ndarray]:
    """Return latency (s) and energy (J) of an inference on the AP, as cost vectors.

    >>> from bfimna import data
    >>> from bfimna.network import zoo
    >>> from bfimna.search.sensitivity import hawq_sensitivity
    >>> s = SearchSpace(zoo.resnet18(), hawq_sensitivity(zoo.resnet18()), (4, 8))
    >>> c = ap_costs(s, Chip.limited(), data.load_technology("sram-14nm-lstp"))
    >>> sorted(c)
    ['energy_j', 'latency_s']
    """
    if chip.weights == "auto":
        raise BfimnaError(
            f"chip {chip.name!r}: with weights='auto' a layer's cost depends on the bits of "
            "all other layers, so costs do not add up; choose bits for 'resident' or 'streamed'"
        )
    tables = []
    for bits in pairs_of_widths(space):
        schedule = plan(space.network, chip).at(bits)
        by_phase = costs(schedule, technology, len(space.network.layers))
        tables.append([table.sum(axis=-1) for table in by_phase])
    return {
        name: cost_vector(space, [table[k] for table in tables])
        for k, name in enumerate(("latency_s", "energy_j"))
    }


def cost_of(graph: CostGraph, vectors: Vectors, choice: Choice, quantity: Quantity) -> float:
    """Return a quantity of a choice; EDP is the product of latency and energy."""
    cost = graph.cost
    if quantity == "edp_js":
        return cost(vectors["latency_s"], choice) * cost(vectors["energy_j"], choice)
    return cost(vectors[quantity], choice)
