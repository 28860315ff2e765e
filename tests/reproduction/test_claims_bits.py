"""The claims about HAWQ-V3's budgets and about whole networks fall with what they rest on."""

from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest
from reproduction.studies.claims import budgets, coverage
from reproduction.studies.emulated import expected_array_energy, precision_of

import bfimna as bf
from bfimna import data, simulate
from bfimna.ap import counts as ap
from bfimna.cost import simulate as simulate_module
from bfimna.mapping.plan import Plan
from bfimna.names import load_technology
from bfimna.network.bits import Bits
from bfimna.network.precision import Precision
from bfimna.search.sensitivity import Sensitivity

from ..close import close

SRAM, RERAM = load_technology("sram-14nm-lstp"), load_technology("reram-14nm-lstp")


@pytest.fixture
def blind(monkeypatch):
    """Plan every layer at 8 bits, whatever precision is asked for."""
    at = Plan.at

    def at_8_bits(self, bits, counts="microcode"):
        asked = at(self, bits, counts).bits
        return at(self, Bits(np.full_like(asked.left, 8), np.full_like(asked.right, 8)), counts)

    monkeypatch.setattr(Plan, "at", at_8_bits)
    simulate_module._placed.cache_clear()
    yield
    simulate_module._placed.cache_clear()


# ---- HAWQ-V3's budgets ----------------------------------------------------------------------


def verdicts_of_budgets(*given):
    return {judged.verdict for judged in budgets.compare([SRAM], *given).values()}


def test_an_edp_that_ignores_bits_breaks_both_budget_claims(blind):
    assert verdicts_of_budgets() == {"not reproduced"}


def test_budgets_in_the_other_order_break_both_claims(monkeypatch):
    own = budgets.relative_edp
    swap = {"latency-high": "latency-low", "latency-low": "latency-high"}

    def exchanged(*given):
        nominal, drawn = own(*given)
        return nominal.rename(swap), {swap.get(s, s): d for s, d in drawn.items()}

    monkeypatch.setattr(budgets, "relative_edp", exchanged)
    assert verdicts_of_budgets() == {"not reproduced"}


def test_one_supply_at_which_the_order_fails_breaks_both_claims(monkeypatch):
    own = budgets.relative_edp

    def flat_at_1_v(bits, network, technology, *given):
        nominal, drawn = own(bits, network, technology, *given)
        if technology.supply_v < 1:
            return nominal, drawn
        return nominal * 0 + 1, {s: d * 0 + 1 for s, d in drawn.items()}

    monkeypatch.setattr(budgets, "relative_edp", flat_at_1_v)
    judged = budgets.compare([SRAM])
    assert {(x.verdict, x.supply_v) for x in judged.values()} == {("not reproduced", 1.0)}
    assert "in this order on 10 of 11 designs" in judged["hawq-low"].reason


@pytest.mark.parametrize("network", ["resnet18", "resnet50_v1"])
def test_bits_shuffled_over_the_layers_break_both_budget_claims(monkeypatch, network):
    """As many layers of 8 bits as HAWQ-V3 has, but others: EDP falls as before."""
    assert verdicts_of_budgets(network) == {"reproduced"}
    load = data.load_precision

    def shuffled(net, name):
        own = load(net, name)
        order = np.random.default_rng(1).permutation(len(own.layers) - 2) + 1
        order = [0, *order.tolist(), len(own.layers) - 1]  # first and last stay at 8 bits
        bits = {x: own.weight_bits[k] for x, k in zip(own.layers, order, strict=True)}
        return Precision.by_layer(net, bits, name)

    monkeypatch.setattr(data, "load_precision", shuffled)
    assert verdicts_of_budgets(network) == {"not reproduced"}


def test_a_share_of_assignments_is_that_of_all_of_them():
    """Three free layers of equal work: of three choices with one wide layer, one is the best."""
    net = bf.zoo.resnet18()
    same = [m for m in net.matmuls if m.macs == net.matmuls[1].macs]
    names = [net.matmul_names[net.matmuls.index(m)] for m in same][:3]
    fixed = {x: 8 for x in net.matmul_names if x not in names}
    errors = {x: {4: 10.0**k, 8: 1e-3} for k, x in enumerate(names)}
    omega = Sensitivity(dict.fromkeys(names, 1.0), errors, fixed)
    for rank, wide in enumerate(reversed(names), 1):
        bits = Precision.by_layer(net, {x: 8 if x == wide else 4 for x in names}, default=8)
        share = budgets.assignments.share_as_good(net, omega, bits)
        assert share == pytest.approx(rank / 3, abs=0.01)
    uniform = Precision.fixed(net, 4)
    assert budgets.assignments.share_as_good(net, omega, uniform) == 1


def test_accuracies_are_quoted_and_not_judged(monkeypatch):
    before = budgets.compare([SRAM])
    table = data.hawq_accuracy("resnet18")
    reversed_ = table.assign(top1_percent=table.top1_percent.to_numpy()[::-1])
    monkeypatch.setattr(data, "hawq_accuracy", lambda _: reversed_)
    after = budgets.compare([SRAM])
    for claim, judged in after.items():
        assert replace(judged, reason="") == replace(before[claim], reason="")
    assert "published points below INT8" in after["hawq-high"].reason
    assert after["hawq-high"].reason != before["hawq-high"].reason


