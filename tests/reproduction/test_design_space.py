"""The design space's points and intervals, against reports of their own."""

import pytest
from reproduction.studies.design_space import design_space

import bfimna as bf


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
