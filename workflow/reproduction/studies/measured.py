"""Measurements of the bit-exact emulator on real data.

Tables behind the figures `fluidity_measured`, `data_energy`, `faults` and `endurance`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import isinf
from typing import Any

import numpy as np
import pandas as pd

from bfimna.ap.events import EVENTS, Counts
from bfimna.ap.faults import Faults
from bfimna.cost import formulas
from bfimna.cost.report import Report
from bfimna.cost.simulate import simulate
from bfimna.emulator import digits
from bfimna.emulator.arrays import Emulator
from bfimna.emulator.infer import InferReport, infer
from bfimna.emulator.integer import Parameters
from bfimna.emulator.quantise import random_images, synthetic
from bfimna.errors import BfimnaError
from bfimna.mapping.chip import Chip
from bfimna.mapping.plan import plan
from bfimna.mapping.work import Vertical
from bfimna.names import AnyNetwork, load_network, load_precision, load_technology
from bfimna.network.graph import Network
from bfimna.network.precision import Precision
from bfimna.technology.technology import Technology
from reproduction.studies.arguments import checked
from reproduction.studies.emulated import array_energies

FRAMES_PER_S = 30.0
#: events that depend on the data
DATA_EVENTS = ("cells_written", "words_written", "rows_matched")
ROWS = 2**16  # of arrays with faults: 14 CAPs, filled again and again with the same cells stuck
YEAR_S = 365.25 * 24 * 3600.0


def on_small_images(network: Network, size: int) -> Network:
    """Return the graph for images of `size` × `size`; average pooling spans the remaining map.

    >>> from bfimna.network import zoo
    >>> on_small_images(zoo.resnet18(), 32).macs
    37523456
    """
    layers: list = []
    for layer in network.layers:
        if layer.kind == "input":
            layer = replace(layer, size=(size, size))
        if layer.kind == "avgpool":
            shape = Network(network.name, tuple(layers)).shapes[layer.inputs[0]]
            layer = replace(layer, kernel=(shape[1], shape[2]))
        layers.append(layer)
    return Network(f"{network.name}-{size}px", tuple(layers))


def accuracy_columns(share: float, images: int) -> dict[str, float]:
    """Return a measured accuracy in percent, with its 5th and 95th percentile.

    >>> [round(x, 1) for x in accuracy_columns(0.95, 40).values()]
    [95.0, 86.0, 98.3]
    """
    low, high = digits.accuracy_interval(share, images)
    name = "accuracy_percent"
    return {name: 100 * share, f"{name}_low": 100 * low, f"{name}_high": 100 * high}


def run_digits(name: str, every: int = 1, **options: object) -> tuple[float, InferReport]:
    """Run every n-th test image at a trained precision; return accuracy and report."""
    bits = digits.precision(name)
    x = digits.images(bits)[::every]
    logits, report = infer(digits.network(), digits.parameters(name), x, bits, **options)  # type: ignore[arg-type]
    return digits.accuracy(logits, digits.labels()[::every]), report


@checked
def fluidity(technologies: Sequence[str], threads: int = 0) -> pd.DataFrame:
    """Return accuracy on the emulator and EDP, for every precision of the trained digits network.

    Accuracies have the 5th and 95th percentile by the number of images (_low, _high).
    The AP's energy is measured on the test images (mean); time, traffic and leakage are the model's
    for one image on LR.
    """
    network, chip, rows = digits.network(), Chip.limited(), []
    for name in digits.trained():
        bits = digits.precision(name)
        accuracy, report = run_digits(name, threads=threads)
        for technology in technologies:
            tech = load_technology(technology)
            model = simulate(network, bits, chip, tech)
            array_j, modelled = array_energies(network, model.schedule, report, tech)
            array_j /= report.images
            energy = model.energy_j - modelled + array_j
            rows.append({
                "precision": name, "mean_bits": bits.mean_bits, "technology": tech.name,
                "images": report.images, **accuracy_columns(accuracy, report.images),
                "latency_s": model.latency_s, "energy_j": energy,
                "edp_js": energy * model.latency_s, "model_edp_js": model.edp_js,
                "array_energy_j": array_j, "model_array_energy_j": modelled,
                "feasible": model.feasible,
            })  # fmt: skip
    return pd.DataFrame(rows)


def energy_by_layer(
    network: Network,
    parameters: Parameters,
    images: np.ndarray,
    precision: Precision,
    technologies: Sequence[str],
    threads: int = 0,
) -> pd.DataFrame:
    """Return the energy measured on data beside that expected for uniformly random bits.

    One row per technology, layer and phase, with figures per image: cells written and energy,
    measured and expected; the share of compared rows that matched; the share of zero operands.
    """
    _, report = infer(network, parameters, images, precision, threads=threads, keep=True)
    chip = Chip.limited()
    placed = plan(network, chip, batch=len(images)).at(precision)
    rows = []
    for phase, work in placed.phases.items():
        for k, position in enumerate(work.layers.tolist()):
            layer = network.layers[position]
            if not work.rows[k]:
                continue
            activity = report.activity[layer.name, phase]
            shape = work.rows.shape
            expected = Counts(**{
                e: float(np.broadcast_to(getattr(work.counts, e), shape)[k]) for e in EVENTS
            })  # fmt: skip
            mode = work.mode_at(k)
            for technology in technologies:
                tech = load_technology(technology)
                energy_j, expected_j = (
                    formulas.energy(counts, tech, chip, mode) / len(images)
                    for counts in (activity.counts, expected)
                )
                rows.append({
                    "network": network.name, "precision": precision.name,
                    "technology": tech.name, "layer": layer.name, "phase": phase,
                    "zeros_percent": _zeros(report, layer.inputs[0]),
                    "tagged_percent": 100 * activity.tags_set
                    / max(activity.counts.compare_rows, 1),
                    "attached_cells": mode.rows if isinstance(mode, Vertical) else chip.columns,
                    **{e: getattr(activity.counts, e) / len(images) for e in DATA_EVENTS},
                    **{f"expected_{e}": getattr(expected, e) / len(images) for e in DATA_EVENTS},
                    "energy_j": energy_j, "expected_energy_j": expected_j,
                })  # fmt: skip
    return pd.DataFrame(rows)


def _zeros(report: InferReport, name: str) -> float:
    """Return the share of zeros in a tensor, in percent; NaN where a ReLU has overwritten it."""
    return 100 * float(np.mean(report.tensors[name] == 0)) if name in report.tensors else np.nan


@checked
def data_energy(
    digits_precisions: Sequence[str],
    synthetic_network: Network,
    bits: Sequence[int],
    technologies: Sequence[str],
    images: int = 60,
) -> pd.DataFrame:
    """Return `energy_by_layer` of the trained digits network and of one with synthetic weights."""
    frames = []
    for name in digits_precisions:
        precision = digits.precision(name)
        x = digits.images(precision)[:images]
        own: Parameters = digits.parameters(name)
        rows = energy_by_layer(digits.network(), own, x, precision, technologies)
        frames.append(rows.assign(weights="trained"))
    for width in bits:
        precision = Precision.fixed(synthetic_network, width)
        own = synthetic(synthetic_network, precision)
        noise: Any = random_images(synthetic_network, precision)
        rows = energy_by_layer(synthetic_network, own, noise, precision, technologies)
        frames.append(rows.assign(weights="synthetic"))
    return pd.concat(frames, ignore_index=True)


#: kind of fault → the fields of `Faults` that its rate sets
FAULTS = {
    "stuck at 0": ("stuck_at_0",),
    "stuck at 1": ("stuck_at_1",),
    "match line": ("match_error",),
}


@checked
def faults(
    precisions: Sequence[str],
    rates: Sequence[float],
    every: int = 1,
    seeds: int = 3,
    threads: int = 0,
) -> pd.DataFrame:
    """Return the digits network's accuracy on arrays with faults, on every n-th test image.

    One row per precision, kind, rate and seed. Rate 0 appears once, as kind "none". Accuracies have
    the 5th and 95th percentile by the number of images (_low, _high).
    """
    rows = []
    for name in precisions:
        cases = [("none", 0.0, 0)]
        cases += [(kind, rate, seed) for kind in FAULTS for rate in rates for seed in range(seeds)]
        for kind, rate, seed in cases:
            injected = Faults(**dict.fromkeys(FAULTS.get(kind, ()), rate), seed=seed)
            accuracy, report = run_digits(
                name, every, emulator=Emulator(threads, injected, products=ROWS)
            )
            rows.append({
                "precision": name, "kind": kind, "rate": rate, "seed": seed,
                "images": report.images, **accuracy_columns(accuracy, report.images),
            })  # fmt: skip
    return pd.DataFrame(rows)


@checked
def endurance(
    precisions: Sequence[str],
    technologies: Sequence[str],
    networks: Sequence[AnyNetwork] = ("alexnet", "vgg16", "resnet18", "resnet50"),
    frames_per_s: float = FRAMES_PER_S,
) -> pd.DataFrame:
    """Return writes per cell and inference, and the lifetime of cells at a rate of inferences.

    Cell "levelled": the model's writes of each network over all cells of LR, as perfect wear
    levelling would spread them. Of the digits network, counted by the emulator: "hottest", every
    layer in the same rows of the same CAPs without wear levelling, and "mean" over the cells of the
    largest layer's rows. A chip that cannot reach the rate runs as fast as it can.
    """
    if isinf(load_technology(technologies[0]).endurance_writes):
        raise BfimnaError(
            f"technologies: cells of {technologies[0]!r}, the first, do not wear out; want one "
            "with limited endurance, such as 'reram-14nm-lstp'"
        )
    rows: list[dict[str, object]] = []
    for name in precisions:
        measured = _measured_wear(name)
        for technology in technologies:
            tech = load_technology(technology)
            for network in (digits.network(), *map(load_network, networks)):
                own = network == digits.network()
                bits = digits.precision(name) if own else load_precision(network, name)
                report = simulate(network, bits, "LR", tech)
                rate = min(frames_per_s, 1 / report.seconds_per_inference)
                worn = measured if own else {"levelled": report.writes_per_cell}
                for place, writes in worn.items():
                    rows += _lifetimes(report, tech, place, writes, rate)
    return pd.DataFrame(rows)


def _measured_wear(precision: str) -> dict[str, float]:
    """Return writes of the digits network's hottest cell, and of the mean of used cells."""
    _, report = run_digits(precision, every=len(digits.labels()), emulator=Emulator(wear=True))
    used = max(gemm.macs for gemm in digits.network().matmuls) * Chip.limited().columns
    writes = report.counts.cells_written + report.counts.cells_loaded
    return {"hottest": float(report.hottest_cell), "mean": float(writes / used)}


def _lifetimes(
    report: Report, technology: Technology, place: str, writes: float, rate: float
) -> Iterator[dict[str, object]]:
    """Yield the lifetime at the endurance's value and at either end of its range."""
    low, high = technology.ranges["endurance_writes"]
    ends = {"low": low, "value": technology.endurance_writes, "high": high}
    for limit, most in ends.items():
        worn = replace(report, technology=replace(technology, endurance_writes=most))
        yield {
            "network": report.network.name, "precision": report.precision.name,
            "technology": technology.name, "cell": place, "endurance": limit,
            "endurance_writes": most, "writes_per_inference": writes, "frames_per_s": rate,
            "lifetime_years": worn.lifetime_s(rate, writes) / YEAR_S, "feasible": report.feasible,
        }  # fmt: skip
