"""Chips found: against enumeration by the simulator, under budgets, exact and sampled."""

import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from close import close
from hypothesis import given, settings
from hypothesis import strategies as st
from reproduction.studies.chips_against_lr import beside_lr, distances

import bfimna as bf
from bfimna.search.chips import OBJECTIVES, chips, distance
from bfimna.search.unbeaten import unbeaten

SRAM = bf.data.load_technology("sram-14nm-lstp")
GRID = {"clusters": (1, 16, 64), "rows": (1200, 4800), "caps_per_cluster": (16, 64)}


def small(name="small", channels=8):
    b = bf.network.graph.Builder(name, (3, 32, 32))
    x = b.relu(b.conv("one", b.input, channels, 3, padding=1))
    b.linear("two", b.flatten(b.pool("maxpool", x, 2, 2)), 10)
    return b.network()


@given(st.lists(st.tuples(*(st.integers(0, 3),) * 3), min_size=1, max_size=30))
@settings(max_examples=50, deadline=None)
def test_unbeaten_is_what_its_definition_says(rows):
    values = np.array(rows, dtype=float)
    expected = [
        not any((other <= row).all() and (other < row).any() for other in values) for row in values
    ]
    assert unbeaten(values).tolist() == expected


def test_every_chip_of_the_grid_is_simulated():
    networks = [small(), small("wide", 32)]
    bits = [bf.Precision.fixed(networks[0], 4), bf.Precision.fixed(networks[1], 8)]
    table = chips(networks, SRAM, bits, GRID)
    assert len(table) == 12
    assert table.latency_s.is_monotonic_increasing
    for row in table.itertuples():
        chip = replace(
            bf.Chip.limited(),
            clusters=row.clusters,
            rows=row.rows,
            caps_per_cluster=row.caps_per_cluster,
        )
        reports = [bf.simulate(n, p, chip, SRAM) for n, p in zip(networks, bits, strict=True)]
        assert row.latency_s == close(sum(r.latency_s for r in reports), rel=1e-12)
        assert row.energy_j == close(sum(r.energy_j for r in reports), rel=1e-12)
        assert row.area_m2 == reports[0].area_m2
        assert row.power_w == close(row.energy_j / row.latency_s)
        assert row.resident_weights_fit == all(r.resident_weights_fit for r in reports)
    assert table.on_front.any()
    assert (table.chip == "LR").sum() == 1


@pytest.mark.parametrize("what", ["latency_s", "energy_j", "area_m2", "power_w"])
def test_budgets_leave_what_is_within(what):
    every = chips(small(), SRAM, grid=GRID)
    most = float(every[what].median())
    within = chips(small(), SRAM, grid=GRID, budgets={what: most})
    assert set(within.chip) == set(every.chip[every[what] <= most])
    with pytest.raises(bf.BfimnaError, match=f"no chip of 12 .* has {what} .* of "):
        chips(small(), SRAM, grid=GRID, budgets={what: 0.5 * float(every[what].min())})


def test_weights_that_must_fit_do():
    net = bf.zoo.resnet18()
    grid = {"weights": ("resident", "streamed"), "maps_per_cluster": (1, 8)}
    free, fit = (chips(net, SRAM, grid=grid, must_fit=must) for must in (False, True))
    assert len(free) == 4
    left = fit[["weights", "maps_per_cluster"]].values.tolist()
    assert sorted(left) == [["resident", 8], ["streamed", 1], ["streamed", 8]]
    with pytest.raises(bf.BfimnaError, match="MAPs too small for the weights"):
        chips(net, SRAM, grid={"maps_per_cluster": (0, 1)}, must_fit=True)


def test_nsga_finds_the_front_of_a_grid_it_can_exhaust():
    pytest.importorskip("optuna")
    grid = {"clusters": (1, 4, 16, 64), "rows": (1200, 4800, 9600), "multicast": (True, False)}
    budgets = {"area_m2": 200e-6}
    exact = chips(small(), SRAM, grid=grid, budgets=budgets)
    sampled, again = (
        chips(small(), SRAM, grid=grid, budgets=budgets, method="sampled", samples=300, seed=1)
        for _ in range(2)
    )
    pd.testing.assert_frame_equal(sampled, again)
    assert set(sampled.chip) <= set(exact.chip)
    front, found = (set(t.chip[t.on_front]) for t in (exact, sampled))
    assert len(front & found) >= 0.9 * len(front)
    few = chips(small(), SRAM, grid=grid, method="sampled", samples=5)
    assert 1 <= len(few) <= 5


def test_without_optuna_the_message_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    monkeypatch.delitem(sys.modules, "bfimna.search.evolve", raising=False)
    with pytest.raises(bf.BfimnaError, match=r"pip install 'bfimna\[search\]'"):
        chips(small(), SRAM, grid=GRID, method="sampled")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"grid": {"cluster": (1,)}}, "unknown field of a chip to vary 'cluster'; did you mean"),
        ({"grid": {"clusters": (0,)}}, r"clusters \(a chip to be built has some\)"),
        ({"grid": {"rows": (0,)}}, "rows must be a whole number from 1 to 1048576, not 0"),
        ({"grid": {"rows": ()}}, "grid: rows has no value"),
        ({"grid": {"rows": 4800}}, "grid: rows must be a list of values, not 4800"),
        ({"grid": {"rows": range(1, 20000)}, "method": "exact"}, "more than the 10000"),
        ({"budgets": {"area": 1}}, "unknown budget of a chip 'area'"),
        ({"budgets": {"area_m2": 0}}, "area_m2 must be a finite number above 0"),
        ({"budgets": {"area_m2": "1"}}, "area_m2 must be a finite number above 0"),
        ({"method": "guess"}, "unknown method 'guess'"),
        ({"samples": 0, "method": "sampled"}, "samples must be a whole number of at least 1"),
        ({"precisions": []}, "0 precisions for 1 networks"),
        ({"networks": []}, "at least one network"),
    ],
)
def test_misuse_is_said_in_one_line(given, says):
    with pytest.raises(bf.BfimnaError, match=says):
        chips(**{"networks": small(), "technology": SRAM, "grid": GRID, **given})


def test_distance_by_hand():
    table = pd.DataFrame([[1, 4, 4], [2, 1, 2], [4, 2, 2]], columns=OBJECTIVES)
    lr = dict(zip(OBJECTIVES, (2, 2, 2), strict=True))
    assert distance(table, lr) == {
        "latency_ratio": 1.0,
        "energy_ratio": 0.5,
        "area_ratio": 1.0,
        "all_ratio": 1.0,
        "beaten_by": 1,
    }
    alone = distance(table.iloc[:1], lr)
    assert (alone["latency_ratio"], alone["all_ratio"], alone["beaten_by"]) == (1.0, 2.0, 0)


def test_lr_beside_the_front():
    grid = {"clusters": (16, 64), "caps_per_cluster": (64,), "rows": (4800, 9600)}
    table = beside_lr(["resnet18"], ["sram-14nm-lstp"], grid=grid)
    lr = table[table.is_lr]
    assert lr.chip.tolist() == ["LR", "LR, weights=streamed"]
    assert not lr.on_front.any()
    fit = table[table.weights_are == "fit or streamed"]
    assert (fit.resident_weights_fit | (fit.weights == "streamed")).all()
    found = distances(table)
    assert found.chips.tolist() == [4, len(fit) - 1]
    assert (found.all_ratio <= 1).all()  # LR is one of the grid
