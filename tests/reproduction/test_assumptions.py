"""The effect of the paper's assumptions, against single simulations."""

from dataclasses import replace
from pathlib import Path

import pytest
from reproduction.studies.assumptions import assumptions, traffic, variants

import bfimna as bf

from ..close import close

LR = bf.Chip.paper()
SRAM = bf.data.load_technology("sram-14nm-lstp")


def test_each_line_is_two_simulations():
    table = assumptions(["alexnet"], 8, SRAM, draws=200).set_index("assumption")
    base = bf.simulate("alexnet", 8, LR, SRAM)
    hp = bf.data.load_technology("sram-14nm-hp")
    expected = {
        "all weights streamed": bf.simulate("alexnet", 8, replace(LR, weights="streamed"), SRAM),
        "no segments": bf.simulate("alexnet", 8, replace(LR, ap_kind="2d"), SRAM),
        "published counts": bf.simulate("alexnet", 8, LR, SRAM, counts="published"),
        "HP instead of LSTP transistors": bf.simulate("alexnet", 8, LR, hp),
        "rows without data not gated": bf.simulate("alexnet", 8, LR, replace(SRAM, idle_rows=1.0)),
    }
    for name, other in expected.items():
        row = table.loc[name]
        assert row.latency == close(other.latency_s / base.latency_s)
        assert row.energy == close(other.energy_j / base.energy_j)
        assert row.edp == close(row.latency * row.energy)
    assert len(table) == 14
    for factor in ("latency", "energy", "edp"):
        assert (table[f"{factor}_low"] <= table[f"{factor}_high"]).all()
    slower = table.loc[["all weights streamed", "no multicast", "no segments"]]
    assert (slower.edp_low > 1).all()
    assert table.latency["moving while computing"] < 1
    auto, all_of_them = table.edp[["weights that do not fit streamed", "all weights streamed"]]
    assert 1 < auto <= all_of_them


def test_what_has_no_alternative_is_left_out():
    everywhere = set(variants(LR, SRAM))
    reram = set(variants(LR, bf.data.load_technology("reram-14nm-lstp")))
    assert everywhere - reram == {"HP instead of LSTP transistors"}
    own = replace(SRAM, name="mine", ranges={}, draws={})
    assert everywhere - set(variants(replace(LR, overlap=True), own)) == {
        "moving while computing",
        "HP instead of LSTP transistors",
        "rows without data not gated",
        "key over the whole H-tree",
    }


def test_one_array_and_any_technology_will_do():
    one = bf.Chip(name="one", clusters=1, caps_per_cluster=1)
    for tech in (replace(SRAM, name="mine"), SRAM.at_supply(0.7)):
        table = assumptions(["alexnet", "resnet18"], (4, 8), tech, one, draws=50)
        assert (table[["latency", "energy", "edp"]] > 0).all(axis=None)
        assert table.chip.unique().tolist() == ["one"]


def test_what_replaces_a_range_is_not_drawn_any_more():
    tree = variants(LR, SRAM)["key over the whole H-tree"].technology
    assert tree.broadcast_j_per_key_cell == pytest.approx(1.661e-15)
    assert "broadcast_j_per_key_cell" not in tree.draws
    assert "broadcast_j_per_key_cell" in SRAM.draws


def test_traffic_starts_from_the_chip_as_it_is_and_leaves_out_equal_variants():
    network = str(Path(__file__).parents[2] / "examples" / "model.onnx")
    own = {"name": "mine", "clusters": 4, "weights": "streamed", "overlap": True}
    table = traffic([network], "int8", SRAM.name, own)
    assert list(table.variant) == ["multicast, streamed, overlapped", "no multicast"]
    table = traffic([network], "int8", SRAM.name)
    assert len(table) == 4
    assert table.variant[0] == "multicast, resident"
    assert set(table.chip) == {"paper"}
