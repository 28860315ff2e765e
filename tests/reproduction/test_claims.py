"""Every verdict can change: each test breaks what a claim rests on, and sees the verdict fall."""

from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest
from reproduction.studies import claims, points
from reproduction.studies.claims import budgets, coverage, fluidity, rivals, verdicts
from reproduction.studies.emulated import expected_array_energy

import bfimna as bf
from bfimna import data, simulate
from bfimna.ap import counts as ap
from bfimna.cost import formulas
from bfimna.cost import simulate as simulate_module
from bfimna.emulator import digits
from bfimna.mapping.plan import Plan
from bfimna.names import load_technology
from bfimna.network.bits import Bits

from ..close import close

SRAM = load_technology("sram-14nm-lstp")
FITTED = load_technology("sram-published-fit")


@pytest.fixture(scope="module")
def table():
    return claims.check(["sram-14nm-lstp", "reram-14nm-lstp", "sram-published-fit"])


def test_every_claim_is_checked_for_every_technology(table):
    assert len(table) == len(claims.TEXTS) * 3
    assert list(dict.fromkeys(table.claim)) == list(claims.TEXTS)
    assert set(table.verdict) <= set(claims.VERDICTS)
    assert table.probability.between(0, 1).all()
    assert (table.low <= table.high).all()


def test_the_fitted_technology_reproduces_what_it_was_fitted_to(table):
    fitted = table[(table.technology == "sram-published-fit")].set_index("claim")
    # 41 654 / 40 907 = 1.018 and 170 / 142.9 = 1.190: "2 %" and "20 %"
    assert fitted.ours["throughput"] == pytest.approx(1.018, abs=2e-3)
    assert fitted.ours["efficiency"] == pytest.approx(1.190, abs=2e-3)
    assert fitted.verdict["both"] == "reproduced"


def test_slow_writes_keep_reram_from_the_claims(table):
    reram = table[
        (table.technology == "reram-14nm-lstp") & table.claim.isin(["both", "throughput"])
    ]
    assert (reram.verdict == "not reproduced").all()


def test_published_accuracies_are_joined_by_scheme():
    found = points.points("", ["resnet18"], data.hawq_schemes("resnet18"), ["sram-14nm-lstp"])
    joined = claims.with_published(found).set_index("scheme")
    assert joined.loc["latency-low", "top1_percent"] == 68.56
    assert joined.loc["int8", "edp_rel"] == 1
    for quantity in ("energy", "latency", "edp"):
        low, high = joined[f"{quantity}_rel_low"], joined[f"{quantity}_rel_high"]
        assert low["int8"] == high["int8"] == 1
        others = joined.index != "int8"
        assert (low < joined[f"{quantity}_rel"])[others].all()
        assert (high > joined[f"{quantity}_rel"])[others].all()
        # both sides share their draws: far narrower than the figure's own interval
        assert (high / low)["latency-low"] < 1.5


# ---- bit fluidity ---------------------------------------------------------------------------


def test_time_to_reconfigure_breaks_bit_fluidity(monkeypatch):
    assert fluidity.compare(SRAM)[0].verdict == "reproduced"
    costs = formulas.costs

    def slower(schedule, technology, layers):
        times, energies = costs(schedule, technology, layers)
        return times + 1e-3 / times.shape[-1], energies  # 1 ms per layer

    monkeypatch.setattr("bfimna.cost.simulate.costs", slower)
    judged, reason = fluidity.compare(SRAM)
    assert judged.verdict == "not reproduced"
    assert "neither cycle nor traffic" in reason


@pytest.mark.parametrize("hidden", ["latency", "link_latency", "exposed_latency"])
def test_time_hidden_in_the_model_s_own_sums_breaks_bit_fluidity(monkeypatch, hidden):
    """1 ms a layer, where the model adds up cycles, or what its buses take."""
    own = getattr(formulas, hidden)
    monkeypatch.setattr(formulas, hidden, lambda *given: own(*given) + 1e-3)
    assert fluidity.compare(SRAM)[0].verdict == "not reproduced"


def test_a_wrong_output_breaks_bit_fluidity(monkeypatch):
    """One weight of one precision is off by one in the reference only."""

    def off(network, own, images, bits):
        if bits.name == "int4":
            own = dict(own)
            layer = next(iter(own))
            own[layer] = replace(own[layer], bias=own[layer].bias + 8)
        return reference(network, own, images, bits)

    reference = fluidity.oracle.infer
    monkeypatch.setattr(fluidity.oracle, "infer", off)
    fluidity.stream.cache_clear()
    try:
        judged, _ = fluidity.compare(SRAM)
    finally:
        fluidity.stream.cache_clear()
    assert judged.verdict == "not reproduced"
    assert judged.ours < 1


