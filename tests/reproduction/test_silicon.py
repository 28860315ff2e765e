"""Published silicon made comparable, and our place in it: each rule by hand."""

import numpy as np
import pandas as pd
import pytest
from reproduction.studies import silicon, validation
from reproduction.studies import state_of_the_art as studied

import bfimna as bf
from bfimna import data
from bfimna.cost import caveats

from ..close import close

BITS = [1, 8, 16]


@pytest.fixture(scope="module")
def table():
    names = ["sram-22nm-lstp", "sram-14nm-lstp"]
    return studied.with_rows(studied.state_of_the_art(names, BITS, ["alexnet"]))


def test_a_chip_counts_operations_of_its_own_width_by_hand():
    chips = silicon.digital_chips().set_index("accelerator")
    yan, chih, mori = (
        chips.loc[n] for n in ("Yan ISSCC 2022", "Chih ISSCC 2021", "Mori ISSCC 2023")
    )
    assert (yan.bits, yan.efficiency_gops_per_w) == (8, close(27_380))  # its title
    assert (chih.bits, chih.efficiency_gops_per_w) == (4, close(89_000))
    assert (mori.bits, mori.efficiency_gops_per_w) == (8, close(1742.4e3 / 64))  # of 12 bits
    assert yan.area_efficiency_gops_per_mm2 == close(11.38e3 / 64)
    floats = data.silicon("digital_in_memory").query("arithmetic == 'floating point'").chip
    assert len(floats) >= 3
    assert not set(floats) & set(chips.index)


def test_normalising_takes_out_node_and_supply_only_where_they_are_published():
    rows = pd.DataFrame({
        "node_nm": [28, 14, 28, np.nan], "supply_v": [0.4, 0.8, np.nan, 0.8],
        "efficiency_gops_per_w": 100.0, "area_efficiency_gops_per_mm2": 10.0,
    })  # fmt: skip
    out = silicon.normalised(rows)
    assert out.normalised_by.tolist() == ["node and supply", "node and supply", "node", ""]
    by_hand = [100 * 2 / 4, 100, 100 * 2, np.nan]
    np.testing.assert_allclose(out.efficiency_normalised_gops_per_w, by_hand)
    np.testing.assert_allclose(out.area_efficiency_normalised_gops_per_mm2, [40, 10, 40, np.nan])


def test_a_derived_technology_has_its_node_and_another_has_none():
    nodes = [silicon.node_of(name) for name in ("sram-14nm-hp", "reram-22nm-lstp")]
    assert nodes == [14, 22]
    assert np.isnan(silicon.node_of("sram-published-fit"))
    assert np.isnan(silicon.node_of("mine.csv:cell"))


def test_cells_of_the_survey_are_scaled_by_the_nominal_supply_of_their_node():
    cells = silicon.cam_cells().set_index("citation_key")
    cell = cells.loc["SRAM_4"]  # 65 nm, 1.98 fJ, 1.69 µm²
    assert cell.search_normalised_fj == close(1.98 / (65 / 14 * (1.1 / 0.8) ** 2))
    assert (
        cell.search_normalised_fj_low < cell.search_normalised_fj < cell.search_normalised_fj_high
    )
    assert cell.area_normalised_um2 == close(1.69 / (65 / 14) ** 2)
    assert len(cells) == 37
    assert cells.supply_v.notna().all()


def test_our_rows_stand_where_the_first_technology_does(table):
    order = studied.in_order(table, BITS)
    names = [name for width, name in order if width == 16]
    assert names[-1] == "AP, peak (this model)"  # 63 GOPS/W at 22 nm, below PipeLayer's 142.9
    eights = [name for width, name in order if width == 8]
    assert eights.index("CAP, 22 nm, bits not published") < eights.index("H100 SXM, 4 nm, system")
    assert "BitSystolic, 2 to 8 bits" in eights
    assert studied.in_order(table, [16]) == [(16, name) for name in names]


