"""A whole integer network on the emulator, bit-exact, with everything counted."""

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil, prod

import numpy as np

from bfimna.ap.counts import Counts
from bfimna.emulator.arrays import Activity, Emulator
from bfimna.emulator.constants import Constants, integers
from bfimna.emulator.integer import (
    LayerParameters,
    Parameters,
    Word,
    bits_of,
    check,
    full_sums,
    sum_bits,
    words,
)
from bfimna.emulator.step import OverRows, Round, Step
from bfimna.emulator.unweighted import KINDS, unweighted
from bfimna.emulator.weighted import Product, weighted
from bfimna.errors import BfimnaError, instance, truth
from bfimna.mapping.chip import Chip, fit
from bfimna.mapping.columns import check as fits
from bfimna.mapping.geometry import geometry
from bfimna.mapping.pooling import averaged_over_rows, number_of_rounds, rounds
from bfimna.mapping.words import storage
from bfimna.network.graph import GEMM, Layer, Network
from bfimna.network.precision import Precision


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
    if network.gemms:
        single = geometry(network, chip.sized_for(network, 1), 1)  # columns know no batch
        fits(network, single, *bits_of(network, precision))
    check(network, parameters, precision, chip.columns)
    stored = words(network, precision)
    tensors = _checked(network, images, stored)
    batch = len(next(iter(tensors.values())))
    emulator = emulator or Emulator(threads)
    switching = emulator.begin(chip.ap_kind)
    chip = chip.sized_for(network, batch)
    plan = _plan(network, parameters, precision, chip, batch)
    clock = _Progress(network, precision, progress)
    in_place = {step.layer.name for head in plan.values() for step in head.chain}
    for layer in network.layers:
        if layer.kind == "input" or layer.name in in_place:  # done where the layer before left it
            continue
        more = [stored[name].bits - stored[layer.name].bits for name in layer.inputs]
        inputs = [tensors[name] for name in layer.inputs]
        step = plan.get(layer.name)
        if isinstance(step, Product):
            own = parameters[layer.name]
            assert isinstance(own, LayerParameters)
            result = weighted(emulator, step, own, inputs[0])
        else:  # which reads the top columns, as many as its result has
            inputs = [x >> spare for x, spare in zip(inputs, more, strict=True)]
            if step is None:
                result = _addressed(network, layer, parameters.get(layer.name), inputs)
            else:
                result = unweighted(emulator, step, inputs)
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


def _addressed(network: Network, layer: Layer, own: object, inputs: list[np.ndarray]) -> np.ndarray:
    """Read stored words in another order: a concatenation, a flatten or a view."""
    if layer.kind == "concat":
        return np.concatenate(inputs, axis=1)
    x, shape = inputs[0].reshape(len(inputs[0]), -1), network.shapes[layer.name]
    if isinstance(own, Constants):
        zeros = np.zeros((len(x), 1), dtype=x.dtype)  # for index -1
        x = np.concatenate([x, zeros], axis=1)[:, own.index]
    return x.reshape(len(x), *shape)


def _plan(
    network: Network, parameters: Parameters, precision: Precision, chip: Chip, batch: int
) -> dict[str, Product | Step]:
    """Return what each layer runs that computes something and does not follow in a chain."""
    stored, sums = words(network, precision), sum_bits(network, precision)
    gemms = {gemm.layer.name: gemm for gemm in network.gemms}
    placed = zip(network.layers, storage(network).in_place.tolist(), strict=True)
    in_place, outputs = {layer.name for layer, here in placed if here}, full_sums(network)
    over_rows = _over_rows(network, precision, chip, batch)
    in_rounds = _rounds(network, precision, chip, batch)
    plan: dict[str, Product | Step] = {}
    chains: dict[str, tuple[Step, ...]] = {}  # by the layer before
    for layer in reversed(network.layers):
        chain = chains.get(layer.name, ())
        dense = ceil(batch * prod(network.shapes[layer.name]) / chip.product_rows)
        target = stored[layer.name]
        if layer.kind in GEMM:
            fitted = fit(gemms[layer.name], chip.rows, batch)
            plan[layer.name] = Product(
                gemms[layer.name], *precision[layer.name], sums[layer.name],
                stored[layer.inputs[0]], target, chain, layer.name in outputs, fitted.part,
                fitted.splits, fitted.side_by_side(chip.caps), fitted.folds(chip.caps), dense,
                chip.columns,
            )  # fmt: skip
        elif layer.kind in KINDS:
            own = parameters.get(layer.name, Constants())
            assert isinstance(own, Constants)
            sources = tuple(replace(stored[name], bits=target.bits) for name in layer.inputs)
            shape = network.shapes[layer.name]
            over, more = over_rows.get(layer.name), in_rounds.get(layer.name, ())
            step = Step(layer, own, sources, target, chain, shape, dense, chip.columns, over, more)
            if layer.name in in_place:
                chains[layer.inputs[0]] = (replace(step, chain=()), *chain)
            else:
                plan[layer.name] = step
    return plan


def _over_rows(
    network: Network, precision: Precision, chip: Chip, batch: int
) -> dict[str, OverRows]:
    """Return the layers whose windows are averaged over rows, and how these share arrays."""
    alike = geometry(network, chip, batch).alike.get("avgpool")
    if alike is None:
        return {}
    words = storage(network).words(*bits_of(network, precision)).of(alike.at)
    found = alike.parts
    parts = zip(
        found.part.tolist(),
        found.side_by_side.astype(int).tolist(),
        found.folds.astype(int).tolist(),
        strict=True,
    )
    chosen = zip(alike.layers, averaged_over_rows(alike, words.bits), parts, strict=True)
    return {layer.name: OverRows(*part) for layer, over_rows, part in chosen if over_rows}


def _rounds(
    network: Network, precision: Precision, chip: Chip, batch: int
) -> dict[str, tuple[Round, ...]]:
    """Return the rounds of each maximum, before the last."""
    alike = geometry(network, chip, batch).alike.get("maxpool")
    if alike is None:
        return {}
    words = storage(network).words(*bits_of(network, precision)).of(alike.at)
    numbers = number_of_rounds(alike, words.bits).tolist()
    found = {}
    for layer, n, window, number in zip(
        alike.layers, alike.elements.tolist(), alike.window.tolist(), numbers, strict=True
    ):
        rows = [int(one.rows) for one in rounds(window, number)[:-1]]
        found[layer.name] = tuple(Round(r, ceil(n * r / alike.chip_rows)) for r in rows)
    return found


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
