"""Layers without products as a plan has them: arrays over those of one kind, and vertical work."""

from math import prod

import numpy as np

from bfimna.ap import counts as ap
from bfimna.mapping.chip import Chip
from bfimna.mapping.storage import Storage
from bfimna.mapping.vertical import reduction_mode, repeated_mode, searched_mode
from bfimna.mapping.work import Vertical, Work
from bfimna.network.graph import Network
from bfimna.operators import OPERATORS, POOLING
from bfimna.operators.group_sums import GroupSums
from bfimna.operators.operator import LayerBatch, Operator
from bfimna.operators.shapes import covered_elements
from bfimna.operators.words import Words


def layer_batch(
    network: Network, kind: str, stored: Storage, batch: int, chip: Chip, adder: ap.Adder
) -> LayerBatch:
    """Return a network's layers of one kind as arrays over them, for a batch of images."""
    index = [k for k, layer in enumerate(network.layers) if layer.kind == kind]
    layers = tuple(network.layers[k] for k in index)
    position = {layer.name: k for k, layer in enumerate(network.layers)}
    shapes = network.shapes
    inputs = list(zip(*(layer.inputs for layer in layers), strict=True))  # by number, then layer

    if kind in POOLING:
        pairs = zip(layers, inputs[0], strict=True)
        read = [covered_elements(x, shapes[name], shapes[x.name]) for x, name in pairs]
        sources = [read]
    else:
        sources = [[prod(shapes[name]) for name in names] for names in inputs]
    signs = [[stored.signed[position[name]] for name in names] for names in inputs]
    elements = np.array([prod(shapes[layer.name]) for layer in layers], dtype=float) * batch
    windows, rows = [prod(layer.kernel) for layer in layers], chip.product_rows
    groups = elements.astype(np.int64)
    if OPERATORS[kind].over_channels:
        windows = [shapes[layer.name][0] for layer in layers]
        groups = groups // np.array(windows)
    sums = GroupSums.fitted(
        windows,
        groups.tolist(),
        chip.caps,
        chip.rows,
        chip.columns,
        chip.ap_kind,
    )
    return LayerBatch(
        index=np.array(index, dtype=np.intp),
        layers=layers,
        elements=elements,
        sources=np.array(sources, dtype=float) * batch,
        signs=np.array(signs, dtype=bool),
        in_place=stored.in_place[index],
        window=np.array(windows),
        folds=np.ceil(elements / rows),
        sums=sums,
        columns=chip.columns,
        chip_rows=rows,
        adder=adder,
    )


def reduced_work(
    operator: Operator, batch: LayerBatch, words: Words, counts: ap.Counts, chip: Chip
) -> Work:
    """Return the vertical work of layers that add up rows, or search them."""
    taken = batch.sums.sums * batch.window * (counts.cycles > 0)
    rows = taken.reshape(-1, len(batch.index)).max(axis=0)
    mode = reduction_mode(batch.sums, chip)
    if isinstance(mode, Vertical):
        mode = repeated_mode(mode, operator.reductions)
        if operator.search_steps is not None:
            steps = operator.search_steps(batch, words)
            mode = searched_mode(mode, batch, steps, chip)
    return Work(batch.index, counts, rows, mode)
