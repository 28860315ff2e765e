"""Lines and cells against what is known by hand, and the checks that refuse a cell."""

from dataclasses import replace
from math import inf

import pytest

from bfimna.characterise import cells, disturb, measure
from bfimna.characterise.decks import Bench
from bfimna.characterise.lines import column, match_line, timed, word_line
from bfimna.errors import BfimnaError


def other(bench: Bench, **fields) -> Bench:
    """Return the bench of a kit with other fields, timed as the kit's own."""
    return replace(bench, kit=replace(bench.kit, **fields))


def test_a_wires_energy_is_its_capacitance_times_the_supply_squared(bench):
    one, two = (match_line(replace(bench, wires=wires), 72, 1).line_j for wires in (1.0, 2.0))
    by_hand = 72 * 1.5 * 0.2e-15 * 0.9**2  # cells × µm × F/µm × V²
    assert two - one == pytest.approx(by_hand, rel=0.01)


def test_a_search_lines_wire_too(bench):
    one, two = (column(replace(bench, wires=w), 300, 72, "search")[0] for w in (1.0, 2.0))
    assert two - one == pytest.approx(0.6 * 0.2e-15 * 0.9**2, rel=0.05)  # per row


def test_energy_is_linear_in_attached_cells(own):
    assert own.nominal.fits["compare_energy_per_attached_cell"].residual < 0.01
    assert own.nominal.fits["write_energy_per_attached_cell"].residual < 0.01


def test_a_row_that_matches_keeps_its_charge(own):
    assert own.hit.end_v > 0.95 * own.kit.supply_v
    assert own.hit.line_j < 0.02 * own.miss.line_j
    assert own.hit.sense_j < 0.5 * own.miss.sense_j


def test_three_keys_that_differ_discharge_faster_for_the_same_energy(own):
    assert own.many.line_j == pytest.approx(own.miss.line_j, rel=0.01)
    assert own.many.sense_s < 0.6 * own.miss.sense_s


@pytest.mark.parametrize(
    ("cell", "lost"), [("10T", True), ("16T", True), ("12T", False), ("20T", False)]
)
def test_tagged_rows_lose_the_minoritys_bit_unless_a_column_gates_the_access(bench, cell, lost):
    done = disturb(other(bench, cell=cell), 1, 63, 60.0, 300)
    assert (done.lost > 0) is lost


def test_bit_lines_that_are_held_keep_the_bits_at_a_price(bench):
    done = disturb(other(bench, cell="10T"), 1, 63, 25.0, 300, held=True)
    assert done.lost == 0
    assert done.cell_j > 1e-15


def test_the_cell_that_loses_data_is_refused_with_the_remedy(bench):
    with pytest.raises(BfimnaError, match=r"disturb loses data: .* use a cross-point cell"):
        measure.check_disturb(other(bench, cell="10T"))


def test_a_cell_that_does_not_flip_is_refused(bench):
    with pytest.raises(BfimnaError, match="the cell does not flip"):
        word_line(bench, 16, pulse_fo4=0.05)


def test_a_line_that_is_not_precharged_is_refused(bench):
    sizes = {**bench.kit.sizes, "precharge": 0.1}
    with pytest.raises(BfimnaError, match="match line not precharged"):
        match_line(other(bench, sizes=sizes), 72, 1)


def test_a_row_that_is_not_sensed_has_a_wrong_tag(bench):
    sizes = {**bench.kit.sizes, "compare": 0.02}
    with pytest.raises(BfimnaError, match="wrong tag: a row that differs"):
        match_line(other(bench, sizes=sizes), 72, 1)


def test_a_matched_line_that_sags_has_a_wrong_tag(bench):
    miss = replace(match_line(bench, 72, 1), sense_s=1e-6)
    slow = replace(bench, fo4_s=1000 * bench.fo4_s)
    with pytest.raises(BfimnaError, match="wrong tag: the line of a row that matches"):
        measure.check_match(slow, miss, 72)


def test_a_supply_below_all_thresholds_is_refused(bench):
    with pytest.raises(BfimnaError, match="no inverter switches"):
        timed(bench.other(supply_v=0.02, temperature_k=350.0))


def test_leakage_rises_with_temperature_and_supply(own, bench):
    cold = cells.leakage(bench.other(temperature_k=300.0))
    assert 3 < own.nominal.values["leakage_per_cell"] / cold < 30
    assert own.exponent[1] > 1


def test_a_pass_of_more_keys_sags_further_in_a_row_of_resistors(resistive, own):
    assert own.safe_keys == inf
    assert resistive.kept[1] > resistive.kept[8] > resistive.kept[16]
    assert 3 <= resistive.safe_keys < max(measure.KEYS)
    assert resistive.hit.end_v < own.hit.end_v
