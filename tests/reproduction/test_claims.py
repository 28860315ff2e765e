"""The table of claims, and the claimed ratios: each test breaks what a verdict rests on."""

from dataclasses import replace

import pandas as pd
import pytest
from reproduction.studies import claims, points
from reproduction.studies.claims import designs, peaks

import bfimna as bf
from bfimna import data
from bfimna.ap import counts as ap
from bfimna.names import load_technology

from ..close import close

SRAM, RERAM = load_technology("sram-14nm-lstp"), load_technology("reram-14nm-lstp")
FITTED = load_technology("sram-published-fit")
NAMES = ["sram-14nm-lstp", "reram-14nm-lstp", "sram-published-fit"]


@pytest.fixture(scope="module")
def study():
    return claims.study(NAMES)


@pytest.fixture(scope="module")
def table(study):
    return study[study.kind == "claim"].set_index("claim")


def test_one_row_a_claim(table):
    assert list(table.index) == list(data.claims().claim)
    assert len(table) == 7
    assert set(table.verdict) <= set(claims.VERDICTS)
    assert table.probability.dropna().between(0, 1).all()
    drawn = table.dropna(subset=["low"])
    assert ((drawn.low < drawn.ours) & (drawn.ours < drawn.high)).all()
    # the paper claims a figure for three of them only
    assert list(table.claimed.dropna().index) == ["throughput", "efficiency", "both"]


def test_the_fitted_technology_is_a_check_and_no_evidence(study, table):
    fit = study[study.kind == "fit"].set_index("claim")
    # 41 654 / 40 907 = 1.018 and 170 / 142.9 = 1.190: "2 %" and "20 %"
    assert fit.ours["throughput"] == pytest.approx(1.018, abs=2e-3)
    assert fit.ours["efficiency"] == pytest.approx(1.190, abs=2e-3)
    assert (fit.verdict == "consistent").all()
    assert "sram-published-fit" not in set(table.technology)
    with pytest.raises(bf.BfimnaError, match="not fitted to the paper: name one other than sram-p"):
        claims.check(["sram-published-fit"])


def test_a_fit_that_misses_is_inconsistent(monkeypatch):
    peaks_of = peaks.designs([replace(FITTED, compare_s=2 * FITTED.compare_s)])
    fit = claims._fit(peaks_of).set_index("claim")
    assert fit.verdict.to_dict() == {"throughput": "inconsistent", "efficiency": "consistent"}


def test_designs_are_judged_from_half_a_volt_to_one(study):
    points_of = study[study.kind == "design"]
    for name in NAMES:
        supplies = points_of[points_of.technology == name].supply_v
        assert list(supplies) == [pytest.approx(0.5 + 0.05 * n) for n in range(11)]
    high = replace(SRAM, threshold_v=0.62, ranges={**SRAM.ranges, "threshold_v": (0.6, 0.66)})
    assert [t.supply_v for t in designs.over_supply(high)] == [
        0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0,
    ]  # fmt: skip
    never = replace(SRAM, supply_v=1.2, threshold_v=1.0, ranges={}, draws={})
    with pytest.raises(bf.BfimnaError, match="threshold of sram-14nm-lstp reaches 1 V"):
        designs.over_supply(never)


def test_a_lower_supply_buys_efficiency_with_throughput(study):
    sram = study[(study.kind == "design") & (study.technology == "sram-14nm-lstp")]
    assert sram.throughput_ratio.is_monotonic_increasing
    assert sram.efficiency_ratio.is_monotonic_decreasing
    assert (sram.shortfall > 1).all()


def test_slow_writes_keep_reram_from_the_claims():
    judged = peaks.compare(peaks.designs([RERAM]))
    assert {judged[claim].verdict for claim in peaks.CLAIMS} == {"not reproduced"}


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


# ---- ratios ---------------------------------------------------------------------------------


def judged_ratios(technology):
    return {claim: x.verdict for claim, x in peaks.compare(peaks.designs([technology])).items()}


#: faster and thriftier than derived technologies, without ranges: both claims hold at 0.8 V
EASY = replace(FITTED, name="easy", **{
    field: factor * getattr(FITTED, field)
    for factor, fields in (
        (1.018 / 1.032, ("compare_s", "write_s", "load_s", "read_s")),
        (1.189 / 1.205, ("compare_j_per_row", "load_j_per_cell", "read_j_per_row")),
    )
    for field in fields
}, ranges={}, draws={})  # fmt: skip


