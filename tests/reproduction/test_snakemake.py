"""The workflow: its plans, the jobs that a change re-runs, its ends, its errors."""

import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[2]
TINY = ("--configfile", "workflow/config.tiny.yaml")
ONE = "results/tiny/simulate/alexnet/int4/sram-14nm-lstp-LR/summary.csv"
PATIENCE_S = 120
EVERY = {"simulate": 2, "summary": 1, "state_of_the_art": 1, "programs": 1}


def command(*arguments):
    return [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]


def environment():
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def snakemake(folder, *arguments, **variables):
    return subprocess.run(
        command(*arguments), cwd=folder, env={**environment(), **variables},
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of what is tracked, with nothing built, in a folder whose name has a space."""
    folder = tmp_path_factory.mktemp("my project")
    for name in ("bfimna", "data", "notebooks", "workflow", "environment.yml"):
        source, target = ROOT / name, folder / name
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(source, target, ignore=ignore) if source.is_dir() else shutil.copy(
            source, target
        )
    return folder


@pytest.fixture(scope="module")
def built(copy):
    """The copy, with a tiny reproduction in it."""
    run = snakemake(copy, *TINY)
    assert run.returncode == 0, run.stderr[-3000:]
    return copy


@pytest.fixture
def restored(built):
    """The built copy, its sources put back as they were after the test."""
    sources = [
        p
        for name in ("bfimna", "data", "notebooks", "workflow")
        for p in (built / name).rglob("*.*")
    ]
    kept = {p: p.read_bytes() for p in sources if p.suffix in (".py", ".csv", ".ipynb")}
    yield built
    for path, content in kept.items():
        if path.read_bytes() != content:
            path.write_bytes(content)


def jobs(plan):
    """Jobs per rule in a dry run's statistics."""
    assert plan.returncode == 0, plan.stderr[-3000:]
    lines = plan.stdout.split("Job stats:")[-1].splitlines()
    pairs = [line.split() for line in lines]
    return {p[0]: int(p[1]) for p in pairs if len(p) == 2 and p[1].isdigit()}


def planned(folder):
    found = jobs(snakemake(folder, *TINY, "--dry-run"))
    return {rule: n for rule, n in found.items() if rule not in ("all", "total")}


def edit(path, old, new, count=1):
    """Change a file without its date, as rsync or a restored backup would."""
    stat, text = path.stat(), path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, count))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def slower_writes(folder):
    """Change a value that the simulations of the tiny config use."""
    wanted = re.compile(r"(?<=sram-14nm-lstp,write_time,)[^,]*")
    (table,) = (t for t in (folder / "data").rglob("*.csv") if wanted.search(t.read_text()))
    value = wanted.search(table.read_text())[0]
    edit(table, f"sram-14nm-lstp,write_time,{value}", f"sram-14nm-lstp,write_time,{value}1")


def test_the_dry_run_lists_what_the_default_config_asks_for(copy):
    found = jobs(snakemake(copy, "--dry-run"))
    assert found["simulate"] == (4 * 5 + 2 * 11) * 2
    assert found["total"] == sum(n for rule, n in found.items() if rule != "total")
    figures = (copy / "workflow" / "figures.csv").read_text().splitlines()[1:]
    assert all(found[row.split(",")[0]] == 1 for row in figures)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["--config", "figures=results/f;touch stolen;true"], "config, figures: want a folder"),
        (["--configfile", "twice.yaml"], "line 2: key 'bits' stands twice"),
    ],
)
def test_a_bad_config_is_one_line_before_anything_runs(copy, settings, message):
    (copy / "twice.yaml").write_text("bits: [2]\nbits: [4]\n")
    refused = snakemake(copy, *settings)
    output = refused.stdout + refused.stderr
    assert refused.returncode != 0
    assert message in output
    assert "Traceback" not in output
    assert not (copy / "stolen").exists()


def test_a_tiny_reproduction_makes_its_figures_and_is_done(built):
    made = sorted(p.name for p in (built / "results/tiny/figures").iterdir())
    kinds = ("csv", "numbers.tex", "pdf", "png", "tex")
    assert made == [f"{n}.{s}" for n in ("programs", "state_of_the_art") for s in kinds]
    assert planned(built) == {}


