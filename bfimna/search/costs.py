"""Costs of a choice on the AP, exactly, as sums of terms of a `CostGraph`.

A layer's cost depends on its own bits and on the bits at which its tensor is stored, those of the
widest layer that reads it; a layer without weights has the latter only. Latency and energy add up
over the layers. So each is a sum of terms of one or two nodes, and the simulator itself provides
the terms: no formula is repeated here.
"""

import collections.abc
from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np

from bfimna.cost.formulas import costs
from bfimna.errors import BfimnaError
from bfimna.mapping.chip import Chip
from bfimna.mapping.mapping import Mapping
from bfimna.mapping.plan import plan
from bfimna.network.bits import Bits
from bfimna.search.cost_graph import Choice, CostGraph
from bfimna.search.space import SearchSpace
from bfimna.technology.technology import Technology

Quantity = Literal["size_bits", "bops", "latency_s", "energy_j", "edp_js"]
QUANTITIES = get_args(Quantity)

Vectors = collections.abc.Mapping[str, np.ndarray]  # cost vectors by quantity


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


def ap_costs(
    space: SearchSpace, chip: Chip, technology: Technology, mapping: Mapping | None = None
) -> dict[str, np.ndarray]:
    """Return latency (s) and energy (J) of an inference on the AP, as cost vectors.

    >>> from bfimna import data
    >>> from bfimna.network import zoo
    >>> from bfimna.search.sensitivity import hawq_sensitivity
    >>> s = SearchSpace(zoo.resnet18(), hawq_sensitivity(zoo.resnet18()), (4, 8))
    >>> c = ap_costs(s, Chip.limited(), data.load_technology("sram-14nm-lstp"))
    >>> sorted(c)
    ['energy_j', 'latency_s']
    """
    check_costs_add_up(chip)
    tables = []
    for bits in pairs_of_widths(space):
        schedule = plan(space.network, chip, mapping).at(bits)
        by_phase = costs(schedule, technology, len(space.network.layers))
        tables.append([table.sum(axis=-1) for table in by_phase])
    return {
        name: cost_vector(space, [table[k] for table in tables])
        for k, name in enumerate(("latency_s", "energy_j"))
    }


def check_costs_add_up(chip: Chip) -> None:
    """Raise for a chip on which a layer's cost depends on the bits of all other layers."""
    if chip.weights == "auto":
        raise BfimnaError(
            f"chip {chip.name!r}: with weights='auto' a layer's cost depends on the bits of "
            "all other layers, so costs do not add up; choose bits for 'resident' or 'streamed'"
        )


def pairs_of_widths(space: SearchSpace) -> list[Bits]:
    """Return for each colour all pairs of widths: its layers' own, and that of all others.

    So one simulation of a colour gives the cost of its layers at every pair of their own width and
    that of their tensor.

    Returns
    -------
    Widths of shape (own widths, stored widths, products), by colour.
    """
    colour_of = colours(space)
    own, stored = np.meshgrid(space.widths, space.widths, indexing="ij")
    of_layer = np.array([colour_of[space.group_of[k]] for k in range(len(space.network.matmuls))])
    every = []
    for colour in range(max(colour_of) + 1):
        bits = np.where(of_layer == colour, own[..., None], stored[..., None])
        every.append(Bits(bits, bits))
    return every


def colours(space: SearchSpace) -> list[int]:
    """Colour the groups so that none has the colour of a group that reads its tensors."""
    clash: list[set[int]] = [set() for _ in space.groups]
    for k, name in enumerate(space.network.matmul_names):
        g = space.group_of[k]
        for reader in space.readers[name]:
            if reader != g:
                clash[g].add(reader)
                clash[reader].add(g)
    colour_of: list[int] = []
    for g in range(len(space.groups)):
        used = {colour_of[other] for other in clash[g] if other < g}
        colour_of.append(next(c for c in range(len(used) + 1) if c not in used))
    return colour_of


def terms(space: SearchSpace) -> list[tuple[int, int, int]]:
    """Return what a layer's cost depends on: its group, its tensor's node, its colour."""
    position, colour_of = space.network.matmul_index, colours(space)
    every = []
    for layer in space.network.layers:
        node = space.stored_node(layer.name)
        group = space.group_of[position[layer.name]] if layer.name in position else node
        every.append((group, node, 0 if group == node else colour_of[group]))
    return every


def cost_vector(space: SearchSpace, tables: Sequence[np.ndarray]) -> np.ndarray:
    """Gather each layer's table, (own width, stored width), as terms of its nodes.

    Parameters
    ----------
    tables : of shape (own widths, stored widths, layers), by colour.
    """
    widths = len(space.widths)
    single = np.zeros((space.graph.nodes, widths))
    double = np.zeros((len(space.pairs), widths, widths))
    for k, (group, node, table) in enumerate(terms(space)):
        if group == node:
            single[node] += tables[table][..., k].diagonal()
        else:
            double[space.pairs.index((group, node))] += tables[table][..., k]
    return space.graph.vector(single, double)


def cost_of(graph: CostGraph, vectors: Vectors, choice: Choice, quantity: Quantity) -> float:
    """Return a quantity of a choice; EDP is the product of latency and energy."""
    cost = graph.cost
    if quantity == "edp_js":
        return cost(vectors["latency_s"], choice) * cost(vectors["energy_j"], choice)
    return cost(vectors[quantity], choice)
