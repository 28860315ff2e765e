"""What makes a result infeasible: memory, area, power density and current."""

from dataclasses import replace

import numpy as np
import pytest

import bfimna as bf
from bfimna import Chip, Precision, data, peak, simulate, zoo
from bfimna.cost import caveats, formulas
from bfimna.cost.power import PhasePower
from bfimna.mapping.chip import LIMITS
from bfimna.technology.prices import stack

from ..close import close

SRAM, RERAM = (data.load_technology(f"{cell}-14nm-lstp") for cell in ("sram", "reram"))
HP = data.load_technology("sram-14nm-hp")
LR = replace(Chip.paper(), name="LR")
IR = replace(LR, name="IR", clusters=0)
LIMITED = replace(LR, **LIMITS)
RESNET = zoo.resnet18()


def kinds(report):
    return [line.split(":")[0] for line in report.infeasibilities]


def line(report, kind):
    (one,) = (text for text in report.infeasibilities if text.startswith(f"{kind}:"))
    return one


def test_the_default_limits_are_those_of_the_data():
    assert {
        "max_power_density_w_per_m2": close(data.limit("power density")),
        "max_current_a": close(data.limit("supply current")),
    } == LIMITS


def test_a_chip_larger_than_a_reticle_is_infeasible():
    report = simulate("vgg16", 8, IR, SRAM)
    times = report.area_m2 / 858e-6
    assert f"{1e6 * report.area_m2:.0f} mm², {times:.3g} times the largest die" in line(
        report, "area"
    )
    assert not report.feasible


def test_the_peak_of_reram_exceeds_the_power_density():
    best = peak(8, LR, RERAM)
    (one,) = caveats.peak_warnings(best, LR)
    assert one.startswith("power density: the peak of LR draws")
    assert f"{best.power_w / best.area_m2 / 1e6:.3g} times the limit of 1 W/mm²" in one


def test_a_limited_chip_meets_its_density_at_its_peak():
    best, free = (peak(8, chip, RERAM) for chip in (LIMITED, LR))
    assert caveats.peak_warnings(best, LIMITED) == ()
    assert best.power_w < 1e6 * best.area_m2 * (1 + 1e-9)
    excess = free.power_w / free.area_m2 / 1e6
    assert best.throughput_ops == close(free.throughput_ops / excess, 0.05)  # leakage takes a part
    assert excess > 2


def test_reram_exceeds_density_and_current():
    assert kinds(simulate(RESNET, 8, LR, RERAM)) == ["memory", "power density", *["current"] * 2]


def test_the_hottest_phase_by_hand():
    report = simulate(RESNET, 8, LR, RERAM)
    rows = report.layers.query("latency_s > 0")
    watts = (rows.energy_j / rows.latency_s).max() + formulas.leakage_power(LR, RERAM)
    density = watts / report.area_m2
    row = rows.loc[(rows.energy_j / rows.latency_s).idxmax()]
    text = line(report, "power density")
    assert f"{row.phase} of {row.layer} on LR" in text
    assert f"{density / 1e6:.3g} times the limit of 1 W/mm²" in text


def test_a_small_chip_is_feasible():
    small = replace(LR, clusters=1, caps_per_cluster=1, maps_per_cluster=2, weights="streamed")
    report = simulate("alexnet", 1, small, SRAM)
    assert report.infeasibilities == ()
    assert report.feasible
    assert "infeasible" not in repr(report) + report._repr_html_()
    assert caveats.peak_warnings(peak(1, small, SRAM), small) == ()


def test_reasons_stand_in_repr_html_and_summary():
    report = simulate(RESNET, 8, LR, RERAM)
    assert repr(report).endswith("; infeasible: memory, power density, current>")
    for text in report.infeasibilities:
        assert f"<p>infeasible: {text}</p>" in report._repr_html_()
    assert report.summary["feasible"] is False
    with pytest.warns(DeprecationWarning, match="infeasibilities"):
        assert report.warnings == report.infeasibilities


