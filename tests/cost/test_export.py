"""Reports and sweeps as text, files and readable tables."""

import csv
import json
import re
from io import StringIO

import pandas as pd
import pytest

import bfimna as bf

SRAM = "sram-14nm-lstp"


@pytest.fixture(scope="module", params=[("alexnet", SRAM, 1), ("resnet18", "reram-14nm-lstp", 4)])
def report(request):
    network, technology, batch = request.param
    return bf.simulate(network, (4, 8), "LR", technology, batch)


def test_csv_and_json_hold_the_summary_exactly(report, tmp_path):
    text = report.to_csv(tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text() == text
    (row,) = csv.DictReader(StringIO(text))
    assert list(row) == list(report.summary)
    assert float(row["edp_js"]) == report.edp_js
    told = json.loads(report.to_json(tmp_path / "a.json"))
    assert told == json.loads((tmp_path / "a.json").read_text())
    assert told == {**report.summary, "notes": list(report.notes),
                    "infeasibilities": list(report.infeasibilities)}  # fmt: skip


def test_layers_are_those_of_the_table(report):
    table = pd.read_csv(StringIO(report.to_csv(layers=True)))
    assert table.energy_j.tolist() == report.layers.energy_j.tolist()
    rows = json.loads(report.to_json(layers=True))["layers"]
    assert [row["layer"] for row in rows] == report.layers.layer.tolist()
    assert sum(row["energy_j"] for row in rows) / report.batch == pytest.approx(report.energy_j)
    unweighted = report.layers.weight_bits.isna().tolist()
    assert [row["weight_bits"] is None for row in rows] == unweighted


def test_latex_is_a_whole_table_with_its_text_escaped(report, tmp_path):
    text = report.to_latex(tmp_path / "a.tex")
    assert text.count(r"\begin") == text.count(r"\end") == 2
    assert text.isascii()
    assert not re.search(r"(?<!\\)[%_#$]", text)
    for name, value, _ in report.headline:
        assert f"{name.split()[0]}" in text
        assert value.split()[0] in text
    rows = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert {line.count(" & ") for line in rows} == {2}


def test_the_edp_of_a_batch_says_so():
    alone, batch = (bf.simulate("alexnet", 8, "LR", SRAM, n) for n in (1, 32))
    assert "energy-delay product" in str(alone.headline)
    assert "energy per inference × latency of the batch" in str(batch.headline)


def test_a_missing_folder_is_told(report, tmp_path):
    for write in (report.to_csv, report.to_json, report.to_latex):
        with pytest.raises(bf.BfimnaError, match="cannot be written: No such file or directory"):
            write(tmp_path / "missing" / "a")
    with pytest.raises(bf.BfimnaError, match="a file's path must be"):
        report.to_csv(7)


def test_comparisons_are_exported_too(report, tmp_path):
    both = bf.compare(report, bf.simulate(report.network, 8, "LR", SRAM), draws=200)
    both.to_csv(tmp_path / "a.csv")
    table = pd.read_csv(tmp_path / "a.csv")
    assert table.ratio.tolist() == both.table.ratio.tolist()
    rows = json.loads(both.to_json())["rows"]
    assert [row["value"] for row in rows] == pytest.approx(both.table.value.tolist(), rel=1e-9)
    assert both.to_latex().count(r"\\") == 1 + len(table)


def test_a_sweep_reads_with_units_and_keeps_its_values():
    table = bf.sweep("alexnet", [4, 8], ["LR", "IR"], SRAM, [1, 32])
    values = table.edp_js.tolist()
    text, page = repr(table), table._repr_html_()
    for part in ("edp_js (µJ·s)", "efficiency_ops_per_w (TOPS/W)", "area_m2 (mm²)"):
        assert part in text, part
        assert part in page, part
    assert "e-0" not in text
    assert "seconds_per_inference (µs)" in text
    assert "energy_j_low (mJ)" in repr(bf.sweep("alexnet", 8, "LR", SRAM, intervals=True))
    assert f"in every row: network alexnet, technology {SRAM}, counts microcode" in text
    assert "until the whole batch is done" in text
    assert table.edp_js.tolist() == values
    assert table.edp_js[0] == pytest.approx(bf.simulate("alexnet", 4, "LR", SRAM).edp_js, rel=1e-12)
    some = table[table.batch == 1][["chip", "energy_j"]]
    assert "energy_j (mJ)" in repr(some)
    assert "until the whole batch" not in repr(some)
    assert type(pd.DataFrame(table)) is pd.DataFrame
    assert repr(table[table.batch == 7]).startswith("Empty DataFrame")
    assert "int4" in repr(table.iloc[:1])
