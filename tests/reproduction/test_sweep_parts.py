"""Sweeps as a workflow: what a grid expands to, its one-line errors, killed and taken up again."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import yaml
from reproduction import running, sweep_parts

import bfimna as bf
from bfimna import BfimnaError

ROOT = Path(__file__).parents[2]
GRIDS = {path.stem: path for path in (ROOT / "workflow" / "sweeps").glob("*.yaml")}
FEW = {
    "networks": ["alexnet"], "bits": [4, 8], "technologies": ["sram-14nm-lstp"], "chips": ["LR"],
    "dataset": "results/sweeps/few",
}  # fmt: skip
PATIENCE_S = 120


def grid(**keys):
    return sweep_parts.checked({**FEW, **keys}, ROOT)


@pytest.mark.parametrize(
    ("name", "points"), [("example", 2 * 54 * 24 + 11 * 24), ("million", 10**6)]
)
def test_the_grids_have_the_points_that_they_say(name, points):
    config = sweep_parts.checked(yaml.safe_load(GRIDS[name].read_text()), ROOT)
    jobs = list(sweep_parts.jobs(config))
    each = sweep_parts.points_each(config)
    assert sum(len(job.precisions) * each for job in jobs) == points
    assert len({job.place for job in jobs}) == len(jobs)
    assert jobs[0].part.points == len(jobs[0].precisions) * each
    told = {"example": f"{points} points", "million": "A million points"}
    assert told[name] in GRIDS[name].read_text()


def test_parts_together_are_the_sweep(tmp_path):
    config = grid(
        networks=["alexnet", "vgg16"], schemes=["resnet18/hawq_v3/latency-low"],
        samples={"means": [3, 4.5], "each": 7}, chips=["LR", {"name": "few", "clusters": 16}],
        counts=["microcode", "published"], batches=[1, 4], supplies=[0.6, 0.8], part=20,
    )  # fmt: skip
    for job in sweep_parts.jobs(config):
        sweep_parts.main(json.dumps(config), job.place, str(tmp_path / job.place))
    found = bf.read_sweep(tmp_path)
    nets = [bf.zoo.alexnet(), bf.zoo.vgg16()]
    bits = [4, 8] + [bf.Precision.mixed(n, m, k) for n in nets for m in (3, 4.5) for k in range(7)]
    rest = {
        "chips": ["LR", {"name": "few", "clusters": 16}], "technologies": "sram-14nm-lstp",
        "batches": [1, 4], "counts": ["microcode", "published"], "supplies": [0.6, 0.8],
    }  # fmt: skip
    wanted = pd.concat([
        bf.sweep(nets, bits, **rest),
        bf.sweep("resnet18", "hawq_v3/latency-low", **rest),
    ])  # fmt: skip
    keys = ["network", "counts", "chip", "precision", "supply_v", "batch"]
    pd.testing.assert_frame_equal(
        found.sort_values(keys).reset_index(drop=True),
        wanted.sort_values(keys).reset_index(drop=True),
        check_exact=True,
    )


def test_a_part_s_digest_follows_what_it_computes():
    digests = [
        [job.digest for job in sweep_parts.jobs(grid(**keys))]
        for keys in (
            {}, {"batches": [2]}, {"supplies": [0.7]}, {"intervals": True}, {"bits": [4, 7]},
            {"technologies": ["sram-14nm-hp"]}, {"chips": [{"name": "LR2", "rows": 1200}]},
            {"counts": ["published"]}, {"networks": ["vgg16"]},
        )
    ]  # fmt: skip
    assert len({tuple(d) for d in digests}) == len(digests)
    assert [job.digest for job in sweep_parts.jobs(grid(dataset="results/other"))] == digests[0]


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"networks": ["resnet19"]}, "unknown network 'resnet19'; did you mean"),
        ({"networks": "alexnet"}, "config, networks: 'alexnet' is not of type 'array'"),
        ({"networks": ["my net.onnx"]}, "want letters, digits"),
        ({"bits": []}, "no bits, schemes or samples for network 'alexnet'"),
        ({"bits": [17]}, "17 is greater than the maximum of 16"),
        ({"samples": {"means": [3]}}, "'each' is a required property"),
        ({"samples": {"means": [0], "each": 1}}, "0 is less than the minimum of 1"),
        ({"schemes": ["alexnet/hawq_v3/all"]}, "unknown network of HAWQ-V3 'alexnet'"),
        ({"technologies": ["sram"]}, "unknown technology 'sram'"),
        ({"supplies": [0.1]}, "no transistor switches"),
        ({"batches": [0]}, "0 is less than the minimum of 1"),
        ({"counts": ["micro"]}, "'micro' is not one of"),
        ({"chips": ["LR", {"name": "a b"}]}, "needs a name of letters"),
        ({"chips": ["LR", {"name": "LR", "rows": 4800}]}, "two are named 'LR'"),
        ({"dataset": "figures; rm"}, "config, dataset: want a folder in the project"),
        ({"dataset": "data/sweep"}, "holds sources"),
        ({"dataset": "/scratch/x"}, "`outside: true` allows others"),
        ({"part": 0}, "0 is less than the minimum of 1"),
        ({"figures": "figures"}, "Additional properties.*known keys: networks, bits"),
    ],
)
def test_what_cannot_be_swept_is_told_in_one_line(keys, told):
    with pytest.raises(BfimnaError, match=told) as error:
        grid(**keys)
    assert "\n" not in str(error.value)


def test_a_file_system_without_locks_runs_all_the_same(tmp_path, monkeypatch):
    def no_locks(file, operation):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(running.fcntl, "flock", no_locks)
    running.only_one(tmp_path / "folder")


def command(*arguments):
    asked = ["--snakefile", "workflow/sweep.smk", "--cores", "2", *arguments]
    return [sys.executable, "-m", "snakemake", *asked]


def snakemake(folder, *arguments):
    environment = {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{folder / 'workflow'}"}
    return subprocess.run(
        command(*arguments), cwd=folder, env=environment, capture_output=True, text=True,
        check=False, timeout=300,
    )  # fmt: skip


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the project in a folder whose name has a space, with a grid of its own."""
    folder = tmp_path_factory.mktemp("my project")
    for name in ("bfimna", "data", "notebooks", "workflow"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, folder / name, ignore=ignore)
    shutil.copy(ROOT / "environment.yml", folder)
    keys = FEW | {"samples": {"means": [3, 4, 5, 6], "each": 300}, "part": 300}
    (folder / "few.yaml").write_text(yaml.safe_dump(keys))
    return folder


