"""The effect of the paper's assumptions, against single simulations."""

from dataclasses import replace

import numpy as np
import pytest
from reproduction.studies.assumptions import (
    SplitRows,
    assumptions,
    rescheduled,
    variants,
)

import bfimna as bf
from bfimna.cost import formulas
from bfimna.cost.uncertainty import samples_of

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
        "data along the rows in a write": bf.simulate(
            "alexnet", 8, LR, replace(SRAM, write_along_rows=1.0)
        ),
        "streamed, 256-bit links, no latches": bf.simulate(
            "alexnet", 8, replace(LR, weights="auto", bus_bits=256, mesh_bits=256,
                                  load_mode="by row"), SRAM,
        ),
    }  # fmt: skip
    for name, other in expected.items():
        row = table.loc[name]
        assert row.latency == close(other.latency_s / base.latency_s)
        assert row.energy == close(other.energy_j / base.energy_j)
        assert row.edp == close(row.latency * row.energy)
    assert len(table) == 18
    for factor in ("latency", "energy", "edp"):
        assert (table[f"{factor}_low"] <= table[f"{factor}_high"]).all()
    slower = table.loc[["all weights streamed", "no multicast", "no segments"]]
    assert (slower.edp_low > 1).all()
    assert table.latency["moving while computing"] < 1
    auto, all_of_them = table.edp[["weights that do not fit streamed", "all weights streamed"]]
    assert 1 < auto <= all_of_them
    together = table.edp["streamed, 256-bit links, no latches"]
    alone = table.edp[["weights that do not fit streamed", "no latches: loads row by row"]]
    assert together > alone.max()
    held = table.loc["half-selected cells, bit lines held"]
    assert held.latency == close(1)
    assert held.energy > 1.5


def test_what_has_no_alternative_is_left_out():
    everywhere = set(variants(LR, SRAM))
    reram = set(variants(LR, bf.data.load_technology("reram-14nm-lstp")))
    assert everywhere - reram == {
        "HP instead of LSTP transistors",
        "half-selected cells, bit lines held",
    }
    own = replace(SRAM, name="mine", ranges={}, draws={})
    assert everywhere - set(variants(replace(LR, overlap=True), own)) == {
        "moving while computing",
        "HP instead of LSTP transistors",
        "rows without data not gated",
        "key over the whole H-tree",
        "data along the rows in a write",
        "half-selected cells, bit lines held",
    }


def test_requantising_over_split_rows_by_hand():
    """alexnet's features.0: 193 600 outputs on 19 660 800 rows, scaled by 9 bits: 9 rows each."""
    report = bf.simulate("alexnet", 8, LR, SRAM)
    schedule = SplitRows.of(report.schedule)
    split = rescheduled(report, schedule)
    control = formulas.control_joules(SRAM, LR)  # paid in every cycle
    own = [
        r.energies[1, :-1].sum() - control * sum(
            float(work.counts.cycles[list(work.layers).index(1)])
            for work in r.schedule.phases.values() if 1 in work.layers
        )
        for r in (report, split)
    ]  # fmt: skip
    assert own[0] == close(own[1])  # all but leakage
    k = formulas.ALL_PHASES.index("requantise")
    assert split.times[1, k] == close(report.times[1, k] / 9)
    assert (np.delete(split.times, k, axis=1) == np.delete(report.times, k, axis=1)).all()
    samples = samples_of(split, "latency_s", 100)
    assert (samples < samples_of(report, "latency_s", 100)).all()
    full = replace(LR, clusters=1, caps_per_cluster=1)  # no row is free
    report = bf.simulate("alexnet", 8, full, SRAM)
    crowded = rescheduled(report, SplitRows.of(report.schedule))
    assert crowded.times[1, k] == close(report.times[1, k])


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


def test_the_share_of_moving_is_that_of_two_simulations():
    table = assumptions(["alexnet"], 8, SRAM, LR, draws=9).set_index("assumption")
    base = bf.simulate("alexnet", 8, LR, SRAM)
    slow = bf.simulate("alexnet", 8, replace(LR, multicast=False), SRAM)
    for report, column in ((base, "moving_percent_before"), (slow, "moving_percent")):
        share = 100 * report.phases.latency_s["traffic"] / report.latency_s
        assert table.loc["no multicast", column] == close(share)
    assert set(table.moving_percent_before) == {table.moving_percent_before.iloc[0]}
    moving = table.moving_percent
    assert (
        moving["moving while computing"] < base.phases.latency_s["traffic"] / base.latency_s * 100
    )
    assert moving["requantising over split rows"] > table.moving_percent_before.iloc[0]
    assert not table.resident_weights_fit.any()
