"""Mappings against the paper's, the choice of each layer, and their distance from lower bounds.

Tables behind the figures `mapping`, `mapping_layers` and `bounds`. In each layer a family takes
the best of its own and of the paper's; a family that the chip lacks the hardware for has no row.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from bfimna.cost import uncertainty
from bfimna.cost.report import Report
from bfimna.cost.simulate import simulate
from bfimna.errors import BfimnaError
from bfimna.mapping import catalogue
from bfimna.mapping.chip import Chip
from bfimna.mapping.mapping import Mapping
from bfimna.mapping.plan import plan
from bfimna.names import (
    AnyChip,
    AnyNetwork,
    AnyPrecision,
    AnyTechnology,
    load_chip,
    load_network,
    load_precision,
    load_technology,
)
from bfimna.network.graph import Network
from bfimna.network.precision import Precision
from bfimna.search.lower_bounds import lower_bounds
from bfimna.search.mapping_choice import mapping as best_mapping
from bfimna.technology.technology import Technology
from reproduction.studies.arguments import checked

BEST = "best per layer"
#: column of the tables → quantity of a report
FACTORS = {"edp": "edp_js", "latency": "latency_s", "energy": "energy_j"}


@dataclass(frozen=True)
class Point:
    """A network at a precision on a chip in a technology."""

    network: Network
    precision: Precision
    chip: Chip
    technology: Technology

    @property
    def labels(self) -> dict[str, object]:
        """First columns of a row."""
        return {
            "network": self.network.name,
            "precision": self.precision.name,
            "technology": self.technology.name,
            "chip": self.chip.name,
        }

    def reports(self) -> Iterator[tuple[str, Report]]:
        """Yield the best choice of each family, the paper's first, and of all."""
        paper = Mapping.paper()
        here = self.network, self.precision, self.chip, self.technology
        yield "paper", simulate(*here)
        every = [paper]
        for family, members in catalogue.families().items():
            own = [one for one in members if one != paper and self._placed(one)]
            every += own
            if own:
                yield family, best_mapping(*here, candidates=[paper, *own]).report
        yield BEST, best_mapping(*here, candidates=every).report

    def _placed(self, mapping: Mapping) -> bool:
        """Whether the chip has what a mapping needs."""
        try:
            plan(self.network, self.chip, mapping)
        except BfimnaError:
            return False
        return True


def _points(
    networks: Sequence[AnyNetwork],
    precisions: Sequence[AnyPrecision],
    technology: AnyTechnology,
    chip: AnyChip,
) -> Iterator[Point]:
    own, tech = load_chip(chip), load_technology(technology)
    for name in networks:
        network = load_network(name)
        for precision in precisions:
            yield Point(network, load_precision(network, precision), own, tech)


@checked
def mappings(
    networks: Sequence[AnyNetwork],
    precisions: Sequence[AnyPrecision],
    technology: AnyTechnology,
    chip: AnyChip = "LR",
    draws: int = uncertainty.SAMPLES,
) -> pd.DataFrame:
    """Return what each family of mappings costs over the paper's.

    Parameters
    ----------
    draws : Monte Carlo samples of the parameters. Both sides of a ratio share them, so that a range
        which moves both alike cancels out.

    Returns
    -------
    DataFrame with network, precision, technology, chip, mapping, and the factors edp, latency and
    energy, each with its 5th and 95th percentile (_low, _high), and traffic (bits over the buses).
    """
    rows = []
    for point in _points(networks, precisions, technology, chip):
        before: dict[str, np.ndarray] = {}
        paper = None
        for name, report in point.reports():
            paper = paper or report
            row: dict[str, object] = {**point.labels, "mapping": name}
            for factor, quantity in FACTORS.items():
                samples = uncertainty.samples_of(report, quantity, draws)
                ratio = samples / before.setdefault(quantity, samples)
                row[factor] = getattr(report, quantity) / getattr(paper, quantity)
                row[f"{factor}_low"], row[f"{factor}_high"] = np.percentile(ratio, (5, 95))
            moved, base = (float(r.schedule.traffic.bus_bits.sum()) for r in (report, paper))
            rows.append(row | {"traffic": moved / base})
    return pd.DataFrame(rows)


