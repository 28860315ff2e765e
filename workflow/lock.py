"""Pin the lock files anew: `python workflow/lock.py`, after a change of pyproject.toml.

Versions that still fit stay as they are; delete a lock file first to take the newest of everything.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from environment import UV

#: lock file → the extras of pyproject.toml that it holds
LOCKS = {
    "requirements.lock": ("test",),
    "requirements-lab.lock": ("lab",),
    "requirements-slurm.lock": ("slurm",),
    "requirements-docs.lock": ("docs", "lab", "browser", "test"),
}
#: the same file on every machine: for all Pythons and systems, with hashes, without addresses
OPTIONS = (
    "--universal", "--generate-hashes", "--no-header", "--no-annotate", "--quiet",
    "--python-version", "3.11",
)  # fmt: skip


def lock(uv: Path, file: str, extras: tuple[str, ...]) -> None:
    """Write one lock file with uv."""
    asked = [argument for extra in extras for argument in ("--extra", extra)]
    command = [str(uv), "pip", "compile", *OPTIONS, *asked, "pyproject.toml", "--output-file", file]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    print(f"wrote {file}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as boot:
        subprocess.run([sys.executable, "-m", "venv", boot], check=True)
        subprocess.run([f"{boot}/bin/python", "-m", "pip", "install", "--quiet", UV], check=True)
        for name, extras in LOCKS.items():
            lock(Path(boot) / "bin/uv", name, extras)
