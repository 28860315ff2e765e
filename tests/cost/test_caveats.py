"""Warnings of infeasible area, power density and current."""

from dataclasses import replace

from bfimna import Chip, Precision, data, peak, simulate, zoo
from bfimna.cost import caveats

from ..close import close

SRAM, RERAM = (data.load_technology(f"{cell}-14nm-lstp") for cell in ("sram", "reram"))
LR = Chip.limited()


def kinds(report):
    return [line.split(":")[0] for line in report.warnings]


def test_a_chip_larger_than_a_reticle_is_warned_of():
    net = zoo.vgg16()
    report = simulate(net, Precision.fixed(net, 8), Chip.unlimited(), SRAM)
    assert "area" in kinds(report)
    assert f"{report.area_m2 * 1e6:.0f} mm²" in report.warnings[0]


def test_reram_exceeds_power_density_at_its_peak_and_current_in_its_load():
    best = peak(8, LR, RERAM)
    (line,) = caveats.peak_warnings(best, LR)
    assert line.startswith("power: the peak of LR draws")
    assert f"{best.power_w:.0f} W on {best.area_m2 * 1e6:.0f} mm²" in line
    net = zoo.resnet18()
    assert kinds(simulate(net, Precision.fixed(net, 8), LR, RERAM)) == ["power", "current"]


def test_a_small_chip_has_no_warning():
    small = replace(LR, clusters=1, caps_per_cluster=1)
    net = zoo.alexnet()
    report = simulate(net, Precision.fixed(net, 2), small, SRAM)
    assert report.warnings == ()
    assert caveats.peak_warnings(peak(2, small, SRAM), small) == ()


def test_the_current_of_a_load_by_hand():
    """One CAP full of products: 4800 rows load a column and clear a product of 2 × 8 + 5 bits."""
    chip = replace(LR, clusters=1, caps_per_cluster=1, rows=4800)
    net = zoo.resnet18()
    report = simulate(net, Precision.fixed(net, 8), chip, SRAM)
    work = report.schedule.phases["load"]
    folds, counts = report.schedule.folds, work.counts
    column = counts.cells_loaded / 16  # 8 + 8 columns a row
    a_cell = 0.8366 + 72 * 0.1476 + 0.09001 + 0.8366 + 0.8366  # gating line, latch, selector
    joules = column * a_cell + counts.cells_written * 0.8366
    joules = (joules + counts.lines_driven * (0.4811 + 0.09001)) / folds
    amperes = joules.max() * 1e-15 / ((0.3498 + 72 * 0.0007962 + 2 * 0.02812) * 1e-9) / 0.8
    assert caveats.load_current(report.schedule, SRAM) == close(amperes)
    assert caveats.current_line(amperes, "it") == ""
    assert caveats.current_line(1000.0, "it") == ""  # the limit itself is allowed
    assert "1500 A, above 1000 A" in caveats.current_line(1500.0, "it")
