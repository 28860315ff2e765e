"""Counts × Technology → seconds, joules, square metres: every such formula stands here.

Model document, sections 2 and 3.
"""

from typing import Any

import numpy as np

from bfimna.ap.counts import Amount, Counts
from bfimna.mapping.chip import Chip
from bfimna.mapping.placement import PHASES, Placement
from bfimna.mapping.traffic import Traffic
from bfimna.technology.technology import Technology

#: every phase of a layer, those of the AP and what goes on beside them
ALL_PHASES = (*PHASES, "traffic", "leakage")
TRAFFIC, LEAKAGE = (ALL_PHASES.index(phase) for phase in ("traffic", "leakage"))


#: a `Technology`, or an object with its fields as arrays of draws (`bfimna.cost.uncertainty`)
Prices = Any


def seconds_of(technology: Prices, cells: Any) -> dict[str, Any]:
    """Seconds of each kind of cycle where `cells` are attached to the line that moves."""
    t = technology
    return {
        "compares": t.compare_s + t.compare_s_per_cell * cells,
        "writes": t.write_s + t.write_s_per_cell * cells,
        "loads": t.load_s + t.load_s_per_cell * cells,
        "reads": t.read_s + t.read_s_per_cell * cells,
        "shifts": t.shift_s,
    }


def joules_of(technology: Prices, cells: Any) -> dict[str, Any]:
    """Joules of each event where `cells` are attached to a match or word line.

    A line that matched stays charged, so the next compare need not charge it.
    """
    t = technology
    match_line = t.compare_j_per_attached_cell * cells
    return {
        "compare_rows": t.compare_j_per_row + match_line,
        "rows_matched": -match_line,
        "key_cells": t.compare_j_per_key_cell + t.broadcast_j_per_key_cell,
        "cells_written": t.write_j_per_cell,
        "words_written": t.write_j_per_attached_cell * cells,
        "lines_driven": t.write_j_per_line_cell,
        "cells_loaded": t.load_j_per_cell + t.load_j_per_attached_cell * cells,
        "cells_read": t.read_j_per_row + t.read_j_per_attached_cell * cells,
        "tags_shifted": t.shift_j_per_tag,
    }


def latency(
    counts: Counts, technology: Prices, chip: Chip, segment: Amount | None = None
) -> Amount:
    """Seconds of a phase: its cycles, one after the other.

    Parameters
    ----------
    segment : in vertical mode, mean rows attached to a column's line; None for horizontal mode. A
        vertical cycle is timed for the technology's `vertical_rows`, whatever its segment.
    """
    return _total(counts, _seconds(technology, chip, segment))


def energy(counts: Counts, technology: Prices, chip: Chip, segment: Amount | None = None) -> Amount:
    """Joules of a phase: its events on rows and cells; `counts` over all rows that take part.

    Parameters
    ----------
    segment : as for `latency`; a line in vertical mode has as many cells, each of which takes
        `vertical_energy_factor` times a row's.
    """
    joules = _total(counts, _joules(technology, chip, segment))
    return joules if segment is not None else joules + idle_energy(counts, technology, chip)


def _seconds(technology: Prices, chip: Chip, segment: Amount | None) -> dict[str, Any]:
    return seconds_of(technology, chip.columns if segment is None else technology.vertical_rows)


def _joules(technology: Prices, chip: Chip, segment: Amount | None) -> dict[str, Any]:
    if segment is None:
        return joules_of(technology, chip.columns)
    return joules_of(technology, segment * technology.vertical_energy_factor)


def idle_energy(counts: Counts, technology: Prices, chip: Chip) -> Any:
    """Joules of the match lines of rows without data, as far as they are not gated."""
    share = technology.idle_rows
    if not isinstance(share, np.ndarray) and share == 0:
        return 0.0
    return share * idle_rows(counts, chip) * joules_of(technology, chip.columns)["compare_rows"]


def idle_rows(counts: Counts, chip: Chip) -> Amount:
    """Match lines of rows without data that all compares would charge if none were gated."""
    return counts.compares * chip.product_rows - counts.compare_rows


