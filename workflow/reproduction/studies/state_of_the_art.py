"""Our peaks beside published accelerators and fabricated chips, as printed and normalised.

The table behind the figure `state_of_the_art`.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from bfimna import data
from bfimna.cost import caveats
from bfimna.cost.peak import Peak, peak
from bfimna.cost.simulate import simulate
from bfimna.cost.uncertainty import peak_samples
from bfimna.mapping.chip import Chip
from bfimna.names import load_network, load_technology
from bfimna.network.precision import Precision
from bfimna.technology.technology import Technology
from reproduction.studies import silicon
from reproduction.studies.arguments import checked

GIGA, MM2 = 1e9, 1e-6
ACHIEVED_BITS = 8
ENDS = (("low", 5), ("high", 95))
SYSTEMS = ("GPU", "digital systolic")  # technologies of data centres


@checked
def state_of_the_art(
    technologies: Sequence[str], bits: Sequence[int], networks: Sequence[str]
) -> pd.DataFrame:
    """Return our peaks, figures that networks achieve, and published figures, in one table.

    Columns: kind ("peak", "achieved", "published", "silicon"), accelerator, technology, network,
    bits and bits_high (a published figure may hold for a range; empty: not published),
    throughput_gops, efficiency_gops_per_w and area_efficiency_gops_per_mm2 with their 5th and 95th
    percentiles (``_low``, ``_high``), efficiency_other_gops_per_w (a second published figure),
    share_of_peak (of the throughput), area_mm2, power_w, node_nm, supply_v, the columns of
    `silicon.normalised`, arithmetic, scope, basis, read, feasible (of ours).
    """
    chip, rows = Chip.limited(), []
    for name in technologies:
        tech = load_technology(name)
        peaks = {width: peak(width, chip, tech) for width in {*bits, ACHIEVED_BITS}}
        rows += [_peak_row(name, tech, width, peaks[width], chip) for width in bits]
        rows += [_achieved_row(name, tech, net, peaks[ACHIEVED_BITS], chip) for net in networks]
    published = data.accelerators().assign(kind="published")
    table = pd.concat(
        [
            pd.DataFrame(rows),
            published.dropna(subset=["efficiency_gops_per_w"]),
            silicon.digital_chips().assign(kind="silicon"),
        ],
        ignore_index=True,
    )
    return silicon.normalised(table).drop(columns=["status", "source"])


def _peak_row(name: str, tech: Technology, width: int, best: Peak, chip: Chip) -> dict[str, Any]:
    """Return a technology's peak at one width, with its intervals."""
    draws, area = peak_samples(width, chip, tech), best.area_m2 / MM2
    figures = {
        "throughput_gops": (best.throughput_ops / GIGA, draws.throughput_ops / GIGA),
        "efficiency_gops_per_w": (
            best.efficiency_ops_per_w / GIGA,
            draws.efficiency_ops_per_w / GIGA,
        ),
        "area_efficiency_gops_per_mm2": (
            best.throughput_ops / GIGA / area,
            draws.throughput_ops / GIGA / (draws.area_m2 / MM2),
        ),
    }
    bounds = {
        f"{figure}_{end}": np.percentile(samples, percent)
        for figure, (_, samples) in figures.items()
        for end, percent in ENDS
    }
    return {
        "kind": "peak", "accelerator": "bfimna", "technology": name, "bits": width,
        "bits_high": width, **{figure: value for figure, (value, _) in figures.items()}, **bounds,
        "area_mm2": area, "power_w": best.power_w, "node_nm": silicon.node_of(name),
        "supply_v": tech.supply_v, "scope": "chip", "basis": "modelled peak",
        "feasible": not caveats.peak_warnings(best, chip),
    }  # fmt: skip


