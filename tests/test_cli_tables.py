"""The commands that compare and sweep, and where their output goes."""

import csv
import json
from io import StringIO

import pandas as pd
import pytest

import bfimna as bf
from bfimna.cli import main


def said(capsys, *words):
    assert main([str(word) for word in words]) == 0
    return capsys.readouterr().out


def test_compare_takes_what_differs_and_keeps_the_rest(capsys):
    words = ["compare", "alexnet", "--bits", "8", "--batch", "2", "--json", "--against", "--bits",
             "4", "--against", "vgg16", "--chip", "clusters=16,rows=1200"]  # fmt: skip
    rows = json.loads(said(capsys, *words))["rows"]
    reports = [
        bf.simulate("alexnet", 8, batch=2), bf.simulate("alexnet", 4, batch=2),
        bf.simulate("vgg16", 8, {"name": "x", "clusters": 16, "rows": 1200}, batch=2),
    ]  # fmt: skip
    values = [row["value"] for row in rows if row["quantity"] == "edp_js"]
    assert values == pytest.approx([report.edp_js for report in reports], rel=1e-12)
    words.remove("--json")
    text = said(capsys, *words)
    assert "vgg16, int8, clusters16-rows1200" in text
    assert "note: networks differ" in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("alexnet --against", "--against wants what differs"),
        ("alexnet --against --bits 4 --against", "--against wants what differs"),
        ("alexnet --against --csv", "--json, --csv and --output stand before --against"),
        ("alexnet --against --bits 17", "from 1 to 16, not 17"),
        ("alexnet --against vgg17", "did you mean 'vgg16'?"),
        ("alexnet --against --batch x", "invalid int value"),
    ],
)
def test_a_wrong_comparison_is_one_line(words, message, capsys):
    assert main(["compare", *words.split()]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert message in err


def test_a_sweep_is_that_of_python(capsys, tmp_path):
    words = ["alexnet", "vgg16", "--bits", "4", "w4a8", "--chip", "LR", "clusters=4", "--supply",
             "0.7", "0.8", "--batch", "1", "2"]  # fmt: skip
    chips = ["LR", "clusters=4"]
    table = bf.sweep(["alexnet", "vgg16"], [4, "w4a8"], chips, batches=[1, 2], supplies=[0.7, 0.8])
    read = pd.read_csv(StringIO(said(capsys, "sweep", *words, "--csv")))
    assert read.edp_js.tolist() == table.edp_js.tolist()
    assert read.columns.tolist() == table.columns.tolist()
    rows = json.loads(said(capsys, "sweep", *words, "--json"))
    assert [row["chip"] for row in rows] == table.chip.tolist()
    text = said(capsys, "sweep", *words)
    assert "edp_js (µJ·s)" in text
    assert text.count("clusters4") == 16
    some = said(capsys, "sweep", "alexnet", "--intervals", "--csv")
    assert "edp_js_high" in some


def test_output_goes_to_a_file_whole_or_not_at_all(capsys, tmp_path):
    path = tmp_path / "a.csv"
    assert said(capsys, "simulate", "alexnet", "--csv", "--output", path) == f"wrote {path}\n"
    (row,) = csv.DictReader(StringIO(path.read_text()))
    assert float(row["edp_js"]) == bf.simulate("alexnet").edp_js
    assert main(["simulate", "alexnet", "--output", str(tmp_path / "missing" / "a")]) == 2
    assert "cannot be written: No such file or directory" in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == ["a.csv"]
    with pytest.raises(SystemExit):
        main(["simulate", "alexnet", "--csv", "--json"])


def test_layers_as_text_csv_and_json(capsys):
    layers = bf.simulate("alexnet").layers
    read = pd.read_csv(StringIO(said(capsys, "simulate", "alexnet", "--layers", "--csv")))
    assert read.latency_s.tolist() == layers.latency_s.tolist()
    told = json.loads(said(capsys, "simulate", "alexnet", "--layers", "--json"))
    assert len(told["layers"]) == len(layers)
    text = said(capsys, "simulate", "alexnet", "--layers")
    assert "energy_j (" in text
    assert sum("classifier" in line for line in text.splitlines()) == sum(
        "classifier" in name for name in layers.layer
    )


@pytest.mark.parametrize(
    ("chip", "message"),
    [
        ("clusters=", "want field=value,field=value"),
        ("clusters=1,", "want field=value,field=value"),
        ("clusters=1,clusters=2", "'clusters' is given twice"),
        ("clusters=x", "clusters must be a whole number"),
        ("cluster=1", "did you mean 'clusters'?"),
        ("overlap=maybe", "overlap must be true or false"),
        ("name=LR,clusters=3", "rename it"),
    ],
)
def test_a_wrong_chip_of_fields_is_one_line(chip, message, capsys):
    assert main(["simulate", "alexnet", "--chip", chip]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1


def test_a_chip_of_fields_is_one_of_a_mapping():
    text = "name=mine, clusters=16, overlap=true, clock_hz=2e9, max_current_a=none"
    fields = {"clusters": 16, "overlap": True, "clock_hz": 2e9, "max_current_a": None}
    assert bf.load_chip(text) == bf.Chip(name="mine", **fields)


def test_python_and_the_command_line_have_the_same_defaults(capsys):
    row = json.loads(said(capsys, "simulate", "resnet18", "--json"))
    assert row["edp_js"] == bf.simulate("resnet18").edp_js
    (point,) = json.loads(said(capsys, "sweep", "resnet18", "--json"))
    assert point["edp_js"] == pytest.approx(bf.sweep("resnet18").edp_js[0], rel=1e-12)
    assert bf.plan("resnet18").chip == bf.load_chip("LR")
