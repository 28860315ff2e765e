"""Formulas of latency, energy and area: by hand, by columns and supply, and as sums."""

from dataclasses import replace

import numpy as np
import pytest

from bfimna import Chip, Precision, data, simulate, zoo
from bfimna.ap.counts import Counts, multiply
from bfimna.ap.events import ENERGY_EVENTS
from bfimna.cost import formulas
from bfimna.mapping.chip import LIMITS
from bfimna.mapping.schedule import Vertical

from ..close import close

SRAM = data.load_technology("sram-14nm-lstp")
LR = Chip.limited()
NET = zoo.resnet18()
INT8 = Precision.fixed(NET, 8)
#: as docs/model.md, section 2, has them: fJ and ns
ROW, CELL, KEY, WRITE, WORD, READ = 1.504, 0.1583, 0.4811, 0.8366, 0.1476, 1.985


def test_every_event_by_hand():
    """One of each event on a CAP of 72 columns, in fJ."""
    by_hand = {
        "compare_rows": ROW + 72 * CELL,
        "rows_matched": -72 * CELL,
        "key_cells": KEY,
        "cells_written": WRITE,
        "words_written": 72 * WORD,
        "lines_driven": KEY,
        "cells_loaded": WRITE + 72 * WORD,
        "cells_read": READ + 72 * CELL,
        "tags_shifted": 0.708,
    }
    assert set(by_hand) == set(ENERGY_EVENTS)
    for event, femtojoules in by_hand.items():
        assert formulas.energy(Counts(**{event: 1}), SRAM, LR) == close(1e-15 * femtojoules)


def test_a_compare_and_a_write_match_the_circuit_table():
    compare = Counts(compare_rows=1, key_cells=1)
    assert formulas.energy(compare, SRAM, LR) == close((12.9 + 0.48) * 1e-15, rel=1e-3)
    tagged = Counts(words_written=1, cells_written=1)
    assert formulas.energy(tagged, SRAM, LR) == close(11.5e-15, rel=5e-3)
    # a compare of 64-bit words takes 0.576 ns, a write 0.40; of 72 columns a little more
    narrow = replace(LR, columns=64)
    for event, ns64, ns72 in (("compares", 0.5764, 0.6006), ("writes", 0.4008, 0.4071)):
        one = Counts(**{event: 1})
        assert formulas.latency(one, SRAM, narrow) == close(ns64 * 1e-9, rel=1e-3)
        assert formulas.latency(one, SRAM, LR) == close(ns72 * 1e-9, rel=1e-3)


@pytest.mark.parametrize("columns", [1, 40, 72, 100, 1000])
def test_lines_lengthen_with_the_columns_of_a_chip(columns):
    chip = replace(LR, columns=columns)
    prices = formulas.event_joules(SRAM, columns)
    assert prices["compare_rows"] == close(1e-15 * (ROW + columns * CELL))
    one = Counts(compare_rows=1, words_written=2, cells_loaded=3, cells_read=4)
    more = formulas.energy(one, SRAM, replace(chip, columns=columns + 1)) - formulas.energy(
        one, SRAM, chip
    )
    assert more == close(1e-15 * (CELL + 2 * WORD + 3 * WORD + 4 * CELL))
    cycles = Counts(compares=1, writes=1, loads=1, reads=1, shifts=1)
    wider = formulas.latency(cycles, SRAM, replace(chip, columns=columns + 1))
    line = 1e-9 * (2 * 0.003032 + 2 * 0.0007962)
    assert wider - formulas.latency(cycles, SRAM, chip) == close(line, rel=1e-6)


def test_vertical_lines_are_as_long_as_their_segments():
    counts = Counts(compares=1, writes=1, compare_rows=10, words_written=10)
    slow = replace(SRAM, vertical_rows=500.0, vertical_energy_factor=2.0)
    joules = formulas.energy(counts, slow, LR, Vertical(3.0))
    assert joules == close(10e-15 * (ROW + 2 * 3 * (CELL + WORD)))
    nanoseconds = 0.3823 + 500 * 0.003032 + 0.3498 + 500 * 0.0007962
    assert formulas.latency(counts, slow, LR, Vertical(3.0)) == close(1e-9 * nanoseconds)
    assert formulas.latency(counts, SRAM, LR) < formulas.latency(counts, SRAM, LR, Vertical(3.0))


