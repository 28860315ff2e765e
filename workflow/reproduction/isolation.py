"""The environment of the workflow's jobs: no variable of the user's Python, Jupyter or Matplotlib.

Figures have the same bytes everywhere, the Python that runs Snakemake runs every notebook, and the
home folder need not be writable. tests/reproduction/test_isolation.py lists the variables that the
installed packages read.
"""

import json
import os
import sys
from collections.abc import MutableMapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OWN_CODE = (str(ROOT / "workflow"), str(ROOT))
#: beginnings of the variables that Python, Jupyter, IPython, Matplotlib and their libraries read
PREFIXES = (
    "PYTHON", "PYDEVD", "DEBUGPY", "JUPYTER", "JPY_", "IPYTHON", "IPYKERNEL", "PAPERMILL",
    "NBFORMAT", "TRAITLETS", "PYZMQ", "TORNADO", "MPL", "_MPL", "MATPLOTLIB",
)  # fmt: skip
NAMES = ("QT_API", "SOURCE_DATE_EPOCH")
KERNEL = "python3"


def isolate(environment: MutableMapping[str, str] = os.environ, own: Path | None = None) -> None:
    """Replace the user's variables by the workflow's, for every process started from here on.

    Parameters
    ----------
    environment : what to change.
    own : folder of the kernel's specification and of caches; ``.snakemake`` if left out.
    """
    own = (own or Path(".snakemake")).resolve()
    _put_own_code_first(environment.get("PYTHONPATH", ""))
    for name in list(environment):
        if name.startswith(PREFIXES) or name in NAMES:
            del environment[name]
    environment.update({
        # this project's code, even if an environment of another checkout runs it
        "PYTHONPATH": os.pathsep.join(OWN_CODE),
        "PYTHONNOUSERSITE": "1",
        "PYTHONUTF8": "1",
        "IPYTHONDIR": str(own / "ipython"),
        "JUPYTER_CONFIG_DIR": str(own / "jupyter/config"),
        "JUPYTER_DATA_DIR": str(own / "jupyter/data"),
        "JUPYTER_RUNTIME_DIR": str(own / "jupyter/runtime"),
        "JUPYTER_NO_CONFIG": "1",
        "JUPYTER_PREFER_ENV_PATH": "0",  # the kernel of `add_kernel` comes first
        "MATPLOTLIBRC": str(ROOT / "workflow/matplotlibrc"),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "MPLCONFIGDIR": str(own / "matplotlib"),
        "MPL_IGNORE_SYSTEM_FONTS": "1",  # the house style's font comes with Matplotlib
    })  # fmt: skip


def _put_own_code_first(others: str) -> None:
    """Import this project's code, and no module of PYTHONPATH, from here on."""
    paths = {os.path.abspath(path) for path in others.split(os.pathsep)}
    outside = {path for path in paths if not Path(path).is_relative_to(sys.prefix)}
    sys.path[:] = [*OWN_CODE, *(path for path in sys.path if os.path.abspath(path) not in outside)]


def add_kernel(own: Path) -> None:
    """Write the specification of a kernel that is this Python."""
    from ipykernel.kernelspec import get_kernel_dict

    path = own / "jupyter/data/kernels" / KERNEL / "kernel.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{os.getpid()}.part")  # other notebooks start at the same time
    partial.write_text(json.dumps(get_kernel_dict()), encoding="utf-8")
    partial.replace(path)
