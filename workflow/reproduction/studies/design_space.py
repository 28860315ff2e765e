"""Where the design space goes: bits, technologies, supplies, batches."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from bfimna.cost import uncertainty
from bfimna.cost.sweep import sweep
from bfimna.mapping.chip import Chip
from bfimna.mapping.plan import plan
from bfimna.names import AnyChip, load_network, load_precision, load_technology
from bfimna.network.graph import Network
from bfimna.network.precision import MAX_BITS, Bits, Precision
from bfimna.technology.technology import HIGHEST_V, LOWEST_V, Technology

BOUNDED = (*uncertainty.BOUNDED, "area_efficiency_ops_per_w_m2")


def design_space(
    networks: Sequence[str],
    technologies: Sequence[str],
    mean_bits: Sequence[int] = (2, 3, 4, 5, 6, 7, 8),
    seeds: int = 10,
) -> pd.DataFrame:
    """Simulate fixed widths 1 to 16, and seeded per-layer widths of each mean, on LR and IR.

    Columns of `sweep`, configuration ("fixed" or "mixed"), and the 5th and 95th percentile of each
    headline figure, ``_low`` and ``_high``.
    """
    techs = [load_technology(name) for name in technologies]
    chips = [Chip.limited(), Chip.unlimited()]
    frames = []
    for name in networks:
        network = load_network(name)
        fixed = [Precision.fixed(network, b) for b in range(1, MAX_BITS + 1)]
        mixed = [Precision.mixed(network, b, s) for b in mean_bits for s in range(seeds)]
        for configuration, precisions in (("fixed", fixed), ("mixed", mixed)):
            points = sweep(network, precisions, chips, techs)
            ends = _bounds(network, precisions, chips, techs)
            keys = ["precision", "chip", "technology"]
            joined = points.merge(ends, on=keys, how="left", validate="many_to_one")
            frames.append(joined.assign(configuration=configuration))
    return pd.concat(frames, ignore_index=True)


def _bounds(
    network: Network,
    precisions: Sequence[Precision],
    chips: Sequence[Chip],
    technologies: Sequence[Technology],
) -> pd.DataFrame:
    """Return the ends of every point's intervals; all share their draws."""
    bits, frames = Bits.from_precisions(network, list(precisions)), []
    for chip in chips:
        placed = plan(network, chip).at(bits)
        for tech in technologies:
            ends = uncertainty.bounds(placed, tech, 2 * network.macs, bounded=BOUNDED)
            of = {"precision": [p.name for p in precisions], "chip": chip.name}
            frames.append(pd.DataFrame({**of, "technology": tech.name, **ends}))
    return pd.concat(frames, ignore_index=True)


def supply(
    network: str, precision: str, technologies: Sequence[str], chip: AnyChip = "LR"
) -> pd.DataFrame:
    """Simulate supplies of 0.5 to 1.0 V, and bound them by the delay law's parameters.

    Rows with corner "nominal", and "optimistic" and "pessimistic": threshold and exponent at the
    ends of their ranges.
    """
    net = load_network(network)
    bits = [load_precision(net, precision)]
    volts = np.round(np.linspace(LOWEST_V, HIGHEST_V, 11), 3)
    frames = []
    for name in technologies:
        for corner, tech in _delay_laws(load_technology(name)).items():
            points = sweep(net, bits, [chip], [tech.at_supply(v) for v in volts])
            frames.append(points.assign(corner=corner))
    return pd.concat(frames, ignore_index=True)


def _delay_laws(tech: Technology) -> dict[str, Technology]:
    (v_low, v_high), (a_low, a_high) = tech.ranges["threshold_v"], tech.ranges["alpha"]
    return {
        "nominal": tech,
        "optimistic": replace(tech, threshold_v=v_low, alpha=a_low),
        "pessimistic": replace(tech, threshold_v=v_high, alpha=a_high),
    }


def batches(
    networks: Sequence[str], precision: str, technology: str, chip: AnyChip = "LR"
) -> pd.DataFrame:
    """Batch sizes 1 to 256; columns of `sweep`."""
    tech = load_technology(technology)
    frames = []
    for name in networks:
        net = load_network(name)
        bits = [load_precision(net, precision)]
        sizes = [int(b) for b in 2 ** np.arange(9)]
        frames.append(sweep(net, bits, [chip], [tech], batches=sizes))
    return pd.concat(frames, ignore_index=True)
