"""Match lines in segments: what is attached, what it costs, and that programs stay within it."""

from dataclasses import replace

import numpy as np
import pytest

import bfimna as bf
from bfimna.ap.array import Array
from bfimna.ap.events import EVENTS
from bfimna.cost import formulas
from bfimna.cost.totals import event_totals
from bfimna.cost.uncertainty import quantities
from bfimna.emulator import products
from bfimna.emulator.infer import infer
from bfimna.emulator.quantise import random_images, synthetic
from bfimna.mapping.match_lines import detached
from bfimna.mapping.plan import plan

from ..close import close
from .test_mappings import MAPPINGS, equipped, ids
from .test_seam import network

SRAM = bf.load_technology("sram-14nm-lstp")
#: every price of its own, so that no two terms can be mistaken for each other
ODD = replace(SRAM, vertical_energy_factor=1.7, vertical_time_factor=2.3, match_kept=0.9)
LR, NET = bf.Chip.limited(), bf.zoo.resnet18()
PAPER = bf.Mapping.paper()
CUT = replace(LR, match_segments=12)


@pytest.mark.parametrize("mapping", MAPPINGS, ids=ids)
@pytest.mark.parametrize("bits", [1, 4, 8])
def test_emulated_multiplications_compare_only_attached_columns(mapping, bits, monkeypatch):
    net, columns, compared = network(), set(), {}
    precision = bf.Precision.fixed(net, bits)
    run, account = Array.run, products._Products.account

    def recorded(self, program, rows=0):
        columns.update(column for step in program for column, _ in step.key)
        return run(self, program, rows)

    def booked(self, array, phase, folds, part):
        if phase == "multiply":
            compared.setdefault(self.step.number, set()).update(columns)
        columns.clear()
        return account(self, array, phase, folds, part)

    monkeypatch.setattr(Array, "run", recorded)
    monkeypatch.setattr(products._Products, "account", booked)
    chip = equipped(replace(LR, match_segments=4), mapping)
    own, images = synthetic(net, precision), random_images(net, precision, 1)
    infer(net, own, images, precision, chip=chip, mapping=mapping)
    placed = plan(net, chip, mapping).at(precision)
    own_words = placed.words.at(placed.layers)
    free = detached(chip, placed.plan.products.columns(placed.bits, own_words))
    assert len(compared) == len(net.matmuls)
    for number, used in compared.items():
        assert len(used) <= 72 - 4 * free[number]
    assert any(used for used in compared.values()) != mapping.name.startswith("carry-save")


@pytest.mark.parametrize("bits", [1, 4, 8, 16])
def test_segments_change_no_event_and_only_the_multiplication(bits):
    whole, cut = (plan(NET, chip).at(bf.Precision.fixed(NET, bits)) for chip in (LR, CUT))
    for phase, work in whole.phases.items():
        for event in EVENTS:
            same = getattr(cut.phases[phase].counts, event)
            np.testing.assert_array_equal(getattr(work.counts, event), same)
        assert ("cuts" in cut.phases[phase].counts.amounts) == (phase == "multiply")


def test_a_multiplication_by_hand():
    """layer4.1.conv2 at 8 bits: 35 of 72 columns, three segments of 12 and two switches."""
    chips = (LR, replace(LR, match_segments=12))
    whole, cut = (plan(NET, chip).at(bf.Precision.fixed(NET, 8)) for chip in chips)
    work, k = cut.phases["multiply"], NET.matmul_names.index("layer4.1.conv2")
    counts, folds = work.some(np.array([k])).counts, 7
    layers = len(NET.layers)
    before, after = (formulas.costs(placed, ODD, layers) for placed in (whole, cut))
    at = work.layers[k], formulas.ALL_PHASES.index("multiply")
    cells = 72 - (36 + 2 * 2.3)
    faster = counts.compares[0] * cells * ODD.compare_s_per_cell
    switching = 2 * folds * ODD.segment_switch_s
    assert before[0][at] - after[0][at] == close(faster - switching)
    cells = 72 - (36 + 2 * 1.7)
    charged = counts.compare_rows[0] - 0.9 * counts.rows_matched[0]
    saved = charged * cells * ODD.compare_j_per_attached_cell
    setting = 4096 * 4800 * ODD.segment_switch_j_per_cell + formulas.control_joules(ODD, LR)
    assert before[1][at] - after[1][at] == close(saved - 2 * folds * setting)


