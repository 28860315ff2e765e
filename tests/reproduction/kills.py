"""Kill the workflow again and again, with changed inputs in between.

Each round changes a value, a line of code or a notebook (or puts one back), removes Snakemake's
records or puts the first run's results back with their dates; starts a run, and kills it at a
random time: all of its processes or Snakemake alone, by SIGKILL or SIGTERM. After some
rounds a run is let finish, and every table and figure must have the bytes of a run from scratch
with the same inputs. Not for CI: a round takes 10 to 20 s.

python tests/reproduction/kills.py [--kills 60] [--every 6] [--seed 0]
"""

import argparse
import hashlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
TINY = ["--configfile", "workflow/config.tiny.yaml"]
COPIED = ("bfimna", "data", "notebooks", "workflow", "environment.yml")
#: file → text, and what it is changed to and back
CHANGES = [
    ("bfimna/cost/formulas.py", "\n    return ", "\n    0 or 0\n    return "),
    ("bfimna/mapping/schedule.py", "\n    return ", "\n    0 or 0\n    return "),
    (
        "workflow/reproduction/studies/program_cycles.py",
        "\n    return ",
        "\n    0 or 0\n    return ",
    ),
    ("notebooks/simulate.ipynb", "layers = report.layers", "layers = (report.layers)"),
    ("notebooks/programs.ipynb", "AP program take?", "AP program cost?"),
]
VALUES = ("0.3626", "0.37", "0.5", "0.9")  # ns


def copied(folder: Path) -> Path:
    for name in COPIED:
        source, target = ROOT / name, folder / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    return folder


def start(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "snakemake", *TINY, "--cores", "2", *arguments]
    environment = {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{folder / 'workflow'}"}
    with open(folder / "log.txt", "wb") as log:
        return subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log,
                                start_new_session=True)  # fmt: skip


def family(run: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Return the processes that a run has started and that have not ended."""
    try:
        return psutil.Process(run.pid).children(recursive=True) if run.poll() is None else []
    except psutil.Error:
        return []


def wait_for_jobs(run: subprocess.Popen[bytes]) -> None:
    while run.poll() is None and not family(run):
        time.sleep(0.05)


def kill(run: subprocess.Popen[bytes], how: str) -> None:
    """End a run: "group" or "main", by "KILL" or "TERM"."""
    whom, by = how.split()
    number = getattr(signal, f"SIG{by}")
    if run.poll() is None:
        os.killpg(run.pid, number) if whom == "group" else run.send_signal(number)
    begin = time.monotonic()
    run.wait(timeout=120)
    if by == "TERM" and time.monotonic() - begin > 20:
        sys.exit("a run that was told to stop went on for more than 20 s")


def change(folder: Path, draw: random.Random) -> str:
    """Change one input, or put it back, with the date that it had; or mix up what was made."""
    if draw.random() < 0.15:
        return mix_up(folder, draw)
    if draw.random() < 0.4:
        (table,) = (t for t in (folder / "data").rglob("*.csv")
                    if "sram-14nm-lstp,write_time," in t.read_text())  # fmt: skip
        text, stat = table.read_text(), table.stat()
        row = re.search(r"(?<=sram-14nm-lstp,write_time,)([^,]*),[^,]*,[^,]*", text)
        other = draw.choice([value for value in VALUES if value != row[1]])
        table.write_text(f"{text[: row.start()]}{other},0.1,1{text[row.end() :]}")
        os.utime(table, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        return f"write time {other}"
    name, old, new = draw.choice(CHANGES)
    path = folder / name
    text, stat = path.read_text(), path.stat()
    if old not in text and new not in text:
        sys.exit(f"{name} has no {old!r} to change")
    path.write_text(text.replace(new, old, 1) if new in text else text.replace(old, new, 1))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    return name


def mix_up(folder: Path, draw: random.Random) -> str:
    """Lose the records of what results were made from, or put old results in place of others."""
    if draw.random() < 0.5:
        shutil.rmtree(folder / ".snakemake")
        return "records lost"
    shutil.copytree(folder / "backup", folder / "results", dirs_exist_ok=True)
    return "old results put back"


def results(folder: Path) -> dict[str, str]:
    """Digests of all results but executed notebooks, which note their times."""
    found = (p for p in (folder / "results").rglob("*.*") if p.is_file() and p.suffix != ".ipynb")
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in found}


def finish(folder: Path) -> dict[str, str]:
    if start(folder).wait(timeout=600):
        sys.exit(f"a run failed: {(folder / 'log.txt').read_text()[-2000:]}")
    return results(folder)


def from_scratch(folder: Path, base: Path) -> dict[str, str]:
    """Results of a run with the same inputs and nothing to start from."""
    fresh = Path(tempfile.mkdtemp(dir=base))
    for name in COPIED:
        source = folder / name
        shutil.copytree(source, fresh / name) if source.is_dir() else shutil.copy(source, fresh)
    found = finish(fresh)
    shutil.rmtree(fresh)
    return found


def main() -> None:
    """Run the campaign."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--every", type=int, default=6, help="kills between two comparisons")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    draw = random.Random(asked.seed)
    with tempfile.TemporaryDirectory() as base:
        folder = copied(Path(base) / "project")
        finish(folder)
        shutil.copytree(folder / "results", folder / "backup")
        for n in range(1, asked.kills + 1):
            what, forced = change(folder, draw), draw.random() < 0.25
            run = start(folder, *(["--forceall"] if forced else []))
            if draw.random() < 0.85:
                wait_for_jobs(run)
            time.sleep(draw.uniform(0, 8))
            how = draw.choice(["group KILL", "main KILL", "group TERM", "main TERM"])
            left = len(family(run))
            kill(run, how)
            print(f"{n}: {what}{', forced' if forced else ''}: {how}, {left} processes", flush=True)
            if n % asked.every == 0 or n == asked.kills:
                found, wanted = finish(folder), from_scratch(folder, Path(base))
                if found != wanted:
                    names = {k for k in found | wanted if found.get(k) != wanted.get(k)}
                    sys.exit(f"not as from scratch: {', '.join(sorted(names))}")
                print(f"{len(found)} files as from scratch", flush=True)


if __name__ == "__main__":
    main()