@checked
def mapping_layers(
    network: AnyNetwork, precision: AnyPrecision, technology: AnyTechnology, chip: AnyChip = "LR"
) -> pd.DataFrame:
    """Return what each layer of a network chose for the least EDP, and why.

    Returns
    -------
    DataFrame with network, precision, technology, chip, layer, k (length of its dot products), dots
    (their number), mapping, latency and energy over the paper's, latency_share (of the network's by
    the paper's mapping), runner_up, factor (of the network's EDP if the layer took the runner-up)
    and candidates (mappings that fit).
    """
    (point,) = _points([network], [precision], technology, chip)
    choice = best_mapping(point.network, point.precision, point.chip, point.technology)
    table, costs = choice.layers, choice.costs
    assert costs.mappings[0] == Mapping.paper()
    seconds, joules = (cost[0, costs.products] for cost in (costs.seconds, costs.joules))
    products = point.network.matmuls
    columns = {
        "layer": table.layer,
        "k": [product.k for product in products],
        "dots": [product.dot_products for product in products],
        "mapping": table.mapping,
        "latency": table.latency_s / seconds,
        "energy": table.energy_j / joules,
        "latency_share": seconds / costs.seconds[0].sum(),
        "runner_up": table.runner_up,
        "factor": table.factor,
        "candidates": table.candidates,
    }
    return pd.DataFrame(columns).assign(**point.labels)[[*point.labels, *columns]]


@checked
def bounds(
    networks: Sequence[AnyNetwork],
    precisions: Sequence[AnyPrecision],
    technology: AnyTechnology,
    chip: AnyChip = "LR",
) -> pd.DataFrame:
    """Return how far the paper's mapping and the best lie above what any of the class must pay.

    Returns
    -------
    DataFrame with network, precision, technology, chip, mapping, and the factors edp, latency,
    energy and traffic over their lower bounds, with the bounds edp_js, latency_s, energy_j and
    bus_bits.
    """
    rows = []
    for point in _points(networks, precisions, technology, chip):
        least = lower_bounds(point.network, point.precision, point.chip, point.technology)
        bits = float(least.bus_bits.sum())
        of = {q: float(getattr(least, q)) for q in FACTORS.values()}
        for name, report in point.reports():
            if name in ("paper", BEST):
                factors = {f: getattr(report, q) / of[q] for f, q in FACTORS.items()}
                factors["traffic"] = float(report.schedule.traffic.bus_bits.sum()) / bits
                rows.append({**point.labels, "mapping": name, **factors, **of, "bus_bits": bits})
    return pd.DataFrame(rows)


@checked
def memory(
    networks: Sequence[AnyNetwork],
    precisions: Sequence[AnyPrecision],
    technology: AnyTechnology,
    chip: AnyChip = "LR",
) -> pd.DataFrame:
    """Return which networks a chip holds at which bits: in its MAPs, and in idle columns of CAPs.

    A column of the CAPs is idle if the same programs run in the same cycles on arrays without it.

    Returns
    -------
    DataFrame with network, precision, technology, chip, mapping, weights_bits, peak_live_bits,
    map_bits, idle_columns, idle_bits, and whether weights and live tensors fit: in_maps, with_caps.
    """
    rows = []
    for point in _points(networks, precisions, technology, chip):
        for name, report in point.reports():
            if name not in ("paper", BEST):
                continue
            held = report.weights_bits + report.peak_live_bits
            idle = idle_columns(report)
            bits = idle * report.chip.product_rows
            rows.append({
                **point.labels, "mapping": name, "weights_bits": report.weights_bits,
                "peak_live_bits": report.peak_live_bits, "map_bits": report.chip.map_bits,
                "idle_columns": idle, "idle_bits": bits,
                "in_maps": held <= report.chip.map_bits,
                "with_caps": held <= report.chip.map_bits + bits,
            })  # fmt: skip
    return pd.DataFrame(rows)


def idle_columns(report: Report) -> int:
    """Return the columns that arrays could lack without one cycle more, in any layer."""
    resolved = report.schedule.plan
    columns = report.chip.columns

    def cycles(width: int) -> np.ndarray | None:
        chip = replace(resolved.chip, columns=width)
        try:
            other = plan(resolved.network, chip, resolved.mapping, resolved.batch)
            works = other.at(report.precision, report.counts).phases
        except BfimnaError:  # too narrow
            return None
        by_layer = np.zeros(len(resolved.network.layers))
        for work in works.values():
            by_layer[work.layers] += work.counts.cycles
        return by_layer

    usual = cycles(columns)
    for width in range(columns - 1, 0, -1):
        fewer = cycles(width)
        if fewer is None or usual is None or not np.array_equal(fewer, usual):
            return columns - width - 1
    return columns - 1
