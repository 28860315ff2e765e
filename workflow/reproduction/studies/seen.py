"""One layer on the emulated arrays under each mapping, phase by phase: who wrote which cell.

Pictures and table behind the figure `mappings_seen`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bfimna.ap.array import Array
from bfimna.emulator.arrays import Emulator
from bfimna.emulator.infer import infer
from bfimna.emulator.quantise import random_images, synthetic
from bfimna.errors import BfimnaError
from bfimna.mapping.chip import Chip
from bfimna.mapping.mapping import Mapping
from bfimna.names import AnyMapping, load_mapping
from bfimna.network.graph import Builder, Network
from bfimna.network.precision import Precision
from bfimna.plot.passes import cells_of

LAYER = "conv"
#: phases in which a layer's products are in the arrays
PHASES = ("load", "multiply", "reduce")


@dataclass(frozen=True)
class Frame:
    """The array of a layer's products after a phase.

    Attributes
    ----------
    phase : that has just ended.
    cycles : of all phases of this name so far.
    rows : of a dot product.
    cells : values, (rows of all dot products, columns).
    writers : number in `PHASES` of the phase that wrote each cell last, -1 for none.
    """

    phase: str
    cycles: int
    rows: int
    cells: np.ndarray
    writers: np.ndarray


class Recorder(Emulator):
    """An emulator that keeps a picture of a layer's array whenever a phase ends."""

    def __init__(self) -> None:
        super().__init__(threads=1, wear=True)
        self.frames: list[Frame] = []
        self._writers: dict[int, np.ndarray] = {}

    def account(self, array: Array, layer: str, phase: str, folds: int, first: bool) -> None:
        """Book what the array has done, and keep its picture."""
        if layer == LAYER and phase in PHASES and array.rows > 1:
            wear = array.wear.transpose(1, 2, 0)  # (rows, groups, columns)
            before = self._writers.get(id(array), np.full(wear.shape, -1))
            writers = np.where(wear > 0, PHASES.index(phase), before)
            self._writers[id(array)] = writers
            by_dot = writers.transpose(1, 0, 2).reshape(-1, array.columns)
            cells = cells_of(array).reshape(array.rows, array.groups, array.columns)
            values = cells.transpose(1, 0, 2).reshape(by_dot.shape)
            past = [f.cycles for f in self.frames if f.phase == phase]
            cycles = int(array.counts.cycles) + (past[-1] if past else 0)
            self.frames.append(Frame(phase, cycles, array.rows, values, by_dot))
            array.forget_wear()
        super().account(array, layer, phase, folds, first)


def small_layer(channels: int, size: int, kernel: int) -> Network:
    """Return a network of one convolution over an image of one channel, and a linear layer."""
    b = Builder("small", (1, size, size))
    b.linear("last", b.flatten(b.relu(b.conv(LAYER, b.input, channels, kernel))), 1)
    return b.network()


def seen(
    mappings: Sequence[AnyMapping], bits: int, size: int = 4, kernel: int = 3, seed: int = 0
) -> dict[str, list[Frame]]:
    """Run a small convolution by each mapping; return the frames of the array of its products.

    Parameters
    ----------
    mappings : by name, on a chip with all hardware that they need.
    bits : of weights and activations.
    size, kernel : of the image, of one channel, and of the filter.
    seed : of weights and image.

    Raises
    ------
    BfimnaError
        For an unknown mapping, or one that does not fit the chip's columns at these bits.
    """
    network = small_layer(1, size, kernel)
    precision = Precision.fixed(network, bits)
    chip = Chip(name="one CAP", clusters=1, caps_per_cluster=1, rows=64, latch="booth")
    parameters = synthetic(network, precision, seed)
    images = random_images(network, precision, 1, seed)
    every: dict[str, list[Frame]] = {}
    outputs: list[np.ndarray] = []
    for name in mappings:
        mapping = load_mapping(name)
        recorder = Recorder()
        infer(network, parameters, images, precision, chip=chip, mapping=mapping, emulator=recorder)
        every[mapping.name] = _without_outputs(recorder.frames, mapping)
    assert all(np.array_equal(output, outputs[0]) for output in outputs)
    return every


def _without_outputs(frames: list[Frame], mapping: Mapping) -> list[Frame]:
    """Return the frames up to the reduction; after it the same phases handle outputs."""
    last = [k for k, frame in enumerate(frames) if frame.phase == "reduce"]
    if not last:
        raise BfimnaError(f"mapping {mapping.name!r} reduces no rows of this layer")
    return frames[: last[0] + 1]


def table(frames: dict[str, list[Frame]]) -> pd.DataFrame:
    """Return for each mapping and phase its cycles, and the rows and columns that it has written.

    Returns
    -------
    DataFrame with mapping, phase, cycles (of a fold), rows (of a dot product), columns_written.
    """
    rows = []
    for mapping, several in frames.items():
        for phase in PHASES:
            last = [frame for frame in several if frame.phase == phase][-1]
            rows.append({
                "mapping": mapping, "phase": phase, "cycles": last.cycles, "rows": last.rows,
                "columns_written": int((last.writers >= 0).any(axis=0).sum()),
            })  # fmt: skip
    return pd.DataFrame(rows)
