"""The effect of the paper's assumptions: each alone, and those on data movement by network.

Tables behind the figures `assumptions` and `traffic`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from bfimna import data
from bfimna.ap.counts import CountSet
from bfimna.cost import uncertainty
from bfimna.cost.simulate import simulate
from bfimna.mapping.chip import Chip
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
from bfimna.technology.technology import Technology
from reproduction.studies.arguments import checked

NARROW_BITS = 256  # the width of link that ISAAC's router is tabulated for
#: column of the table → quantity of a report
FACTORS = {"latency": "latency_s", "energy": "energy_j", "edp": "edp_js"}


@dataclass(frozen=True)
class Variant:
    """The model with one assumption replaced by another."""

    chip: Chip
    technology: Technology
    counts: CountSet = "microcode"


def variants(chip: Chip, technology: Technology) -> dict[str, Variant]:
    """Return the alternative of each assumption → the model with that one change.

    Assumptions that the chip or technology does not make, or that have no alternative, are left
    out.
    """
    chips = {
        "all weights streamed": replace(chip, weights="streamed"),
        "weights that do not fit streamed": replace(chip, weights="auto"),
        "tensors that do not fit spilled, images from DRAM": replace(chip, activations="spilled"),
        "clears in a cycle of their own": replace(chip, clears="own cycle"),
        "no multicast": replace(chip, multicast=False),
        "moving while computing": replace(chip, overlap=True),
        "no latches: loads row by row": replace(chip, load_mode="by row"),
        "no segments": replace(chip, ap_kind="2d"),
        "one-directional arrays": replace(chip, ap_kind="1d"),
        f"links of {NARROW_BITS} bits": replace(chip, bus_bits=NARROW_BITS, mesh_bits=NARROW_BITS),
    }
    by_name = {name: Variant(own, technology) for name, own in chips.items() if own != chip}
    by_name["published counts"] = Variant(chip, technology, "published")
    others = _technologies(technology)
    return by_name | {name: Variant(chip, own) for name, own in others.items()}


def _technologies(technology: Technology) -> dict[str, Technology]:
    others = {}
    fast = technology.name.removesuffix("-lstp") + "-hp"
    if technology.name.endswith("-lstp") and fast in data.technology_names():
        others["HP instead of LSTP transistors"] = load_technology(fast).at_supply(
            technology.supply_v
        )
    for name, field in (
        ("rows without data not gated", "idle_rows"),
        ("key over the whole H-tree", "broadcast_j_per_key_cell"),
    ):
        high = technology.ranges.get(field, (0.0, 0.0))[1]
        if high > getattr(technology, field):
            sampled = {key: law for key, law in technology.draws.items() if key != field}
            others[name] = replace(technology, **{field: high}, draws=sampled)  # type: ignore[arg-type]
    return others


@checked
def assumptions(
    networks: Sequence[AnyNetwork],
    precision: AnyPrecision,
    technology: AnyTechnology,
    chip: AnyChip = "paper",
    draws: int = uncertainty.SAMPLES,
) -> pd.DataFrame:
    """Return by what factor each assumption's alternative changes an inference.

    Parameters
    ----------
    draws : Monte Carlo samples of the parameters. Both sides of a ratio share them, so that a range
        which moves both alike cancels out.

    Returns
    -------
    DataFrame with network, precision, technology, chip, assumption (the alternative), feasible
    (with it), and the factors latency, energy and edp, each with its 5th and 95th percentile (_low,
    _high).
    """
    tech, own, rows = load_technology(technology), load_chip(chip), []
    for name in networks:
        net = load_network(name)
        bits = load_precision(net, precision)
        base = simulate(net, bits, own, tech)
        before = {q: uncertainty.samples_of(base, q, draws) for q in FACTORS.values()}
        for assumption, variant in variants(own, tech).items():
            report = simulate(net, bits, variant.chip, variant.technology, counts=variant.counts)
            row: dict[str, object] = {
                "network": net.name, "precision": bits.name, "technology": tech.name,
                "chip": own.name, "assumption": assumption, "feasible": report.feasible,
            }  # fmt: skip
            for factor, quantity in FACTORS.items():
                ratio = uncertainty.samples_of(report, quantity, draws) / before[quantity]
                row[factor] = getattr(report, quantity) / getattr(base, quantity)
                row[f"{factor}_low"], row[f"{factor}_high"] = np.percentile(ratio, (5, 95))
            rows.append(row)
    return pd.DataFrame(rows)


@checked
def traffic(
    networks: Sequence[str], precision: str, technology: str, chip: AnyChip = "paper"
) -> pd.DataFrame:
    """Vary a chip's assumptions on data movement: one row per network and variant.

    The chip as it is comes first; variants equal to it are left out. Columns of `Report.summary`,
    variant, and traffic_s, the seconds on buses and mesh.
    """
    tech, own, rows = load_technology(technology), load_chip(chip), []
    others = {
        "overlapped": replace(own, overlap=True),
        "no multicast": replace(own, multicast=False),
        "streamed weights": replace(own, weights="streamed"),
    }
    different = {name: other for name, other in others.items() if other != own}
    for name in networks:
        net = load_network(name)
        bits = load_precision(net, precision)
        for variant, varied in {_movement(own): own, **different}.items():
            report = simulate(net, bits, varied, tech)
            moving = report.phases.latency_s["traffic"]
            rows.append({**report.summary, "variant": variant, "traffic_s": moving})
    return pd.DataFrame(rows)


def _movement(chip: Chip) -> str:
    """Return a chip's assumptions on data movement, as text.

    >>> _movement(Chip.paper())
    'multicast, resident'
    """
    cast = "multicast" if chip.multicast else "no multicast"
    return f"{cast}, {chip.weights}" + ", overlapped" * chip.overlap
