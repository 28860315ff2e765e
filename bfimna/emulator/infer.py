"""A whole integer network on the emulator, bit-exact, with everything counted."""

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bfimna.ap.counts import Counts
from bfimna.emulator.arrays import Activity, Emulator
from bfimna.emulator.integer import LayerParameters, Parameters, check
from bfimna.emulator.layers import run_layer
from bfimna.emulator.products import run_product
from bfimna.errors import BfimnaError, instance, truth
from bfimna.mapping.chip import Chip
from bfimna.mapping.mapping import Mapping as ProductMapping
from bfimna.mapping.mapping import ProductStep
from bfimna.mapping.plan import plan
from bfimna.mapping.steps import steps, stored_words
from bfimna.network.graph import Layer, Network
from bfimna.network.precision import Precision
from bfimna.operators.addressing import address
from bfimna.operators.constants import integers
from bfimna.operators.words import Word


@dataclass(frozen=True)
class InferReport:
    """What the arrays did for a batch of images.

    Attributes
    ----------
    images : in the batch.
    activity : by (layer, phase).
    tensors : by layer, if they were to be kept
    (but not those that a layer has overwritten where they lay).
    switching : what was done between the last inference and this one, to change the precision.
    hottest : writes of the most written cell of each column, by (layer, stage), all folds in the
        same cells; empty unless the emulator counts writes per cell.
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
        """Writes of the most written cell, if every layer's hottest cell of a column is the same.

        An upper bound, therefore: the rows of the hottest cells need not agree.
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
    images : unsigned integers of the input's bits, (images, channels, y, x); by name where there
        are several inputs.
    chip : LR unless given; says how many CAPs share the rows, so how often they are filled.
    mapping : of the matrix products; the paper's unless given.
    threads : processor threads; 0 for all.
    emulator : arrays to use again, as they were left.
    keep : return every layer's tensor in the report.
    progress : a line per layer to stderr.

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
    ((2, 10), 16)
    """
    instance("precision", precision, Precision).of_network(instance("network", network, Network))
    chip = Chip.limited() if chip is None else instance("chip", chip, Chip)
    if emulator is not None:
        instance("emulator", emulator, Emulator, "an Emulator")
    keep = truth("keep", keep)
    schedule = plan(network, chip, mapping).at(precision)  # columns and words know no batch
    check(network, parameters, precision, chip.columns)
    words = stored_words(schedule)
    tensors = _checked(network, images, words)
    batch = len(next(iter(tensors.values())))
    if batch > 1:
        schedule = plan(network, chip, mapping, batch).at(precision)
    emulator = emulator or Emulator(threads)
    switching = emulator.begin(chip.ap_kind)
    taken = steps(schedule, parameters)
    clock = _Progress(network, precision, progress)
    in_place = {after.layer.name for step in taken.values() for after in step.chain}
    for layer in network.layers:
        if layer.kind == "input" or layer.name in in_place:  # done where the layer before left it
            continue
        inputs, step = [tensors[name] for name in layer.inputs], taken.get(layer.name)
        if isinstance(step, ProductStep):
            own = parameters[layer.name]
            assert isinstance(own, LayerParameters)
            result = run_product(emulator, step, own, inputs[0])
        else:  # which reads the top columns, as many as its result has
            more = [words[name].bits - words[layer.name].bits for name in layer.inputs]
            inputs = [x >> spare for x, spare in zip(inputs, more, strict=True)]
            if step is None:
                shape = network.shapes[layer.name]
                result = address(layer.kind, parameters.get(layer.name), inputs, shape)
            else:
                result = run_layer(emulator, step, inputs)
        end = step.chain[-1].layer if step and step.chain else layer
        tensors[end.name] = result
        clock.done(layer)
    output = tensors[network.layers[-1].name]
    kept = {name: tensors[name] for name in network.shapes if keep and name in tensors}
    report = InferReport(batch, emulator.activity, kept, switching, emulator.hottest)
    return output.reshape(output.shape[: 2 if output.shape[2:] == (1, 1) else 4]), report


def _checked(
    network: Network, images: np.ndarray | Mapping[str, np.ndarray], stored: dict[str, Word]
) -> dict[str, np.ndarray]:
    """Return the images of each input, checked."""
    names = [layer.name for layer in network.layers if layer.kind == "input"]
    given = images if isinstance(images, Mapping) else {names[0]: images}
    if set(given) != set(names):
        raise BfimnaError(
            f"{network.name!r} has the inputs {', '.join(names)}: give images by name, not for "
            f"{', '.join(map(str, given))} only"
        )
    tensors = {}
    for name in names:
        x, shape, word = integers("images", given[name]), network.shapes[name], stored[name]
        if x.ndim != 4 or x.shape[1:] != shape or not len(x):
            raise BfimnaError(
                f"images of shape {x.shape}; {network.name!r} wants (images, {shape})"
            )
        if x.min() < word.low or x.max() > word.high:
            raise BfimnaError(
                f"images must be integers from {word.low} to {word.high} at this precision, not "
                f"{x.dtype} from {x.min()} to {x.max()}"
            )
        tensors[name] = x.astype(np.int64)
    if len({len(x) for x in tensors.values()}) > 1:
        raise BfimnaError(f"inputs of {[len(x) for x in tensors.values()]} images: want as many")
    return tensors


class _Progress:
    """Print a line per layer, with the time left in proportion to the bit operations left."""

    def __init__(self, network: Network, precision: Precision, shown: bool) -> None:
        pairs = zip(network.gemms, precision.of_network(network), strict=True)
        self.work = {g.layer.name: g.macs * (w * a + 8) for g, (w, a) in pairs}
        self.total, self.shown, self.ran = sum(self.work.values()), shown, 0
        self.start = time.perf_counter()

    def done(self, layer: Layer) -> None:
        """Say that a layer is done."""
        self.ran += self.work.get(layer.name, 0)
        if self.shown and self.ran:
            passed = time.perf_counter() - self.start
            left = passed * (self.total - self.ran) / self.ran
            share = 100 * self.ran / self.total
            sys.stderr.write(
                f"{layer.name:<24} {share:5.1f} %  {passed:6.1f} s  ~{left:.0f} s left\n"
            )
