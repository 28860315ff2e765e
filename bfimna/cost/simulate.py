"""The one entry: a network at given bits on a chip, in a technology → a report."""

from functools import lru_cache

from bfimna.ap.counts import CountSet, check_count_set
from bfimna.cost.cost import costs
from bfimna.cost.report import Report
from bfimna.errors import whole_number
from bfimna.mapping.chip import MOST_IMAGES, Chip
from bfimna.mapping.placement import Placement, place
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
from bfimna.network.graph import Network
from bfimna.network.precision import Precision, as_arrays


def simulate(
    network: AnyNetwork,
    precision: AnyPrecision,
    chip: AnyChip,
    technology: AnyTechnology,
    batch: int = 1,
    counts: CountSet = "microcode",
) -> Report:
    """Simulate the inference of a batch.

    Each noun is an object, or a name or file that `bfimna.names` loads.

    Parameters
    ----------
    network : of the zoo by name, an ONNX or SCALE-Sim file, or a `Network`.
    precision : a width for all, (weights, activations), bits by layer, a name, a file, or a
        `Precision`.
    chip : "LR", "IR", a mapping or file of fields, or a `Chip`.
    technology : of the tables by name, or a `Technology`.
    batch : images that share the weights of a fold.
    counts : "microcode", what bit-exact programs take, or "published", the literature's.

    Raises
    ------
    BfimnaError
        If something is not known, precision and network do not belong together, or the placement
        is impossible.

    Examples
    --------
    >>> import bfimna as bf
    >>> report = bf.simulate("resnet18", 8, "LR", "sram-14nm-lstp")
    >>> report.edp_js == report.energy_j * report.latency_s
    True
    >>> tech = bf.data.load_technology("sram-14nm-lstp").at_supply(0.7)
    >>> net = bf.zoo.resnet18()
    >>> bf.simulate(net, bf.Precision.mixed(net, 5), bf.Chip.unlimited(), tech).chip.clusters
    392
    """
    network = load_network(network)
    precision = load_precision(network, precision)
    chip, technology = load_chip(chip), load_technology(technology)
    batch = whole_number("batch", batch, 1, MOST_IMAGES)
    check_count_set(counts)
    placement = _placed(network, precision, chip, batch, counts)
    times, energies = costs(placement, technology, len(network.layers))
    for costs_of in (times, energies):
        costs_of.setflags(write=False)
    return Report(
        network, precision, placement.chip, technology, batch, counts, placement, times, energies
    )


@lru_cache(maxsize=128)  # technologies and supplies share a placement
def _placed(
    network: Network, precision: Precision, chip: Chip, batch: int, counts: CountSet
) -> Placement:
    w, a = as_arrays(network, [precision])
    return place(network, w[0], a[0], chip, batch, counts)