def test_leakage_that_alone_exceeds_the_limit_is_said_to():
    """At 0.2 W/mm² the cells of HP transistors leave no room: no time is long enough."""
    cold = replace(LIMITED, max_power_density_w_per_m2=2e5)
    report = simulate(RESNET, 8, cold, HP)
    assert "no time is long enough, since leakage alone takes" in line(report, "power density")
    assert report.throttled_s == 0


def test_the_current_of_a_load_by_hand():
    """One CAP full of products: 4800 rows load a column and clear a product of 2 × 8 + 5 bits."""
    chip = replace(LR, clusters=1, caps_per_cluster=1, rows=4800)
    report = simulate(RESNET, 8, chip, SRAM)
    folds, counts = report.schedule.folds, report.schedule.phases["load"].counts
    column = counts.cells_loaded / 16  # 8 + 8 columns a row
    a_cell = 0.8366 + 72 * 0.1476 + 0.09001 + 0.8366 + 0.8366  # gating line, latch, selector
    joules = column * a_cell + counts.cells_written * 0.8366
    joules = (joules + counts.lines_driven * (0.4811 + 0.09001)) / folds
    registers = 2 * 72 * SRAM.key_register_j_per_bit
    joules = joules + (SRAM.controller_j_per_cycle + registers) * 1e15  # of the one CAP's cycle
    watts = joules.max() * 1e-15 / ((0.3498 + 72 * 0.0007962 + 2 * 0.02812) * 1e-9)
    watts += formulas.leakage_power(chip, SRAM)
    asked = caveats.demands(report.schedule, SRAM, PhasePower(report.schedule))
    assert asked["load"].amount == close(watts / 0.8)


@pytest.mark.parametrize(("amount", "met"), [(1000.0, True), (1000.1, False)])
def test_a_limit_itself_is_allowed(amount, met):
    assert bool(caveats.Demand(amount, 1000.0).is_met) is met


@pytest.mark.parametrize("chip", [
    LR, LIMITED, IR, replace(LR, overlap=True), replace(LIMITED, overlap=True, weights="streamed"),
    replace(LR, clusters=1, caps_per_cluster=1), replace(LR, clusters=4, weights="streamed"),
    replace(LR, load_mode="by row", max_current_a=1e5), replace(LIMITED, weights="auto"),
])  # fmt: skip
def test_many_points_at_once_are_judged_as_each_alone(chip):
    """Column `feasible` of a sweep is `Report.feasible`, and demands are those of each report."""
    bits = [Precision.fixed(RESNET, 2), Precision.mixed(RESNET, 5), Precision.fixed(RESNET, 16)]
    techs = [SRAM, RERAM, HP, replace(SRAM, idle_rows=1.0).at_supply(1.0)]
    table = bf.sweep(RESNET, bits, [chip], techs)
    reports = [simulate(RESNET, p, chip, tech) for tech in techs for p in bits]
    assert table.feasible.tolist() == [report.feasible for report in reports]
    assert table.throttled_s.to_numpy() == close([report.throttled_s for report in reports])
    schedule = bf.plan(RESNET, chip).at(bits)
    together = caveats.demands(schedule, stack(techs), PhasePower(schedule))
    for key, demand in together.items():
        amounts = np.broadcast_to(demand.amount, (len(techs), len(bits))).ravel()
        alone = [
            caveats.demands(r.schedule, r.technology, PhasePower(r.schedule))[key].amount
            for r in reports
        ]
        assert amounts == close(np.array(alone, dtype=float))


def test_segments_whose_matched_lines_leak_are_noted():
    hp, net = data.load_technology("sram-14nm-hp"), zoo.resnet18()

    def notes(technology, **chip):
        report = simulate(net, Precision.fixed(net, 8), replace(LR, **chip), technology)
        return [line for line in report.notes if "keepers" in line]

    (line,) = notes(hp)
    assert line.startswith("vertical lines have up to 300 rows attached: above 72 matched lines of")
    assert notes(SRAM) == notes(hp, ap_kind="1d") == []
    assert notes(hp, mats=100) == []  # of 48 rows
    assert "600 rows" in notes(hp, mats=8, ap_kind="2d")[0]