def _achieved_row(
    name: str, tech: Technology, network: str, best: Peak, chip: Chip
) -> dict[str, Any]:
    """Return what a network achieves of the peak at `ACHIEVED_BITS`, with its intervals."""
    net = load_network(network)
    report = simulate(net, Precision.fixed(net, ACHIEVED_BITS), chip, tech)
    reached: dict[str, float] = {}
    for ours, figure in (
        ("throughput_ops", "throughput_gops"),
        ("efficiency_ops_per_w", "efficiency_gops_per_w"),
    ):
        values = (getattr(report, ours), *report.interval(ours)[::2])
        ends = ("", "_low", "_high")
        reached |= {f"{figure}{end}": v / GIGA for end, v in zip(ends, values, strict=True)}
    area = report.area_m2 / MM2
    return {
        "kind": "achieved", "accelerator": "bfimna", "technology": name, "network": net.name,
        "bits": ACHIEVED_BITS, "bits_high": ACHIEVED_BITS, **reached,
        "area_efficiency_gops_per_mm2": reached["throughput_gops"] / area,
        "share_of_peak": report.throughput_ops / best.throughput_ops, "area_mm2": area,
        "node_nm": silicon.node_of(name), "supply_v": tech.supply_v, "scope": "chip",
        "basis": "modelled inference", "feasible": report.feasible,
    }  # fmt: skip


def with_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Add each figure's place in a figure: column `at`, its width, and `row`, its name.

    A chip's name has its node. One whose figure holds for a range of widths is set beside the
    chips of the widest, one whose width is not published beside those of 8 bits, and both say so.
    """
    ours = {"peak": "AP, peak (this model)", "achieved": "AP, whole networks (this model)"}
    names = [
        f"{chip.accelerator}{_node(chip.node_nm)}{', system' if chip.scope == 'system' else ''}"
        f"{_range(chip.bits, chip.bits_high)}"
        for chip in table.itertuples()
    ]
    at = table.bits_high.fillna(silicon.WHOLE_BYTE).astype(int)
    return table.assign(at=at, row=table.kind.map(ours).fillna(pd.Series(names, index=table.index)))


def _node(node_nm: float) -> str:
    return "" if np.isnan(node_nm) else f", {node_nm:.0f} nm"


def _range(bits: float, bits_high: float) -> str:
    if np.isnan(bits):
        return ", bits not published"
    return f", {bits:.0f} to {bits_high:.0f} bits" if bits < bits_high else ""


def in_order(table: pd.DataFrame, bits: Sequence[int]) -> list[tuple[int, str]]:
    """Return the rows (width, name) of a figure: wide operands last, the most efficient first.

    Our own rows stand where the first technology does.

    Parameters
    ----------
    table : with the columns of `with_rows`.
    """
    ours = table.kind.isin(["peak", "achieved"])
    first = table.technology[ours].iloc[:1]
    shown = table[~ours | table.technology.isin(first)]
    best = shown.groupby(["at", "row"]).efficiency_gops_per_w.max().reset_index()
    best = best[best["at"].isin(bits)]
    best = best.sort_values(["at", "efficiency_gops_per_w"], ascending=[True, False])
    return [(int(at), str(row)) for at, row in zip(best["at"], best.row, strict=True)]


def behind(table: pd.DataFrame, technology: str) -> dict[str, pd.Series]:
    """Return by how much rivals exceed our peak of one technology at 8 bits in GOPS/W.

    Returns
    -------
    "macros" and "macros normalised": fabricated digital chips of exact integers, by chip; "CAP":
    the one associative processor, whose bits are not published; "systems": GPUs and TPUs.
    """
    ours = table[(table.kind == "peak") & (table.technology == technology) & (table.bits == 8)]
    if ours.empty:
        return {}
    ap = ours.iloc[0]
    chips = table[(table.kind == "silicon") & (table.bits == 8) & (table.arithmetic == "integer")]
    others = table[table.kind == "published"].set_index("accelerator")
    return {
        "macros": chips.set_index("accelerator").efficiency_gops_per_w / ap.efficiency_gops_per_w,
        "macros normalised": chips.set_index("accelerator").efficiency_normalised_gops_per_w
        / ap.efficiency_normalised_gops_per_w,
        "CAP": others.efficiency_gops_per_w[["CAP"]] / ap.efficiency_gops_per_w,
        "systems": others.efficiency_gops_per_w[others.technology.isin(SYSTEMS) & others.bits.eq(8)]
        / ap.efficiency_gops_per_w,
    }
