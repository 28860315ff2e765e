"""What any mapping of a class must pay: traffic that crosses once, and adders for every product.

The class: each weight, input and result crosses a cluster's bus at least once; each product of a
weight that is not zero, but one of each dot product, enters a sum by min(left bits, right bits)
one-bit adders; and an adder takes three passes, the fewest there are, on three cells. Winograd's
products, shared partial sums and memories beside the computing rows are outside the class. Model
document, section 3.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bfimna.ap.addition import add_counts
from bfimna.cost import formulas
from bfimna.display import html_table, quantity
from bfimna.errors import whole_number
from bfimna.mapping.chip import MOST_IMAGES, Chip
from bfimna.mapping.mapping import Mapping as ProductMapping
from bfimna.mapping.plan import plan
from bfimna.mapping.schedule import Schedule
from bfimna.mapping.tiles import pixels
from bfimna.mapping.work import Traffic, Vertical
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
from bfimna.technology.prices import Price
from bfimna.technology.technology import Technology

#: cells of an adder: operand, sum and carry; also the rows of one in vertical mode
ADDER_CELLS = 3
#: the fewest passes of a full adder; model document, section 1
ADDER = add_counts(1, "three-pass")


@dataclass(frozen=True, eq=False, repr=False)
class LowerBounds:
    """Lower bounds of a batch's costs by layer, arrays of shape (layers,).

    Attributes
    ----------
    layers : the network's, in order.
    batch : images.
    overlap : whether traffic may be hidden behind computing, so that the longer of the two counts.
    bus_bits : bits over the clusters' buses.
    operand_bits : weights and inputs of products among them.
    adders : one-bit additions.
    traffic_s, traffic_j : of the traffic.
    adders_s, adders_j : of the adders, all rows busy.
    leakage_w : of the chip.
    """

    layers: tuple[str, ...]
    batch: int
    overlap: bool
    bus_bits: np.ndarray
    operand_bits: np.ndarray
    adders: np.ndarray
    traffic_s: np.ndarray
    traffic_j: np.ndarray
    adders_s: np.ndarray
    adders_j: np.ndarray
    leakage_w: float

    @property
    def seconds(self) -> np.ndarray:
        """Seconds of each layer."""
        if self.overlap:
            return np.maximum(self.traffic_s, self.adders_s)
        return self.traffic_s + self.adders_s

    @property
    def joules(self) -> np.ndarray:
        """Joules of each layer, leakage over its seconds included."""
        return self.traffic_j + self.adders_j + self.leakage_w * self.seconds

    @property
    def latency_s(self) -> float:
        """Seconds until the batch is done."""
        return float(self.seconds.sum())

    @property
    def energy_j(self) -> float:
        """Joules of an inference."""
        return float(self.joules.sum()) / self.batch

    @property
    def edp_js(self) -> float:
        """Product of the two bounds, in J·s."""
        return self.energy_j * self.latency_s

    def __repr__(self) -> str:
        return (
            f"<LowerBounds: {quantity(self.latency_s, 's')}, {quantity(self.energy_j, 'J')}, EDP "
            f"{quantity(self.edp_js, 'J·s')}; {quantity(float(self.bus_bits.sum()), 'bit')} moved, "
            f"{quantity(float(self.adders.sum()), '')} one-bit adders>"
        )

    def _repr_html_(self) -> str:
        header = ("layer", "bits moved", "traffic", "adders", "time of adders", "energy")
        columns = (self.bus_bits, self.traffic_s, self.adders, self.adders_s)
        rows = [
            (name, quantity(bits, "bit"), quantity(moving, "s"), quantity(adders, ""),
             quantity(adding, "s"), quantity(joules, "J"))
            for name, bits, moving, adders, adding, joules in zip(
                self.layers, *columns, self.joules, strict=True)
        ]  # fmt: skip
        return html_table(repr(self)[1:-1], header, rows)


def lower_bounds(
    network: AnyNetwork,
    precision: AnyPrecision,
    chip: AnyChip,
    technology: AnyTechnology,
    batch: int = 1,
) -> LowerBounds:
    """Return what no mapping of the class can fall below, layer by layer.

    Parameters
    ----------
    network, precision, chip, technology, batch : as for `bf.simulate`. A chip that the network
        sizes (IR) has the clusters that the paper's mapping needs.

    Examples
    --------
    >>> import bfimna as bf
    >>> least = lower_bounds("resnet18", 8, "LR", "sram-14nm-lstp")
    >>> report = bf.simulate("resnet18", 8, "LR", "sram-14nm-lstp")
    >>> least.latency_s < report.latency_s, least.energy_j < report.energy_j
    (True, True)
    """
    network, technology = load_network(network), load_technology(technology)
    precision, chip = load_precision(network, precision), load_chip(chip)
    batch = whole_number("batch", batch, 1, MOST_IMAGES)
    schedule = plan(network, chip, ProductMapping.paper(), batch).at(precision)
    operands, chip = _operands(schedule), schedule.chip
    moved = _traffic(schedule, operands)
    links = technology.interconnect
    adders = _adders(schedule)
    seconds, joules = _adder_prices(chip, technology)
    traffic_s = formulas.transfer_latency(moved, chip, links)
    traffic_j = formulas.transfer_energy(
        moved.bus_bits, moved.mesh_bit_hops, moved.dram_bits, chip, links
    )

    by_layer = np.zeros((4, len(network.layers)))
    by_layer[:3, moved.layers] = moved.bus_bits, traffic_s, traffic_j
    by_layer[3, schedule.layers] = operands
    return LowerBounds(
        layers=tuple(network.shapes),
        batch=batch,
        overlap=chip.overlap,
        bus_bits=by_layer[0],
        operand_bits=by_layer[3],
        adders=adders,
        traffic_s=by_layer[1],
        traffic_j=by_layer[2],
        adders_s=adders * seconds,
        adders_j=adders * joules,
        leakage_w=float(formulas.leakage_power(chip, technology)),
    )


def _operands(schedule: Schedule) -> np.ndarray:
    """Return the bits of each product's distinct weights and inputs."""
    bits, batch = schedule.bits, schedule.plan.batch
    operands = np.empty(len(schedule.layers))
    for k, product in enumerate(schedule.plan.network.matmuls):
        positions = np.array([float(product.n * batch)])
        inputs = product.groups * float(pixels(product, positions)[0])
        operands[k] = product.weights * bits.left[k] + inputs * bits.right[k]
    return operands


