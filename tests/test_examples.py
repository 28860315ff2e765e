"""The examples folder: its files are what its script writes, and every way to use them works."""

import json
import os
import re
import subprocess
import sys
from importlib import util
from pathlib import Path

import pytest

import bfimna as bf
from bfimna.cli import main

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
ASKED = (
    "examples/model.onnx",
    "examples/bits.yaml",
    "examples/chip.yaml",
    "examples/technology.csv:my-cell",
)


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.fixture(scope="module")
def report():
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        return bf.simulate(*ASKED)


def test_the_files_are_what_the_script_writes(tmp_path):
    spec = util.spec_from_file_location("make_examples", EXAMPLES / "make.py")
    script = util.module_from_spec(spec)
    spec.loader.exec_module(script)
    script.write(tmp_path)
    for made in sorted(tmp_path.iterdir()):
        assert made.read_bytes() == (EXAMPLES / made.name).read_bytes(), (
            f"examples/{made.name} is stale: run `python examples/make.py`"
        )


def test_the_model_has_the_shapes_that_its_weights_say():
    net = bf.load_network("examples/model.onnx")
    weights = 16 * 3 * 9 + 2 * 16 * 16 * 9 + 32 * 16 * 9 + 32 * 10
    macs = 32 * 32 * (16 * 3 * 9 + 2 * 16 * 16 * 9) + 16 * 16 * 32 * 16 * 9 + 32 * 10
    assert (net.weights, net.macs) == (weights, macs)


def test_the_bits_are_those_of_the_file(report):
    bits = bf.load_precision(ASKED[0], ASKED[1])
    assert bits.weight_bits == (8, 4, 4, 8, 8)
    assert bits.activation_bits == (8, 6, 6, 8, 8)
    assert report.latency_s > 0


def test_the_command_line_says_what_the_package_says(report, capsys):
    network, bits, chip, technology = ASKED
    asked = ["simulate", network, "--bits", bits, "--chip", chip, "--technology", technology]
    assert main([*asked, "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert {key: row[key] for key in report.summary} == report.summary


def test_what_the_technology_changes_shows(report):
    start = bf.simulate(*ASKED[:3], "sram-14nm-lstp")
    assert report.latency_s > start.latency_s  # its writes are slower
    assert report.area_m2 < start.area_m2
    assert report.energy_j < start.energy_j


def test_the_python_of_the_readme_runs(report):
    (code,) = re.findall(r"```python\n(.*?)```", (EXAMPLES / "README.md").read_text(), re.DOTALL)
    space = {}
    exec(compile(code, "examples/README.md", "exec"), space)
    assert space["report"].edp_js == report.edp_js


@pytest.mark.slow
def test_the_workflow_plans_every_combination():
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--configfile", "examples/config.yaml",
         "--dry-run", "--forceall", "--nolock"],
        cwd=ROOT, env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    said = done.stdout + done.stderr
    counted = dict(re.findall(r"^(simulate|breakdown|batch)\s+(\d+)$", said, re.MULTILINE))
    assert counted == {"simulate": "6", "breakdown": "1", "batch": "1"}
