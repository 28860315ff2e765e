"""Peaks and achieved figures beside the published ones: the tables behind `state_of_the_art`."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bfimna import data
from bfimna.cost.peak import peak
from bfimna.cost.simulate import simulate
from bfimna.cost.uncertainty import peak_samples
from bfimna.mapping.chip import Chip
from bfimna.names import load_network, load_technology
from bfimna.network.precision import Precision
from reproduction.studies.claims.peaks import GIGA, OURS, against_all

ACHIEVED_BITS = 8
#: markers that stay apart in black and white, as many as there are published accelerators
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">", "p", "h", "8", "d")


def state_of_the_art(
    technologies: Sequence[str], bits: Sequence[int], networks: Sequence[str]
) -> pd.DataFrame:
    """Return our peaks, what networks achieve, and what others published, in one table.

    Columns: kind ("peak", "achieved", "published"), accelerator, technology, network, bits and
    bits_high (a published figure may hold for a range), throughput_gops and efficiency_gops_per_w
    with their 5th and 95th percentiles (``_low``, ``_high``), share_of_peak (of the throughput),
    area_mm2, power_w, node_nm, scope, basis, read.
    """
    chip, rows = Chip.limited(), []
    for name in technologies:
        tech = load_technology(name)
        peaks = {width: peak(width, chip, tech) for width in {*bits, ACHIEVED_BITS}}
        for width in bits:
            best, drawn = peaks[width], peak_samples(width, chip, tech)
            figures = {theirs: getattr(best, ours) / GIGA for theirs, ours in OURS.items()}
            bounds = {
                f"{theirs}_{end}": np.percentile(getattr(drawn, ours), percent) / GIGA
                for theirs, ours in OURS.items()
                for end, percent in (("low", 5), ("high", 95))
            }
            rows.append({
                "kind": "peak", "accelerator": "bfimna", "technology": name, "bits": width,
                "bits_high": width, **figures, **bounds, "area_mm2": best.area_m2 * 1e6,
                "power_w": best.power_w, "scope": "chip", "basis": "modelled peak",
            })  # fmt: skip
        for network in networks:
            net = load_network(network)
            report = simulate(net, Precision.fixed(net, ACHIEVED_BITS), chip, tech)
            reached = {
                f"{theirs}{suffix}": value / GIGA
                for theirs, ours in OURS.items()
                for suffix, value in zip(
                    ("", "_low", "_high"),
                    (getattr(report, ours), *report.interval(ours)[::2]),
                    strict=True,
                )
            }
            rows.append({
                "kind": "achieved", "accelerator": "bfimna", "technology": name,
                "network": net.name, "bits": ACHIEVED_BITS, "bits_high": ACHIEVED_BITS, **reached,
                "share_of_peak": report.throughput_ops / peaks[ACHIEVED_BITS].throughput_ops,
                "area_mm2": report.area_m2 * 1e6, "scope": "chip", "basis": "modelled inference",
            })  # fmt: skip
    published = data.accelerators().assign(kind="published")
    shown = published.dropna(subset=["efficiency_gops_per_w"])
    table = pd.concat([pd.DataFrame(rows), shown], ignore_index=True)
    return table.drop(columns=["status", "source", "area_efficiency_gops_per_mm2"])


def ratios(technologies: Sequence[str]) -> pd.DataFrame:
    """Return our peak over every rival's, and the inverse, for each technology."""
    return pd.concat(
        [against_all(load_technology(name)) for name in technologies], ignore_index=True
    )