def test_cycles_to_switch_break_bit_fluidity(monkeypatch):
    """An array that clears itself between two inferences shows in the account of the switch."""
    begin = fluidity.Emulator.begin

    def clearing(self, *given):
        for array in self.arrays.values():
            array.counts = array.counts + fluidity.Counts(writes=array.columns)
        return begin(self, *given)

    monkeypatch.setattr(fluidity.Emulator, "begin", clearing)
    fluidity.stream.cache_clear()
    try:
        judged, _ = fluidity.compare(SRAM)
    finally:
        fluidity.stream.cache_clear()
    assert judged.verdict == "not reproduced"


def test_the_stream_runs_every_precision_down_and_up_again():
    ran = fluidity.stream()
    assert ran.right == len(ran.names) == 2 * len(digits.trained()) - 1


def test_other_weights_take_longer_over_a_slower_link():
    seconds, joules, held = fluidity.reload("resnet18", "int8", SRAM)
    assert held == pytest.approx(64 * 4800 * 72 / (8 * 11_678_912))
    assert "µJ from DRAM (ResNet18, INT8; the MAPs of LR hold 24 %" in fluidity.compare(SRAM)[1]
    slow = replace(SRAM, interconnect=replace(SRAM.interconnect, dram_bytes_per_s=1e9))
    bits = 8 * 11_678_912
    assert fluidity.reload("resnet18", "int8", slow)[0] == close(bits / 8 / 1e9)
    assert seconds < bits / 8 / 1e9
    assert joules == close(
        bits * (SRAM.interconnect.dram_j_per_bit + SRAM.interconnect.bus_j_per_bit)
    )


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


def test_an_edp_that_ignores_bits_breaks_both_budget_claims(blind):
    assert {judged.verdict for judged, _ in budgets.compare(SRAM).values()} == {"not reproduced"}


def test_budgets_in_the_other_order_break_both_claims(monkeypatch):
    nominal, drawn = budgets.relative_edp("resnet18", SRAM)
    swap = {"latency-high": "latency-low", "latency-low": "latency-high"}
    other = nominal.rename(swap)
    monkeypatch.setattr(
        budgets, "relative_edp", lambda *_: (other, {swap.get(s, s): d for s, d in drawn.items()})
    )
    assert {judged.verdict for judged, _ in budgets.compare(SRAM).values()} == {"not reproduced"}


def test_accuracies_are_quoted_and_not_judged(monkeypatch):
    before = {claim: judged for claim, (judged, _) in budgets.compare(SRAM).items()}
    table = data.hawq_accuracy("resnet18")
    reversed_ = table.assign(top1_percent=table.top1_percent.to_numpy()[::-1])
    monkeypatch.setattr(data, "hawq_accuracy", lambda _: reversed_)
    after = budgets.compare(SRAM)
    assert {claim: judged for claim, (judged, _) in after.items()} == before
    assert "published points below INT8" in after["hawq-high"][1]


