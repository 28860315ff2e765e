"""Reports side by side: values, ratios under common draws, overlap; equality and hash."""

from dataclasses import replace

import numpy as np
import pytest

import bfimna as bf
from bfimna.cost import uncertainty

SRAM, RERAM = "sram-14nm-lstp", "reram-14nm-lstp"


def row(comparison, label, quantity="edp_js"):
    (one,) = comparison.table.query("quantity == @quantity and report == @label").itertuples()
    return one


def test_ratios_divide_draw_by_draw():
    a, b = (bf.simulate("alexnet", 8, "LR", tech) for tech in (SRAM, RERAM))
    one = row(bf.compare(a, b, draws=2000, seed=3), RERAM)
    samples = [uncertainty.samples_of(r, "edp_js", 2000, 3) for r in (a, b)]
    low, high = np.percentile(samples[1] / samples[0], (5, 95))
    assert (one.ratio_low, one.ratio_high) == (low, high)
    assert (one.value, one.ratio) == (b.edp_js, b.edp_js / a.edp_js)
    assert (one.low, one.high) == b.interval("edp_js", 2000, 3)[::2]


def test_what_reports_share_cancels():
    a, b = (bf.simulate("alexnet", bits, "LR", SRAM) for bits in (8, 7))
    one = row(bf.compare(a, b), "int7")
    assert one.overlaps  # the values' intervals say nothing, the ratio's is decided
    assert one.ratio_high < 1
    assert one.ratio_high / one.ratio_low < one.high / one.low
    area = row(bf.compare(a, b), "int7", "area_m2")
    assert (area.ratio_low, area.ratio, area.ratio_high) == (1, 1, 1)


def test_intervals_that_do_not_meet():
    a, b = (bf.simulate("alexnet", bits, "LR", SRAM) for bits in (16, 1))
    one = row(bf.compare(a, b), "int1")
    assert not one.overlaps
    assert one.high < row(bf.compare(a, b), "int16").low


def test_without_an_interval_ends_are_missing():
    nominal = bf.load_technology(SRAM)
    lower = nominal.at_supply(0.5)
    wide = replace(lower, ranges={**lower.ranges, "threshold_v": (0.3, 0.6)})
    both = bf.compare(*(bf.simulate("alexnet", 8, "LR", tech) for tech in (nominal, wide)))
    one = both.table.query("quantity == 'edp_js'").iloc[1]
    assert one.ratio > 0
    assert np.isnan([one.low, one.high, one.ratio_low, one.ratio_high]).all()
    assert one.overlaps is None
    assert "nan" not in repr(both)
    assert len(both.plot().axes) == 1


def test_labels_say_what_differs():
    def labels(*reports):
        return bf.compare(*reports, draws=10).labels

    def of(*arguments, **more):
        return bf.simulate("alexnet", *arguments, **more)

    assert labels(of(8, "LR", SRAM), of(4, "paper", SRAM)) == ("int8, LR", "int4, paper")
    assert labels(of(8, "LR", SRAM), of(8, "LR", SRAM)) == ("report (1)", "report (2)")
    batches = of(8, "LR", SRAM), of(8, "LR", SRAM, batch=32)
    assert labels(*batches) == ("batch 1", "batch 32")
    assert "until the whole batch is done" in repr(bf.compare(*batches, draws=10))
    fused = of(8, "LR", SRAM, mapping="fused")
    assert labels(of(8, "LR", SRAM), fused) == ("paper", "fused")
    clocks = [of(8, replace(bf.Chip.limited(), clock_hz=hz), SRAM) for hz in (1e9, 2e9)]
    assert labels(*clocks) == ("report (1)", "report (2)")


def test_it_reads_as_text_html_and_picture():
    reports = [bf.simulate(net, 8, "LR", SRAM) for net in ("alexnet", "vgg16", "resnet18")]
    three = bf.compare(*reports, draws=500)
    text, page = repr(three), three._repr_html_()
    for part in ("alexnet", "vgg16", "energy-delay product", "µJ·s", "networks differ"):
        assert part in text, part
    assert page.startswith("<table>")
    assert page.count("<tr>") == 1 + 7 * 3
    ax = three.plot().axes[0]
    assert ax.get_xscale() == "log"
    assert [line.get_label() for line in ax.lines] == ["alexnet", "vgg16", "resnet18"]
    ratio = three.table.query("report == 'vgg16'").ratio
    assert ax.lines[1].get_xdata().tolist() == ratio.tolist()


@pytest.mark.parametrize(
    ("reports", "message"),
    [(1, "compare 2 to 100 reports, not 1"), (0, "not 0"), (101, "not 101")],
)
def test_too_few_or_too_many(reports, message):
    with pytest.raises(bf.BfimnaError, match=message):
        bf.compare(*[bf.simulate("alexnet", 8, "LR", SRAM)] * reports)


def test_other_values_are_refused():
    report = bf.simulate("alexnet", 8, "LR", SRAM)
    with pytest.raises(bf.BfimnaError, match="a report to compare must be a Report, not 'int4'"):
        bf.compare(report, "int4")
    with pytest.raises(bf.BfimnaError, match="draws must be a whole number"):
        bf.compare(report, report, draws=0)


def test_reports_are_equal_by_their_inputs():
    asked = ("alexnet", 8, "LR", SRAM)
    report = bf.simulate(*asked)
    assert report == bf.simulate(*asked)
    assert len({report, bf.simulate(*asked)}) == 1
    tech = bf.load_technology(SRAM)
    name, (low, _) = next((n, r) for n, r in tech.ranges.items() if r[0] < r[1])
    narrower = replace(tech, ranges={**tech.ranges, name: (low, getattr(tech, name))})
    others = [
        bf.simulate("vgg16", 8, "LR", SRAM), bf.simulate("alexnet", 4, "LR", SRAM),
        bf.simulate("alexnet", 8, "IR", SRAM), bf.simulate("alexnet", 8, "LR", RERAM),
        bf.simulate(*asked, batch=2), bf.simulate(*asked, counts="published"),
        bf.simulate(*asked, mapping="fused"), bf.simulate("alexnet", 8, "LR", narrower),
    ]  # fmt: skip
    assert len({report, *others}) == 1 + len(others)
    assert report != "a report"
