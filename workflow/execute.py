"""Execute a notebook for the workflow: `python workflow/execute.py NOTEBOOK OUTPUT PARAMETERS`.

PARAMETERS are JSON. The user's settings of Matplotlib, IPython and Jupyter are ignored, so that
figures have the same bytes everywhere and the home folder need not be writable. At SIGTERM notebook
and kernel end at once.
"""

import contextlib
import fcntl
import json
import os
import signal
import sys
import threading
from pathlib import Path

HERE = Path(__file__).resolve().parent
OWN = Path(".snakemake").resolve()


def settle() -> None:
    """Set the environment variables of the kernel."""
    if Path("matplotlibrc").exists():  # Matplotlib would read it first
        sys.exit("matplotlibrc in the project's folder would change the figures: move it elsewhere")
    os.environ["MATPLOTLIBRC"] = str(HERE / "matplotlibrc")
    os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"
    folders = {
        "IPYTHONDIR": "ipython",
        "JUPYTER_CONFIG_DIR": "jupyter/config",
        "JUPYTER_DATA_DIR": "jupyter/data",
        "JUPYTER_RUNTIME_DIR": "jupyter/runtime",
    }
    if not os.access(Path.home(), os.W_OK):  # else Matplotlib's font cache is there already
        folders["MPLCONFIGDIR"] = "matplotlib"
    for name, folder in folders.items():
        os.environ[name] = str(OWN / folder)
        (OWN / folder).mkdir(parents=True, exist_ok=True)
    os.environ["JUPYTER_NO_CONFIG"] = "1"


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
            import papermill
        except ImportError:
            from bfimna.errors import missing_extra

            failures.append(missing_extra("papermill", "workflow"))
            return
        try:
            papermill.execute_notebook(
                notebook, output, parameters, kernel_name="python3", progress_bar=False
            )
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(0.2)  # with a timeout, so that signals are handled
    if failures:
        sys.exit(str(failures[0]))


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: python workflow/execute.py NOTEBOOK OUTPUT PARAMETERS")
    settle()
    share_lock()
    signal.signal(signal.SIGTERM, end)
    execute(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]))
