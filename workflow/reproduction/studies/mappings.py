"""Mappings against the paper's, the choice of each layer, and their distance from lower bounds.

Tables behind the figures `mapping`, `mapping_layers` and `bounds`. In each layer a family takes
the best of its own and of the paper's; a family that the chip lacks the hardware for has no row.
"""

from collections.abc import Iterator, Sequence
from collections.abc import Mapping as Fields
from contextlib import suppress
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from bfimna.cost import uncertainty
from bfimna.cost.report import Report
from bfimna.cost.simulate import simulate
from bfimna.errors import BfimnaError, check_field_names
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
from bfimna.search.mapping_choice import MappingChoice
from bfimna.search.mapping_choice import mapping as best_mapping
from bfimna.technology.technology import Technology
from reproduction.studies.arguments import checked

BEST = "best per layer"
#: fields of a chip that it has beyond the one it is compared with
Hardware = Fields[str, Any]
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

    def reports(self, hardware: Hardware) -> Iterator[tuple[str, Report]]:
        """Yield the best choice of each family, the paper's first, and of all.

        Then what the chip can do with more hardware: families that need it, and the best of all.
        """
        here = self.network, self.precision, self.chip, self.technology
        yield "paper", simulate(*here)
        plain = self._placed(self.chip)
        for family, own in plain.items():
            yield family, best_mapping(*here, candidates=[Mapping.paper(), *own]).report
        yield BEST, self.best(self.chip).report
        if not hardware:
            return
        chip = equipped(self.chip, hardware)
        here = self.network, self.precision, chip, self.technology
        for family, own in self._placed(chip).items():
            if family not in plain:
                yield family, best_mapping(*here, candidates=[Mapping.paper(), *own]).report
        yield best_with(hardware), self.best(chip).report

    def paper_and_best(self, chip: Chip) -> dict[str, Report]:
        """Return the paper's mapping and the best per layer on a chip."""
        paper = simulate(self.network, self.precision, chip, self.technology)
        return {"paper": paper, BEST: self.best(chip).report}

    def best(self, chip: Chip) -> MappingChoice:
        """Return the best mapping of each layer among all that a chip has the hardware for."""
        return best_mapping(self.network, self.precision, chip, self.technology)

    def _placed(self, chip: Chip) -> dict[str, list[Mapping]]:
        """Return the families, but the paper's, that a chip has the hardware for."""
        families = {}
        for family, members in catalogue.families().items():
            own = []
            for mapping in members:
                with suppress(BfimnaError):
                    plan(self.network, chip, mapping)
                    own.append(mapping)
            if own and family != "paper":
                families[family] = own
        return families


def equipped(chip: Chip, hardware: Hardware) -> Chip:
    """Return a chip with more hardware, its name with what was added."""
    check_field_names("hardware of a chip", hardware, Chip)
    added = ", ".join(f"{field} {value}" for field, value in hardware.items())
    return replace(chip, name=f"{chip.name}, {added}", **hardware) if hardware else chip


def best_with(hardware: Hardware) -> str:
    """Return the name of the best choice on a chip with more hardware.

    >>> best_with({"latch": "booth"})
    'best, latch booth'
    """
    return ", ".join(["best", *(f"{field} {value}" for field, value in hardware.items())])


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
    hardware: Hardware = MappingProxyType({}),
    draws: int = uncertainty.SAMPLES,
) -> pd.DataFrame:
    """Return what each family of mappings costs over the paper's.

    Parameters
    ----------
    hardware : fields of a chip with more hardware, beside the one as it is.
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
        for name, report in point.reports(hardware):
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
    network: AnyNetwork,
    precision: AnyPrecision,
    technology: AnyTechnology,
    chip: AnyChip = "LR",
    hardware: Hardware = MappingProxyType({}),
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
    choice = point.best(equipped(point.chip, hardware))
    table, products = choice.layers, choice.costs.products
    paper = simulate(point.network, point.precision, point.chip, point.technology)
    seconds, joules = (cost.sum(axis=-1)[products] for cost in (paper.times, paper.energies))
    matmuls = point.network.matmuls
    labels = {**point.labels, "chip": choice.report.chip.name}
    columns = {
        "layer": table.layer,
        "k": [product.k for product in matmuls],
        "dots": [product.dot_products for product in matmuls],
        "mapping": table.mapping,
        "latency": table.latency_s / seconds,
        "energy": table.energy_j / joules,
        "latency_share": seconds / paper.latency_s,
        "runner_up": table.runner_up,
        "factor": table.factor,
        "candidates": table.candidates,
    }
    return pd.DataFrame(columns).assign(**labels)[[*labels, *columns]]


@checked
def bounds(
    networks: Sequence[AnyNetwork],
    precisions: Sequence[AnyPrecision],
    technology: AnyTechnology,
    chip: AnyChip = "LR",
    hardware: Hardware = MappingProxyType({}),
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
        for name, report in point.reports(hardware):
            if name in ("paper", BEST, best_with(hardware)):
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
    """Return which networks a chip holds at which bits, and what it costs where it does not.

    In its MAPs, and in idle columns of its CAPs: the same programs run in the same cycles on arrays
    without them. Weights that lie there cross mesh and bus like those from a MAP.

    Returns
    -------
    DataFrame with network, precision, technology, chip, mapping, weights_bits, peak_live_bits,
    map_bits, idle_columns, idle_bits, whether weights and live tensors fit (in_maps, with_caps),
    resident_edp_js (all resident, whether it fits or not), streamed_edp_js (what the MAPs do not
    hold moves to and from DRAM) and held_edp_js (resident where it fits MAPs and idle columns, else
    streamed).
    """
    rows = []
    for point in _points(networks, precisions, technology, chip):
        built = replace(point.chip, weights="auto", activations="spilled")
        assumed = replace(point.chip, weights="resident", activations="resident")
        streamed = point.paper_and_best(built)
        for name, report in point.paper_and_best(assumed).items():
            held = report.weights_bits + report.peak_live_bits
            idle, room = idle_columns(report), report.chip.map_bits
            bits = idle * report.chip.product_rows
            edp = report.edp_js, streamed[name].edp_js
            rows.append({
                **point.labels, "mapping": name, "weights_bits": report.weights_bits,
                "peak_live_bits": report.peak_live_bits, "map_bits": room,
                "idle_columns": idle, "idle_bits": bits,
                "in_maps": held <= room, "with_caps": held <= room + bits,
                "resident_edp_js": edp[0], "streamed_edp_js": edp[1],
                "held_edp_js": edp[held > room + bits],
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
