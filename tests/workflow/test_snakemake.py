"""The workflow: what it plans, what a change re-runs, and how it refuses a bad config."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {
    **os.environ,
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
}


def snakemake(folder, *arguments):
    """Run snakemake in a copy of the project, the package imported from there too."""
    environment = {**ENVIRONMENT, "PYTHONPATH": str(folder)}
    command = [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of what is tracked, with nothing built."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("bfimna", "data", "notebooks", "workflow", "environment.yml"):
        source, target = ROOT / name, folder / name
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(source, target, ignore=ignore) if source.is_dir() else shutil.copy(
            source, target
        )
    return folder


TINY = ("--configfile", "workflow/config.tiny.yaml")


def jobs(plan):
    """Jobs a rule in a dry run's statistics."""
    lines = plan.stdout.split("Job stats:")[-1].splitlines()
    pairs = [line.split() for line in lines]
    return {p[0]: int(p[1]) for p in pairs if len(p) == 2 and p[1].isdigit()}


def test_the_dry_run_lists_what_the_default_config_asks_for(copy):
    plan = snakemake(copy, "--dry-run")
    assert plan.returncode == 0, plan.stderr
    planned = jobs(plan)
    assert planned["simulate"] == (4 * 5 + 2 * 11) * 2
    assert planned["total"] == sum(n for rule, n in planned.items() if rule != "total")


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("networks=[resnet19]", "unknown network 'resnet19'"),
        ("only=[pie_chart]", "no figure 'pie_chart'"),
    ],
)
def test_a_bad_config_is_one_line_before_anything_runs(copy, setting, told):
    refused = snakemake(copy, "--dry-run", "--config", setting)
    output = refused.stdout + refused.stderr
    assert refused.returncode != 0
    assert told in output
    assert "Traceback" not in output


def test_a_tiny_reproduction_from_nothing_and_what_changes_re_run(copy):
    built = snakemake(copy, *TINY)
    assert built.returncode == 0, built.stderr[-3000:]
    made = sorted(p.name for p in (copy / "results/tiny/figures").iterdir())
    assert made == [
        f"{n}.{s}" for n in ("programs", "state_of_the_art") for s in ("csv", "pdf", "png")
    ]
    assert jobs(snakemake(copy, *TINY, "--dry-run")) == {}

    notebook = copy / "notebooks" / "programs.ipynb"
    notebook.write_text(notebook.read_text().replace("AP program takes", "AP program costs"))
    assert jobs(snakemake(copy, *TINY, "--dry-run")) == {"programs": 1, "all": 1, "total": 2}

    table = copy / "data" / "technologies.csv"
    rows = table.read_text()
    table.write_text(
        rows.replace("sram-14nm-lstp,write_time,0.3626", "sram-14nm-lstp,write_time,0.37")
    )
    changed = jobs(snakemake(copy, *TINY, "--dry-run"))
    assert changed == {"programs": 1, "simulate": 2, "state_of_the_art": 1, "summary": 1, "all": 1,
                       "total": 6}  # fmt: skip
    table.write_text(rows.replace("reram-14nm-lstp,alpha,1.3", "reram-14nm-lstp,alpha,1.4"))
    changed = jobs(snakemake(copy, *TINY, "--dry-run"))
    assert "simulate" not in changed  # ReRAM is not in the tiny config's simulations
    assert changed["state_of_the_art"] == 1  # but in that figure


def test_half_written_output_of_a_killed_run_is_not_taken_for_finished(copy):
    summary = copy / "results/tiny/simulate/alexnet/int4/sram-14nm-lstp-LR/summary.csv"
    if not summary.exists():
        pytest.skip("needs the tiny reproduction of the test before")
    whole = summary.read_bytes()
    shutil.rmtree(summary.parent)
    environment = {**ENVIRONMENT, "PYTHONPATH": str(copy)}
    target = str(summary.relative_to(copy))
    command = [sys.executable, "workflow/locked.py", *TINY, "--cores", "2", target]
    run = subprocess.Popen(command, cwd=copy, env=environment, start_new_session=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    started = summary.parent / "simulate.ipynb"
    begin = time.monotonic()
    while not started.exists() and time.monotonic() - begin < 60 and run.poll() is None:
        time.sleep(0.05)
    os.killpg(run.pid, 9)
    run.wait()
    again = subprocess.run(
        command, cwd=copy, env=environment, capture_output=True, text=True, check=False
    )
    assert again.returncode == 0, again.stderr[-3000:]
    assert summary.read_bytes() == whole


def test_two_reproductions_at_once_are_refused(copy):
    import fcntl

    (copy / ".snakemake").mkdir(exist_ok=True)
    with open(copy / ".snakemake" / "running", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused = subprocess.run(
            [sys.executable, "workflow/locked.py", "--dry-run"],
            cwd=copy, env=ENVIRONMENT, capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert refused.returncode != 0
    assert "another reproduction runs in this folder" in refused.stderr