def test_by_how_much_rivals_exceed_us_by_hand(table):
    ours = bf.peak(8, "LR", "sram-14nm-lstp").efficiency_ops_per_w / 1e9
    behind = studied.behind(table, "sram-14nm-lstp")
    assert behind["CAP"]["CAP"] == close(11_370 / ours)
    assert behind["macros"]["Yan ISSCC 2022"] == close(27_380 / ours)
    assert behind["macros normalised"]["Yan ISSCC 2022"] == close(2 * 27_380 / ours)
    assert "He ISSCC 2023" not in behind["macros"]  # approximate
    assert set(behind["systems"].index) == {"H100 SXM", "A100 SXM", "TPUv4"}
    assert studied.behind(table[table.bits != 8], "sram-14nm-lstp") == {}


def test_our_rows_say_whether_they_are_feasible(table):
    ours = table[table.kind.isin(["peak", "achieved"])]
    peaks = ours[ours.kind == "peak"].set_index(["technology", "bits"])
    for (technology, bits), row in peaks.iterrows():
        warnings = caveats.peak_warnings(bf.peak(bits, "LR", technology), bf.Chip.limited())
        assert row.feasible == (not warnings)
    assert ours.feasible.notna().all()
    assert table.feasible[table.kind == "published"].isna().all()


def test_throughput_per_area_is_ours_over_our_area(table):
    peaks = table[table.kind == "peak"]
    ratio = peaks.throughput_gops / peaks.area_mm2 / peaks.area_efficiency_gops_per_mm2
    assert np.allclose(ratio, 1)
    ends = [peaks[f"area_efficiency_gops_per_mm2_{end}"] for end in ("low", "high")]
    assert (ends[0] < peaks.area_efficiency_gops_per_mm2).all()
    assert (ends[1] > peaks.area_efficiency_gops_per_mm2).all()


def test_a_search_with_every_column_driven_by_hand():
    tech = bf.load_technology("sram-14nm-lstp")
    table = data.technologies().query("technology == 'sram-14nm-lstp'").set_index("parameter").value
    by_hand = (
        table["compare_energy_per_row"] / 72
        + table["compare_energy_per_attached_cell"]
        + table["compare_energy_per_key_cell"]
        + table["broadcast_energy_per_key_cell"]
    )
    assert validation.search_j_per_bit(tech, 72) == close(1e-15 * by_hand)


def test_cells_chips_and_parameters_lie_side_by_side():
    table = validation.validation(["sram-14nm-lstp", "sram-published-fit"], [4, 8])
    ours = table[(table.origin == "this model") & (table.name == "sram-14nm-lstp")]
    assert len(table[(table.kind == "cell") & (table.origin == "survey")]) == 37
    peaks = ours[ours.kind == "chip"].set_index("bits")
    whole = bf.peak(8, "LR", "sram-14nm-lstp").efficiency_ops_per_w
    assert peaks.operation_fj[8] == close(1e15 / whole / 64)
    assert peaks.operation_normalised_fj[8] == close(peaks.operation_fj[8])  # 14 nm, 0.8 V
    yan = table[table.name == "Yan ISSCC 2022"].iloc[0]
    assert yan.operation_fj == close(1e3 / 1752.32)
    assert yan.operation_normalised_fj == close(yan.operation_fj / 2)
    fit = table[(table.name == "sram-published-fit") & (table.kind == "cell")].iloc[0]
    assert np.isnan(fit.search_normalised_fj)  # no node is published of it


def test_a_simulated_time_of_a_whole_row_stands_beside_the_tools_whole_row():
    rows = validation.parameters().set_index(["name", "origin"])
    tool = data.technologies().query("technology == 'sram-14nm-lstp'").set_index("parameter")
    times = tool.loc[["compare_time", "compare_time_per_attached_cell"], ["value", "low", "high"]]
    by_hand = times.iloc[0] + 72 * times.iloc[1]
    row = rows.loc[("compare_time_72_cells", "A")]
    assert [row.ours, row.ours_low, row.ours_high] == close(by_hand.tolist())
    assert row.ratio == close(row.simulated / row.ours)
    assert set(validation.parameters().origin) == {"A", "B", "A 10T", "A 16T"}