def test_only_the_reduction_is_vertical_and_only_on_a_2d_ap():
    for ap in ("1d", "2d", "2d-segmented"):
        report = simulate(NET, INT8, replace(LR, ap_kind=ap), SRAM)
        phases = report.schedule.phases
        vertical = [name for name, work in phases.items() if isinstance(work.mode, Vertical)]
        assert vertical == ([] if ap == "1d" else ["reduce"])
        if ap == "2d":
            assert (phases["reduce"].mode.rows == 4800).all()
        if ap == "2d-segmented":  # of 2304 rows: 18 levels of joins, 2302 of them
            part = phases["reduce"].mode.rows[NET.matmul_names.index("layer3.1.conv2")]
            assert part == close(2304 * 18 / 2302)


def test_rows_that_matched_are_not_charged_again():
    all_match = Counts(compare_rows=5, rows_matched=5)
    assert formulas.energy(all_match, SRAM, LR) == close(5 * ROW * 1e-15)
    program = multiply(8, 8)
    without = replace(program, rows_matched=0)
    saved = formulas.energy(without, SRAM, LR) - formulas.energy(program, SRAM, LR)
    assert saved == close(1e-15 * CELL * 72 * program.rows_matched)


def test_idle_rows_without_gating_are_precharged():
    small = replace(LR, clusters=1, caps_per_cluster=1, rows=100)
    counts = Counts(compares=3, compare_rows=30, key_cells=30)
    gated = formulas.energy(counts, SRAM, small)
    none = formulas.energy(counts, replace(SRAM, idle_rows=1.0), small)
    half = formulas.energy(counts, replace(SRAM, idle_rows=0.5), small)
    assert none - gated == close(270e-15 * (ROW + 72 * CELL))
    assert half == close((gated + none) / 2)
    ungated = replace(SRAM, idle_rows=1.0)
    one, other = (simulate(NET, INT8, LR, tech) for tech in (SRAM, ungated))
    work = one.schedule.phases["bias"]
    idle = work.counts.compares * LR.product_rows - work.counts.compare_rows
    k = formulas.ALL_PHASES.index("bias")
    more = other.energies[work.layers, k] - one.energies[work.layers, k]
    np.testing.assert_allclose(more, idle * 1e-15 * (ROW + 72 * CELL))


def test_the_tool_s_orientation_pays_a_word_line_per_cell():
    counts = Counts(cells_written=7, words_written=4, lines_driven=20)
    ours = formulas.write_energy(counts, SRAM, LR)
    assert ours == close(1e-15 * (7 * WRITE + 4 * 72 * WORD + 20 * KEY))
    assert ours == close(formulas.energy(counts, SRAM, LR))
    theirs = formulas.write_energy(counts, SRAM, LR, along_rows=True)
    assert theirs - ours == close(3e-15 * 72 * WORD)


def test_broadcasting_the_key_costs_per_driven_column_and_row():
    tree = replace(SRAM, broadcast_j_per_key_cell=1e-15)
    counts = Counts(key_cells=9, lines_driven=5)
    more = formulas.energy(counts, tree, LR) - formulas.energy(counts, SRAM, LR)
    assert more == close(9e-15)


def test_moving_bits_by_hand():
    """8 kbit over the bus, 16 kbit-hops, 4 kbit from DRAM at 25 GB/s."""
    links = replace(SRAM.interconnect, dram_bytes_per_s=25e9)
    picojoules = 8e3 * 0.054 + 16e3 * 20.74 / 256 + 4e3 * 4
    assert formulas.transfer_energy(8e3, 16e3, 4e3, links) == close(1e-12 * picojoules)
    chip = replace(LR, weights="streamed")
    traffic = simulate(NET, INT8, chip, SRAM).schedule.traffic
    slow = replace(SRAM, interconnect=replace(links, dram_bytes_per_s=1e9))
    times = simulate(NET, INT8, chip, slow).times[
        traffic.layers, formulas.ALL_PHASES.index("traffic")
    ]
    weighted = traffic.dram_bits > 0
    np.testing.assert_allclose(times[weighted], traffic.dram_bits[weighted] / 8 / 1e9)


def test_transfer_time_that_double_buffering_leaves_by_hand():
    # 4 folds, 8 s of transfer: the first fold's 2 s, then what exceeds computing, 3 folds of 4
    exposed = formulas.exposed(np.array([8.0, 8.0]), np.array([4.0, 9.0]), np.array([4.0, 4.0]))
    assert exposed.tolist() == [2.0 + 3.0, 2.0]


