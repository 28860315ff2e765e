"""The entries: a network on a chip → a plan; at given bits, in a technology → a report."""

from functools import lru_cache

from bfimna import names
from bfimna.ap.counts import CountSet, check_count_set
from bfimna.cost.limits import costs
from bfimna.cost.report import Report
from bfimna.data import DEFAULT
from bfimna.errors import whole_number
from bfimna.mapping.chip import MOST_IMAGES, Chip
from bfimna.mapping.mapping import Mapping
from bfimna.mapping.plan import Plan
from bfimna.mapping.plan import plan as resolved
from bfimna.mapping.schedule import Schedule
from bfimna.network.graph import Network
from bfimna.network.precision import Precision


def plan(
    network: names.AnyNetwork,
    chip: names.AnyChip = names.CHIP,
    mapping: names.AnyMapping | None = None,
    batch: int = 1,
) -> Plan:
    """Resolve a network on a chip once: where operands lie, folds, rows, what moves.

    Parameters
    ----------
    network, chip : as for `simulate`.
    mapping : of the matrix products, a `Mapping` or its name; `Mapping.paper()` unless given.
    batch : images that share the weights of a fold.

    Examples
    --------
    >>> import bfimna as bf
    >>> bf.plan("resnet18", "LR")
    <Plan: resnet18 on LR, batch 1, mapping paper: 21 products in 114 folds>
    """
    own = None if mapping is None else names.load_mapping(mapping)
    return resolved(names.load_network(network), names.load_chip(chip), own, batch)


def simulate(
    network: names.AnyNetwork,
    precision: names.AnyPrecision = names.BITS,
    chip: names.AnyChip = names.CHIP,
    technology: names.AnyTechnology = DEFAULT,
    batch: int = 1,
    counts: CountSet = "microcode",
    mapping: names.AnyMapping | None = None,
) -> Report:
    """Simulate the inference of a batch.

    Network, precision, chip and technology are objects, or names or files that `bfimna.names`
    loads.

    Parameters
    ----------
    network : of the zoo by name, an ONNX or SCALE-Sim file, or a `Network`.
    precision : a width for all, (weights, activations), bits by layer, a name, a file, or a
        `Precision`.
    chip : "LR", "IR", "paper", fields as "clusters=16,rows=1200", a mapping or file of these, or a
        `Chip`.
    technology : of the tables by name, or a `Technology`.
    batch : images that share the weights of a fold.
    counts : "microcode", what bit-exact programs take, or "published", the literature's.
    mapping : of the matrix products, a `Mapping` or its name; `Mapping.paper()` unless given.
        `bf.search.mapping` finds the best for each layer.

    Raises
    ------
    BfimnaError
        For an unknown name, a precision of another network, or a chip too narrow for the bits.

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
    network = names.load_network(network)
    precision = names.load_precision(network, precision)
    chip, technology = names.load_chip(chip), names.load_technology(technology)
    batch = whole_number("batch", batch, 1, MOST_IMAGES)
    check_count_set(counts)
    own = None if mapping is None else names.load_mapping(mapping)
    schedule = _placed(network, precision, chip, batch, counts, own)
    times, energies = costs(schedule, technology, len(network.layers))
    times.setflags(write=False)
    energies.setflags(write=False)
    return Report(
        network, precision, schedule.chip, technology, batch, counts, schedule, times, energies
    )


@lru_cache(maxsize=128)  # technologies and supplies share a schedule
def _placed(
    network: Network,
    precision: Precision,
    chip: Chip,
    batch: int,
    counts: CountSet,
    mapping: Mapping | None,
) -> Schedule:
    return resolved(network, chip, mapping, batch).at(precision, counts)
