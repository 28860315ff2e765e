"""The best chip that can be built, beside LR as published and rivals."""

import numpy as np
import pytest
from reproduction.studies import buildable as study

import bfimna as bf

GRID = {"clusters": (16, 64), "maps_per_cluster": (1, 32)}


@pytest.fixture(scope="module")
def table():
    return study.buildable(["alexnet"], ["sram-14nm-lstp"], "int4", grid=GRID)


def test_lr_as_published_is_the_paper_s_chip_and_infeasible(table):
    paper, built, best = (
        table[table.chip == c].iloc[0] for c in (study.PAPER, study.LR, study.BEST)
    )
    assert paper.edp_js == bf.simulate("alexnet", 4, bf.Chip.paper(), "sram-14nm-lstp").edp_js
    assert built.edp_js == bf.simulate("alexnet", 4, "LR", "sram-14nm-lstp").edp_js
    assert (paper.feasible, built.feasible, best.feasible) == (False, True, True)
    assert "memory: resident weights" in paper.infeasibilities
    assert best.area_m2 <= built.area_m2
    assert best.edp_js < built.edp_js
    for figure in study.BOUNDED:
        assert (table[f"{figure}_low"] < table[f"{figure}_high"])[table.chip != study.RIVAL].all()
    density = best.throughput_ops / 1e9 / (1e6 * best.area_m2)
    assert best.throughput_per_area_gops_per_mm2 == density


def test_rivals_are_those_with_an_area(table):
    published = bf.data.accelerators()
    rivals = table[table.chip == study.RIVAL]
    assert "BF-IMNA" not in set(rivals.accelerator)
    isaac = published[(published.accelerator == "ISAAC")].iloc[0]
    row = rivals[rivals.accelerator == "ISAAC"].iloc[0]
    assert row.throughput_per_area_gops_per_mm2 == isaac.area_efficiency_gops_per_mm2
    assert np.isfinite(rivals.throughput_per_area_gops_per_mm2).all()


def test_an_unknown_objective_is_refused():
    with pytest.raises(bf.BfimnaError, match="unknown objective of a chip 'edp'"):
        study.buildable(["alexnet"], ["sram-14nm-lstp"], objective="edp")