@pytest.mark.parametrize("name", ["sram-14nm-lstp", "reram-14nm-lstp"])
def test_energy_and_time_of_a_network_follow_the_supply(name):
    """Energy of compares ∝ V², of writes on SRAM too; each phase's joules by its own law."""
    tech = data.load_technology(name)
    volts = 0.65
    free = replace(LR, **dict.fromkeys(LIMITS))  # stretched times follow the power instead
    nominal, low = (simulate(NET, INT8, free, t) for t in (tech, tech.at_supply(volts)))
    square = (volts / 0.8) ** 2
    slower = (volts / (volts - tech.threshold_v) ** 1.3) / (0.8 / (0.8 - tech.threshold_v) ** 1.3)
    assert slower > 1.2
    phases = formulas.ALL_PHASES
    traffic, leakage, multiply_ = (phases.index(p) for p in ("traffic", "leakage", "multiply"))
    assert low.energies[:, traffic].sum() == close(nominal.energies[:, traffic].sum())
    assert low.times[:, traffic].sum() == close(nominal.times[:, traffic].sum())
    longer = low.latency_s / nominal.latency_s
    ratio = low.energies[:, leakage].sum() / nominal.energies[:, leakage].sum()
    assert ratio == close(volts / 0.8 * longer)
    if tech.write_scales:
        own = [k for k in range(len(phases)) if k not in (traffic, leakage)]
        np.testing.assert_allclose(
            low.energies[:, own].sum(axis=0), square * nominal.energies[:, own].sum(axis=0)
        )
        np.testing.assert_allclose(
            low.times[:, own].sum(axis=0), slower * nominal.times[:, own].sum(axis=0)
        )
    else:
        ratio = low.energies[:, multiply_].sum() / nominal.energies[:, multiply_].sum()
        assert square < ratio < 1.0


def test_the_reduction_is_priced_along_its_segments():
    report = simulate(NET, INT8, LR, SRAM)
    work, k = report.schedule.phases["reduce"], formulas.ALL_PHASES.index("reduce")
    joules = formulas.energy(work.counts, SRAM, LR, work.mode)
    np.testing.assert_allclose(report.energies[work.layers, k], joules)
    assert joules.sum() < 0.6 * np.sum(formulas.energy(work.counts, SRAM, LR))
    cycles = {"compares": 300 * 0.003032 + 0.3823, "writes": 300 * 0.0007962 + 0.3498}
    seconds = sum(1e-9 * ns * getattr(work.counts, event) for event, ns in cycles.items())
    seconds = seconds + 0.3823e-9 * work.counts.shifts
    np.testing.assert_allclose(report.times[work.layers, k], seconds)


def test_area_by_hand():
    caps, maps = 4096 * 4800 * 72, 64 * 4800 * 72
    by_hand = 0.1878e-12 * (1.25 * caps + maps) + 64 * 37500e-12 * 1024 / 256
    assert formulas.area(LR, SRAM) == close(by_hand)
    flat = replace(LR, ap_kind="1d", mesh_bits=256)
    by_hand = 0.1878e-12 * (caps + maps) + 64 * 37500e-12
    assert formulas.area(flat, SRAM) == close(by_hand)


def test_link_speed_is_a_share_of_the_chip_s_clock():
    slow = replace(SRAM, interconnect=replace(SRAM.interconnect, link_speed=0.5))
    half = simulate(NET, INT8, LR, slow)
    clocked = simulate(NET, INT8, replace(LR, clock_hz=0.5e9), SRAM)
    assert half.latency_s == close(clocked.latency_s)
    assert half.latency_s > simulate(NET, INT8, LR, SRAM).latency_s


@pytest.mark.parametrize("overlap", [False, True])
def test_phases_and_layers_sum_to_the_totals(overlap):
    report = simulate(NET, INT8, replace(LR, overlap=overlap), SRAM, batch=2)
    layers = report.layers
    assert layers.energy_j.sum() == close(2 * report.energy_j)
    assert layers.latency_s.sum() == close(report.latency_s)
    leaked = layers[layers.phase == "leakage"].energy_j.sum()
    assert leaked == close(formulas.leakage_power(report.chip, SRAM) * report.latency_s)


def test_a_layer_s_multiplication_by_hand():
    """layer4.1.conv2 of ResNet18 at 8 bits, from docs/model.md alone."""
    layers = simulate(NET, INT8, LR, SRAM).layers
    row = layers[(layers.layer == "layer4.1.conv2") & (layers.phase == "multiply")]
    dots, j = 512 * 49, 4608
    folds = -(-dots // 4096)  # one dot product of 4608 rows in a CAP of 4800
    passes = 4 * 8 * 8
    assert row.latency_s.item() == close(
        folds * passes * 1e-9 * (0.3823 + 72 * 0.003032 + 0.3498 + 72 * 0.0007962)
    )
    rows = passes * dots * j
    assert row.compare_rows.item() == rows
    joules = rows * (ROW + 72 * CELL) - row.rows_matched.item() * 72 * CELL
    joules += (row.key_cells.item() + row.lines_driven.item()) * KEY
    joules += row.cells_written.item() * WRITE + row.words_written.item() * 72 * WORD
    assert row.energy_j.item() == close(1e-15 * joules)