def write_energy(
    counts: Counts, technology: Technology, chip: Chip, *, along_rows: bool = False
) -> Amount:
    """Joules of the tagged writes alone, in the AP's orientation or in the circuit tool's.

    In the AP's a row's tag drives its word line, once per write, and data comes along the columns.
    In the tool's (`along_rows`) data comes along every row anew for each written cell, and the
    written column is selected by a line over all rows.
    """
    prices = joules_of(technology, chip.columns)
    words = counts.cells_written if along_rows else counts.words_written
    return (
        counts.cells_written * prices["cells_written"]
        + words * prices["words_written"]
        + counts.lines_driven * prices["lines_driven"]
    )


def _total(counts: Counts, prices: dict[str, Any]) -> Amount:
    amounts, total = counts.amounts, None
    for event, price in prices.items():
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


def transfer_latency(traffic: Traffic, chip: Chip, links: Prices) -> np.ndarray:
    """Seconds of a layer's traffic: bus, mesh and DRAM at the same time, the slowest counts."""
    moving = link_latency(traffic, chip) / links.link_speed
    return np.maximum(moving, traffic.dram_bits / 8 / links.dram_bytes_per_s)


def transfer_energy(traffic: Any, links: Prices) -> np.ndarray:
    """Joules of a layer's traffic: a `Traffic`, or an object with sums of its bits."""
    return (
        traffic.bus_bits * links.bus_j_per_bit
        + traffic.mesh_bit_hops * links.mesh_j_per_bit_hop
        + traffic.dram_bits * links.dram_j_per_bit
    )


def exposed(transfer_s: np.ndarray, compute_s: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """Transfer time that double buffering leaves: the first fold's, then what exceeds computing."""
    rest = np.maximum(transfer_s - compute_s, 0.0) * (folds - 1) / folds
    return transfer_s / folds + rest


def leakage_power(chip: Chip, technology: Prices) -> Any:
    """Watts that all cells of the chip leak."""
    return chip.cells * technology.leakage_w_per_cell


def area(chip: Chip, technology: Prices) -> Any:
    """Square metres of CAPs and MAPs with their periphery, and of a router per cluster.

    The CAPs' cells are larger where they compute in both directions; a router grows with the width
    of its links.
    """
    arrays = chip.clusters * chip.rows * chip.columns
    factor = 1.0 if chip.ap_kind == "1d" else technology.vertical_area_factor
    cells = arrays * (chip.caps_per_cluster * factor + chip.maps_per_cluster)
    links = technology.interconnect
    router = links.router_area_m2 * chip.mesh_bits / links.router_bits
    return cells * technology.area_m2_per_cell + chip.clusters * router


def moving_latency(placement: Placement, technology: Prices, computing: np.ndarray) -> np.ndarray:
    """Seconds of traffic that computing does not hide, of shape (..., layers that move any).

    Parameters
    ----------
    computing : seconds that each layer of the network computes, shape (..., layers).
    """
    moving = transfer_latency(placement.traffic, placement.chip, technology.interconnect)
    if not placement.chip.overlap:
        return moving
    folds = np.ones(computing.shape[-1])
    folds[placement.layers] = placement.folds
    at = placement.traffic.layers
    return exposed(moving, computing[..., at], folds[at])


def costs(
    placement: Placement, technology: Technology, layers: int
) -> tuple[np.ndarray, np.ndarray]:
    """Seconds and joules of a placement, arrays of shape (..., layers, phases)."""
    t, chip = placement.traffic, placement.chip
    shape = (*t.bus_bits.shape[:-1], layers, len(ALL_PHASES))
    times, energies = np.zeros(shape), np.zeros(shape)
    flat = _seconds(technology, chip, None), _joules(technology, chip, None)
    for phase, work in placement.phases.items():
        k, upright = ALL_PHASES.index(phase), work.segment
        if upright is None:  # the prices of a row's events are the same in every phase
            seconds, joules = (_total(work.counts, prices) for prices in flat)
            if technology.idle_rows:
                joules = joules + idle_energy(work.counts, technology, chip)
        else:
            seconds = latency(work.counts, technology, chip, upright)
            joules = energy(work.counts, technology, chip, upright)
        times[..., work.layers, k], energies[..., work.layers, k] = seconds, joules
    times[..., t.layers, TRAFFIC] = moving_latency(placement, technology, times.sum(axis=-1))
    energies[..., t.layers, TRAFFIC] = transfer_energy(t, technology.interconnect)
    energies[..., LEAKAGE] = times.sum(axis=-1) * leakage_power(chip, technology)
    return times, energies