def widened(technology, share=0.3):
    """Ranges of ± a share on all times and energies, each kind with one cause."""
    ranges, draws = {}, {}
    for name, value in vars(technology).items():
        if isinstance(value, float) and value and ("_s" in name or "_j_" in name):
            ranges[name] = (value * (1 - share), value * (1 + share))
            draws[name] = ("split", "times" if "_s" in name else "energies")
    return replace(technology, ranges=ranges, draws=draws)


def test_a_technology_at_the_claims_reproduces_them():
    assert judged_ratios(widened(EASY, 0.04)) == dict.fromkeys(peaks.CLAIMS, "reproduced")


def test_a_chip_that_misses_both_loses_the_claim_of_both_only():
    """Supply trades one for the other: each alone still holds somewhere."""
    slow = replace(
        EASY, **{f: 1.5 * getattr(EASY, f) for f in ("compare_s", "write_s", "load_s", "read_s")}
    )
    found = judged_ratios(widened(slow, 0.05))
    assert found["efficiency"] == "reproduced"
    assert found["both"] == "not reproduced"


def test_a_chip_four_times_as_slow_loses_the_throughput_claim():
    slow = replace(
        SRAM, **{f: 4 * getattr(SRAM, f) for f in formulas_times()},
        ranges={f: (4 * a, 4 * b) if f in formulas_times() else (a, b)
                for f, (a, b) in SRAM.ranges.items()},
    )  # fmt: skip
    found = judged_ratios(slow)
    assert found["throughput"] == found["both"] == "not reproduced"
    assert found["efficiency"] == judged_ratios(SRAM)["efficiency"]


def formulas_times():
    return [f for f in vars(SRAM) if f.endswith(("_s", "_s_per_cell")) and f != "endurance_writes"]


@pytest.mark.parametrize("distortion", ["four operations a MAC", "a quarter of the passes"])
def test_a_peak_that_the_emulator_does_not_count_loses_the_claims(monkeypatch, distortion):
    technology = widened(EASY, 0.04)
    if distortion == "four operations a MAC":
        own = peaks.peak

        def doubled(*given):
            best = own(*given)
            return replace(best, throughput_ops=2 * best.throughput_ops,
                           efficiency_ops_per_w=2 * best.efficiency_ops_per_w)  # fmt: skip

        monkeypatch.setattr(peaks, "peak", doubled)
    else:
        multiply = ap.multiply
        monkeypatch.setattr("bfimna.cost.peak.ap.multiply", lambda *n: multiply(*n) * 0.25)
    assert judged_ratios(technology) == dict.fromkeys(peaks.CLAIMS, "not reproduced")
    assert "the emulator's counts" in peaks.compare(peaks.designs([technology]))["both"].reason


@pytest.mark.parametrize("rate", ["throughput_ops", "efficiency_ops_per_w"])
def test_a_peak_that_counts_one_rate_twice_loses_the_claims(monkeypatch, rate):
    own = peaks.peak

    def doubled(*given):
        best = own(*given)
        return replace(best, **{rate: 2 * getattr(best, rate)})

    monkeypatch.setattr(peaks, "peak", doubled)
    assert set(judged_ratios(widened(EASY, 0.04)).values()) == {"not reproduced"}


def test_a_peak_whose_products_are_wrong_loses_the_claims(monkeypatch):
    counts, right = peaks.emulated(16)
    assert right
    monkeypatch.setattr(peaks, "emulated", lambda _: (counts, False))
    assert judged_ratios(widened(EASY, 0.04))["efficiency"] == "not reproduced"


def test_the_better_of_two_published_figures_is_the_rival_s(monkeypatch):
    own = data.accelerators()
    isaac = own[(own.accelerator == "ISAAC")]
    lower = pd.concat([own, isaac.assign(throughput_gops=1.0)])
    monkeypatch.setattr(data, "accelerators", lambda: lower)
    assert peaks.targets()[0].figure == close(40907e9)
    monkeypatch.setattr(data, "accelerators", lambda: own[own.accelerator != "ISAAC"])
    with pytest.raises(bf.BfimnaError, match="no throughput_gops of ISAAC at 16 bits"):
        peaks.targets()
