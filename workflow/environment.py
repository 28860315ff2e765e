"""Build an environment, whole or not at all: `python workflow/environment.py FOLDER NAME`.

NAME is one of the environments in requirements.lock. The environment is built beside FOLDER and
renamed, under a file lock, so an interrupted build leaves the old one or none. Needs only Python
and a package index that pip can reach; every package is checked against the hashes in the lock.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

LOCK = Path("requirements.lock")
BOOT = "boot"  # what installs the others: uv, and setuptools for packages without wheels
OLDEST = (3, 11)
NEEDED_BYTES = 100 * 2**20  # for temporary files of pip and uv


def select(lock_text: str, name: str) -> str:
    r"""Return the requirements of one environment, with their hashes.

    >>> select("# in main docs\na==1\n\n# in docs\nb==2\n", "main")
    'a==1\n'
    """
    selected, belongs = [], False
    for line in lock_text.splitlines():
        if line.startswith("# in "):
            belongs = name in line.split()[2:]
        elif belongs and line:
            selected.append(line)
    if not selected:
        sys.exit(f"requirements.lock has no environment {name!r}")
    return "\n".join(selected) + "\n"


def build(folder: Path, requirements: str, install: Callable[[Path, Path], None]) -> None:
    """Build the environment in a folder of its own, then rename it.

    Parameters
    ----------
    folder : of the environment; it holds a file ``installed`` once it is whole.
    requirements : pinned, with hashes; see `select`.
    install : installs a file of requirements into a folder.
    """
    part = folder.with_name(folder.name + ".part")
    with open(folder.with_name(folder.name + ".lock"), "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"another make builds {folder.name}; waiting for it", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if is_current(folder, requirements):
                return
        shutil.rmtree(part, ignore_errors=True)  # left by a build that was killed
        part.mkdir()
        (part / "requirements.txt").write_text(requirements)
        install(part / "new", part / "requirements.txt")
        (part / "new" / "installed").write_text(requirements)
        if folder.exists():
            folder.rename(part / "old")
        (part / "new").rename(folder)
        shutil.rmtree(part, ignore_errors=True)


def is_current(folder: Path, requirements: str) -> bool:
    """Whether the environment is whole and holds these requirements."""
    stamp = folder / "installed"
    return stamp.is_file() and stamp.read_text() == requirements


def install(folder: Path, requirements: Path) -> None:
    """Install the requirements, and the project for editing, with the uv of requirements.lock."""
    boot, python = folder.with_name(BOOT), str(folder / "bin/python")
    uv = install_boot(boot, LOCK.read_text())
    run(uv, "venv", "--quiet", "--relocatable", "--python", sys.executable, str(folder))
    pip = [uv, "pip", "install", "--python", python, "--quiet"]
    hashes = ["--require-hashes", "--build-constraints", str(boot / "requirements.txt")]
    run(*pip, *hashes, "--requirement", str(requirements))
    run(*pip, "--no-deps", "--no-build-isolation", "--editable", ".")


def install_boot(folder: Path, lock_text: str) -> str:
    """Install uv into a folder of its own with pip, and return the path of its command."""
    run(sys.executable, "-m", "venv", str(folder))
    requirements = folder / "requirements.txt"
    requirements.write_text(select(lock_text, BOOT))
    pip = [str(folder / "bin/python"), "-m", "pip", "install", "--quiet"]
    run(*pip, "--require-hashes", "--requirement", str(requirements))
    return str(folder / "bin/uv")


def run(*command: str) -> None:
    """Run a command; exit if it fails."""
    if subprocess.run(command, check=False).returncode:
        sys.exit(f"failed: {' '.join(command[:6])} … (its message is above); nothing was changed")


def check() -> None:
    """Exit with one line if an environment cannot be built here."""
    if sys.version_info < OLDEST:
        sys.exit(f"bfimna needs Python 3.11 or later; this is {sys.version.split()[0]}; "
                 "try make PYTHON=python3.12")  # fmt: skip
    try:
        temporary = tempfile.gettempdir()
    except FileNotFoundError:
        sys.exit("no folder for temporary files can be written to; set TMPDIR to one")
    if shutil.disk_usage(temporary).free < NEEDED_BYTES:
        sys.exit(f"{temporary} is full; set TMPDIR to a folder with 100 MB free")
    home = os.path.expanduser("~")
    if not os.access(home, os.W_OK):  # where caches are kept
        os.environ["UV_NO_CACHE"] = os.environ["PIP_NO_CACHE_DIR"] = "1"


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python workflow/environment.py FOLDER NAME")
    check()
    build(Path(sys.argv[1]), select(LOCK.read_text(), sys.argv[2]), install)