def test_a_change_without_effect_on_results_runs_nothing(restored):
    notebook = restored / "notebooks" / "simulate.ipynb"
    stored = json.loads(notebook.read_text())
    code = [cell for cell in stored["cells"] if cell["cell_type"] == "code"]
    code[0] |= {"execution_count": 1, "outputs": [{"output_type": "stream", "text": "ran"}]}
    notebook.write_text(json.dumps(stored))
    edit(restored / "bfimna/cost/formulas.py", "\n\n", "\n\n# another word\n")
    edit(restored / "data/hawq_v3/sensitivity.csv", "resnet18", "resnet81")
    for path in (restored / "bfimna").rglob("*.py"):
        path.touch()
    assert planned(restored) == {}


def test_changed_code_of_the_model_with_an_old_date_re_runs_everything(restored):
    edit(restored / "bfimna/cost/formulas.py", "\n    return ", "\n    0 or 0\n    return ")
    assert planned(restored) == EVERY


@pytest.mark.parametrize("file", [
    "bfimna/plot/style.py", "bfimna/search/choose.py", "bfimna/emulator/infer.py",
    "workflow/reproduction/studies/program_cycles.py",
])  # fmt: skip
def test_changed_code_beyond_the_model_re_runs_no_simulation(restored, file):
    edit(restored / file, "\n    return ", "\n    0 or 0\n    return ")
    assert planned(restored) == {"programs": 1, "state_of_the_art": 1}


def test_a_changed_row_re_runs_only_its_users(restored):
    slower_writes(restored)
    assert planned(restored) == {"simulate": 2, "summary": 1, "state_of_the_art": 1}


def test_a_changed_cell_re_runs_its_notebook(restored):
    edit(restored / "notebooks/programs.ipynb", "AP program take?", "AP program cost?")
    edit(restored / "workflow/figures.csv", "Peak efficiency", "Efficiency at peak")  # a caption
    assert planned(restored) == {"programs": 1}


def test_changed_settings_of_matplotlib_redraw_figures(built):
    settings = built / "workflow" / "matplotlibrc"
    kept = settings.read_text()
    edit(settings, kept, kept + "lines.linewidth: 3\n")
    assert planned(built).keys() >= {"programs", "state_of_the_art"}
    edit(settings, "lines.linewidth: 3\n", "")


def test_variables_of_the_user_change_no_figure(built):
    """JUPYTER_PATH once decided which program ran every notebook."""
    bad = built / "bad"
    kernel = bad / "kernels/python3/kernel.json"
    kernel.parent.mkdir(parents=True)
    kernel.write_text('{"argv": ["/bin/false"], "display_name": "", "language": "python"}')
    (bad / "nbclient.py").write_text("raise SystemExit('another one')")
    (bad / "matplotlibrc").write_text("axes.facecolor: red\n")
    figure = built / "results/tiny/figures/programs.png"
    kept, date = figure.read_bytes(), figure.stat().st_mtime_ns
    names = ("JUPYTER_PATH", "JUPYTER_DATA_DIR", "PYTHONPATH", "MPLCONFIGDIR", "IPYTHONDIR")
    variables = {**dict.fromkeys(names, str(bad)), "MATPLOTLIBRC": str(bad / "matplotlibrc")}
    made = snakemake(built, *TINY, "--forcerun", "programs", **variables)
    assert made.returncode == 0, made.stderr[-3000:]
    assert figure.stat().st_mtime_ns > date
    assert figure.read_bytes() == kept


def test_a_result_beyond_the_config_is_an_error(built):
    refused = snakemake(built, ONE.replace("alexnet", "lenet"), *TINY)
    assert refused.returncode != 0
    assert "lenet/int4/sram-14nm-lstp-LR: the config asks for no such simulation" in refused.stderr