def test_every_other_compare_and_read_passes_all_switches():
    whole, cut = (plan(NET, chip).at(bf.Precision.fixed(NET, 8)) for chip in (LR, CUT))
    before, after = (formulas.costs(placed, ODD, len(NET.layers)) for placed in (whole, cut))
    for phase in ("bias", "requantise", "read"):
        at, counts = formulas.ALL_PHASES.index(phase), whole.phases[phase].counts
        longer = counts.compares * ODD.compare_s_per_cell + counts.reads * ODD.read_s_per_cell
        layers = whole.phases[phase].layers
        gap = (after[0] - before[0])[layers, at]
        np.testing.assert_allclose(gap, 5 * 2.3 * longer, rtol=1e-9)
        line = (counts.compare_rows - 0.9 * counts.rows_matched) * ODD.compare_j_per_attached_cell
        line = line + counts.cells_read * ODD.read_j_per_attached_cell
        gap = (after[1] - before[1])[layers, at]
        np.testing.assert_allclose(gap, 5 * 1.7 * line, rtol=1e-9)


def test_switches_take_area():
    switches = 5 * LR.product_rows * SRAM.segment_switch_m2_per_cell
    assert formulas.area(CUT, SRAM) - formulas.area(LR, SRAM) == close(switches)


@pytest.mark.parametrize("idle", [0.0, 0.5])
@pytest.mark.parametrize("change", [{}, {"overlap": True}, {"max_current_a": 50.0}])
def test_totals_and_draws_agree_with_layers(change, idle):
    booth = replace(CUT, latch="booth", **change)
    some = dict.fromkeys(NET.matmul_names[::3], bf.Mapping.carry_save())
    mixed = bf.Mapping.by_layer(bf.Mapping.accumulating(4), some)
    tech = replace(ODD, idle_rows=idle)
    for mapping in (PAPER, mixed):
        report = bf.simulate(NET, 5, booth, tech, mapping=mapping)
        totals = event_totals(report.schedule)
        seconds = totals.seconds(tech)
        assert seconds == close(report.latency_s)
        assert totals.joules(tech, seconds) == close(report.energy_j)
        fixed = replace(tech, ranges={}, draws={},
                        interconnect=replace(tech.interconnect, ranges={}, draws={}))  # fmt: skip
        drawn = quantities(report.schedule, fixed, report.operations, draws=3)
        np.testing.assert_allclose(drawn["energy_j"], report.energy_j)
        np.testing.assert_allclose(drawn["latency_s"], report.latency_s)


def test_sweeps_equal_simulations():
    table = bf.sweep(["alexnet", "resnet18"], [3, 8], CUT, [SRAM, "reram-14nm-lstp"])
    for row in table.itertuples():
        report = bf.simulate(row.network, int(row.mean_bits), CUT, row.technology)
        assert row.energy_j == close(report.energy_j)
        assert row.latency_s == close(report.latency_s)


def test_one_segment_is_one_line():
    one = bf.simulate(NET, 8, replace(LR, match_segments=72), SRAM)
    line = bf.simulate(NET, 8, LR, SRAM)
    assert (one.energy_j, one.latency_s, one.area_m2) == (
        line.energy_j, line.latency_s, line.area_m2)  # fmt: skip


@pytest.mark.parametrize("wrong", [100, 7, 0, -12, 1.5, "12", True])
def test_segments_that_do_not_divide_an_array_are_refused(wrong):
    with pytest.raises(bf.BfimnaError, match="match_segments"):
        replace(LR, match_segments=wrong)


def test_the_plan_says_so():
    assert "segments of 12 columns" in repr(plan(NET, CUT))
    assert "segments" not in repr(plan(NET, LR))


def test_vertical_multiplications_gain_nothing():
    booth = replace(CUT, latch="booth")
    work = plan(NET, booth, bf.Mapping.carry_save()).at(bf.Precision.fixed(NET, 3))
    assert "cuts" not in work.phases["multiply"].counts.amounts


@pytest.mark.parametrize("segment", [1, 12])
def test_bounds_hold_with_segments(segment):
    chip = replace(bf.Chip.paper(), match_segments=segment)
    for bits in (1, 8):
        choice = bf.search.mapping("alexnet", bits, chip, SRAM, "edp_js")
        least = bf.search.lower_bounds("alexnet", bits, chip, SRAM)
        report = bf.simulate("alexnet", bits, chip, SRAM, mapping=choice.mapping)
        assert least.energy_j < report.energy_j
        assert least.latency_s < report.latency_s