def _traffic(schedule: Schedule, operands: np.ndarray) -> Traffic:
    """Return the traffic if operands and results of products cross once.

    Other layers' is what it is, and so is what comes from DRAM: no mapping decides it.
    """
    own, resolved, n = schedule.traffic, schedule.plan, len(operands)
    results = np.array([p.dot_products for p in resolved.network.matmuls], dtype=float)
    results *= resolved.batch * schedule.words.at(schedule.layers).read_bits
    bus = np.concatenate([operands + results, own.bus_bits[n:]])
    mesh = np.concatenate([operands * resolved.chip.mean_hops, own.mesh_bit_hops[n:]])
    return Traffic(own.layers, bus, mesh, own.dram_bits)


def _adders(schedule: Schedule) -> np.ndarray:
    """Return one-bit additions by layer: expected over random weights, of which 2^-bits are 0."""
    adders, bits = np.zeros(len(schedule.plan.network.layers)), schedule.bits
    for k, product in enumerate(schedule.plan.network.matmuls):
        entering = product.dot_products * schedule.plan.batch * (product.k - 1)
        narrow = min(bits.left[k], bits.right[k])
        adders[schedule.layers[k]] = entering * (1 - 2.0 ** -bits.left[k]) * narrow
    return adders


def _adder_prices(chip: Chip, technology: Technology) -> tuple[float, float]:
    """Return seconds and joules of a one-bit adder where every row adds, in the cheaper mode.

    Horizontally each row holds one at a time, vertically three rows hold one in each column.
    """
    across = _adder(formulas.cycle_seconds(technology, ADDER_CELLS))
    # a segment has at least one of its rows in a mat
    down = _adder(formulas.phase_seconds(technology, chip, Vertical(ADDER_CELLS, span=1.0)))
    seconds = min(across, down * ADDER_CELLS / chip.columns) / chip.product_rows
    factor = min(1.0, technology.vertical_energy_factor)
    return seconds, _adder(formulas.event_joules(technology, ADDER_CELLS * factor))


def _adder(price_of: Mapping[str, Price]) -> float:
    """Return what an adder's events cost."""
    return sum(float(ADDER.amounts.get(event, 0) * price) for event, price in price_of.items())
