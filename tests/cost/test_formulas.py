"""Formulas of latency, energy and area: by hand, by columns and supply, and as sums."""

from dataclasses import replace

import numpy as np
import pytest

from bfimna import Chip, Precision, data, simulate, zoo
from bfimna.ap.counts import Counts, multiply
from bfimna.ap.events import CYCLES, ENERGY_EVENTS
from bfimna.cost import formulas
from bfimna.mapping.chip import LIMITS
from bfimna.mapping.work import Vertical

from ..close import close

SRAM = data.load_technology("sram-14nm-lstp")
LR = Chip.limited()
#: J of a cycle: 64 controllers, and 64 × 64 CAPs with a key and a mask bit for each of 72 columns
CONTROL = 64 * 50e-12 + 4096 * 2 * 72 * 1.673e-15
NET = zoo.resnet18()
INT8 = Precision.fixed(NET, 8)
#: as docs/model.md, section 2, has them: fJ and ns
ROW, CELL, KEY, WRITE, WORD, READ = 1.504, 0.1583, 0.4811, 0.8366, 0.1476, 1.985
SENSED, GATE, LATCH, PICK = 0.48, 0.09001, 0.8366, 0.8366
REGISTER_NS, LATCH_NS, SWITCH_NS, MODE_NS, MAT_NS = 0.02812, 0.02812, 0.0703, 0.5768, 0.1


