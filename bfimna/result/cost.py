"""Counts × Technology → seconds, joules, square metres: every such formula stands here.

Model document, sections 2 and 3.
"""

import numpy as np

from bfimna.ap.counts import Amount, Counts
from bfimna.chip.chip import Chip
from bfimna.chip.placement import PHASES, Placement
from bfimna.chip.traffic import Traffic
from bfimna.technology.technology import Technology

#: every phase of a layer, those of the AP and what goes on beside them
ALL_PHASES = (*PHASES, "traffic", "leakage")


def latency(counts: Counts, technology: Technology) -> Amount:
    """Seconds of a phase: its cycles, one after the other."""
    return (
        counts.compares * technology.compare_s
        + counts.writes * technology.write_s
        + counts.loads * technology.load_s
        + counts.reads * technology.read_s
        + counts.shifts * technology.shift_s
    )


def energy(counts: Counts, technology: Technology) -> Amount:
    """Joules of a phase: its events on rows and cells."""
    return (
        counts.compare_rows * technology.compare_j_per_row
        + counts.key_cells * technology.compare_j_per_key_cell
        + counts.cells_written * technology.write_j_per_cell
        + counts.cells_loaded * technology.load_j_per_cell
        + counts.cells_read * technology.read_j_per_row
        + counts.tags_shifted * technology.shift_j_per_tag
    )


def transfer_latency(traffic: Traffic, chip: Chip, technology: Technology) -> np.ndarray:
    """Seconds of a layer's traffic: bus, mesh and DRAM at the same time, the slowest counts.

    Buses and links share the traffic evenly, so times are lower bounds.
    """
    bus = traffic.bus_bits / (chip.clusters * chip.bus_bits * chip.clock_hz)
    links = max(chip.mesh_links, 1)
    mesh = traffic.mesh_bit_hops / (links * chip.mesh_bits * chip.clock_hz)
    dram = traffic.dram_bits / 8 / technology.dram_bytes_per_s
    return np.maximum(np.maximum(bus, mesh), dram)


def transfer_energy(traffic: Traffic, technology: Technology) -> np.ndarray:
    """Joules of a layer's traffic."""
    return (
        traffic.bus_bits * technology.bus_j_per_bit
        + traffic.mesh_bit_hops * technology.mesh_j_per_bit_hop
        + traffic.dram_bits * technology.dram_j_per_bit
    )


def exposed(transfer_s: np.ndarray, compute_s: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """Transfer time that double buffering leaves: the first fold's, then what exceeds computing."""
    rest = np.maximum(transfer_s - compute_s, 0.0) * (folds - 1) / folds
    return transfer_s / folds + rest


def leakage_power(chip: Chip, technology: Technology) -> float:
    """Watts that all cells of the chip leak."""
    return chip.cells * technology.leakage_w_per_cell


def area(chip: Chip, technology: Technology) -> float:
    """Square metres of CAPs and MAPs with their periphery, and of a router a cluster."""
    return chip.cells * technology.area_m2_per_cell + chip.clusters * technology.router_area_m2


def costs(
    placement: Placement, technology: Technology, layers: int
) -> tuple[np.ndarray, np.ndarray]:
    """Seconds and joules of a placement, arrays of shape (..., layers, phases)."""
    t = placement.traffic
    shape = (*t.bus_bits.shape[:-1], layers, len(ALL_PHASES))
    times, energies = np.zeros(shape), np.zeros(shape)
    for phase, work in placement.phases.items():
        k = ALL_PHASES.index(phase)
        times[..., work.layers, k] = latency(work.counts, technology)
        energies[..., work.layers, k] = energy(work.counts, technology)
    moving = transfer_latency(t, placement.chip, technology)
    if placement.chip.overlap:
        computing = times[..., t.layers, :].sum(axis=-1)
        folds = np.ones(layers)
        folds[placement.layers] = placement.folds
        moving = exposed(moving, computing, folds[t.layers])
    times[..., t.layers, -2] = moving
    energies[..., t.layers, -2] = transfer_energy(t, technology)
    energies[..., -1] = times.sum(axis=-1) * leakage_power(placement.chip, technology)
    return times, energies
