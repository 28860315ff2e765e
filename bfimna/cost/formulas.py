"""Counts × prices → seconds, joules, square metres: every such formula stands here.

What a cycle and an event take stands in `bfimna.cost.cycles`.

Model document, sections 2 and 3. Prices may be arrays: what they hold before their last axes
broadcasts against counts.
"""

from dataclasses import replace

import numpy as np

from bfimna.ap.counts import Amount, Counts
from bfimna.cost.cycles import control_joules as control_joules
from bfimna.cost.cycles import cycle_seconds as cycle_seconds
from bfimna.cost.cycles import event_joules as event_joules
from bfimna.cost.cycles import mode_joules as mode_joules
from bfimna.cost.cycles import mode_seconds as mode_seconds
from bfimna.cost.cycles import phase_joules as phase_joules
from bfimna.cost.cycles import phase_seconds as phase_seconds
from bfimna.cost.cycles import row_joules
from bfimna.errors import BfimnaError
from bfimna.mapping.chip import Chip
from bfimna.mapping.schedule import Schedule
from bfimna.mapping.work import HORIZONTAL, PHASES, Mode, Traffic, Vertical
from bfimna.network.precision import MAX_BITS
from bfimna.technology.prices import AnyPrices, LinkPrices, Price
from bfimna.technology.technology import Technology

#: every phase of a layer: those of the AP, its traffic, and what its cells leak meanwhile
ALL_PHASES = (*PHASES, "traffic", "leakage")
BOOTH_BITS = 4  # beside a latch's operand: three bits of a digit, one of delay
TRAFFIC, LEAKAGE = (ALL_PHASES.index(phase) for phase in ("traffic", "leakage"))


def latency(counts: Counts, prices: AnyPrices, chip: Chip, mode: Mode = HORIZONTAL) -> Amount:
    """Seconds of a phase: its cycles, one after the other, and its changes of mode."""
    seconds = _total(counts, phase_seconds(prices, chip, mode))
    return seconds + mode_seconds(_entered(counts, mode, "entries"), prices)


def energy(counts: Counts, prices: AnyPrices, chip: Chip, mode: Mode = HORIZONTAL) -> Amount:
    """Joules of a phase: its events on rows and cells; `counts` over all rows that take part.

    A cell attached in vertical mode takes `vertical_energy_factor` times one in horizontal mode.
    """
    joules = _total(counts, phase_joules(prices, chip, mode))
    if not isinstance(mode, Vertical):
        return joules + idle_energy(counts, prices, chip)
    entered, cut = (_entered(counts, mode, field) for field in ("entered_rows", "cut_rows"))
    return joules + mode_joules(entered, cut, prices, chip)


def _entered(counts: Counts, mode: Mode, field: str) -> Amount:
    """Return a total of a mode's entries, 0 for a layer that takes no cycle in it."""
    return getattr(mode, field) * (counts.cycles > 0) if isinstance(mode, Vertical) else 0.0


def idle_energy(counts: Counts, prices: AnyPrices, chip: Chip) -> Price:
    """Joules of the match lines of rows without data, as far as they are not gated."""
    share = prices.idle_rows
    if not isinstance(share, np.ndarray) and share == 0:
        return 0.0
    idle_rows = counts.compares * chip.product_rows - counts.compare_rows
    return share * idle_rows * row_joules(prices, chip)["compare_rows"]


def write_energy(
    counts: Counts, prices: AnyPrices, chip: Chip, *, along_rows: bool = False
) -> Amount:
    """Joules of the tagged writes alone, in the AP's orientation or in the circuit tool's.

    In the AP's a row's tag drives its word line, once per write, and data comes along the columns.
    In the tool's (`along_rows`) data comes along every row anew for each written cell, and the
    written column is selected by a line over all rows.
    """
    joules = event_joules(replace(prices, write_along_rows=float(along_rows)), chip.columns)
    written = ("cells_written", "words_written", "lines_driven")
    return _total(counts, {event: joules[event] for event in written})


