"""Peaks beside published accelerators: the table behind the figure `state_of_the_art`."""

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
from bfimna.technology.technology import Technology
from reproduction.studies.arguments import checked

#: quantity of a published table → our quantity
OURS = {"throughput_gops": "throughput_ops", "efficiency_gops_per_w": "efficiency_ops_per_w"}
GIGA = 1e9
ACHIEVED_BITS = 8
#: markers that stay apart in black and white, as many as there are published accelerators
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">", "p", "h", "8", "d")


def against_all(technology: Technology) -> pd.DataFrame:
    """Return the ratio of our peaks to every published accelerator's, and its inverse.

    One row per published figure at one width (1 to 16 bits): accelerator, bits, scope
    and basis of the rival's figure, quantity, ours, theirs, ratio (ours over theirs), its 5th and
    95th percentile, and inverse (theirs over ours).
    """
    chip, rows = Chip.limited(), []
    for rival in data.accelerators().query("accelerator != 'BF-IMNA'").itertuples():
        if rival.bits != rival.bits_high:
            continue
        best = peak(int(rival.bits), chip, technology)
        draws = peak_samples(int(rival.bits), chip, technology)
        for theirs, ours in OURS.items():
            value = getattr(rival, theirs)
            if np.isnan(value):
                continue
            ratio = getattr(best, ours) / GIGA / value
            low, high = np.percentile(getattr(draws, ours) / GIGA / value, (5, 95))
            rows.append({
                "accelerator": rival.accelerator, "bits": int(rival.bits), "scope": rival.scope,
                "basis": rival.basis, "technology": technology.name, "quantity": theirs,
                "ours": getattr(best, ours) / GIGA, "theirs": value, "ratio": ratio,
                "ratio_low": low, "ratio_high": high, "inverse": 1 / ratio,
            })  # fmt: skip
    return pd.DataFrame(rows)


@checked
def state_of_the_art(
    technologies: Sequence[str], bits: Sequence[int], networks: Sequence[str]
) -> pd.DataFrame:
    """Return our peaks, figures that networks achieve, and published figures, in one table.

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
            best, draws = peaks[width], peak_samples(width, chip, tech)
            figures = {theirs: getattr(best, ours) / GIGA for theirs, ours in OURS.items()}
            bounds = {
                f"{theirs}_{end}": np.percentile(getattr(draws, ours), percent) / GIGA
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
    """Return `against_all` for each technology."""
    return pd.concat(
        [against_all(load_technology(name)) for name in technologies], ignore_index=True
    )
