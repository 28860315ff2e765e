"""The design space: bits, technologies, supplies, batches, and one bit less per layer.

Tables behind the figures `design_space`, `supply` and `batch`, and of notebooks/your_network.ipynb.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from bfimna.cost import uncertainty
from bfimna.cost.sweep import sweep
from bfimna.mapping.chip import Chip
from bfimna.mapping.plan import plan
from bfimna.names import AnyChip, load_network, load_precision, load_technology
from bfimna.network.bits import Bits
from bfimna.network.graph import Network
from bfimna.network.precision import MAX_BITS, Precision
from bfimna.technology.technology import HIGHEST_V, LOWEST_V, Technology
from reproduction.studies.arguments import checked

BOUNDED = (*uncertainty.BOUNDED, "area_efficiency_ops_per_w_m2")


@checked
def design_space(
    networks: Sequence[str],
    technologies: Sequence[str],
    mean_bits: Sequence[int] = (2, 3, 4, 5, 6, 7, 8),
    seeds: int = 10,
) -> pd.DataFrame:
    """Simulate fixed widths from 1 to 16, and random per-layer widths of each mean, on LR and IR.

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
    """Return the interval of every point; all points share their Monte Carlo samples."""
    bits, frames = Bits.from_precisions(network, list(precisions)), []
    for chip in chips:
        placed = plan(network, chip).at(bits)
        for tech in technologies:
            ends = uncertainty.bounds(placed, tech, 2 * network.macs, bounded=BOUNDED)
            of = {"precision": [p.name for p in precisions], "chip": chip.name}
            frames.append(pd.DataFrame({**of, "technology": tech.name, **ends}))
    return pd.concat(frames, ignore_index=True)


@checked
def supply(
    network: str, precision: str, technologies: Sequence[str], chip: AnyChip = "LR"
) -> pd.DataFrame:
    """Simulate supplies from 0.5 to 1.0 V, with bounds from the delay law's parameters.

    Column corner: "nominal", or "optimistic" or "pessimistic" with threshold and exponent at the
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


@checked
def batches(
    networks: Sequence[str], precision: str, technology: str, chip: AnyChip = "LR"
) -> pd.DataFrame:
    """Simulate batch sizes from 1 to 256; columns of `sweep`."""
    tech = load_technology(technology)
    frames = []
    for name in networks:
        net = load_network(name)
        bits = [load_precision(net, precision)]
        sizes = [int(b) for b in 2 ** np.arange(9)]
        frames.append(sweep(net, bits, [chip], [tech], batches=sizes))
    return pd.concat(frames, ignore_index=True)


def one_bit_less(
    network: Network, precision: Precision, chip: Chip, technology: Technology
) -> pd.DataFrame:
    """Simulate the network with one bit less in one weighted layer at a time.

    Returns
    -------
    DataFrame with one row per weighted layer: layer, weight_bits, activation_bits (before), and
    energy_j, latency_s and edp_js that the whole inference saves. A layer at one bit keeps it. A
    saving is 0 where the weights cannot shrink and another reader of the tensor keeps it wide, and
    negative where narrower words fit tiles or reductions less well.

    Examples
    --------
    >>> import bfimna as bf
    >>> net = bf.zoo.alexnet()
    >>> tech = bf.data.load_technology("sram-14nm-lstp")
    >>> saved = one_bit_less(net, bf.Precision.fixed(net, 8), bf.Chip.limited(), tech)
    >>> saved.layer[saved.energy_j.argmax()]
    'features.3'
    """
    weights, activations = np.array(precision.weight_bits), np.array(precision.activation_bits)
    variants = [precision]
    for k, layer in enumerate(precision.layers):
        less = np.arange(len(precision.layers)) == k
        w, a = np.maximum(weights - less, 1), np.maximum(activations - less, 1)
        variants.append(Precision(layer, precision.layers, tuple(w), tuple(a)))
    points = sweep(network, variants, [chip], [technology])
    costs = points[["energy_j", "latency_s", "edp_js"]]
    saved = (costs.iloc[0] - costs.iloc[1:]).reset_index(drop=True)
    bits = {"weight_bits": weights, "activation_bits": activations}
    return pd.DataFrame({"layer": precision.layers, **bits}).join(saved)
