"""Chips of a grid: against the simulator, under budgets, and their Pareto front."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reproduction.studies.chips_against_lr import beside_lr, distances

import bfimna as bf
from bfimna.search.chip_search import OBJECTIVES, distance, search_chips
from bfimna.search.pareto import pareto_front

from ..close import close

SRAM = bf.data.load_technology("sram-14nm-lstp")
GRID = {"clusters": (1, 16, 64), "rows": (1200, 4800), "caps_per_cluster": (16, 64)}


def small(name="small", channels=8):
    b = bf.network.graph.Builder(name, (3, 32, 32))
    x = b.relu(b.conv("one", b.input, channels, 3, padding=1))
    b.linear("two", b.flatten(b.pool("maxpool", x, 2, 2)), 10)
    return b.network()


@given(st.lists(st.tuples(*(st.integers(0, 3),) * 3), min_size=1, max_size=30))
@settings(max_examples=50, deadline=None)
def test_the_pareto_front_follows_its_definition(rows):
    values = np.array(rows, dtype=float)
    expected = [
        not any((other <= row).all() and (other < row).any() for other in values) for row in values
    ]
    assert pareto_front(values).tolist() == expected


def test_every_chip_of_the_grid_is_simulated():
    networks = [small(), small("wide", 32)]
    bits = [bf.Precision.fixed(networks[0], 4), bf.Precision.fixed(networks[1], 8)]
    weights_bits = sum(p.size_bits(n) for n, p in zip(networks, bits, strict=True))
    table = search_chips(networks, SRAM, bits, GRID)
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
        assert row.resident_weights_fit == (weights_bits <= chip.map_bits)
    assert table.on_front.any()
    assert (table.chip == "LR").sum() == 1


@pytest.mark.parametrize("what", ["latency_s", "energy_j", "area_m2", "power_w"])
def test_chips_over_budget_are_left_out(what):
    every = search_chips(small(), SRAM, grid=GRID)
    most = float(every[what].median())
    within = search_chips(small(), SRAM, grid=GRID, budgets={what: most})
    assert set(within.chip) == set(every.chip[every[what] <= most])
    with pytest.raises(bf.BfimnaError, match=f"no chip of 12 .* has {what} .* of "):
        search_chips(small(), SRAM, grid=GRID, budgets={what: 0.5 * float(every[what].min())})


def test_must_fit_leaves_out_chips_with_small_maps():
    net = bf.zoo.resnet18()
    grid = {"weights": ("resident", "streamed"), "maps_per_cluster": (1, 8)}
    free, fit = (search_chips(net, SRAM, grid=grid, must_fit=must) for must in (False, True))
    assert len(free) == 4
    left = fit[["weights", "maps_per_cluster"]].values.tolist()
    assert sorted(left) == [["resident", 8], ["streamed", 1], ["streamed", 8]]
    with pytest.raises(bf.BfimnaError, match="MAPs too small for the weights"):
        search_chips(net, SRAM, grid={"maps_per_cluster": (0, 1)}, must_fit=True)


@pytest.mark.parametrize("batch", [1, 2, 16])
def test_power_is_the_energy_of_the_batch_over_its_time(batch):
    networks = [small(), small("wide", 32)]
    (row,) = search_chips(networks, SRAM, grid={}, batch=batch).itertuples()
    reports = [bf.simulate(net, 8, "LR", SRAM, batch) for net in networks]
    joules = sum(report.energies.sum() for report in reports)  # layers and phases of the batch
    seconds = sum(report.times.sum() for report in reports)
    assert row.power_w == close(joules / seconds, rel=1e-12)
    with pytest.raises(bf.BfimnaError, match="has power_w"):
        search_chips(networks, SRAM, grid={}, batch=batch, budgets={"power_w": 0.9 * row.power_w})


def map_bits(chip):
    return chip.clusters * chip.maps_per_cluster * chip.rows * chip.columns


@given(st.lists(st.tuples(st.integers(4, 32), st.integers(1, 16)), min_size=1, max_size=3))
@settings(max_examples=15, deadline=None)
def test_resident_weights_of_all_networks_share_the_maps(channels_and_bits):
    """A chip holds several networks if their weights, counted by hand, fit side by side."""
    networks = [small(f"net{k}", c) for k, (c, _) in enumerate(channels_and_bits)]
    bits = [b for _, b in channels_and_bits]
    weights = [27 * c + 10 * 256 * c for c, _ in channels_and_bits]
    grid = {"clusters": (1,), "rows": (16, 64, 256), "maps_per_cluster": (0, 1, 8, 64, 256)}
    table = search_chips(networks, SRAM, bits, grid)
    needed = sum(w * b for w, b in zip(weights, bits, strict=True))
    for row in table.itertuples():
        assert row.resident_weights_fit == (needed <= map_bits(row))


def test_two_networks_that_fit_alone_do_not_fit_together():
    networks, grid = [small(), small("wide", 16)], {"clusters": (1,), "rows": (128,)}
    needed = [8 * (27 + 2560) * channels for channels in (8, 16)]
    maps = -(-needed[1] // (128 * bf.Chip.limited().columns))  # hold the larger one
    grid["maps_per_cluster"] = (maps, 2 * maps)
    assert search_chips(networks[1], SRAM, grid=grid, must_fit=True).shape[0] == 2
    both = search_chips(networks, SRAM, grid=grid, must_fit=True)
    assert both.maps_per_cluster.tolist() == [2 * maps]


def test_an_unlimited_chip_is_sized_for_the_largest_network():
    networks = [small(), small("wide", 256)]
    (row,) = search_chips(networks, SRAM, grid={}, base="IR").itertuples()
    shared = bf.Chip.unlimited().sized_for(networks[1], 1)
    reports = [bf.simulate(net, 8, shared, SRAM) for net in networks]
    assert reports[0].area_m2 > bf.simulate(networks[0], 8, "IR", SRAM).area_m2
    assert row.area_m2 == reports[0].area_m2
    assert row.energy_j == close(sum(report.energy_j for report in reports))


def test_auto_places_the_weights_of_one_network_only():
    grid = {"weights": ("auto", "streamed")}
    assert len(search_chips(small(), SRAM, grid=grid)) == 2
    with pytest.raises(bf.BfimnaError, match="weights='auto' gives the MAPs to one network"):
        search_chips([small(), small("wide", 16)], SRAM, grid=grid)
    auto = replace(bf.Chip.limited(), weights="auto")
    with pytest.raises(bf.BfimnaError, match="weights='auto' gives the MAPs to one network"):
        search_chips([small(), small("wide", 16)], SRAM, grid={}, base=auto)


def test_the_old_name_warns_and_still_searches():
    with pytest.warns(DeprecationWarning, match=r"bfimna\.search\.chips is now .*search_chips"):
        assert bf.search.chips is search_chips
    with pytest.raises(AttributeError, match="no attribute 'ships'"):
        bf.search.ships  # noqa: B018


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"grid": {"cluster": (1,)}}, "unknown field of a chip to vary 'cluster'; did you mean"),
        ({"grid": {"clusters": (0,)}}, r"clusters \(a chip to be built has some\)"),
        ({"grid": {"rows": (0,)}}, "rows must be a whole number from 1 to 1048576, not 0"),
        ({"grid": {"rows": ()}}, "grid: rows has no value"),
        ({"grid": {"rows": 4800}}, "grid: rows must be a list of values, not 4800"),
        ({"grid": {"rows": range(1, 202), "bus_bits": range(1, 51)}}, "10050 chips, .* the 10000"),
        ({"budgets": {"area": 1}}, "unknown budget of a chip 'area'"),
        ({"budgets": {"area_m2": 0}}, "area_m2 must be a finite number above 0"),
        ({"budgets": {"area_m2": "1"}}, "area_m2 must be a finite number above 0"),
        ({"budgets": [1]}, "budgets must be a mapping of quantities"),
        ({"precisions": []}, "0 precisions for 1 networks"),
        ({"networks": []}, "at least one network"),
    ],
)
def test_errors_name_the_argument(arguments, says):
    with pytest.raises(bf.BfimnaError, match=says):
        search_chips(**{"networks": small(), "technology": SRAM, "grid": GRID, **arguments})


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
    fit = table[table.weights_placement == "fit or streamed"]
    assert (fit.resident_weights_fit | (fit.weights == "streamed")).all()
    found = distances(table)
    assert found.chips.tolist() == [4, len(fit) - 1]
    assert (found.all_ratio <= 1).all()  # LR is one of the grid


def test_each_chip_takes_its_best_mappings():
    net, grid = bf.zoo.resnet18(), {"rows": (1200, 4800)}
    of = {
        mapping: search_chips(net, SRAM, grid=grid, mapping=mapping).set_index("rows").edp_js
        for mapping in (None, "paper", "fused", "best")
    }
    assert (of[None] == of["paper"]).all()
    assert (of["best"] <= of["fused"]).all()
    assert (of["best"] < of["paper"]).all()
    for rows, edp in of["best"].items():
        chip = replace(bf.Chip.limited(), rows=rows)
        assert edp == bf.search.mapping(net, 8, chip, SRAM).best
    with pytest.raises(bf.BfimnaError, match="unknown mapping 'bset'"):
        search_chips(net, SRAM, grid=grid, mapping="bset")
