"""Choosing bits: HAWQ-V3's own schemes, budgets on the AP, errors."""

import numpy as np
import pytest

import bfimna as bf
from bfimna.search import Budget, Sensitivity

SRAM = bf.data.load_technology("sram-14nm-lstp")
LR = bf.Chip.limited()


@pytest.fixture(scope="module")
def net():
    return bf.zoo.resnet18()


@pytest.fixture(scope="module")
def omega(net):
    return bf.search.hawq_sensitivity(net)


@pytest.mark.parametrize("name", ["resnet18", "resnet50_v1"])
def test_seventeen_of_hawqs_eighteen_schemes_come_back(name):
    rows = bf.search.reproduce_hawq(name)
    assert list(rows.columns) == ["scheme", "layer", "bits", "published_bits"]
    assert len(rows) == 9 * len(bf.zoo.load(name).matmul_names)
    different = rows[rows.bits != rows.published_bits]
    if name == "resnet18":
        assert different.empty
    else:
        assert different[["scheme", "layer"]].values.tolist() == [["size-low", "layer3.5.conv1"]]


def test_the_eighteenth_is_published_with_room_for_one_more_layer():
    rows = bf.search.reproduced_schemes("resnet50_v1").set_index("scheme")
    odd = rows.loc["size-low"]
    # 8 instead of 4 bits take 4 · 262144 weights more, and the budget has that room
    assert odd.budget * (odd.budget_used - odd.published_budget_used) == pytest.approx(4 * 262144)
    assert odd.excess_omega == pytest.approx(0.1089, abs=5e-5)
    assert (rows.drop("size-low").excess_omega == 0).all()


@pytest.mark.parametrize("quantity", ["size_bits", "bops", "latency_s", "energy_j", "edp_js"])
def test_a_choice_meets_its_budget_as_simulated(net, omega, quantity):
    ends = [bf.Precision.by_layer(net, {"conv1": 8, "fc": 8}, default=bits) for bits in (4, 8)]

    def simulated(precision):
        if quantity in ("size_bits", "bops"):
            return getattr(precision, quantity)(net)
        return getattr(bf.simulate(net, precision, LR, SRAM), quantity)

    low, high = map(simulated, ends)
    chosen = bf.search.choose(net, omega, Budget(quantity, fraction=0.5), LR, SRAM)
    limit = low + 0.5 * (high - low)
    assert 0.9 * limit < simulated(chosen) <= limit * (1 + 1e-8)
    assert bf.search.choose(net, omega, Budget(quantity, limit=limit), LR, SRAM) == chosen
    generous = bf.search.choose(net, omega, Budget(quantity, fraction=1), LR, SRAM)
    assert generous.weight_bits == ends[1].weight_bits


def test_no_published_scheme_beats_the_choice_at_its_own_edp(net, omega):
    for level in ("high", "medium", "low"):
        published = bf.data.load_precision(net, f"hawq_v3/latency-{level}")
        rows = bf.search.compare(net, omega, [published], LR, SRAM)
        budget = Budget("edp_js", limit=rows.edp_js[0])
        chosen = bf.search.choose(net, omega, budget, LR, SRAM)
        ours = bf.search.compare(net, omega, [chosen], LR, SRAM)
        assert ours.omega[0] <= rows.omega[0] * (1 + 1e-9)
        assert ours.edp_js[0] <= rows.edp_js[0] * (1 + 1e-8)


def test_the_front_falls_and_its_points_are_nearly_what_choose_proves(net, omega):
    points = bf.search.front(net, omega, LR, SRAM, (4, 8), points=6)
    rows = bf.search.compare(net, omega, points, LR, SRAM)
    assert (np.diff(rows.edp_js) > 0).all()
    assert (np.diff(rows.omega) < 0).all()
    for row in rows.iloc[1:-1].itertuples():
        chosen = bf.search.choose(net, omega, Budget("edp_js", limit=row.edp_js), LR, SRAM)
        bits = dict(zip(chosen.layers, chosen.weight_bits, strict=True))
        assert omega.total(bits) == pytest.approx(row.omega, rel=0.01)


def test_layers_that_read_one_tensor_share_a_width(net, omega):
    for seed_fraction in (0.3, 0.6):
        budget = Budget("energy_j", fraction=seed_fraction)
        chosen = bf.search.choose(net, omega, budget, LR, SRAM, range(2, 9))
        for stage in (2, 3, 4):
            assert chosen[f"layer{stage}.0.conv1"] == chosen[f"layer{stage}.0.downsample.0"]


def test_an_infeasible_budget_names_the_smallest_feasible_one(net, omega):
    lowest = bf.Precision.by_layer(net, {"conv1": 8, "fc": 8}, default=4)
    for quantity in ("latency_s", "edp_js"):
        smallest = getattr(bf.simulate(net, lowest, LR, SRAM), quantity)
        with pytest.raises(bf.BfimnaError, match=f"smallest feasible budget is {smallest:.6g}"):
            bf.search.choose(net, omega, Budget(quantity, limit=smallest / 2), LR, SRAM)
        edge = bf.search.choose(net, omega, Budget(quantity, limit=smallest), LR, SRAM)
        assert edge.weight_bits == lowest.weight_bits


def test_errors_name_the_layer_and_what_is_allowed(net, omega):
    half = Budget("edp_js", fraction=0.5)
    with pytest.raises(
        bf.BfimnaError, match=r"no sensitivity for 2 of resnet18's layers: conv1, fc"
    ):
        bf.search.choose(net, Sensitivity(omega.trace, omega.error), half, LR, SRAM)
    with pytest.raises(bf.BfimnaError, match=r"'layer1\.0\.conv3', which is no weighted layer"):
        bf.search.choose(net, bf.search.hawq_sensitivity(bf.zoo.resnet50_v1()), half, LR, SRAM)
    with pytest.raises(bf.BfimnaError, match="choice of bits must be a whole number from 1 to 16"):
        bf.search.choose(net, omega, half, LR, SRAM, choices=(4, 17))
    with pytest.raises(bf.BfimnaError, match="quantity of a budget 'edp'"):
        Budget("edp", fraction=0.5)
    with pytest.raises(bf.BfimnaError, match="unknown network of HAWQ-V3 'alexnet'"):
        bf.search.reproduce_hawq("alexnet")
    with pytest.raises(bf.BfimnaError, match="errors must be finite and above 0"):
        Sensitivity({"conv": 1.0}, {"conv": {4: 0.0}})


def test_errors_between_and_beyond_known_widths_follow_the_stated_law():
    s = Sensitivity({"conv": 2.0}, {"conv": {8: 1.0, 4: 256.0}})
    assert s.omega("conv", 6) == pytest.approx(2 * 16)  # log-linear: here exactly 4^-bits
    assert s.omega("conv", 2) == 2 * 256 * 16
    assert s.omega("conv", 9) == 2 / 4
    assert s.basis({"conv": 6}) == "interpolated"
    assert s.basis({"conv": 8}) == "known"
