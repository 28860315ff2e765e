"""An environment is built whole or not at all, by one make at a time."""

import subprocess
import sys
import time
from pathlib import Path

import environment
import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "workflow" / "environment.py"
REQUIREMENTS = "a==1 --hash=sha256:00\n"


def fill(content):
    def install(folder, requirements):
        folder.mkdir()
        (folder / "module.py").write_text(content)

    return install


def test_one_that_is_killed_leaves_the_old_one_and_no_half(tmp_path):
    folder = tmp_path / ".venv"
    environment.build(folder, REQUIREMENTS, fill("old"))

    def killed(new, requirements):
        fill("half")(new, requirements)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        environment.build(folder, REQUIREMENTS, killed)
    assert (folder / "module.py").read_text() == "old"
    assert environment.is_current(folder, REQUIREMENTS)

    environment.build(folder, REQUIREMENTS, fill("new"))  # although half a one lies beside
    assert (folder / "module.py").read_text() == "new"
    assert not (tmp_path / ".venv.part").exists()
    assert not environment.is_current(folder, "a==2\n")


def test_nothing_is_installed_without_its_hash(tmp_path, monkeypatch):
    commands = []
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(environment, "run", lambda *command: commands.append(command))
    (tmp_path / environment.BOOT).mkdir()
    environment.install(tmp_path / "new", tmp_path / "requirements.txt")
    boot, packages, project = (set(command) for command in commands if "install" in command)
    assert {"--require-hashes", "--requirement"} <= boot
    assert {"--require-hashes", "--requirement", "--build-constraints"} <= packages
    assert {"--no-deps", "--no-build-isolation"} <= project


def test_two_at_once_build_one_after_the_other(tmp_path):
    text = f"""
import importlib.util, time, pathlib
spec = importlib.util.spec_from_file_location("environment", {str(SCRIPT)!r})
environment = importlib.util.module_from_spec(spec)
spec.loader.exec_module(environment)
def install(folder, requirements):
    folder.mkdir()
    print("builds", flush=True)
    time.sleep(0.5)
environment.build(pathlib.Path({str(tmp_path / ".venv")!r}), {REQUIREMENTS!r}, install)
"""
    runs = []
    for _ in range(2):
        runs.append(
            subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE, text=True)
        )
        time.sleep(0.2)
    told = sorted(run.communicate(timeout=30)[0] for run in runs)
    assert [run.returncode for run in runs] == [0, 0]
    assert told == ["another make builds .venv; waiting for it\n", "builds\n"]


def run(arguments, **variables):
    return subprocess.run([sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True,
                          env=variables, check=False)  # fmt: skip


def test_what_is_wrong_here_is_told_in_one_line(monkeypatch):
    assert "usage" in run([]).stderr
    monkeypatch.setattr(environment, "OLDEST", (99, 0))
    with pytest.raises(SystemExit, match=r"needs Python .* make PYTHON="):
        environment.check()
    monkeypatch.undo()
    monkeypatch.setattr(environment, "NEEDED_BYTES", 2**70)
    with pytest.raises(SystemExit, match="is full; set TMPDIR"):
        environment.check()
    monkeypatch.setattr(environment.tempfile, "gettempdir", raiser)
    with pytest.raises(SystemExit, match="set TMPDIR"):
        environment.check()
    with pytest.raises(SystemExit, match="nothing was changed"):
        environment.run(sys.executable, "-c", "raise SystemExit(1)")


def raiser():
    raise FileNotFoundError


def test_an_unwritable_home_does_without_caches(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path / "none"))
    for name in ("UV_NO_CACHE", "PIP_NO_CACHE_DIR"):
        monkeypatch.setenv(name, "0")
    environment.check()
    assert environment.os.environ["UV_NO_CACHE"] == "1"