def test_a_step_within_the_margin_is_no_order():
    edges = pd.Series({"int8": 4.0, "latency-high": 1.03, "latency-medium": 1.015,
                       "latency-low": 1.0, "int4": 1.0})  # fmt: skip
    drawn = {s: np.full(10, v) for s, v in edges.items()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(budgets, "relative_edp", lambda *_: (edges, drawn))
        assert budgets.compare(SRAM)["hawq-high"][0].verdict == "not reproduced"


# ---- ratios ---------------------------------------------------------------------------------


def test_a_chip_twice_as_slow_loses_the_throughput_claim():
    slow = replace(
        FITTED, **{f: 2 * getattr(FITTED, f) for f in ("compare_s", "write_s", "load_s", "read_s")}
    )
    found = {c.claim: c.judged.verdict for c in rivals.compare(slow)}
    assert found == {"throughput": "not reproduced", "efficiency": "reproduced",
                     "both": "not reproduced"}  # fmt: skip


def test_a_chip_that_takes_twice_the_energy_loses_the_efficiency_claim():
    fields = ("compare_j_per_row", "load_j_per_cell", "read_j_per_row")
    dear = replace(FITTED, **{f: 2 * getattr(FITTED, f) for f in fields})
    found = {c.claim: c.judged.verdict for c in rivals.compare(dear)}
    assert found == {"throughput": "reproduced", "efficiency": "not reproduced",
                     "both": "not reproduced"}  # fmt: skip


def test_a_ratio_that_the_ranges_leave_open_is_not_reproduced_however_close():
    wide = np.linspace(0.5, 1.76, 1001)
    assert verdicts.ratio(1.02, 1.03, wide).verdict == "undecided"
    assert verdicts.ratio(1.02, 1.03, 1.03 + 0.01 * (wide - 1.13)).verdict == "reproduced"


def test_both_is_no_better_than_the_worse():
    good = verdicts.ratio(1.02, 1.02, np.full(9, 1.02))
    bad = verdicts.ratio(1.2, 0.8, np.full(9, 0.8))
    assert verdicts.both(good, bad, 0.0).verdict == "not reproduced"
    assert verdicts.both(bad, good, 0.0) == verdicts.both(good, bad, 0.0)


def test_ratios_to_every_rival_stand_both_ways():
    table = rivals.against_all(SRAM)
    assert {"ISAAC", "PipeLayer", "PUMA", "DaDianNao", "IMCA", "UNPU"} <= set(table.accelerator)
    assert np.allclose(table.ratio * table.inverse, 1)
    assert np.allclose(table.ours / table.theirs, table.ratio)
    assert (table.ratio_low < table.ratio).all()
    assert (table.ratio < table.ratio_high).all()


# ---- end to end -----------------------------------------------------------------------------


def emulated(**changed):
    """Whole runs of every network and width, as if made of the model as it is."""
    rows = []
    for network, bits in product(coverage.NETWORKS, coverage.BITS):
        placed = simulate(network, bits, "LR", SRAM).schedule
        rows.append({
            "network": network, "precision": f"int{bits}", "images": 1, "exact": True,
            "counts_equal": True, "technology": SRAM.name,
            "expected_array_energy_j": expected_array_energy(placed, SRAM),
        })  # fmt: skip
    rows[4] |= changed
    return pd.DataFrame(rows)


def test_without_exact_inferences_it_is_coverage_only():
    assert coverage.compare(SRAM, None)[0].verdict == "coverage"
    assert coverage.compare(SRAM, emulated())[0].verdict == "reproduced"
    assert coverage.compare(SRAM, emulated(exact=False))[0].verdict == "coverage"
    assert coverage.compare(SRAM, emulated(counts_equal=False))[0].verdict == "coverage"


def test_a_run_of_another_model_does_not_count(monkeypatch):
    judged, reason = coverage.compare(SRAM, emulated(expected_array_energy_j=1e-3))
    assert (judged.verdict, judged.probability) == ("coverage", close(8 / 9))
    assert "8 of 9" in reason
    runs = emulated()
    longer = ap.multiply

    def one_pass_more(*given):
        return longer(*given) + ap.relu(1)

    monkeypatch.setattr("bfimna.mapping.paper.ap.multiply", one_pass_more)
    assert coverage.compare(SRAM, runs)[0].verdict == "coverage"


def test_an_edp_that_does_not_grow_with_the_bits_breaks_end_to_end(blind):
    assert coverage.compare(SRAM, emulated())[0].verdict == "not reproduced"


def test_a_voltage_that_changes_nothing_breaks_end_to_end(monkeypatch):
    monkeypatch.setattr(type(SRAM), "at_supply", lambda technology, _: technology)
    assert coverage.compare(SRAM, emulated())[0].verdict == "not reproduced"


def test_budgets_of_any_network_with_sensitivities_from_a_file(tmp_path):
    """The least sensitive bits within HAWQ-V3's shares of the way from INT4's latency to INT8's."""
    net = bf.zoo.alexnet()
    path = tmp_path / "omega.csv"
    lines = [f"{name},{8 - k},{0.1}" for k, name in enumerate(net.matmul_names)]
    path.write_text("\n".join(["layer,omega_int4,omega_int8", *lines]) + "\n")
    judged = budgets.compare(SRAM, "alexnet", path)
    assert set(judged) == {"hawq-high", "hawq-low"}
    assert "published" not in judged["hawq-high"][1]
    _, bits = budgets._schemes("alexnet", SRAM, path)
    seconds = [bf.simulate(net, p, "LR", SRAM).latency_s for p in bits]
    shares = [(s - seconds[-1]) / (seconds[0] - seconds[-1]) for s in seconds]
    assert shares == sorted(shares, reverse=True)
    for share, most in zip(shares, (1, 0.75, 0.5, 0.25, 0), strict=True):
        assert most - 0.25 < share <= most + 1e-9
    with pytest.raises(bf.BfimnaError, match="no bits of 'alexnet', only of resnet18"):
        budgets.compare(SRAM, "alexnet")
