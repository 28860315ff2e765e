"""The design space's tables, against simulations of single points."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from reproduction.studies import headline
from reproduction.studies.design_space import batches, design_space, one_bit_less, supply

import bfimna as bf
from bfimna.cost.uncertainty import samples_of

from ..close import close


def test_every_point_has_the_interval_of_its_own_report():
    table = design_space(
        ["alexnet"], ["sram-14nm-lstp", "reram-14nm-lstp"], mean_bits=(4,), seeds=2
    )
    assert len(table) == 2 * 2 * (16 + 2)
    row = table.query("precision == 'int8' and chip == 'IR' and technology == 'reram-14nm-lstp'")
    report = bf.simulate("alexnet", 8, "IR", "reram-14nm-lstp").summary
    for quantity in ("latency_s", "energy_j", "edp_js", "throughput_ops", "efficiency_ops_per_w"):
        for end in ("low", "high"):
            column = f"{quantity}_{end}"
            assert row[column].item() == pytest.approx(report[column])
        assert (table[f"{quantity}_low"] < table[quantity]).all()
        assert (table[quantity] < table[f"{quantity}_high"]).all()


def test_each_saving_is_the_difference_of_two_simulations():
    net = bf.zoo.alexnet()
    technology = bf.data.load_technology("sram-14nm-lstp")
    bits = bf.Precision.by_layer(net, {"features.0": (1, 5)}, default=4)
    saved = one_bit_less(net, bits, bf.Chip.limited(), technology).set_index("layer")
    before = bf.simulate(net, bits, bf.Chip.limited(), technology)
    for layer, less in (("features.0", (1, 4)), ("classifier.6", (3, 3))):
        others = {name: bits[name] for name in bits.layers}
        changed = bf.Precision.by_layer(net, others | {layer: less})
        after = bf.simulate(net, changed, bf.Chip.limited(), technology)
        assert saved.energy_j[layer] == close(before.energy_j - after.energy_j)
        assert saved.edp_js[layer] == close(before.edp_js - after.edp_js)
    assert tuple(saved.loc["features.0", ["weight_bits", "activation_bits"]]) == (1, 5)


def test_a_supply_is_relative_to_the_nominal_one_with_shared_samples():
    table = supply("alexnet", "int8", ["sram-14nm-lstp"]).set_index("supply_v")
    tech = bf.data.load_technology("sram-14nm-lstp")
    low, nominal = (bf.simulate("alexnet", 8, "LR", t) for t in (tech.at_supply(0.6), tech))
    row = table.loc[0.6]
    assert row.energy_j_ratio == close(low.energy_j / nominal.energy_j)
    ratios = samples_of(low, "energy_j") / samples_of(nominal, "energy_j")
    assert row.energy_j_ratio_low == close(np.percentile(ratios, 5))
    assert row.energy_j_ratio_high == close(np.percentile(ratios, 95))
    for quantity in ("energy_j", "latency_s", "edp_js"):
        assert set(table.loc[tech.supply_v].filter(like=f"{quantity}_ratio")) == {1.0}
        ends = table[f"{quantity}_ratio_high"] - table[f"{quantity}_ratio_low"]
        assert (ends.drop(tech.supply_v) > 0).all()


def test_supplies_within_the_threshold_s_range_are_left_out(tmp_path):
    rows = pd.read_csv(Path(__file__).parents[2] / "data/technologies/cells.csv", dtype=str)
    rows.loc[rows.parameter == "threshold_voltage", "high"] = "0.57"
    rows.to_csv(tmp_path / "cells.csv", index=False)
    cell = f"{tmp_path / 'cells.csv'}:reram-28nm"
    highest_v = bf.load_technology(cell).ranges["threshold_v"][1]
    table = supply(NETWORK, "int8", [cell])
    assert 0.5 < highest_v < table.supply_v.min() < highest_v + 0.05


def test_a_batch_has_the_interval_of_its_own_report():
    table = batches([NETWORK], "int8", SRAM).set_index("batch")
    report = bf.simulate(NETWORK, 8, "LR", SRAM, batch=4)
    for quantity in ("throughput_ops", "seconds_per_inference"):
        low, _, high = report.interval(quantity)
        assert table.loc[4, [f"{quantity}_low", f"{quantity}_high"]].tolist() == [
            close(low), close(high),
        ]  # fmt: skip
    assert table.seconds_per_inference[256] < table.seconds_per_inference[1]


NETWORK, SRAM = str(Path(__file__).parents[2] / "examples" / "model.onnx"), "sram-14nm-lstp"
MINE = {"name": "mine", "clusters": 4, "weights": "streamed", "overlap": True}


@pytest.mark.parametrize("study", [
    lambda chip: batches([NETWORK], "int8", SRAM, chip).latency_s,
    lambda chip: supply(NETWORK, "int8", [SRAM], chip).latency_s,
    lambda chip: headline.uncertain([NETWORK], "int8", SRAM, 8, chip).nominal.dropna(),
])  # fmt: skip
def test_a_chip_of_ones_own_gives_other_figures(study):
    assert (study(MINE).to_numpy() > study("LR").to_numpy()).any()


def test_intervals_name_the_chip():
    table = headline.uncertain([NETWORK], "int8", SRAM, 8, MINE)
    assert set(table.chip) == {"mine", "paper"}  # the paper's intervals stand beside it
    assert set(table[table.kind == "index"].chip) == {"mine"}
