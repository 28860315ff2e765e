"""One run at a time in a folder, and one that stops when it is told to."""

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

#: held by Snakemake while it runs jobs; the kernel frees it when the process ends, however it does
RUNNING = "running"
#: held, shared, by every notebook that runs (workflow/execute.py): also when Snakemake was killed
JOBS = "jobs"
PATIENCE_S = 30.0
ROOM_BYTES = 2**20
SAME_S = 1.0  # between two dates of a file, read at different times or by different machines
_held: list[int] = []


def only_one(folder: Path) -> None:
    """Take the lock of a folder until this process ends.

    Notebooks that a killed run left behind are waited for: they would write old results into the
    new run's files.

    Raises
    ------
    BfimnaError
        Another run holds it, or its notebooks do not end.
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
    except OSError:  # some file systems of clusters have no locks: nobody can hold one
        os.close(file)
        return True
    if keep:
        _held.append(file)
    else:
        os.close(file)
    return True


class Record(Protocol):
    """What Snakemake notes of a result: the date that the file had when its job ended."""

    endtime: float | None


def is_recorded(path: Path, record: Record | None) -> bool:
    """Whether a file is missing, or the one that is recorded.

    Without a record (``.snakemake`` was removed, the results come from elsewhere) nobody can say
    what a result was made from; a file of another date was put there by something else. Snakemake
    takes both for finished.
    """
    if not path.exists():
        return True
    if record is None or record.endtime is None:
        return False
    return abs(path.stat().st_mtime - record.endtime) <= SAME_S


def check_room() -> None:
    """Raise a one-line error if nothing can be written to the folder of temporary files."""
    try:
        with tempfile.TemporaryFile() as file:
            file.write(b"0" * ROOM_BYTES)
    except OSError as error:
        raise BfimnaError(
            f"temporary files cannot be written ({error.strerror}); set TMPDIR to another folder"
        ) from None


def stop_when_told() -> None:
    """Stop at SIGTERM: the jobs first, then Snakemake, which drops what they had half written.

    Snakemake's own handler takes a lock that the scheduler may hold in the same thread; then it
    waits for itself for ever. Where it does not, it waits for the running jobs.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        for child in psutil.Process().children(recursive=True):
            try:
                child.terminate()
            except psutil.Error:
                continue  # it ended meanwhile
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
