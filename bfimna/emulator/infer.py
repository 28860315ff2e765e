"""A whole integer network on the emulator, bit-exact, with everything counted."""

import sys
import time
from dataclasses import dataclass, replace
from math import ceil, prod

import numpy as np

from bfimna.ap.counts import Counts
from bfimna.emulator.arrays import Activity, Emulator
from bfimna.emulator.integer import Parameters, Word, check, sum_bits, words
from bfimna.emulator.unweighted import Elementwise, elementwise
from bfimna.emulator.weighted import Product, weighted
from bfimna.errors import BfimnaError
from bfimna.network.graph import GEMM, Layer, Network
from bfimna.network.precision import Precision


@dataclass(frozen=True)
class InferReport:
    """What the arrays did for a batch of images.

    Attributes
    ----------
    images : in the batch. activity : by (layer, phase). tensors : by layer, if they were to be kept
    (but not those that a ReLU has overwritten where they lay).
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
    images: np.ndarray,
    precision: Precision,
    *,
    chip=None,  # type: ignore[no-untyped-def]
    threads: int = 0,
    emulator: Emulator | None = None,
    keep: bool = False,
    progress: bool = False,
) -> tuple[np.ndarray, InferReport]:
    """Run integer-only inference on the bit-exact emulator.

    Parameters
    ----------
    parameters : integers by layer, see `bfimna.emulator.quantise`.
    images : unsigned integers of the input's bits, (images, channels, y, x).
    chip : LR unless given; says how many CAPs share the rows, so how often they are filled.
    threads : processor threads; 0 for all. emulator : arrays to use again, as they were left.
    keep : return every layer's tensor in the report. progress : a line a layer to stderr.

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
    from bfimna.chip.chip import Chip  # which needs the counts of this package first

    check(network, parameters, precision)
    stored = words(network, precision)
    x = _checked(network, images, stored[network.layers[0].name])
    emulator = emulator or Emulator(threads)
    switching = emulator.begin()
    plan = _plan(network, precision, (chip or Chip.limited()).sized_for(network, len(x)), len(x))
    tensors = {network.layers[0].name: x}
    clock = _Progress(network, precision, progress)
    for layer in network.layers[1:]:
        inputs = [tensors[name] for name in layer.inputs]
        step = plan[layer.name]
        if layer.kind not in GEMM:  # which reads the top columns, as many as its result has
            more = [stored[name].bits - stored[layer.name].bits for name in layer.inputs]
            inputs = [x >> spare for x, spare in zip(inputs, more, strict=True)]
        if isinstance(step, Product):
            tensors[layer.name] = weighted(emulator, step, parameters[layer.name], inputs[0])
        elif isinstance(step, Elementwise):
            tensors[layer.name] = elementwise(emulator, step, inputs)
        elif layer.kind == "concat":
            tensors[layer.name] = np.concatenate(inputs, axis=1)
        else:  # a flatten, or a ReLU that was done on the resident word
            tensors[layer.name] = inputs[0].reshape(len(x), *network.shapes[layer.name])
        clock.done(layer)
    output = tensors[network.layers[-1].name]
    kept = {n: t for n, t in tensors.items() if keep and not resident_relu(network, network[n])}
    report = InferReport(len(x), emulator.activity, kept, switching, emulator.hottest)
    return output.reshape(output.shape[: 2 if output.shape[2:] == (1, 1) else 4]), report


def _checked(network: Network, images: np.ndarray, word: Word) -> np.ndarray:
    x, shape = np.asarray(images), network.shapes[network.layers[0].name]
    if x.ndim != 4 or x.shape[1:] != shape or not len(x):
        raise BfimnaError(f"images of shape {x.shape}; {network.name!r} wants (images, {shape})")
    if not np.issubdtype(x.dtype, np.integer) or x.min() < word.low or x.max() > word.high:
        raise BfimnaError(
            f"images must be integers from {word.low} to {word.high} at this precision, not "
            f"{x.dtype} from {x.min()} to {x.max()}"
        )
    return x.astype(np.int64)


def _plan(network: Network, precision: Precision, chip, batch: int):  # type: ignore[no-untyped-def]
    """Return what each layer runs: a `Product`, an `Elementwise`, or nothing."""
    from bfimna.chip.chip import fit

    if chip.ap_kind != "2d-segmented":
        raise BfimnaError(f"chip {chip.name!r}: the emulator runs networks on 2d-segmented APs")
    stored, sums = words(network, precision), sum_bits(network, precision)
    gemms = {gemm.layer.name: gemm for gemm in network.gemms}
    plan: dict[str, object] = {}
    for layer in network.layers[1:]:
        relu = resident_relu(network, layer)
        dense = ceil(batch * prod(network.shapes[layer.name]) / chip.product_rows)
        before = tuple(stored[name] for name in layer.inputs)
        if layer.kind in GEMM:
            placed = fit(gemms[layer.name], chip.rows, batch)
            plan[layer.name] = Product(
                gemms[layer.name], *precision[layer.name], sums[layer.name], before[0],
                stored[layer.name], relu, not network.readers[layer.name], placed.part,
                placed.splits, ceil(placed.caps / chip.caps), dense,
            )  # fmt: skip
        elif layer.kind in ("flatten", "concat") or (
            layer.kind == "relu" and layer.name == resident_relu(network, network[layer.inputs[0]])
        ):
            plan[layer.name] = None
        else:
            shape, bits = network.shapes[layer.name], stored[layer.name].bits
            before = tuple(replace(word, bits=bits) for word in before)
            plan[layer.name] = Elementwise(layer, before, stored[layer.name], relu, shape, dense)
    return plan


def resident_relu(network: Network, layer: Layer) -> str:
    """Return the ReLU that takes the layer's word where it lies, as its only taker, or none."""
    takers = network.consumers[layer.name]
    resident = layer.kind in (*GEMM, "add") and len(takers) == 1
    return takers[0] if resident and network[takers[0]].kind == "relu" else ""


class _Progress:
    """A line a layer, with the time left in proportion to the bit operations left."""

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