def test_a_step_within_the_margin_is_no_order():
    edges = {"int8": 4.0, "latency-high": 1.03, "latency-medium": 1.015, "latency-low": 1.0,
             "int4": 1.0}  # fmt: skip
    assert not budgets.falls(edges)
    assert budgets.falls({**edges, "latency-high": 1.06, "latency-medium": 1.03})


def test_budgets_of_any_network_with_sensitivities_from_a_file(tmp_path):
    """The least sensitive bits within HAWQ-V3's shares of the way from INT4's latency to INT8's."""
    net = bf.zoo.alexnet()
    path = tmp_path / "omega.csv"
    lines = [f"{name},{8 - k},{0.1}" for k, name in enumerate(net.matmul_names)]
    path.write_text("\n".join(["layer,omega_int4,omega_int8", *lines]) + "\n")
    judged = budgets.compare([SRAM], "alexnet", path)
    assert set(judged) == {"hawq-high", "hawq-low"}
    assert "published" not in judged["hawq-high"].reason
    _, bits = budgets._schemes("alexnet", SRAM, path)
    seconds = [bf.simulate(net, p, bf.Chip.paper(), SRAM).latency_s for p in bits]
    shares = [(s - seconds[-1]) / (seconds[0] - seconds[-1]) for s in seconds]
    assert shares == sorted(shares, reverse=True)
    for share, most in zip(shares, (1, 0.75, 0.5, 0.25, 0), strict=True):
        assert most - 0.25 < share <= most + 1e-9
    with pytest.raises(bf.BfimnaError, match="no bits of 'alexnet', only of resnet18"):
        budgets.compare([SRAM], "alexnet")


# ---- end to end -----------------------------------------------------------------------------


def emulated(**changed):
    """Whole runs of every network and width, as if made of the model as it is."""
    rows = []
    for network, name in product(coverage.NETWORKS, coverage.PRECISIONS):
        bits = precision_of(bf.load_network(network), name)
        placed = simulate(network, bits, "LR", SRAM).schedule
        rows.append({
            "network": network, "precision": name, "images": 1, "exact": True,
            "counts_equal": True, "technology": SRAM.name,
            "expected_array_energy_j": expected_array_energy(placed, SRAM),
        })  # fmt: skip
    rows[4] |= changed
    return pd.DataFrame(rows)


def verdict_of(runs):
    return coverage.compare([SRAM], runs).verdict


def test_without_exact_inferences_it_is_coverage_only():
    assert verdict_of(None) == "coverage"
    assert coverage.compare([SRAM, RERAM], emulated()).verdict == "reproduced"
    assert verdict_of(emulated(exact=False)) == "coverage"
    assert verdict_of(emulated(counts_equal=False)) == "coverage"


def test_without_mixed_precision_it_is_coverage_only():
    runs = emulated()
    fixed = coverage.compare([SRAM], runs[runs.precision != "mixed-4-8"])
    assert (fixed.verdict, fixed.probability) == ("coverage", close(9 / 12))


def test_a_run_of_another_model_does_not_count(monkeypatch):
    judged = coverage.compare([SRAM], emulated(expected_array_energy_j=1e-3))
    assert (judged.verdict, judged.probability) == ("coverage", close(11 / 12))
    assert "11 of 12" in judged.reason
    runs = emulated()
    longer = ap.multiply

    def one_pass_more(*given):
        return longer(*given) + ap.relu(1)

    monkeypatch.setattr("bfimna.mapping.paper.ap.multiply", one_pass_more)
    assert verdict_of(runs) == "coverage"


def test_an_edp_that_does_not_grow_with_the_bits_breaks_end_to_end(blind):
    assert verdict_of(emulated()) == "not reproduced"


def test_a_voltage_that_changes_nothing_breaks_end_to_end(monkeypatch):
    monkeypatch.setattr(type(SRAM), "at_supply", lambda technology, _: technology)
    assert verdict_of(emulated()) == "not reproduced"


@pytest.mark.parametrize("technology", [SRAM, RERAM], ids=["sram", "reram"])
@pytest.mark.parametrize("distortion", ["energy", "one event", "leakage", "writes"])
def test_energy_that_does_not_follow_the_supply_breaks_end_to_end(
    monkeypatch, technology, distortion
):
    own, runs = type(SRAM)._scale, emulated()
    writes = ("write_", "load_")

    def distorted(self, supply_v):
        scale = own(self, supply_v)
        for name in scale:
            energy = "_j_per_" in name and not name.startswith(writes)
            one = name == "read_j_per_row"
            if (energy and distortion == "energy") or (one and distortion == "one event"):
                scale[name] = 1.0
            if distortion == "leakage" and name == "leakage_w_per_cell":
                scale[name] = 1.0
        if distortion == "writes":  # of the device where they follow the supply, and the reverse
            other = 1.0 if self.write_scales else (supply_v / self.supply_v) ** 2
            scale |= {f: other for f in vars(self) if "_j_per_" in f and f.startswith(writes)}
        return scale

    assert coverage.compare([technology], runs).verdict == "reproduced"
    monkeypatch.setattr(type(SRAM), "_scale", distorted)
    assert coverage.compare([technology], runs).verdict == "not reproduced"
