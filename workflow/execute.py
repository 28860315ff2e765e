"""Execute a notebook for the workflow: `python workflow/execute.py NOTEBOOK OUTPUT PARAMETERS`.

PARAMETERS are JSON. The user's settings of Python, Jupyter and Matplotlib have no effect, see
`reproduction.isolation`. At SIGTERM notebook and kernel end at once.
"""

import contextlib
import fcntl
import json
import os
import signal
import sys
import threading
from pathlib import Path

from reproduction.isolation import KERNEL, add_kernel, isolate

OWN = Path(".snakemake").resolve()


def settle() -> None:
    """Set the environment variables of the kernel, and make the folders that they name."""
    if Path("matplotlibrc").exists():  # Matplotlib would read it first
        sys.exit("matplotlibrc in the project's folder would change the figures: move it elsewhere")
    isolate(own=OWN)
    for folder in ("ipython", "jupyter/config", "jupyter/runtime", "matplotlib"):
        (OWN / folder).mkdir(parents=True, exist_ok=True)


def started_with_others(before: dict[str, str]) -> bool:
    """Whether this Python started with other variables than `settle` has left.

    Not in the workflow, whose Snakefile has replaced them.
    """
    return any(
        name.startswith("PYTHON") and os.environ.get(name) != value
        for name, value in before.items()
    )


def share_lock() -> None:
    """Hold the lock that a new run waits for, in case Snakemake is killed before this ends."""
    with contextlib.suppress(OSError):  # some file systems of clusters have no locks
        fcntl.flock(os.open(OWN / "jobs", os.O_CREAT | os.O_RDWR, 0o644), fcntl.LOCK_SH)


def end(number: int, frame: object) -> None:
    """End the kernel, then this."""
    import psutil

    for child in psutil.Process().children(recursive=True):
        child.kill()
    os._exit(128 + number)


def execute(notebook: str, output: str, parameters: dict[str, object]) -> None:
    """Run papermill in a thread, so that nbclient does not handle signals."""
    failures: list[BaseException] = []

    def work() -> None:
        try:
            run(notebook, output, parameters)
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(0.2)  # with a timeout, so that signals are handled
    if failures:
        sys.exit(message(notebook, failures[0]))


def run(notebook: str, output: str, parameters: dict[str, object]) -> None:
    """Execute a notebook with the Python that runs this."""
    try:
        import papermill
    except ImportError:
        from bfimna.errors import missing_extra

        raise missing_extra("papermill", "workflow") from None
    add_kernel(OWN)
    papermill.execute_notebook(notebook, output, parameters, kernel_name=KERNEL, progress_bar=False)


def message(notebook: str, error: BaseException) -> str:
    """Return what to print of an error: of one that the package raised in a cell, its one line."""
    if getattr(error, "ename", "") == "BfimnaError":  # of papermill
        return f"{notebook}: {error.evalue}"  # type: ignore[attr-defined]
    return str(error) or repr(error)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: python workflow/execute.py NOTEBOOK OUTPUT PARAMETERS")
    before = dict(os.environ)
    settle()
    if started_with_others(before):
        os.execv(sys.executable, [sys.executable, *sys.argv])
    share_lock()
    signal.signal(signal.SIGTERM, end)
    execute(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]))
