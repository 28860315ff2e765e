"""The design space: bits, technologies, supplies, batches, and one bit less per layer.

Tables behind the figures `design_space`, `supply` and `batch`, and of notebooks/your_network.ipynb.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from bfimna.cost import uncertainty
from bfimna.cost.sweep import sweep
from bfimna.mapping.chip import Chip
from bfimna.mapping.plan import plan
from bfimna.mapping.schedule import Schedule
from bfimna.names import AnyChip, load_chip, load_network, load_precision, load_technology
from bfimna.network.bits import Bits
from bfimna.network.graph import Network
from bfimna.network.precision import MAX_BITS, Precision
from bfimna.technology.technology import HIGHEST_V, LOWEST_V, Technology
from reproduction.studies.arguments import checked

BOUNDED = (*uncertainty.BOUNDED, "area_efficiency_ops_per_w_m2")
#: quantities that the figure `supply` shows relative to the nominal supply
RELATIVE = ("energy_j", "latency_s", "edp_js")


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
    """Simulate supplies from 0.5 to 1.0 V, each relative to the technology's nominal supply.

    Supplies within the range of the threshold voltage are left out.

    Returns
    -------
    DataFrame with the columns of `sweep`, and for each quantity of `RELATIVE` its ratio to that at
    the nominal supply, ``_ratio``, with the 5th and 95th percentile under the ranges of all
    parameters, ``_ratio_low`` and ``_ratio_high``. Both sides of a ratio share their samples.
    """
    net, own = load_network(network), load_chip(chip)
    bits = load_precision(net, precision)
    placed, frames = plan(net, own).at(bits), []
    for name in technologies:
        tech = load_technology(name)
        volts = _supplies(tech)
        points = sweep(net, [bits], [own], [tech], supplies=volts)
        nominal = sweep(net, [bits], [own], [tech]).iloc[0]
        before = uncertainty.quantities(placed, tech, 2 * net.macs)
        for quantity in RELATIVE:
            points[f"{quantity}_ratio"] = points[quantity] / nominal[quantity]
        ends = [_ratio_ends(placed, tech.at_supply(v), 2 * net.macs, before) for v in volts]
        frames.append(points.join(pd.DataFrame(ends)))
    return pd.concat(frames, ignore_index=True)


def _supplies(technology: Technology) -> list[float]:
    """Return the supplies in steps of 50 mV that no value of the threshold voltage reaches."""
    alone = (technology.threshold_v, technology.threshold_v)
    threshold_v = technology.ranges.get("threshold_v", alone)[1]
    volts = np.round(np.linspace(LOWEST_V, HIGHEST_V, 11), 3)
    return [float(v) for v in volts if v > threshold_v]


def _ratio_ends(
    placed: Schedule, technology: Technology, operations: float, before: Mapping[str, np.ndarray]
) -> dict[str, float]:
    """Return the 5th and 95th percentile of each ratio to the samples `before`."""
    samples = uncertainty.quantities(placed, technology, operations)
    ends: dict[str, float] = {}
    for quantity in RELATIVE:
        ratios = samples[quantity] / before[quantity]
        low, high = np.percentile(ratios, (5, 95))
        ends |= {f"{quantity}_ratio_low": low, f"{quantity}_ratio_high": high}
    return ends


@checked
def batches(
    networks: Sequence[str], precision: str, technology: str, chip: AnyChip = "LR"
) -> pd.DataFrame:
    """Simulate batch sizes from 1 to 256; columns of `sweep`, with intervals."""
    tech, own = load_technology(technology), load_chip(chip)
    frames = []
    for name in networks:
        net = load_network(name)
        bits = load_precision(net, precision)
        sizes = [int(b) for b in 2 ** np.arange(9)]
        points = sweep(net, [bits], [own], [tech], batches=sizes)
        ends = [
            uncertainty.bounds(
                plan(net, own, batch=size).at(bits), tech, 2 * net.macs, size,
                bounded=("throughput_ops", "seconds_per_inference"),
            )
            for size in sizes
        ]  # fmt: skip
        frames.append(points.join(pd.DataFrame(ends)))
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
    'classifier.1'
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