def test_a_sweep_without_a_grid_is_an_error(copy):
    run = snakemake(copy, "--dry-run")
    assert run.returncode
    assert "a sweep needs a grid: --configfile workflow/sweeps/example.yaml" in run.stdout
    (copy / "twice.yaml").write_text("networks: [alexnet]\nbits: [4]\nbits: [8]\n")
    run = snakemake(copy, "--dry-run", "--configfile", "twice.yaml")
    assert "line 3: key 'bits' stands twice" in run.stdout


def test_a_killed_run_is_taken_up_and_changed_nothing_runs_again(copy):
    dataset = copy / FEW["dataset"]
    run = subprocess.Popen(
        command("--configfile", "few.yaml"), cwd=copy, start_new_session=True,
        env={**os.environ, "PYTHONPATH": f"{copy}{os.pathsep}{copy / 'workflow'}"},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + PATIENCE_S
    while not list(dataset.rglob("part-*.parquet")) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    there = list(dataset.rglob("part-*.parquet"))
    assert 1 <= len(there) < 5, "killed too early or too late"
    done = snakemake(copy, "--configfile", "few.yaml")
    assert done.returncode == 0, done.stderr[-3000:]
    assert re.search(r"\(100%\) done", done.stderr)
    assert len(bf.read_sweep(dataset)) == 2 + 4 * 300
    assert (copy / "results/sweeps/few.figures/sweep.png").stat().st_size > 10_000
    again = snakemake(copy, "--configfile", "few.yaml", "--dry-run")
    assert "Nothing to be done" in again.stdout + again.stderr
    smaller = snakemake(copy, "--configfile", "few.yaml", "--config", "part=3000", "--dry-run")
    assert "4 parts of another sweep, such as network=alexnet/counts=microcode" in smaller.stdout
    assert "Traceback" not in smaller.stdout + smaller.stderr