def _total(counts: Counts, price_of: dict[str, Price]) -> Amount:
    amounts, total = vars(counts), None  # the events that occur
    for event, price in price_of.items():
        if event in amounts:
            priced = amounts[event] * price
            total = priced if total is None else total + priced
    return 0.0 if total is None else total


def link_latency(traffic: Traffic, chip: Chip) -> np.ndarray:
    """Seconds of a layer's traffic on buses or mesh at the chip's clock, whichever takes longer.

    Buses and links share the traffic evenly, so times are lower bounds.
    """
    bus = traffic.bus_bits / (chip.clusters * chip.bus_bits * chip.clock_hz)
    links = max(chip.mesh_links, 1)
    mesh = traffic.mesh_bit_hops / (links * chip.mesh_bits * chip.clock_hz)
    return np.maximum(bus, mesh)


def dram_latency(bits: np.ndarray, links: LinkPrices[Price]) -> Price:
    """Seconds of bits from and to DRAM."""
    return bits / 8 / links.dram_bytes_per_s


def transfer_latency(traffic: Traffic, chip: Chip, links: LinkPrices[Price]) -> np.ndarray:
    """Seconds of a layer's traffic: bus, mesh and DRAM at the same time, the slowest counts."""
    moving = link_latency(traffic, chip) / links.link_speed
    return np.maximum(moving, dram_latency(traffic.dram_bits, links))


def transfer_energy(
    bus_bits: Price,
    mesh_bit_hops: Price,
    dram_bits: Price,
    chip: Chip,
    links: LinkPrices[Price],
) -> Price:
    """Joules of traffic: each layer's, or of sums over layers.

    A bit on a bus goes to every CAP of the cluster, without multicast to one.
    """
    caps = chip.caps_per_cluster if chip.multicast else 1
    return (
        bus_bits * (links.bus_j_per_bit + caps * links.multicast_j_per_bit_cap)
        + mesh_bit_hops * links.mesh_j_per_bit_hop
        + dram_bits * links.dram_j_per_bit
    )


