"""The command line: its output and its errors."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import bfimna as bf
from bfimna.cli import main
from bfimna.mapping import catalogue

from .onnx.onnx_models import convolution, save

MODEL = Path(__file__).parents[1] / "examples" / "model.onnx"


def test_simulate_prints_the_figures_of_the_report(capsys):
    asked = ["resnet18", "--bits", "hawq_v3/latency-low", "--chip", "IR", "--supply", "0.7",
             "--batch", "2", "--counts", "published"]  # fmt: skip
    assert main(["simulate", *asked, "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    tech = bf.load_technology("sram-14nm-lstp").at_supply(0.7)
    report = bf.simulate("resnet18", "hawq_v3/latency-low", "IR", tech, 2, "published")
    said = {"notes": list(report.notes), "infeasibilities": list(report.infeasibilities)}
    assert row == {**report.summary, **said}
    assert main(["simulate", *asked]) == 0
    text = capsys.readouterr().out
    assert f"{1e6 * report.latency_s:.3g} µs" in text
    assert all(f"note: {note}" in text for note in report.notes)
    assert all(f"infeasible: {line}" in text for line in report.infeasibilities)
    assert report.infeasibilities
    assert row["feasible"] is False


def test_a_mapping_by_name_and_the_best_one(capsys):
    of = {}
    for name in ("paper", "fused", "best"):
        assert main(["simulate", "alexnet", "--mapping", name, "--json"]) == 0
        of[name] = json.loads(capsys.readouterr().out)["edp_js"]
    assert of["paper"] == bf.simulate("alexnet", 8, "LR", "sram-14nm-lstp").edp_js
    assert of["fused"] == bf.simulate("alexnet", 8, "LR", "sram-14nm-lstp", mapping="fused").edp_js
    assert of["best"] == bf.search.mapping("alexnet", 8, "LR", "sram-14nm-lstp").best
    assert of["best"] <= min(of.values())
    assert main(["simulate", "alexnet", "--mapping", "fusd"]) == 2
    assert "did you mean 'fused'?" in capsys.readouterr().err
    assert main(["simulate", "alexnet", "--mapping", "best", "--counts", "published"]) == 2
    assert "want --counts microcode" in capsys.readouterr().err


@pytest.mark.parametrize("bits", ["4", "int4", "w4a4"])
def test_bits_may_be_a_width_or_a_name(bits, capsys):
    assert main(["simulate", "alexnet", "--bits", bits, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["mean_bits"] == 4


@pytest.mark.parametrize(
    ("command", "known"),
    [
        ("networks", list(bf.zoo.NETWORKS)),
        ("technologies", bf.data.technology_names()),
        ("chips", ["LR", "IR", "paper"]),
        ("mappings", list(catalogue.by_name())),
    ],
)
def test_lists_name_everything_that_simulate_takes(command, known, capsys):
    assert main([command, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in rows] == known
    assert main([command]) == 0
    heading, *lines = capsys.readouterr().out.splitlines()
    assert heading.startswith("name")
    assert [line.split()[0] for line in lines] == known


def test_help_names_the_units(capsys):
    with pytest.raises(SystemExit):
        main(["simulate", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    for part in ("in V, 0.5 to 1.0", "IMAGES", "bits per weight", "(s, J, m², OPS, V)"):
        assert part in text, part


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("simulate resnet19", "unknown network 'resnet19'; did you mean 'resnet18'"),
        ("simulate alexnet --bits 17", "from 1 to 16, not 17"),
        ("simulate alexnet --bits 99999999999", "unknown precision of alexnet"),
        ("simulate alexnet --chip L", "unknown chip 'L'"),
        ("simulate alexnet --technology x", "unknown technology 'x'"),
        ("simulate alexnet --supply 0.1", "no transistor switches"),
        ("simulate alexnet --batch 0", "batch must be a whole number"),
        ("simulate alexnet --counts x", "unknown counts 'x'"),
    ],
)
def test_an_error_is_one_line_on_stderr_and_exit_code_2(command, message, capsys):
    assert main(command.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("bfimna: ")
    assert message in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "command", ["", "simulat alexnet", "simulate", "simulate alexnet --batch x"]
)
def test_misuse_of_the_command_is_one_line_too(command, capsys):
    with pytest.raises(SystemExit) as end:
        main(command.split())
    err = capsys.readouterr().err
    assert end.value.code == 2
    assert err.startswith("bfimna")
    assert err.count("\n") == 1


def test_version(capsys):
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert (end.value.code, capsys.readouterr().out) == (0, f"bfimna {bf.__version__}\n")


BFIMNA = [sys.executable, "-m", "bfimna"]


def test_a_closed_pipe_ends_the_command_silently():
    ends, begins = os.pipe()
    os.close(ends)
    done = subprocess.run([*BFIMNA, "networks"], stdout=begins, stderr=subprocess.PIPE, text=True)
    os.close(begins)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_paths_and_units_are_printed_in_any_encoding(encoding, tmp_path):
    for name in ("é.onnx", "two words;.onnx", os.fsdecode(b"\xff.onnx")):
        shutil.copy(MODEL, tmp_path / name)
        environment = os.environ | {"LC_ALL": "C", "PYTHONIOENCODING": encoding}
        done = subprocess.run(
            [*BFIMNA, "simulate", name], cwd=tmp_path, env=environment, capture_output=True
        )
        assert (done.returncode, done.stderr) == (0, b"")
        assert b".onnx at int8 on LR" in done.stdout


def test_an_open_input_shape_is_given_by_the_option_that_the_error_names(tmp_path, capsys):
    conv, w = convolution(channels=(2, 4))
    save(tmp_path / "open.onnx", [conv], [w], shape=[1, 2, "height", "width"])
    path = str(tmp_path / "open.onnx")
    assert main(["simulate", path]) == 2
    assert "give --input-shape, at least 1 each" in capsys.readouterr().err
    for shape in ("2,9,9", "1,2,9,9", "x=2,9,9"):
        assert main(["simulate", path, "--input-shape", shape, "--json"]) == 0
        bits = json.loads(capsys.readouterr().out)["peak_live_bits"]
        report = bf.simulate(bf.read_onnx(path, (2, 9, 9)), 8, "LR", "sram-14nm-lstp")
        assert bits == report.peak_live_bits
    assert main(["simulate", "alexnet", "--input-shape", "3,9,9"]) == 2
    assert "--input-shape is for ONNX files, not for 'alexnet'" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["simulate", path, "--input-shape", "3,x"])
    assert "want 3,224,224 or NAME=3,224,224, not '3,x'" in capsys.readouterr().err


@pytest.mark.parametrize("bits", ["own", "bits.yaml"])
def test_bits_left_out_are_given_by_the_option_that_the_error_names(
    bits, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    shutil.copy(MODEL, "plain.onnx")
    first = bf.read_onnx("plain.onnx").matmul_names[0]
    (tmp_path / "bits.yaml").write_text(f"{first}: 8\n")
    asked = ["simulate", "plain.onnx", "--bits", bits, "--json"]
    assert main(asked) == 2
    assert "give --bits-default" in capsys.readouterr().err
    assert main([*asked, "--bits-default", "8"]) == 0
    assert json.loads(capsys.readouterr().out)["mean_bits"] == 8
