"""Run a whole integer network on the bit-exact emulator, and count all events."""

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bfimna.ap.counts import Counts
from bfimna.emulator.arrays import Activity, Emulator
from bfimna.emulator.integer import IntegerFormat, LayerParameters, Parameters, check
from bfimna.emulator.layers import run_layer
from bfimna.emulator.products import run_product
from bfimna.errors import BfimnaError, instance, truth
from bfimna.mapping.chip import Chip
from bfimna.mapping.lowered import ProductStep
from bfimna.mapping.mapping import Mapping as ProductMapping
from bfimna.mapping.plan import plan
from bfimna.mapping.steps import steps
from bfimna.network.graph import Layer, Network
from bfimna.network.precision import Precision
from bfimna.operators.addressing import address
from bfimna.operators.constants import integers
from bfimna.operators.operator import Step
from bfimna.operators.words import Word


@dataclass(frozen=True)
class InferReport:
    """What the arrays did for a batch of images.

    Attributes
    ----------
    images : in the batch.
    activity : by (layer, phase).
    tensors : by layer, if ``keep`` asked for them, except those updated in place.
    switching : work between the last inference and this one, to change the precision.
    hottest : writes of the most written cell of each column, by (layer, stage), if all folds use
        the same cells; empty unless the emulator counts writes per cell.
    """

    images: int
    activity: dict[tuple[str, str], Activity]
    tensors: dict[str, np.ndarray]
    switching: Counts
    hottest: dict[tuple[str, str], np.ndarray]

    @property
    def counts(self) -> Counts:
        """Sum over all layers and phases."""
        return sum((a.counts for a in self.activity.values()), Counts())

    @property
    def hottest_cell(self) -> int:
        """Upper bound of the most written cell's writes: each column's hottest cells as one.

        The hottest cells of different layers may lie in different rows of the column.
        """
        width = max((len(worn) for worn in self.hottest.values()), default=0)
        total = np.zeros(width, np.int64)
        for worn in self.hottest.values():
            total[: len(worn)] += worn
        return int(total.max(initial=0))


def infer(
    network: Network,
    parameters: Parameters,
    images: np.ndarray | Mapping[str, np.ndarray],
    precision: Precision,
    *,
    chip: Chip | None = None,
    mapping: ProductMapping | None = None,
    threads: int = 0,
    emulator: Emulator | None = None,
    keep: bool = False,
    progress: bool = False,
) -> tuple[np.ndarray, InferReport]:
    """Run integer-only inference on the bit-exact emulator.

    Parameters
    ----------
    parameters : integers by layer, see `bfimna.emulator.quantise`.
    images : integers of the input's bits, (images, channels, y, x), unsigned unless the input is
        signed; by name for several inputs.
    chip : LR unless given; its CAPs share the rows, and so decide how often they are filled.
    mapping : of the matrix products; the paper's unless given.
    threads : processor threads; 0 for all.
    emulator : arrays to reuse in their present state; new ones unless given.
    keep : return every layer's tensor in the report.
    progress : print a line per layer to stderr.

    Returns
    -------
    The output's integers, (images, channels, y, x) or (images, channels), and the report.

    Examples
    --------
    >>> from bfimna.emulator import digits
    >>> from bfimna.emulator.quantise import random_images, synthetic
    >>> net = digits.network()
    >>> bits = Precision.fixed(net, 2)
    >>> logits, report = infer(net, synthetic(net, bits), random_images(net, bits, 2), bits)
    >>> logits.shape, report.activity["conv1", "multiply"].counts.compares
    ((2, 10), 17)
    """
    instance("network", network, Network)
    instance("precision", precision, Precision)
    if emulator is not None:
        instance("emulator", emulator, Emulator, "an Emulator")
    keep, chip = truth("keep", keep), Chip.limited() if chip is None else chip
    tensors = _tensors(network, images)
    batch = len(next(iter(tensors.values())))
    schedule = plan(network, chip, mapping, batch).at(precision)
    form = IntegerFormat.from_storage(schedule.plan.storage, schedule.bits, precision.name)
    check(form, parameters, chip.columns)
    for name, x in tensors.items():
        _check_pixels(x, form.words[name])
    emulator = emulator or Emulator(threads)
    switching = emulator.begin(chip.ap_kind, chip.clears == "own cycle")
    emulator.max_driven_keys = chip.max_driven_keys
    by_layer = steps(schedule, parameters)
    line = _Progress(form, progress)
    in_place = {after.layer.name for step in by_layer.values() for after in step.chain}
    for layer in network.layers:
        if layer.kind == "input" or layer.name in in_place:  # done where the layer before left it
            continue
        step = by_layer.get(layer.name)
        result = _result(emulator, form, layer, step, parameters, tensors)
        tensors[step.chain[-1].layer.name if step and step.chain else layer.name] = result
        line.finish(layer.name)
    output = tensors[network.layers[-1].name]
    kept = {name: tensors[name] for name in network.shapes if keep and name in tensors}
    report = InferReport(batch, emulator.activity, kept, switching, emulator.hottest)
    return output.reshape(output.shape[: 2 if output.shape[2:] == (1, 1) else 4]), report


