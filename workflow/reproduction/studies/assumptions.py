"""The effect of the paper's assumptions on time, energy and data movement, by network.

The table behind the figure `assumptions`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np
import pandas as pd

from bfimna import data
from bfimna.ap import counts as ap
from bfimna.ap.counts import CYCLES, Counts, CountSet
from bfimna.cost import uncertainty
from bfimna.cost.formulas import costs
from bfimna.cost.report import Report
from bfimna.cost.simulate import simulate
from bfimna.mapping.chip import Chip
from bfimna.mapping.schedule import Schedule
from bfimna.mapping.work import Work
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
    """The model with one assumption replaced by another, or with several.

    Attributes
    ----------
    schedule : what becomes of the schedule; None where it stays.
    """

    chip: Chip
    technology: Technology
    counts: CountSet = "microcode"
    schedule: Callable[[Schedule], Schedule] | None = None


def variants(chip: Chip, technology: Technology) -> dict[str, Variant]:
    """Return the alternative of each assumption → the model with that one change.

    Assumptions that the chip or technology does not make, or that have no alternative, are left
    out.
    """
    narrow = {"bus_bits": NARROW_BITS, "mesh_bits": NARROW_BITS}
    chips = {
        "all weights streamed": replace(chip, weights="streamed"),
        "weights that do not fit streamed": replace(chip, weights="auto"),
        "tensors spilled, images from DRAM": replace(chip, activations="spilled"),
        "clears in a cycle of their own": replace(chip, clears="own cycle"),
        "no multicast": replace(chip, multicast=False),
        "moving while computing": replace(chip, overlap=True),
        "no latches: loads row by row": replace(chip, load_mode="by row"),
        "no segments": replace(chip, ap_kind="2d"),
        "one-directional arrays": replace(chip, ap_kind="1d"),
        f"links of {NARROW_BITS} bits": replace(chip, **narrow),  # type: ignore[arg-type]
        f"streamed, {NARROW_BITS}-bit links, no latches": replace(
            chip, weights="auto", load_mode="by row", **narrow  # type: ignore[arg-type]
        ),
    }  # fmt: skip
    by_name = {name: Variant(own, technology) for name, own in chips.items() if own != chip}
    by_name["requantising over split rows"] = Variant(chip, technology, schedule=SplitRows.of)
    by_name["published counts"] = Variant(chip, technology, "published")
    others = _technologies(technology)
    return by_name | {name: Variant(chip, own) for name, own in others.items()}


@dataclass(frozen=True, eq=False, repr=False)
class SplitRows(Schedule):
    """A schedule whose outputs are scaled on as many rows as are free: a favourable bound.

    Scaling multiplies by an m-bit integer: up to m rows could take one of its bits each. What it
    takes to bring an output to several rows, and to add up, is left out, so times are too short;
    the events stay, and so does their energy.
    """

    @classmethod
    def of(cls, schedule: Schedule) -> "SplitRows":
        """Return a schedule with its outputs split."""
        return cls(**{field.name: getattr(schedule, field.name) for field in fields(Schedule)})

    @cached_property
    def phases(self) -> dict[str, Work]:
        """The AP's work by phase, with the cycles of split rows."""
        work = self.plan.work(self.bits, self.words, self.counts)
        one = work["requantise"]
        folds = np.ceil(one.rows / self.chip.product_rows)
        free = self.chip.product_rows * folds / np.maximum(one.rows, 1)
        bits = ap.scale_bits(self.words.bits[..., one.layers])
        split = np.minimum(np.maximum(np.floor(free), 1), bits)
        amounts = {
            event: amount / split if event in CYCLES else amount
            for event, amount in one.counts.amounts.items()
        }
        return work | {"requantise": replace(one, counts=Counts(**amounts))}


def _technologies(technology: Technology) -> dict[str, Technology]:
    others = {}
    fast = technology.name.removesuffix("-lstp") + "-hp"
    if technology.name.endswith("-lstp") and fast in data.technology_names():
        others["HP instead of LSTP transistors"] = load_technology(fast).at_supply(
            technology.supply_v
        )
    for name, field, more in (
        ("rows without data not gated", "idle_rows", {}),
        ("key over the whole H-tree", "broadcast_j_per_key_cell", {}),
        ("data along the rows in a write", "write_along_rows", {}),
        (
            "half-selected cells, bit lines held",
            "write_j_per_held_cell",
            {"write_j_per_gate_cell": 0.0, "cross_point_area_factor": 1.0},
        ),
    ):
        high = technology.ranges.get(field, (0.0, 0.0))[1]
        if high > getattr(technology, field):
            changed = {field: high, **more}
            sampled = {key: law for key, law in technology.draws.items() if key not in changed}
            others[name] = replace(technology, **changed, draws=sampled)  # type: ignore[arg-type]
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
    (with it), the factors latency, energy and edp, each with its 5th and 95th percentile (_low,
    _high), resident_weights_fit (whether the MAPs can hold all weights), and moving_percent, the
    share of the latency in which data moves and nothing computes, with its value before the
    replacement (moving_percent_before).
    """
    tech, own, rows = load_technology(technology), load_chip(chip), []
    for name in networks:
        net = load_network(name)
        bits = load_precision(net, precision)
        base = simulate(net, bits, own, tech)
        before = {q: uncertainty.samples_of(base, q, draws) for q in FACTORS.values()}
        for assumption, variant in variants(own, tech).items():
            report = simulate(net, bits, variant.chip, variant.technology, counts=variant.counts)
            if variant.schedule is not None:
                report = rescheduled(report, variant.schedule(report.schedule))
            row: dict[str, object] = {
                "network": net.name, "precision": bits.name, "technology": tech.name,
                "chip": own.name, "assumption": assumption, "feasible": report.feasible,
            }  # fmt: skip
            for factor, quantity in FACTORS.items():
                ratio = uncertainty.samples_of(report, quantity, draws) / before[quantity]
                row[factor] = getattr(report, quantity) / getattr(base, quantity)
                row[f"{factor}_low"], row[f"{factor}_high"] = np.percentile(ratio, (5, 95))
            row |= {"resident_weights_fit": base.resident_weights_fit,
                    "moving_percent": _moving_percent(report),
                    "moving_percent_before": _moving_percent(base)}  # fmt: skip
            rows.append(row)
    return pd.DataFrame(rows)


def _moving_percent(report: Report) -> float:
    """Return the share of an inference's time that moving data adds to computing, in percent."""
    return 100 * float(report.phases.latency_s["traffic"]) / report.latency_s


def rescheduled(report: Report, schedule: Schedule) -> Report:
    """Return a report of the same inference by another schedule."""
    times, energies = costs(schedule, report.technology, len(report.network.layers))
    return replace(report, schedule=schedule, times=times, energies=energies)
