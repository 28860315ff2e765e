"""Run decks in ngspice, and read its log, since it exits 0 after aborted runs; keep results."""

import json
import os
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from bfimna.errors import BfimnaError, shown

LEAST_VERSION = 39  # the oldest that the decks were run in
SECONDS = 240  # that a run may take
Measures = Mapping[str, float]

_MEASURE = re.compile(r"^\s*([a-z][\w()]*)\s*=\s*([-+]?\d[\d.]*(?:e[-+]?\d+)?)", re.M | re.I)
_TIME = re.compile(r"[Tt]imestep too small.*?time = ([-+.\de]+)")
_NODE = re.compile(r'trouble with node "([^"]+)"')
_UNKNOWN = re.compile(
    r"(could not find a valid modelname|unknown model type|unknown subckt|no such model|"
    r"unable to find definition of model).*",
    re.I,
)
_NO_CONVERGENCE = re.compile(
    r"no convergence|singular matrix|iteration limit|dc solution fail", re.I
)
_BAD = re.compile(r"simulation\(s\) aborted|run simulation\(s\) aborted|Error on line|fatal|"
                  r"error: (?!measure)|no such vector", re.I)  # fmt: skip


class ConvergenceError(BfimnaError):
    """A run that ngspice gave up; another set of tolerances may end it."""


def default_cache() -> Path:
    """Return the folder of results in a user's cache."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "bfimna" / "ngspice"


@lru_cache
def version(command: str = "ngspice") -> int:
    """Return ngspice's version, or raise if it is missing or too old."""
    program = shutil.which(command)
    if program is None:
        raise BfimnaError(f"{command} is not installed: apt-get install ngspice")
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True,
                              errors="replace", timeout=60, check=False)  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        raise BfimnaError(f"{program} does not start") from None
    match = re.search(r"ngspice-(\d+)", done.stdout + done.stderr)
    if match is None:
        raise BfimnaError(f"{program} names no version of ngspice")
    if int(match[1]) < LEAST_VERSION:
        raise BfimnaError(f"ngspice {match[1]} is too old: {LEAST_VERSION} or later")
    return int(match[1])


@dataclass
class Simulator:
    """Runs decks, several at a time, and keeps their results in a folder by content.

    Attributes
    ----------
    cache : folder of results; a deck that was run before, with the same card and version, is read.
    runs, hits : decks simulated and read from the cache so far.
    """

    cache: Path
    command: str = "ngspice"
    runs: int = 0
    hits: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def version(self) -> int:
        """Version of ngspice."""
        return version(self.command)

    def run(self, what: str, deck: str, card: str) -> Measures:
        """Return what a deck measures, by name.

        Parameters
        ----------
        what : what the deck simulates, for errors.
        deck, card : texts; the deck includes the card as `card.lib`.
        """
        key = json.dumps([version(self.command), deck, card])
        path = self.cache / f"{sha256(key.encode()).hexdigest()}.json"
        kept = _read(path)
        with self._lock:
            self.hits += kept is not None
            self.runs += kept is None
        if kept is not None:
            return kept
        log = _simulate(self.command, what, deck, card)
        _raise_for(what, log)
        measures = {name.lower(): float(value) for name, value in _MEASURE.findall(log)}
        if not measures and "No. of Data Rows" not in log:
            raise BfimnaError(f"{what}: ngspice simulated nothing: {shown(log[-300:])}")
        _write(path, measures)
        return measures


def _simulate(command: str, what: str, deck: str, card: str) -> str:
    """Run a deck in a folder of its own, without a user's start-up files; return the log."""
    with tempfile.TemporaryDirectory(prefix="bfimna-") as folder:
        Path(folder, "card.lib").write_text(card, encoding="ascii")
        Path(folder, "deck.cir").write_text(deck, encoding="ascii")
        environment = {k: os.environ[k] for k in ("PATH", "LANG") if k in os.environ}
        try:
            done = subprocess.run(
                [command, "-n", "-b", "deck.cir"], cwd=folder, capture_output=True, text=True,
                errors="replace", timeout=SECONDS, check=False, stdin=subprocess.DEVNULL,
                env={**environment, "HOME": folder},
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise ConvergenceError(f"{what}: no end within {SECONDS} s") from None
    if done.returncode < 0:
        raise ConvergenceError(f"{what}: ngspice crashed with signal {-done.returncode}")
    return done.stdout + "\n" + done.stderr


def _raise_for(what: str, log: str) -> None:
    """Raise for what a log reports: ngspice's exit code says nothing."""
    if unknown := _UNKNOWN.search(log):
        raise BfimnaError(f"{what}: the card lacks a device: {shown(unknown[0].strip())}")
    time, node = _TIME.search(log), _NODE.search(log)
    if time or _NO_CONVERGENCE.search(log):
        raise ConvergenceError(
            f"{what}: no convergence at node {node[1] if node else 'unknown'}, "
            f"time {time[1] if time else 0} s"
        )
    if bad := _BAD.search(log):
        line = log[log.rfind("\n", 0, bad.start()) + 1 :].split("\n")[0]
        raise BfimnaError(f"{what}: ngspice stopped: {shown(line.strip())}")


def _read(path: Path) -> Measures | None:
    """Return kept measures, None where there are none that can be read."""
    try:
        kept = json.loads(path.read_text(encoding="ascii"))
        return {str(name): float(value) for name, value in kept.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return None


def _write(path: Path, measures: Measures) -> None:
    """Keep measures, whole or not at all."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
        partial.write_text(json.dumps(measures, sort_keys=True), encoding="ascii")
        os.replace(partial, path)
    except OSError as error:
        raise BfimnaError(f"{path.parent} cannot keep results: {error.strerror}") from None
