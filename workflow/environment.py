"""Build an environment whole or not at all: `python workflow/environment.py FOLDER LOCKFILE`.

It is built beside FOLDER and renamed, under a lock: an interrupted build leaves the old one, or
none. Needs only Python and an index for pip.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

UV = "uv==0.13.9"
OLDEST = (3, 11)
NEEDED_BYTES = 100 * 2**20  # for temporary files of pip and uv


def build(folder: Path, lock_file: Path, install: Callable[[Path, Path], None]) -> None:
    """Build the environment in a temporary folder, then rename it.

    Parameters
    ----------
    folder : of the environment; a file ``installed`` in it marks it as complete.
    lock_file : requirements.
    install : function that installs them into a folder.
    """
    part = folder.with_name(folder.name + ".part")
    with open(folder.with_name(folder.name + ".lock"), "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"another make builds {folder.name}; waiting for it", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if is_current(folder, lock_file):
                return
        shutil.rmtree(part, ignore_errors=True)  # left by an interrupted build
        part.mkdir()
        install(part / "new", lock_file)
        (part / "new" / "installed").write_bytes(lock_file.read_bytes())
        if folder.exists():
            folder.rename(part / "old")
        (part / "new").rename(folder)
        shutil.rmtree(part, ignore_errors=True)


def is_current(folder: Path, lock_file: Path) -> bool:
    """Whether the environment is complete, and built from the current lock file."""
    stamp = folder / "installed"
    return stamp.is_file() and stamp.read_bytes() == lock_file.read_bytes()


def install(folder: Path, lock_file: Path) -> None:
    """Install the requirements, and the project in editable mode, with a private copy of uv."""
    boot = folder.with_name("boot")
    run(sys.executable, "-m", "venv", str(boot))
    run(str(boot / "bin/python"), "-m", "pip", "install", "--quiet", UV)
    uv, python = str(boot / "bin/uv"), str(folder / "bin/python")
    run(uv, "venv", "--quiet", "--relocatable", "--python", sys.executable, str(folder))
    hashes = ["--require-hashes"] if "--hash=" in lock_file.read_text() else []
    pip = [uv, "pip", "install", "--python", python, "--quiet"]
    run(*pip, *hashes, "--requirement", str(lock_file))
    run(*pip, "--no-deps", "--editable", ".")


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
        sys.exit("usage: python workflow/environment.py FOLDER LOCKFILE")
    check()
    build(Path(sys.argv[1]), Path(sys.argv[2]), install)
