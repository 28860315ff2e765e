"""Pairs of widths that a layer's cost depends on, its own and its tensor's, and their terms.

A few schedules of arrays of widths hold every pair of every layer: groups are coloured, and in each
schedule the layers of one colour have their own width and all others the stored one.
"""

from collections.abc import Sequence

import numpy as np

from bfimna.network.bits import Bits
from bfimna.search.space import SearchSpace


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
        every.append(Bits(bits, bits, space.own_widths))
    return every


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
