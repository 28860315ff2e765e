"""Layers without products on the emulator: one element per row, by the operator's own pass."""

import numpy as np

from bfimna.ap.rows import Rows
from bfimna.emulator.arrays import Emulator
from bfimna.operators.operator import Step, Tensor


def run_layer(emulator: Emulator, step: Step, inputs: list[Tensor]) -> Tensor:
    """Run a layer, and those that take its word in place; return the last one's tensor.

    Inputs have as many bits as the result: their top columns.
    """
    operator, name = step.operator, step.layer.name
    assert operator.operands is not None
    assert operator.run is not None
    tensors = operator.operands(step, inputs)
    operands = [np.moveaxis(x, 1, -1).reshape(-1) for x in tensors]
    channels, size = step.shape[0], operands[0].size  # channels last: an LRN's are neighbours
    out = np.empty(size, dtype=np.int64)
    lot = min(max(emulator.products // (64 * channels * step.rows_each), 1) * 64 * channels, size)
    for start in range(0, size, lot):
        stop, is_first = min(start + lot, size), start == 0
        array = emulator.array(stop - start, 1, step.columns)
        rows = Rows(array, np.arange(start, stop) % channels)
        operator.run(emulator, rows, step, [x[start:stop] for x in operands], is_first)
        emulator.account(array, name, operator.phase, step.folds, is_first)
        run_chain(emulator, rows, step.chain, is_first)
        out[start:stop] = rows.result(step.end.width, step.end.signed)
        emulator.account(array, name, operator.phase, step.folds, is_first)
        emulator.record_wear(array, name, "outputs", step.folds)
    return np.moveaxis(out.reshape(len(inputs[0]), *step.shape[1:], channels), -1, 1)


def run_chain(emulator: Emulator, rows: Rows, chain: tuple[Step, ...], is_first: bool) -> None:
    """Run layers one after the other on the word that lies in its row."""
    for step in chain:
        operator, name = step.operator, step.layer.name
        assert operator.run is not None
        operator.run(emulator, rows, step, [], is_first)
        emulator.account(rows.array, name, operator.phase, step.folds, is_first)
