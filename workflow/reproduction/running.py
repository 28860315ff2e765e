"""One run of the workflow at a time, from records that can be trusted, with a prompt stop.

Snakemake's own lock outlives a run that was killed, and `--rerun-incomplete` trusts results that it
has no record of, so neither replaces these (tests/reproduction/test_snakemake.py).
"""

import fcntl
import os
import signal
import tempfile
import time
from pathlib import Path
from types import FrameType
from typing import Protocol

import psutil

from bfimna.errors import BfimnaError

#: lock of the Snakemake process; the kernel releases it however the process ends
RUNNING = "running"
#: lock that running notebooks share (workflow/execute.py), even if Snakemake was killed
JOBS = "jobs"
PATIENCE_S = 30.0
ROOM_BYTES = 2**20
SAME_S = 1.0  # difference between dates of one file as different machines read them
_held: list[int] = []


def only_one(folder: Path) -> None:
    """Take the lock of a folder until this process ends.

    Waits for notebooks of a run that was killed, which would overwrite the new run's files.

    Raises
    ------
    BfimnaError
        If another run holds it, or notebooks of a killed run do not end.
    """
    folder.mkdir(exist_ok=True)
    if not _locked(folder / RUNNING, keep=True):
        raise BfimnaError("another run works in this folder; wait for it, or stop it")
    begin = time.monotonic()
    while not _locked(folder / JOBS, keep=False):
        if time.monotonic() - begin > PATIENCE_S:
            raise BfimnaError("notebooks of a run that was killed still work in this folder")
        time.sleep(0.1)


def _locked(path: Path, keep: bool) -> bool:
    file = os.open(path, os.O_CREAT | os.O_RDWR, 0o644)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return False
    except OSError:  # some file systems of clusters have no locks
        os.close(file)
        return True
    if keep:
        _held.append(file)
    else:
        os.close(file)
    return True


class Record(Protocol):
    """Snakemake's record of a result: the date of the file when its job ended."""

    endtime: float | None


def is_recorded(path: Path, record: Record | None) -> bool:
    """Whether a file is missing, or is the one in Snakemake's record.

    Without a record (``.snakemake`` was removed, or results were copied) a result's inputs are
    unknown; a file of another date was written by something else. Snakemake alone would treat both
    as finished.
    """
    if not path.exists():
        return True
    if record is None or record.endtime is None:
        return False
    return abs(path.stat().st_mtime - record.endtime) <= SAME_S


def check_folder() -> None:
    """Raise a one-line error if Snakemake cannot keep its records in the project's folder."""
    records = Path(".snakemake")
    place = records if records.exists() else Path()
    if not os.access(place, os.W_OK | os.X_OK):
        raise BfimnaError(
            f"{Path.cwd()} cannot be written to, where Snakemake keeps its records: copy the "
            "project to a folder of yours; results alone can lie elsewhere, see `outside`"
        )


def check_room() -> None:
    """Raise a one-line error if nothing can be written to the folder of temporary files."""
    try:
        with tempfile.TemporaryFile() as file:
            file.write(b"0" * ROOM_BYTES)
    except OSError as error:
        raise BfimnaError(
            f"temporary files cannot be written ({error.strerror}); set TMPDIR to another folder"
        ) from None


def stop_at_sigterm() -> None:
    """Stop at SIGTERM: the jobs first, then Snakemake, which removes their partial results.

    Snakemake's own handler waits for running jobs, and can deadlock: it takes a lock that the
    scheduler may hold in the same thread.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        for child in psutil.Process().children(recursive=True):
            try:
                child.terminate()
            except psutil.Error:
                continue  # it has ended
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
