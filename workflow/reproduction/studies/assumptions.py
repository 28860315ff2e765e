"""What the paper's assumptions are worth, one at a time: the table behind `assumptions`."""

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
    """Return what is assumed instead → the model with that, and only that, changed.

    An assumption that a chip or technology does not make, or has no alternative to, is left out.
    """
    machines = {
        "all weights streamed": replace(chip, weights="streamed"),
        "weights that do not fit streamed": replace(chip, weights="auto"),
        "no multicast": replace(chip, multicast=False),
        "moving while computing": replace(chip, overlap=True),
        "no latches: loads row by row": replace(chip, load_mode="by row"),
        "no segments": replace(chip, ap_kind="2d"),
        "one-directional arrays": replace(chip, ap_kind="1d"),
        f"links of {NARROW_BITS} bits": replace(chip, bus_bits=NARROW_BITS, mesh_bits=NARROW_BITS),
    }
    found = {name: Variant(own, technology) for name, own in machines.items() if own != chip}
    found["published counts"] = Variant(chip, technology, "published")
    others = _technologies(technology)
    return found | {name: Variant(chip, own) for name, own in others.items()}


def _technologies(technology: Technology) -> dict[str, Technology]:
    found = {}
    fast = technology.name.removesuffix("-lstp") + "-hp"
    if technology.name.endswith("-lstp") and fast in data.technology_names():
        found["HP instead of LSTP transistors"] = load_technology(fast).at_supply(
            technology.supply_v
        )
    for name, field in (
        ("rows without data not gated", "idle_rows"),
        ("key over the whole H-tree", "broadcast_j_per_key_cell"),
    ):
        high = technology.ranges.get(field, (0.0, 0.0))[1]
        if high > getattr(technology, field):
            settled = {key: drawn for key, drawn in technology.draws.items() if key != field}
            found[name] = replace(technology, **{field: high}, draws=settled)  # type: ignore[arg-type]
    return found


def assumptions(
    networks: Sequence[AnyNetwork],
    precision: AnyPrecision,
    technology: AnyTechnology,
    chip: AnyChip = "LR",
    draws: int = uncertainty.SAMPLES,
) -> pd.DataFrame:
    """Return by what factor each assumption's alternative changes an inference.

    Parameters
    ----------
    draws : of the parameters, the same for both, so that what a range moves in both drops out.

    Returns
    -------
    DataFrame with network, precision, technology, chip, assumption (the alternative), and the
    factors latency, energy and edp, each with its 5th and 95th percentile (_low, _high).
    """
    tech, machine, rows = load_technology(technology), load_chip(chip), []
    for name in networks:
        net = load_network(name)
        bits = load_precision(net, precision)
        base = simulate(net, bits, machine, tech)
        before = {q: uncertainty.samples_of(base, q, draws) for q in FACTORS.values()}
        for assumption, v in variants(machine, tech).items():
            report = simulate(net, bits, v.chip, v.technology, counts=v.counts)
            row: dict[str, object] = {
                "network": net.name, "precision": bits.name, "technology": tech.name,
                "chip": machine.name, "assumption": assumption,
            }  # fmt: skip
            for factor, quantity in FACTORS.items():
                ratio = uncertainty.samples_of(report, quantity, draws) / before[quantity]
                row[factor] = getattr(report, quantity) / getattr(base, quantity)
                row[f"{factor}_low"], row[f"{factor}_high"] = np.percentile(ratio, (5, 95))
            rows.append(row)
    return pd.DataFrame(rows)
