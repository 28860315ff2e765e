"""One element per row on the emulator: layers without products, and the outputs of products."""

from dataclasses import dataclass

import numpy as np

from bfimna.ap.array import Array
from bfimna.ap.bit_planes import pack, unpack
from bfimna.ap.lowering import ALL_ONES
from bfimna.ap.rows import Rows
from bfimna.emulator.arrays import Emulator
from bfimna.emulator.runs import Chunk, Runs
from bfimna.mapping.lowered import ProductStep
from bfimna.operators.operator import Step, Tensor


def run_layer(emulator: Emulator, step: Step, inputs: list[Tensor]) -> Tensor:
    """Run a layer, and those that take its word in place; return the last one's tensor.

    Inputs have as many bits as the result.
    """
    operator, name = step.operator, step.layer.name
    assert operator.operands is not None
    assert operator.run is not None
    tensors = operator.operands(step, inputs)
    operands = [np.moveaxis(x, 1, -1).reshape(-1) for x in tensors]
    channels, size = step.shape[0], operands[0].size  # channels last, for LRN
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
    """Run layers one after the other on the word in each row."""
    for step in chain:
        operator, name = step.operator, step.layer.name
        assert operator.run is not None
        operator.run(emulator, rows, step, [], is_first)
        emulator.account(rows.array, name, operator.phase, step.folds, is_first)


@dataclass(frozen=True)
class ChannelPlanes:
    """One integer per channel as bit planes, for any chunk of outputs.

    Attributes
    ----------
    planes : (bits, 1, words of a run) if channels are packed, else (bits, channels, 1).
    values : the integers, one a channel.
    """

    planes: np.ndarray
    by_channel: bool
    values: np.ndarray

    @classmethod
    def from_values(cls, values: np.ndarray, bits: int, runs: Runs) -> "ChannelPlanes":
        """Return the planes of signed integers."""
        if runs.by_channel:
            planes = pack(values[None], bits)
        else:
            every = np.tile(values, runs.outer // runs.channels)
            ones = every[None, :, None] >> np.arange(bits)[:, None, None] & 1
            planes = np.where(ones, ALL_ONES, np.uint64(0))
        return cls(planes, runs.by_channel, values)

    def for_chunk(self, chunk: Chunk, words: int) -> np.ndarray:
        """Return the planes of a chunk of whole runs, (bits, 1, words)."""
        planes = self.planes if self.by_channel else self.planes[:, chunk.first : chunk.stop]
        count = chunk.stop - chunk.first
        return np.broadcast_to(planes, (len(planes), count, words)).reshape(len(planes), 1, -1)


class Outputs:
    """Outputs of a chunk, one per row: see `bfimna.mapping.mapping.OutputBench`."""

    def __init__(
        self,
        emulator: Emulator,
        step: ProductStep,
        runs: Runs,
        chunk: Chunk,
        number: int,
        sums: np.ndarray,
        bias: ChannelPlanes,
        multiplier: ChannelPlanes,
        shift: int,
    ) -> None:
        self._emulator, self._step, self._runs = emulator, step, runs
        self._chunk, self._number = chunk, number
        self.sums = [part[:, chunk.first : chunk.stop].reshape(step.width, 1, -1) for part in sums]
        self.bias = bias.for_chunk(chunk, runs.words)
        self._constants = bias.values, multiplier.values
        self.multiplier = np.zeros((0, 1, 0), np.uint64)
        if not step.keeps_sum:
            self.multiplier = multiplier.for_chunk(chunk, runs.words)
        self.shift = shift

    @property
    def biases(self) -> np.ndarray:
        """Bias of each output."""
        return self._constants[0][self._runs.channel(self._chunk)]

    @property
    def multipliers(self) -> np.ndarray:
        """Multiplier b of each output's scale."""
        return self._constants[1][self._runs.channel(self._chunk)]

    def integers(self, planes: np.ndarray, signed: bool) -> np.ndarray:
        """Return a word of every output, (bits, 1, words), as integers, one an output."""
        count = self._chunk.stop - self._chunk.first
        by_run = planes.reshape(len(planes), count, -1)
        return unpack(by_run, self._runs.packed, signed).reshape(-1)

    def array(self, rows: int = 1) -> Array:
        """Return an array with so many rows per output."""
        groups, count = self._runs.groups(self._chunk), self._chunk.stop - self._chunk.first
        return self._emulator.own_array(groups, rows, self._step.columns, count, self._number)

    def account(self, array: Array, phase: str, folds: int = 0) -> None:
        """Book what the array has done since the last booking."""
        step, is_first = self._step, self._number == 0
        folds = folds or step.dense_folds
        self._emulator.account(array, step.matmul.layer.name, phase, folds, is_first)

    def results(self, array: Array, word: range) -> np.ndarray:
        """Run the layers that take the word in place, and read the result."""
        step = self._step
        rows = Rows(array, self._runs.channel(self._chunk), word)
        run_chain(self._emulator, rows, step.chain, self._number == 0)
        end = step.chain[-1].target if step.chain else step.target
        numbers = rows.result(end.width, end.signed)
        self.account(array, "read")
        name = step.matmul.layer.name
        self._emulator.record_wear(array, name, "outputs", step.dense_folds)
        return numbers