def _result(
    emulator: Emulator,
    form: IntegerFormat,
    layer: Layer,
    step: ProductStep | Step | None,
    parameters: Parameters,
    tensors: Mapping[str, np.ndarray],
) -> np.ndarray:
    """Return the tensor of a layer and those that take its word in place."""
    inputs, own = [tensors[name] for name in layer.inputs], parameters.get(layer.name)
    if isinstance(step, ProductStep):
        assert isinstance(own, LayerParameters)
        return run_product(emulator, step, own, inputs)
    # the top columns, as many as the result has
    spare = [form.words[name].bits - form.words[layer.name].bits for name in layer.inputs]
    inputs = [x >> bits for x, bits in zip(inputs, spare, strict=True)]
    if step is None:
        return address(layer.kind, own, inputs, form.network.shapes[layer.name])
    return run_layer(emulator, step, inputs)


def _tensors(
    network: Network, images: np.ndarray | Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Return the images of each input by name, or raise for other names, shapes or numbers."""
    names = [layer.name for layer in network.layers if layer.kind == "input"]
    by_name = images if isinstance(images, Mapping) else {names[0]: images}
    if set(by_name) != set(names):
        raise BfimnaError(
            f"{network.name!r} has the inputs {', '.join(names)}: give images by name, not for "
            f"{', '.join(map(str, by_name))} only"
        )
    tensors = {}
    for name in names:
        x, shape = integers("images", by_name[name]), network.shapes[name]
        if x.ndim != 4 or x.shape[1:] != shape or not len(x):
            raise BfimnaError(
                f"images of shape {x.shape}; {network.name!r} takes (images, {shape})"
            )
        tensors[name] = x.astype(np.int64)
    if len({len(x) for x in tensors.values()}) > 1:
        numbers = ", ".join(str(len(x)) for x in tensors.values())
        raise BfimnaError(f"inputs of {numbers} images; all must have the same number")
    return tensors


def _check_pixels(x: np.ndarray, word: Word) -> None:
    if x.min() < word.low or x.max() > word.high:
        raise BfimnaError(
            f"images must be integers from {word.low} to {word.high} at this precision, not from "
            f"{x.min()} to {x.max()}"
        )


class _Progress:
    """Print a line per layer, with the time left in proportion to the bit operations left."""

    def __init__(self, form: IntegerFormat, shown: bool) -> None:
        self.work = {
            product.matmul.layer.name: product.matmul.macs
            * (product.left_bits * product.right_bits + 8)
            for product in form.products
        }
        self.total, self.shown, self.finished = sum(self.work.values()), shown, 0
        self.start = time.perf_counter()

    def finish(self, name: str) -> None:
        """Report that a layer has run."""
        self.finished += self.work.get(name, 0)
        if self.shown and self.finished:
            passed, share = time.perf_counter() - self.start, self.finished / self.total
            left = passed * (1 - share) / share
            sys.stderr.write(
                f"{name:<24} {100 * share:5.1f} %  {passed:6.1f} s  ~{left:.0f} s left\n"
            )