def test_lost_simulations_leave_no_old_summary_behind(restored):
    """Simulations that all fail lose their outputs; what collects them must notice."""
    summary = restored / "results/tiny/summary.csv"
    old = summary.read_bytes()
    slower_writes(restored)
    stop = restored / "matplotlibrc"  # which no notebook of the workflow runs with
    stop.write_text("")
    try:
        failed = snakemake(restored, *TINY, "--keep-going")
    finally:
        stop.unlink()
    assert failed.returncode != 0
    assert not (restored / ONE).exists()
    assert planned(restored) == {"simulate": 2, "summary": 1, "state_of_the_art": 1}
    again = snakemake(restored, "results/tiny/summary.csv", *TINY)
    assert again.returncode == 0, again.stderr[-3000:]
    assert summary.read_bytes() != old
    wanted = (
        "import bfimna as bf; net = bf.zoo.alexnet(); "
        "print([bf.simulate(net, bf.Precision.fixed(net, b), bf.Chip.limited(), "
        "bf.data.load_technology('sram-14nm-lstp')).summary['latency_s'] for b in (4, 8)])"
    )
    printed = subprocess.run([sys.executable, "-c", wanted], cwd=restored, capture_output=True,
                          env=environment(), check=True)  # fmt: skip
    column = summary.read_text().splitlines()[0].split(",").index("latency_s")
    found = [float(line.split(",")[column]) for line in summary.read_text().splitlines()[1:]]
    assert found == pytest.approx(json.loads(printed.stdout), rel=1e-6)


def started(folder):
    """A run of one simulation, its notebook under way."""
    run = subprocess.Popen(
        command(ONE, *TINY, "--forcerun", "simulate"), cwd=folder, env=environment(),
        start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    begin = time.monotonic()
    while run.poll() is None and time.monotonic() - begin < PATIENCE_S:
        kernels = [p for p in psutil.Process(run.pid).children(recursive=True) if is_kernel(p)]
        if kernels:
            return run
        time.sleep(0.05)
    pytest.fail("no kernel started")


def is_kernel(process):
    try:
        return any("ipykernel" in part for part in process.cmdline())
    except psutil.Error:
        return False


def test_sigterm_stops_all_jobs_and_a_killed_run_blocks_no_other(built):
    assert planned(built).keys() <= {"simulate", "summary", "state_of_the_art"}
    snakemake(built, ONE, *TINY)
    whole = (built / ONE).read_bytes()

    run = started(built)
    family = psutil.Process(run.pid).children(recursive=True)
    run.send_signal(signal.SIGTERM)  # to Snakemake alone, which has to stop its jobs
    assert run.wait(timeout=30) != 0
    _, alive = psutil.wait_procs(family, timeout=10)
    assert not alive

    run = started(built)
    run.kill()  # Snakemake alone: the notebook goes on, and the next run waits for it
    run.wait()
    again = snakemake(built, ONE, *TINY)
    assert again.returncode == 0, again.stderr[-3000:]
    assert (built / ONE).read_bytes() == whole


def test_two_reproductions_at_once_are_refused(built):
    with open(built / ".snakemake" / "running", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused = snakemake(built, *TINY, "--forcerun", "programs")
    assert refused.returncode != 0
    assert "another run works in this folder" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.fixture
def unrecorded(built):
    """The built copy, whose records are put back after the test."""
    records, kept = built / ".snakemake", built / "kept"
    shutil.copytree(records, kept)
    yield built
    shutil.rmtree(records)
    kept.rename(records)


def test_results_without_a_record_are_remade(unrecorded):
    snakemake(unrecorded, *TINY)
    assert planned(unrecorded) == {}
    shutil.rmtree(unrecorded / ".snakemake")
    assert planned(unrecorded) == EVERY


def test_results_of_another_date_are_remade(unrecorded):
    snakemake(unrecorded, *TINY)
    figure = unrecorded / "results/tiny/figures/programs.csv"
    kept = figure.stat()
    os.utime(figure, ns=(kept.st_atime_ns, kept.st_mtime_ns - 10**10))  # of a backup, say
    assert planned(unrecorded) == {"programs": 1}
    os.utime(figure, ns=(kept.st_atime_ns, kept.st_mtime_ns))


def test_a_home_folder_that_cannot_be_written_to_does_not_matter(copy):
    plan = snakemake(copy, "--dry-run", HOME=os.devnull, XDG_CACHE_HOME="")
    assert plan.returncode == 0, plan.stderr[-3000:]
