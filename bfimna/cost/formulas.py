"""Counts × prices → seconds, joules, square metres: every such formula stands here.

Model document, sections 2 and 3. Prices may be arrays: what they hold before their last axes
broadcasts against counts.
"""

import numpy as np

from bfimna.ap.counts import Amount, Counts
from bfimna.mapping.chip import Chip
from bfimna.mapping.schedule import HORIZONTAL, PHASES, Mode, Schedule, Traffic, Vertical
from bfimna.technology.prices import AnyPrices, LinkPrices, Price
from bfimna.technology.technology import Technology

#: every phase of a layer: those of the AP, its traffic, and what its cells leak meanwhile
ALL_PHASES = (*PHASES, "traffic", "leakage")
TRAFFIC, LEAKAGE = (ALL_PHASES.index(phase) for phase in ("traffic", "leakage"))


def cycle_seconds(prices: AnyPrices, cells: Amount) -> dict[str, Price]:
    """Seconds of each kind of cycle where `cells` are attached to the line that moves."""
    p = prices
    return {
        "compares": p.compare_s + p.compare_s_per_cell * cells,
        "writes": p.write_s + p.write_s_per_cell * cells,
        "loads": p.load_s + p.load_s_per_cell * cells,
        "reads": p.read_s + p.read_s_per_cell * cells,
        "shifts": p.shift_s,
    }


def event_joules(prices: AnyPrices, cells: Amount) -> dict[str, Price]:
    """Joules of each event where `cells` are attached to a match or word line.

    A line that matched stays charged, so the next compare need not charge it.
    """
    p = prices
    match_line = p.compare_j_per_attached_cell * cells
    return {
        "compare_rows": p.compare_j_per_row + match_line,
        "rows_matched": -match_line,
        "key_cells": p.compare_j_per_key_cell + p.broadcast_j_per_key_cell,
        "cells_written": p.write_j_per_cell,
        "words_written": p.write_j_per_attached_cell * cells,
        "lines_driven": p.write_j_per_line_cell,
        "cells_loaded": p.load_j_per_cell + p.load_j_per_attached_cell * cells,
        "cells_read": p.read_j_per_row + p.read_j_per_attached_cell * cells,
        "tags_shifted": p.shift_j_per_tag,
    }


def latency(counts: Counts, prices: AnyPrices, chip: Chip, mode: Mode = HORIZONTAL) -> Amount:
    """Seconds of a phase: its cycles, one after the other.

    A vertical cycle is timed for the prices' `vertical_rows`, whatever its segment.
    """
    return _total(counts, _seconds(prices, chip, mode))


def energy(counts: Counts, prices: AnyPrices, chip: Chip, mode: Mode = HORIZONTAL) -> Amount:
    """Joules of a phase: its events on rows and cells; `counts` over all rows that take part.

    A cell attached in vertical mode takes `vertical_energy_factor` times one in horizontal mode.
    """
    joules = _total(counts, _joules(prices, chip, mode))
    return joules if isinstance(mode, Vertical) else joules + idle_energy(counts, prices, chip)


def _seconds(prices: AnyPrices, chip: Chip, mode: Mode) -> dict[str, Price]:
    vertical = isinstance(mode, Vertical)
    return cycle_seconds(prices, prices.vertical_rows if vertical else chip.columns)


def _joules(prices: AnyPrices, chip: Chip, mode: Mode) -> dict[str, Price]:
    if isinstance(mode, Vertical):
        return event_joules(prices, mode.rows * prices.vertical_energy_factor)
    return event_joules(prices, chip.columns)


def idle_energy(counts: Counts, prices: AnyPrices, chip: Chip) -> Price:
    """Joules of the match lines of rows without data, as far as they are not gated."""
    share = prices.idle_rows
    if not isinstance(share, np.ndarray) and share == 0:
        return 0.0
    idle_rows = counts.compares * chip.product_rows - counts.compare_rows
    return share * idle_rows * event_joules(prices, chip.columns)["compare_rows"]


def write_energy(
    counts: Counts, prices: AnyPrices, chip: Chip, *, along_rows: bool = False
) -> Amount:
    """Joules of the tagged writes alone, in the AP's orientation or in the circuit tool's.

    In the AP's a row's tag drives its word line, once per write, and data comes along the columns.
    In the tool's (`along_rows`) data comes along every row anew for each written cell, and the
    written column is selected by a line over all rows.
    """
    joules = event_joules(prices, chip.columns)
    words = counts.cells_written if along_rows else counts.words_written
    return (
        counts.cells_written * joules["cells_written"]
        + words * joules["words_written"]
        + counts.lines_driven * joules["lines_driven"]
    )


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
    bus_bits: Price, mesh_bit_hops: Price, dram_bits: Price, links: LinkPrices[Price]
) -> Price:
    """Joules of traffic: each layer's, or of sums over layers."""
    return (
        bus_bits * links.bus_j_per_bit
        + mesh_bit_hops * links.mesh_j_per_bit_hop
        + dram_bits * links.dram_j_per_bit
    )


def exposed(transfer_s: np.ndarray, compute_s: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """Transfer time that double buffering leaves: the first fold's, then what exceeds computing."""
    rest = np.maximum(transfer_s - compute_s, 0.0) * (folds - 1) / folds
    return transfer_s / folds + rest


def leakage_power(chip: Chip, prices: AnyPrices) -> Price:
    """Watts that all cells of the chip leak."""
    return chip.cells * prices.leakage_w_per_cell


def area(chip: Chip, prices: AnyPrices) -> Price:
    """Square metres of CAPs and MAPs with their periphery, and of a router per cluster.

    The CAPs' cells are larger where they compute in both directions; a router grows with the width
    of its links.
    """
    arrays = chip.clusters * chip.rows * chip.columns
    factor = 1.0 if chip.ap_kind == "1d" else prices.vertical_area_factor
    cells = arrays * (chip.caps_per_cluster * factor + chip.maps_per_cluster)
    links = prices.interconnect
    router = links.router_area_m2 * chip.mesh_bits / links.router_bits
    return cells * prices.area_m2_per_cell + chip.clusters * router


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


def costs(schedule: Schedule, technology: Technology, layers: int) -> tuple[np.ndarray, np.ndarray]:
    """Seconds and joules of a schedule, arrays of shape (..., layers, phases)."""
    t, chip = schedule.traffic, schedule.chip
    shape = (*t.bus_bits.shape[:-1], layers, len(ALL_PHASES))
    times, energies = np.zeros(shape), np.zeros(shape)
    # horizontal prices are the same in every phase
    horizontal = _seconds(technology, chip, HORIZONTAL), _joules(technology, chip, HORIZONTAL)
    for phase, work in schedule.phases.items():
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
        t.bus_bits, t.mesh_bit_hops, t.dram_bits, technology.interconnect
    )
    energies[..., LEAKAGE] = times.sum(axis=-1) * leakage_power(chip, technology)
    return times, energies
