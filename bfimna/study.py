"""The tables behind the figures: each function is one study, returned tidy."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from bfimna import data
from bfimna.ap import counts as ap
from bfimna.chip import Chip
from bfimna.precision import MAX_BITS, Precision
from bfimna.readers.named import load_network, load_precision
from bfimna.simulate import simulate, sweep
from bfimna.technology import HIGHEST_V, LOWEST_V, Technology

SETS = ("published", "microcode")
KINDS = ("1d", "2d", "2d-segmented")


def programs(words: int = 576, bits: int = 8) -> pd.DataFrame:
    """Cycles of every AP program against bits (at `words`), and of reductions against words.

    Columns: sweep ("bits" or "words"), program, ap, counts, bits, words, cycles.
    """
    rows = []

    def note(sweep: str, program: str, kind: str, which: str, m: int, length: int, cycles) -> None:  # type: ignore[no-untyped-def]
        rows.append((sweep, program, kind, which, m, length, float(cycles)))

    for which in SETS:
        for m in range(1, MAX_BITS + 1):
            moved = ap.load(2 * m)
            same = {
                "add": moved + ap.add(m) + ap.read(m + 1),
                "multiply": moved + ap.multiply(m, m) + ap.read(2 * m),
                "ReLU": ap.relu(m, which),
                "maximum": moved + ap.maximum(m, which) + ap.read(m),
                "requantise": ap.requantise(2 * m + ap.levels(words), ap.scale_bits(m), m),
            }
            for name, program in same.items():
                note("bits", name, "any", which, m, 1, program.cycles)
            for kind in KINDS:
                dot = _dot_product(words, m, kind, which)
                note("bits", "dot product", kind, which, m, words, dot.cycles)
        for length in 2 ** np.arange(1, 13):
            for kind in KINDS:
                reduced = ap.reduce(int(length), 2 * bits, kind, which)
                note("words", "reduce", kind, which, bits, int(length), reduced.cycles)
    columns = ["sweep", "program", "ap", "counts", "bits", "words", "cycles"]
    return pd.DataFrame(rows, columns=columns)


def _dot_product(words: int, m: int, kind: ap.ApKind, which: ap.CountSet) -> ap.Counts:
    """Load, multiply, reduce, resolve carries, read: one dot product of `words` m-bit products."""
    total = 2 * m + ap.levels(words)
    program = ap.load(2 * m) + ap.multiply(m, m) + ap.reduce(words, 2 * m, kind, which)
    if which == "microcode" and kind != "1d":
        program = program + ap.add(total)
    return program + ap.read(total)


def design_space(
    networks: Sequence[str],
    technologies: Sequence[str],
    mean_bits: Sequence[int] = (2, 3, 4, 5, 6, 7, 8),
    seeds: int = 10,
) -> pd.DataFrame:
    """Simulate fixed widths 1 to 16, and seeded per-layer widths of each mean, on LR and IR.

    Columns of `sweep`, and configuration: "fixed" or "mixed".
    """
    techs = [data.load_technology(name) for name in technologies]
    chips = [Chip.limited(), Chip.unlimited()]
    frames = []
    for name in networks:
        network = load_network(name)
        fixed = [Precision.fixed(network, b) for b in range(1, MAX_BITS + 1)]
        mixed = [Precision.mixed(network, b, s) for b in mean_bits for s in range(seeds)]
        for configuration, precisions in (("fixed", fixed), ("mixed", mixed)):
            points = sweep(network, precisions, chips, techs)
            frames.append(points.assign(configuration=configuration))
    return pd.concat(frames, ignore_index=True)


def supply(network: str, precision: str, technologies: Sequence[str]) -> pd.DataFrame:
    """Simulate supplies of 0.5 to 1.0 V, and bound them by the delay law's parameters.

    Rows with corner "nominal", and "optimistic" and "pessimistic": threshold and exponent at the
    ends of their ranges.
    """
    net = load_network(network)
    bits = [load_precision(net, precision)]
    volts = np.round(np.linspace(LOWEST_V, HIGHEST_V, 11), 3)
    frames = []
    for name in technologies:
        for corner, tech in _delay_laws(data.load_technology(name)).items():
            points = sweep(net, bits, [Chip.limited()], [tech.at_supply(v) for v in volts])
            frames.append(points.assign(corner=corner))
    return pd.concat(frames, ignore_index=True)


def _delay_laws(tech: Technology) -> dict[str, Technology]:
    (v_low, v_high), (a_low, a_high) = tech.ranges["threshold_v"], tech.ranges["alpha"]
    return {
        "nominal": tech,
        "optimistic": replace(tech, threshold_v=v_low, alpha=a_low),
        "pessimistic": replace(tech, threshold_v=v_high, alpha=a_high),
    }


def batches(networks: Sequence[str], precision: str, technology: str) -> pd.DataFrame:
    """Batch sizes 1 to 256 on LR; columns of `sweep`."""
    tech = data.load_technology(technology)
    frames = []
    for name in networks:
        net = load_network(name)
        bits = [load_precision(net, precision)]
        sizes = [int(b) for b in 2 ** np.arange(9)]
        frames.append(sweep(net, bits, [Chip.limited()], [tech], batches=sizes))
    return pd.concat(frames, ignore_index=True)


def traffic(networks: Sequence[str], precision: str, technology: str) -> pd.DataFrame:
    """Vary the assumptions on data movement; a row a network and variant of the chip."""
    tech, lr = data.load_technology(technology), Chip.limited()
    variants = {
        "multicast, resident": lr,
        "overlapped": replace(lr, overlap=True),
        "no multicast": replace(lr, multicast=False),
        "streamed weights": replace(lr, weights="streamed"),
    }
    rows = []
    for name in networks:
        net = load_network(name)
        bits = load_precision(net, precision)
        for variant, chip in variants.items():
            report = simulate(net, bits, chip, tech)
            moving = report.times[:, -2].sum() / report.batch
            summary = {**report.summary, "variant": variant, "traffic_s": moving}
            rows.append(summary)
    return pd.DataFrame(rows)
