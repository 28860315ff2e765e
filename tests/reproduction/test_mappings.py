"""Studies of mappings: factors over the paper's, what layers choose, bounds, capacity."""

from contextlib import suppress
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from reproduction.studies import mappings as study
from reproduction.studies import seen

import bfimna as bf

SRAM, BOOTH = "sram-14nm-lstp", {"latch": "booth"}


@pytest.fixture(scope="module")
def table():
    return study.mappings(["alexnet"], ["int4"], SRAM, "LR", BOOTH, draws=50)


def test_factors_are_those_of_simulations(table):
    rows = table.set_index("mapping")
    assert next(iter(rows.index)) == "paper"
    paper = bf.simulate("alexnet", 4, "LR", SRAM)
    best = bf.search.mapping("alexnet", 4, "LR", SRAM)
    latched = bf.search.mapping("alexnet", 4, replace(bf.Chip.limited(), **BOOTH), SRAM)
    for name, value in (("best per layer", best.best), ("best, latch booth", latched.best)):
        assert rows.edp[name] == pytest.approx(value / paper.edp_js, rel=1e-12)
    assert (rows.loc["paper", ["edp", "edp_low", "edp_high", "traffic"]] == 1).all()
    moved = best.report.schedule.traffic.bus_bits.sum() / paper.schedule.traffic.bus_bits.sum()
    assert rows.traffic["best per layer"] == pytest.approx(moved)


def test_no_family_is_better_than_the_best_and_none_worse_than_the_paper(table):
    rows = table.set_index("mapping").edp
    plain = rows[:"best per layer"]
    assert (plain >= rows["best per layer"] * (1 - 1e-12)).all()
    assert (rows <= 1 + 1e-12).all()
    assert "carry-save" in rows
    assert "carry-save" not in plain


def test_layers_choose_what_the_search_returns():
    layers = study.mapping_layers("alexnet", "int8", SRAM)
    choice = bf.search.mapping("alexnet", 8, "LR", SRAM)
    assert layers.mapping.tolist() == choice.layers.mapping.tolist()
    assert 0.5 < layers.latency_share.sum() < 1
    assert (layers.factor >= 1).all()


def test_bounds_are_below_both():
    table = study.bounds(["alexnet"], ["int2", "int8"], SRAM, "LR", BOOTH)
    assert list(table.mapping) == ["paper", "best per layer", "best, latch booth"] * 2
    assert (table[["edp", "latency", "energy", "traffic"]] >= 1).to_numpy().all()


def test_idle_columns_change_no_cycle():
    chip = replace(bf.Chip.limited(), weights="resident", activations="resident")
    report = bf.simulate("alexnet", 6, chip, SRAM)
    idle = study.idle_columns(report)
    assert 0 < idle < 72

    def cycles(columns):
        chip = replace(report.chip, columns=columns)
        works = bf.plan("alexnet", chip).at(report.precision).phases.values()
        return sum(float(np.sum(work.counts.cycles)) for work in works)

    assert cycles(72 - idle) == cycles(72)
    with suppress(bf.BfimnaError):  # too narrow
        assert cycles(72 - idle - 1) != cycles(72)
    rows = study.memory(["alexnet"], ["int6"], SRAM)
    assert rows.idle_bits.iloc[0] == idle * report.chip.product_rows
    assert not rows.in_maps.any()
    assert rows.with_caps.all()
    assert (rows.held_edp_js == rows.resident_edp_js).all()
    assert rows.resident_edp_js[0] == report.edp_js
    streamed = bf.simulate("alexnet", 6, "LR", SRAM)
    assert rows.streamed_edp_js[0] == streamed.edp_js > report.edp_js


def test_an_unknown_field_of_the_hardware_is_refused():
    with pytest.raises(bf.BfimnaError, match="latches"):
        study.mappings(["alexnet"], ["int4"], SRAM, "LR", {"latches": "booth"}, draws=2)


def test_frames_are_what_the_model_counts():
    names = ["paper", "accumulating-2-per-row", "carry-save-1-triple"]
    frames = seen.seen(names, bits=2)
    table = seen.table(frames).set_index(["mapping", "phase"])
    assert table.rows["paper", "load"] == 9
    network = seen.small_layer(1, 4, 3)
    chip = bf.Chip(clusters=1, caps_per_cluster=1, rows=64, latch="booth")
    for name in names:
        mapping = bf.load_mapping(name)
        schedule = bf.plan(network, chip, mapping).at(bf.Precision.fixed(network, 2))
        for phase in ("multiply", "reduce"):
            own = schedule.phases[phase].some(np.array([0]))
            cycles = float(np.ravel(own.counts.cycles)[0])
            assert table.cycles[mapping.name, phase] == cycles
    for several in frames.values():
        for before, after in pairwise(several):
            same = before.writers == after.writers
            assert (before.cells[same] == after.cells[same]).mean() > 0.5
            assert ((after.writers >= 0) >= (before.writers >= 0)).all()


def test_a_mapping_too_wide_for_its_bits_is_refused():
    with pytest.raises(bf.BfimnaError, match="columns"):
        seen.seen(["carry-save-4-side-by-side"], bits=16)
