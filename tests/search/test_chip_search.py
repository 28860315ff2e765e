"""Chips of a grid: against the simulator, under budgets, and their Pareto front."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reproduction.studies.chips_against_lr import beside_lr, distances

import bfimna as bf
from bfimna.mapping.chip import LIMITS
from bfimna.search.best_chip import best_chip, distance
from bfimna.search.chip_search import OBJECTIVES, search_chips
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
    table = search_chips(networks, SRAM, bits, GRID, base="paper")
    assert len(table) == 12
    assert table.latency_s.is_monotonic_increasing
    for row in table.itertuples():
        chip = replace(
            bf.Chip.paper(),
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
    assert (table.chip == "paper").sum() == 1


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
        search_chips(net, SRAM, grid={"maps_per_cluster": (0, 1)}, base="paper", must_fit=True)


@pytest.mark.parametrize("batch", [1, 2, 16])
def test_power_is_the_energy_of_the_batch_over_its_time(batch):
    networks = [small(), small("wide", 32)]
    lr = replace(bf.Chip.limited(), weights="streamed")
    (row,) = search_chips(networks, SRAM, grid={}, batch=batch, base=lr).itertuples()
    reports = [bf.simulate(net, 8, lr, SRAM, batch) for net in networks]
    joules = sum(report.energies.sum() for report in reports)  # layers and phases of the batch
    seconds = sum(report.times.sum() for report in reports)
    assert row.power_w == close(joules / seconds, rel=1e-12)
    limit = {"power_w": 0.9 * row.power_w}
    with pytest.raises(bf.BfimnaError, match="has power_w"):
        search_chips(networks, SRAM, grid={}, batch=batch, base=lr, budgets=limit)


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
    one = search_chips(networks[1], SRAM, grid=grid, base="paper", must_fit=True)
    assert one.shape[0] == 2
    both = search_chips(networks, SRAM, grid=grid, base="paper", must_fit=True)
    assert both.maps_per_cluster.tolist() == [2 * maps]


def test_an_unlimited_chip_is_sized_for_the_largest_network():
    networks = [small(), small("wide", 256)]
    unlimited = replace(bf.Chip.paper(), clusters=0)
    (row,) = search_chips(networks, SRAM, grid={}, base=unlimited).itertuples()
    shared = unlimited.sized_for(networks[1], 1)
    reports = [bf.simulate(net, 8, shared, SRAM) for net in networks]
    assert reports[0].area_m2 > bf.simulate(networks[0], 8, "IR", SRAM).area_m2
    assert row.area_m2 == reports[0].area_m2
    assert row.energy_j == close(sum(report.energy_j for report in reports))


@pytest.mark.parametrize(("maps", "place"), [(1, "resident"), (0, "streamed")])
def test_auto_keeps_the_weights_of_several_networks_if_all_fit(maps, place):
    networks = [small(), small("wide", 16)]
    chips = [replace(bf.Chip.limited(), maps_per_cluster=maps, weights=w) for w in ("auto", place)]
    auto, alike = (search_chips(networks, SRAM, grid={}, base=chip) for chip in chips)
    same = ["latency_s", "energy_j", "area_m2"]
    assert (auto[same] == alike[same]).all(axis=None)
    other = replace(chips[0], weights="resident" if place == "streamed" else "streamed")
    assert search_chips(networks, SRAM, grid={}, base=other).energy_j[0] != auto.energy_j[0]


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
    assert lr.chip.tolist() == ["paper", "LR"]
    assert lr.feasible.tolist() == [False, True]
    assert not lr.on_front.any()
    built = table[(table.assumed == "as can be built") & ~table.is_lr]
    assert built.feasible.all()
    assert "LR" in set(built.chip)
    distant = distances(table)
    assert distant.chips.tolist() == [4, len(built)]
    assert (distant.all_ratio <= 1).all()  # LR is one of the grid


BUILDABLE = {
    "clusters": (1, 4, 16), "rows": (1200, 4800), "maps_per_cluster": (0, 1, 4),
    "weights": ("resident", "auto"),
}  # fmt: skip


@pytest.mark.parametrize("limits", [LIMITS, dict.fromkeys(LIMITS)])
@pytest.mark.parametrize("objective", ["latency_s", "energy_j", "edp_js", "area_m2"])
@pytest.mark.parametrize("technology", ["sram-14nm-lstp", "reram-14nm-lstp"])
def test_the_best_chip_is_the_best_of_all_that_are_feasible(technology, objective, limits):
    """By brute force, chip by chip, with the report's own verdict."""
    base, budgets = replace(bf.Chip.limited(), **limits), {"area_m2": 30e-6}
    reports = {}
    for clusters in BUILDABLE["clusters"]:
        for rows in BUILDABLE["rows"]:
            for maps in BUILDABLE["maps_per_cluster"]:
                for weights in BUILDABLE["weights"]:
                    chip = replace(base, clusters=clusters, rows=rows, maps_per_cluster=maps,
                                   weights=weights)  # fmt: skip
                    reports[chip] = bf.simulate("resnet18", 4, chip, technology)
    allowed = [r for r in reports.values() if r.feasible and r.area_m2 <= 30e-6]
    if not allowed:
        with pytest.raises(bf.BfimnaError, match="no chip of 36 is within the budgets"):
            best_chip("resnet18", technology, [4], objective, BUILDABLE, budgets, base)
        return
    assert len(allowed) < len(reports)
    found = best_chip("resnet18", technology, [4], objective, BUILDABLE, budgets, base)
    report = bf.simulate("resnet18", 4, found, technology)
    assert report.feasible
    assert report.area_m2 <= 30e-6
    assert getattr(report, objective) == min(getattr(r, objective) for r in allowed)


def test_reasons_stand_in_the_table_of_chips():
    base = replace(bf.Chip.limited(), weights="resident")
    table = search_chips(["resnet18", "alexnet"], SRAM, None, {"clusters": (4, 64)}, base=base)
    assert not table.feasible.any()
    assert table.infeasibilities.str.contains("memory: resident weights").all()
    with pytest.raises(bf.BfimnaError, match="has memory: resident weights"):
        search_chips("alexnet", SRAM, None, {"clusters": (4,)}, base=base, must_be_feasible=True)
    with pytest.raises(bf.BfimnaError, match="unknown objective of a chip 'edp'"):
        best_chip("alexnet", SRAM, objective="edp")


def test_networks_that_fit_alone_and_not_together_are_infeasible():
    """Each holds its own weights in the MAPs of one cluster of one array, both do not."""
    networks = [small(f"wide {n}", 32) for n in range(3)]
    bits = [sum(n.weights for n in networks) * 8, max(n.weights for n in networks) * 8]
    live = max(bf.simulate(n, 8, "LR", SRAM).peak_live_bits for n in networks)
    rows = -(-(bits[1] + live) // 72)
    assert bits[0] > rows * 72
    base = replace(bf.Chip.limited(), weights="resident", clusters=1, rows=rows, caps_per_cluster=4,
                   **LIMITS)  # fmt: skip
    (text,) = search_chips(networks, SRAM, None, {}, base=base).infeasibilities
    assert "memory: resident weights of all networks together exceed the MAPs" in text


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
