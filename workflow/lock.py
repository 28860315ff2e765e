"""Pin requirements.lock anew: `python workflow/lock.py`, after a change of pyproject.toml.

One resolution for all environments, so that a package has the same version in each. Versions that
still fit stay as they are; delete the lock file first to take the newest of everything. It holds
no addresses, and hashes only of wheels for CPython on the platforms below and, where a package has
none for every machine, of its source.
"""

import subprocess
import tempfile
import tomllib
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from environment import BOOT, LOCK, install_boot

#: what users install alone; the rest of pyproject's extras is for development or not pinned (train)
ALONE = ("onnx", "emulate", "characterise", "workflow", "lab", "slurm")
#: environment → groups and extras of pyproject.toml; `environment.py` installs it by this name
ENVIRONMENTS: dict[str, dict[str, list[str]]] = {
    BOOT: {"--group": [BOOT]},
    "main": {"--group": ["build"], "--extra": ["test"]},
    "lab": {"--group": ["build"], "--extra": ["workflow", "lab"]},
    "slurm": {"--group": ["build"], "--extra": ["slurm"]},
    "docs": {"--group": ["build"], "--extra": ["test", "lab", "docs", "browser"]},
    "bare": {"--extra": []},
    **{f"only-{extra}": {"--extra": [extra]} for extra in ALONE},
}
OPTIONS = ("--universal", "--python-version", "3.11", "--no-header", "--no-annotate", "--quiet")
#: beginnings and ends of a wheel's platform
LINUX, MACOS = ("manylinux", ("x86_64", "aarch64")), ("macosx", ("arm64", "universal2"))
HEAD = """\
# Made by `make lock`: wheels for CPython on Linux (glibc; x86-64, ARM) and macOS (ARM), and sources
# of what is compiled. Each section begins with the environments that hold it.
"""


def resolve(uv: str, environments: Iterable[str], *options: str) -> str:
    """Resolve environments for all platforms with uv, and return what it writes."""
    members = [ENVIRONMENTS[name] for name in environments]
    asked = {(kind, name) for m in members for kind, names in m.items() for name in names}
    sources = ["pyproject.toml"] if any("--extra" in m for m in members) else []
    parts = [word for pair in sorted(asked) for word in pair]
    command = [uv, "pip", "compile", *sources, *OPTIONS, *parts, *options]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def is_served(wheel: str) -> bool:
    """Whether a wheel's name is of a platform that the lock file serves.

    >>> [is_served(f"a-1-{tags}.whl") for tags in ("py3-none-any", "cp312-cp312-macosx_11_0_arm64")]
    [True, True]
    >>> [is_served(f"a-1-{tags}.whl") for tags in ("cp313-cp313t-manylinux_2_28_x86_64",
    ...     "cp312-cp312-musllinux_1_2_x86_64", "cp312-cp312-win_amd64")]
    [False, False, False]
    """
    python, abi, platform = wheel.removesuffix(".whl").split("-")[-3:]
    if not python.startswith(("py3", "py2.py3", "cp3")) or abi.endswith("t"):
        return False
    return platform == "any" or any(
        platform.startswith(system) and platform.endswith(processors)
        for system, processors in (LINUX, MACOS)
    )


def pin(package: dict[str, Any]) -> str:
    """Return the lines that pin a package of a pylock file, with the hashes of what is served."""
    wheels = {w["url"].rpartition("/")[2]: w for w in package.get("wheels", ())}
    files = [wheel for name, wheel in wheels.items() if is_served(name)]
    if "sdist" in package and not any(name.endswith("-none-any.whl") for name in wheels):
        files.append(package["sdist"])
    hashes = sorted(file["hashes"]["sha256"] for file in files)
    marker = f" ; {package['marker']}" if "marker" in package else ""
    lines = [f"{package['name']}=={package['version']}{marker}"]
    return " \\\n".join([*lines, *(f"    --hash=sha256:{digest}" for digest in hashes)]) + "\n"


def sections(packages: Iterable[dict[str, Any]], members: dict[str, set[str]]) -> str:
    """Return the lock file's text: packages by the environments that hold them."""
    by_environments = defaultdict(list)
    for package in packages:
        holders = [name for name, held in members.items() if package["name"] in held]
        by_environments[" ".join(holders)].append(pin(package))
    found = sorted(by_environments.items())
    return HEAD + "".join(f"\n# in {names}\n{''.join(pins)}" for names, pins in found)


def lock(uv: str, scratch: Path) -> None:
    """Write the lock file."""
    versions, pylock = scratch / "versions.txt", scratch / "pylock.toml"
    if LOCK.exists():
        versions.write_bytes(LOCK.read_bytes())  # uv keeps these versions where they fit
    resolve(uv, ENVIRONMENTS, "--output-file", str(versions))
    fixed = ("--constraint", str(versions))
    resolve(uv, ENVIRONMENTS, *fixed, "--format", "pylock.toml", "--output-file", str(pylock))
    members = {}
    for name in ENVIRONMENTS:
        lines = resolve(uv, [name], *fixed).splitlines()
        members[name] = {line.partition("==")[0] for line in lines}
    LOCK.write_text(sections(tomllib.loads(pylock.read_text())["packages"], members))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        lock(install_boot(Path(folder, "boot"), LOCK.read_text()), Path(folder))
        print(f"wrote {LOCK}")
