"""Peak memory of a part of a process: `ru_maxrss` keeps the peak of whatever ran before it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROC = Path("/proc/self")


def _kib(field: str) -> int:
    lines = (PROC / "status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))


def start() -> int:
    """Let the peak begin anew; return what the process holds now, in KiB (Linux)."""
    (PROC / "clear_refs").write_text("5")
    return _kib("VmRSS")


def peak() -> int:
    """Return the peak since the last start, in KiB."""
    return _kib("VmHWM")


@contextmanager
def grows_at_most(kib: int) -> Iterator[None]:
    """Check that the process holds at no time so much more than before."""
    before = start()
    yield
    grown = peak() - before
    assert grown < kib
