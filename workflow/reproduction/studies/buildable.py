"""The best chip that can be built, beside LR as published and as built, and beside rivals.

The table behind the figure `feasible`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from bfimna import data
from bfimna.cost.report import Report
from bfimna.cost.simulate import simulate
from bfimna.errors import one_of
from bfimna.mapping.chip import Chip
from bfimna.names import AnyNetwork, AnyTechnology, load_network, load_precision, load_technology
from bfimna.search.best_chip import best_chip
from reproduction.studies.arguments import checked

#: chips of the search; other fields are LR's
GRID: Mapping[str, Sequence[Any]] = {
    "clusters": (16, 25, 36, 49, 64, 81, 100),
    "caps_per_cluster": (32, 64, 128),
    "rows": (2400, 4800, 9600),
    "maps_per_cluster": (1, 4, 16, 32),
}
AXES = (*GRID, "columns")
#: figures of the table, with intervals; area efficiency here is operations per second and area
BOUNDED = ("latency_s", "energy_j", "edp_js", "throughput_ops", "efficiency_ops_per_w")
PAPER, LR, BEST, RIVAL = "LR as published", "LR as built", "best chip at LR's area", "rival"


@checked
def buildable(
    networks: Sequence[AnyNetwork],
    technologies: Sequence[AnyTechnology],
    precision: str = "int8",
    objective: str = "edp_js",
    grid: Mapping[str, Sequence[Any]] = GRID,
) -> pd.DataFrame:
    """Return each network on LR as published, LR as built and the best feasible chip; and rivals.

    The best chip has the least of the objective among the feasible chips of the grid that take no
    more area than LR, by exhaustive search (`best_chip`).

    Returns
    -------
    DataFrame with chip (one of `PAPER`, `LR`, `BEST`, `RIVAL`), network, precision, technology, the
    chip's fields, `BOUNDED` with intervals (_low, _high), throughput_per_area_gops_per_mm2,
    efficiency_gops_per_w, area_m2, throttled_s, feasible, infeasibilities. Rivals have accelerator,
    node_nm, bits and their published peak throughput per area and efficiency.
    """
    one_of("objective of a chip", objective, ("latency_s", "energy_j", "edp_js", "area_m2"))
    rows = []
    for technology in technologies:
        tech = load_technology(technology)
        for name in networks:
            net = load_network(name)
            bits = load_precision(net, precision)
            chips = {PAPER: Chip.paper(), LR: Chip.limited()}
            area = simulate(net, bits, chips[LR], tech).area_m2
            chips[BEST] = best_chip(
                net, tech, [bits], objective, grid, {"area_m2": area}, chips[LR]
            )
            for role, chip in chips.items():
                rows.append(_row(role, simulate(net, bits, chip, tech)))
    return pd.concat([pd.DataFrame(rows), rivals()], ignore_index=True)


def _row(role: str, report: Report) -> dict[str, object]:
    row: dict[str, object] = {
        "chip": role, "network": report.network.name, "precision": report.precision.name,
        "technology": report.technology.name,
        **{axis: getattr(report.chip, axis) for axis in AXES},
    }  # fmt: skip
    for figure in BOUNDED:
        low, _, high = report.interval(figure)
        row |= {figure: getattr(report, figure), f"{figure}_low": low, f"{figure}_high": high}
    gops, mm2 = report.throughput_ops / 1e9, report.area_m2 * 1e6
    return row | {
        "throughput_per_area_gops_per_mm2": gops / mm2,
        "efficiency_gops_per_w": report.efficiency_ops_per_w / 1e9,
        "area_m2": report.area_m2, "throttled_s": report.throttled_s,
        "feasible": report.feasible, "infeasibilities": "; ".join(report.infeasibilities),
    }  # fmt: skip


def rivals() -> pd.DataFrame:
    """Return published accelerators that state throughput per area and efficiency, at their peak.

    BF-IMNA's own figures are left out.

    >>> sorted(rivals().accelerator)[:2]
    ['A100 SXM', 'CAP']
    """
    table = data.accelerators()
    stated = ["area_efficiency_gops_per_mm2", "efficiency_gops_per_w"]
    table = table[(table.accelerator != "BF-IMNA") & table[stated].notna().all(axis="columns")]
    return pd.DataFrame({
        "chip": RIVAL, "accelerator": table.accelerator, "node_nm": table.node_nm,
        "bits": table.bits, "throughput_per_area_gops_per_mm2": table[stated[0]],
        "efficiency_gops_per_w": table[stated[1]],
    })  # fmt: skip