def test_every_event_by_hand():
    """One of each event on a CAP of 72 columns, in fJ."""
    by_hand = {
        "compare_rows": ROW + 72 * CELL,
        "rows_matched": -72 * CELL - SENSED,
        "key_cells": KEY,
        "cells_written": WRITE,
        "words_written": 72 * WORD,
        "lines_driven": KEY + GATE,
        "cells_loaded": WRITE + 72 * WORD + GATE + LATCH + PICK,
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
    # a search of 64-bit words takes 0.547 ns, a write 0.40; of 72 columns a little more
    narrow = replace(LR, columns=64)
    for event, ns64, ns72 in (("compares", 0.5467, 0.5768), ("writes", 0.4008, 0.4071)):
        ns64, ns72 = ns64 + REGISTER_NS, ns72 + REGISTER_NS
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
    line = 1e-9 * (0.003763 + 0.003032 + 2 * 0.0007962)
    assert wider - formulas.latency(cycles, SRAM, chip) == close(line, rel=1e-6)


def test_vertical_lines_are_as_long_as_their_segments():
    counts = Counts(compares=1, writes=1, compare_rows=10, words_written=10)
    slow = replace(SRAM, vertical_time_factor=3.0, vertical_energy_factor=2.0)
    mode = Vertical(3.0, span=100.0, mats=0.5, entries=4, entered_rows=70, cut_rows=900)
    joules = formulas.energy(counts, slow, LR, mode)
    joules -= 2 * CONTROL  # of a compare and a write
    by_hand = 10 * (ROW + 2 * 3 * (CELL + WORD)) + 2 * 70 * 11.39 + 900 * 72 * 0.1476
    assert joules == close(1e-15 * by_hand)
    nanoseconds = 0.3059 + 300 * 0.003763 + 0.3498 + 300 * 0.0007962 + 2 * REGISTER_NS
    nanoseconds += 2 * 0.5 * MAT_NS + 2 * 4 * MODE_NS
    assert formulas.latency(counts, slow, LR, mode) == close(1e-9 * nanoseconds)


def test_only_segments_are_cut_anew_at_the_end_of_a_level():
    shifts, mode = Counts(shifts=3), Vertical(3.0, span=100.0, mats=0.5)
    own = 3 * (0.3059 + REGISTER_NS)  # whatever a line has attached
    assert formulas.latency(shifts, SRAM, replace(LR, ap_kind="2d"), mode) == close(1e-9 * own)
    cut = own + 3 * SWITCH_NS
    assert formulas.latency(shifts, SRAM, LR, mode) == close(1e-9 * cut)


def test_a_layer_that_is_not_reduced_does_not_change_the_mode():
    mode = Vertical(3.0, span=3.0, entries=4, entered_rows=70, cut_rows=900)
    assert formulas.latency(Counts(), SRAM, LR, mode) == 0
    assert formulas.energy(Counts(), SRAM, LR, mode) == 0


def test_control_is_paid_in_every_cycle_of_every_cap():
    for cycle in CYCLES:
        assert formulas.energy(Counts(**{cycle: 3}), SRAM, LR) == close(3 * CONTROL)


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
    assert formulas.energy(all_match, SRAM, LR) == close(5 * (ROW - SENSED) * 1e-15)
    leaky = replace(SRAM, match_kept=0.6)
    left = 5 * (ROW - SENSED + 0.4 * 72 * CELL)
    assert formulas.energy(all_match, leaky, LR) == close(left * 1e-15)
    program = multiply(8, 8)
    without = replace(program, rows_matched=0)
    saved = formulas.energy(without, SRAM, LR) - formulas.energy(program, SRAM, LR)
    assert saved == close(1e-15 * (CELL * 72 + SENSED) * program.rows_matched)


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
    assert ours == close(1e-15 * (7 * WRITE + 4 * 72 * WORD + 20 * (KEY + GATE)))
    assert ours == close(formulas.energy(counts, SRAM, LR))
    theirs = formulas.write_energy(counts, SRAM, LR, along_rows=True)
    assert theirs - ours == close(3e-15 * 72 * WORD)


def test_a_half_selected_cell_pays_for_each_cell_that_a_tagged_row_does_not_write():
    held = replace(SRAM, write_j_per_held_cell=10e-15)
    # two rows of 72 cells: two cells written in one, five in the other
    written = Counts(words_written=2, cells_written=7, lines_driven=7)
    more = formulas.energy(written, held, LR) - formulas.energy(written, SRAM, LR)
    assert more == close((2 * 72 - 7) * 10e-15)
    # a column loaded in three rows, with four more columns cleared along
    loaded = Counts(cells_loaded=3, cells_written=12, lines_driven=12)
    more = formulas.energy(loaded, held, LR) - formulas.energy(loaded, SRAM, LR)
    assert more == close(3 * (72 - 1 - 4) * 10e-15)


def test_broadcasting_the_key_costs_per_driven_column_and_row():
    tree = replace(SRAM, broadcast_j_per_key_cell=1e-15)
    counts = Counts(key_cells=9, lines_driven=5)
    more = formulas.energy(counts, tree, LR) - formulas.energy(counts, SRAM, LR)
    assert more == close(9e-15)


def test_moving_bits_by_hand():
    """8 kbit over the bus, 16 kbit-hops, 4 kbit from DRAM at 25 GB/s."""
    links = replace(SRAM.interconnect, dram_bytes_per_s=25e9)
    picojoules = 8e3 * 0.054 + 16e3 * 20.74 / 256 + 4e3 * 4
    one = replace(LR, multicast=False)  # a copy goes to one CAP, without multicast
    fan_out = 8e3 * 0.020
    for chip, caps in ((one, 1), (LR, 64)):
        joules = formulas.transfer_energy(8e3, 16e3, 4e3, chip, links)
        assert joules == close(1e-12 * (picojoules + caps * fan_out))
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
    assert ratio == close((volts / 0.8) ** 2.2 * longer)
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
    n = NET.matmul_names.index("layer1.0.conv1")  # 576 rows, 15 levels, 7 folds
    spans, left = [], 576
    while left > 2:
        spans.append(576 / (left // 3))
        left -= left // 3
    assert (len(spans), spans[0], spans[-1]) == (15, 3.0, 576.0)
    by_level = [
        5 * (0.3059 + min(s, 300) * 0.003763)
        + 6 * (0.3498 + min(s, 300) * 0.0007962)
        + 0.3059 + SWITCH_NS + 12 * REGISTER_NS
        + 11 * (s > 300) * MAT_NS
        for s in spans
    ]  # fmt: skip
    seconds = 7e-9 * (sum(by_level) + 2 * MODE_NS)
    assert report.times[work.layers[n], k] == close(seconds)


def test_area_by_hand():
    caps, maps = 4096 * 4800 * 72, 64 * 4800 * 72
    control = 4096 * 144 * 0.2817e-12 + 64 * 10000e-12  # registers and controllers
    rows = 4096 * 4800
    staging = rows * (16 * 0.1878e-12 + 0.8263e-12)
    cell = (1.25 + 0.25) * 0.1878e-12 + 0.02348e-12  # cross-point, second direction, switch
    by_hand = cell * caps + 0.1878e-12 * maps + control + staging + 64 * 37500e-12 * 1024 / 256
    assert formulas.area(LR, SRAM) == close(by_hand)
    twice = replace(LR, overlap=True)  # the next fold's operands wait in latches of their own
    assert formulas.area(twice, SRAM) - by_hand == close(rows * 16 * 0.1878e-12)
    flat = replace(LR, ap_kind="1d", mesh_bits=256, load_mode="by row")
    by_hand = 0.1878e-12 * (1.25 * caps + maps) + control + 64 * 37500e-12
    assert formulas.area(flat, SRAM) == close(by_hand)
    uncut = replace(LR, ap_kind="2d")
    assert formulas.area(LR, SRAM) - formulas.area(uncut, SRAM) == close(0.02348e-12 * caps)


def test_leakage_by_hand():
    cells, latches, registers = 4160 * 4800 * 72, 4096 * 4800 * 16, 4096 * 144
    nanowatts = 0.5223 * (cells + latches) + 0.7834 * registers + 64 * 27810
    assert formulas.leakage_power(LR, SRAM) == close(nanowatts * 1e-9)
    none = replace(LR, load_mode="by row")
    saved = formulas.leakage_power(LR, SRAM) - formulas.leakage_power(none, SRAM)
    assert saved == close(0.5223e-9 * latches)


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
        1e-9 * folds * passes * (0.3059 + 72 * 0.003763 + 0.3498 + 72 * 0.0007962)
        + 1e-9 * folds * (0.3059 + 72 * 0.003763 + 0.3498 + 72 * 0.0007962)  # the sign extended
        + 1e-9 * folds * (passes + 1) * 2 * REGISTER_NS
    )
    rows = (passes + 1) * dots * j
    assert row.compare_rows.item() == rows
    joules = rows * (ROW + 72 * CELL) - row.rows_matched.item() * (72 * CELL + SENSED)
    joules += row.key_cells.item() * KEY + row.lines_driven.item() * (KEY + GATE)
    joules += 2 * folds * (passes + 1) * CONTROL * 1e15
    joules += row.cells_written.item() * WRITE + row.words_written.item() * 72 * WORD
    assert row.energy_j.item() == close(1e-15 * joules)