def exposed(transfer_s: np.ndarray, compute_s: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """Transfer time that double buffering leaves: the first fold's, then what exceeds computing."""
    rest = np.maximum(transfer_s - compute_s, 0.0) * (folds - 1) / folds
    return transfer_s / folds + rest


def latches(chip: Chip) -> int:
    """Staging latches of a chip: beside each row of a CAP as many as the widest operand has bits.

    One operand is staged after the other, or both where they fit together. A Booth latch holds the
    digit and the bit before in four more. While the next fold's
    operands move (`overlap`), as many more.

    >>> latches(Chip.limited()) // Chip.limited().product_rows
    16
    """
    bits = MAX_BITS + BOOTH_BITS * (chip.latch == "booth")
    return chip.product_rows * bits * (1 + chip.overlap) * (chip.load_mode == "latched")


def leakage_power(chip: Chip, prices: AnyPrices) -> Price:
    """Watts that the chip leaks: all cells, latches, registers and controllers."""
    registers = 2 * chip.caps * chip.columns
    return (
        chip.cells * prices.leakage_w_per_cell
        + latches(chip) * prices.latch_w_per_bit
        + registers * prices.key_register_w_per_bit
        + chip.clusters * prices.controller_w
    )


def cell_area(chip: Chip, prices: AnyPrices) -> Price:
    """Square metres of a CAP's cell: cross-points, lines and tags of both directions, switches."""
    factor = prices.cross_point_area_factor
    if chip.ap_kind != "1d":  # what each of them adds
        factor = factor + prices.vertical_area_factor - 1.0
    switch = prices.segment_switch_m2_per_cell if chip.ap_kind == "2d-segmented" else 0.0
    return factor * prices.area_m2_per_cell + switch


def area(chip: Chip, prices: AnyPrices) -> Price:
    """Square metres of CAPs and MAPs with their periphery, of control, and of the routers.

    A MAP's cells are plain ones. A match line has a switch between segments. A row has latches and
    a selector where operands are staged. A router grows with the width of its links.
    """
    rows = chip.clusters * chip.rows
    caps = rows * chip.caps_per_cluster * chip.columns * cell_area(chip, prices)
    switches = chip.product_rows * (chip.segments - 1) * prices.segment_switch_m2_per_cell
    maps = rows * chip.maps_per_cluster * chip.columns * prices.area_m2_per_cell
    staging = latches(chip) * prices.latch_m2_per_bit
    if chip.load_mode == "latched":
        selectors = 1 + (chip.latch == "booth")  # of a bit off the bus; of a multiple
        staging = staging + selectors * chip.product_rows * prices.pick_m2_per_row
    registers = 2 * chip.caps * chip.columns * prices.key_register_m2_per_bit
    links = prices.interconnect
    router = links.router_area_m2 * chip.mesh_bits / links.router_bits
    arrays = caps + maps + staging + registers
    return arrays + chip.clusters * (prices.controller_m2 + router) + switches


def exposed_latency(
    schedule: Schedule, prices: AnyPrices, computing: np.ndarray, least: Price = 0.0
) -> np.ndarray:
    """Seconds of traffic that computing does not hide, of shape (..., layers that move any).

    Parameters
    ----------
    computing : seconds that each layer of the network computes, shape (..., layers).
    least : seconds that the traffic takes at least, for reasons of power.
    """
    moving = transfer_latency(schedule.traffic, schedule.chip, prices.interconnect)
    moving = np.maximum(moving, least)
    if not schedule.chip.overlap:
        return moving
    folds = np.ones(computing.shape[-1])
    folds[schedule.layers] = schedule.folds
    at = schedule.traffic.layers
    return exposed(moving, computing[..., at], folds[at])


def check_keys(schedule: Schedule, technology: Technology) -> None:
    """Raise if a pass drives more key columns than a technology's cells tell apart."""
    layer, keys = schedule.driven_keys
    if keys > technology.max_driven_keys:
        raise BfimnaError(
            f"layer {layer!r} drives {keys} key columns in a pass, {technology.name!r} senses at "
            f"most max_driven_keys={technology.max_driven_keys:g}: take fewer bits or another "
            "technology"
        )


def costs(schedule: Schedule, technology: Technology, layers: int) -> tuple[np.ndarray, np.ndarray]:
    """Seconds and joules of a schedule, arrays of shape (..., layers, phases)."""
    check_keys(schedule, technology)
    t, chip = schedule.traffic, schedule.chip
    shape = (*t.bus_bits.shape[:-1], layers, len(ALL_PHASES))
    times, energies = np.zeros(shape), np.zeros(shape)
    # horizontal prices are the same in every phase
    horizontal = (
        phase_seconds(technology, chip, HORIZONTAL),
        phase_joules(technology, chip, HORIZONTAL),
    )
    works = [(phase, work) for phase, all_ in schedule.phases.items() for work in all_.by_mode()]
    for phase, work in works:
        k, mode = ALL_PHASES.index(phase), work.mode
        if isinstance(mode, Vertical):
            seconds = latency(work.counts, technology, chip, mode)
            joules = energy(work.counts, technology, chip, mode)
        else:
            seconds, joules = (_total(work.counts, price_of) for price_of in horizontal)
            if technology.idle_rows:
                joules = joules + idle_energy(work.counts, technology, chip)
        times[..., work.layers, k], energies[..., work.layers, k] = seconds, joules
    times[..., t.layers, TRAFFIC] = exposed_latency(schedule, technology, times.sum(axis=-1))
    energies[..., t.layers, TRAFFIC] = transfer_energy(
        t.bus_bits, t.mesh_bit_hops, t.dram_bits, chip, technology.interconnect
    )
    energies[..., LEAKAGE] = times.sum(axis=-1) * leakage_power(chip, technology)
    return times, energies
