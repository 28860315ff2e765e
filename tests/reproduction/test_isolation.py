"""No variable of the user's Python, Jupyter or Matplotlib decides what a notebook draws."""

import json
import os
import re
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import nbformat
import pytest
from reproduction import isolation

ROOT = Path(__file__).parents[2]
PACKAGES = (
    "jupyter_core", "jupyter_client", "nbclient", "papermill", "nbformat", "ipykernel", "ipython",
    "traitlets", "matplotlib", "matplotlib-inline", "pyzmq", "tornado",
)  # fmt: skip
READ = re.compile(
    r"""(?:getenv|environ\.get|environ\.pop|envset)\(\s*["'](\w+)|environ\[["'](\w+)"""
)
BESIDE = re.compile(
    r"/(tests?|testing|sphinxext|terminal|ssh)/|/conftest|/troubleshoot|/green/|/wsgi"
)
#: folders that MPLCONFIGDIR, MPL_IGNORE_SYSTEM_FONTS and JUPYTER_DATA_DIR make unread
UNREAD_FOLDERS = ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME")
#: variables that act when Python starts, on the program itself: `make` unsets them
AT_START = (
    "PYTHONHOME", "PYTHONPLATLIBDIR", "PYTHONINSPECT", "PYTHONVERBOSE", "PYTHONDEBUG",
    "PYTHONSAFEPATH", "PYTHONDUMPREFS", "PYTHONMALLOCSTATS",
)  # fmt: skip
#: variables that stay: of the system, of editors and terminals, or read only on other paths
HARMLESS = {
    # of the system and the session
    "HOME", "PATH", "USER", "SHELL", "TERM", "COLUMNS", "DISPLAY", "WAYLAND_DISPLAY", "PAGER",
    "LESS", "EDITOR", "TMPDIR", "VIRTUAL_ENV", "CONDA_PREFIX", "CONDA_DEFAULT_ENV",
    "XDG_SESSION_TYPE", "IN_SPHINX_RUN",
    *UNREAD_FOLDERS,
    # of Windows and macOS
    "APPDATA", "LOCALAPPDATA", "PROGRAMDATA", "WINDIR", "QT_MAC_WANTS_LAYER", "pathext",
    # of notebooks in a cloud, shell completion, and tests
    "GITHUB_ACCESS_TOKEN", "BOTO3_ENDPOINT_URL", "COMP_LINE", "COMP_POINT", "_ARGCOMPLETE",
    "ASYNC_TEST_TIMEOUT", "FOO",
}  # fmt: skip


def variables_read():
    """Names of the variables that Python, Jupyter and Matplotlib read, as installed here."""
    command = [sys.executable, "--help-env"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    names = set(re.findall(r"^(PYTHON\w+)", listed, re.MULTILINE))
    for package in PACKAGES:
        for file in distribution(package).files or ():
            if file.suffix == ".py" and not BESIDE.search(f"/{file}"):
                text = Path(file.locate()).read_text(encoding="utf-8")
                names |= {name for pair in READ.findall(text) for name in pair if name}
    return names


def test_every_variable_that_is_read_is_replaced_or_known_to_be_harmless():
    read = variables_read()
    assert {
        "PYTHONSTARTUP",
        "JUPYTER_PATH",
        "MATPLOTLIBRC",
        "IPYTHONDIR",
        "QT_API",
    } <= read - HARMLESS
    environment = dict.fromkeys(read, "hostile")
    isolation.isolate(environment, Path("own"))
    assert {name for name, value in environment.items() if value == "hostile"} <= HARMLESS


DRAWS = """
import os, sys
import matplotlib.pyplot as plt
import bfimna
from bfimna import plot
fig, ax = plot.figure(1, 2.0)
ax.plot([1, 2, 3], label="Ω, a name")
ax.set(title="title", xlabel="x", ylabel="$y$")
ax.legend()
plot.save(fig, output)
with open(f"{output}.txt", "w") as file:
    print(sys.executable, bfimna.__file__, sys.flags, __debug__, list("ab"), file=file)
    print(str(set("abcdef")) != "", os.getcwd(), file=file)
"""


@pytest.fixture
def notebook(tmp_path):
    cells = [nbformat.v4.new_code_cell("output = ''", metadata={"tags": ["parameters"]})]
    cells.append(nbformat.v4.new_code_cell(DRAWS))
    kernel = {"kernelspec": {"name": "python3", "display_name": "p", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), tmp_path / "n.ipynb")
    return tmp_path


def executed(folder, name, variables):
    """Bytes of what a notebook writes, run in an empty folder with these variables."""
    place = folder / name
    place.mkdir()
    command = [sys.executable, str(ROOT / "workflow/execute.py"), str(folder / "n.ipynb"),
               str(place / "n.ipynb"), json.dumps({"output": str(folder / "out")})]  # fmt: skip
    done = subprocess.run(command, cwd=folder, env={**os.environ, **variables}, text=True,
                          capture_output=True, check=False, timeout=300)  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    made = [folder / f"out.{suffix}" for suffix in ("png", "pdf", "txt")]
    content = [path.read_bytes() for path in made]
    for path in made:
        path.unlink()
    return content


#: what a folder of hostile settings holds
HOSTILE = {
    "kernels/python3/kernel.json": '{"argv": ["/bin/false"], "display_name": "", "language": ""}',
    "startup.py": "raise SystemExit('startup')",
    "profile_default/startup/0.py": "import os; os._exit(3)",
    "profile_default/ipython_config.py": "c.InteractiveShellApp.exec_lines = ['raise SystemExit']",
    "jupyter_config.json": "{",
    "matplotlibrc": "axes.facecolor: red\nlines.linewidth: 9\n",
    "bfimna/__init__.py": "raise SystemExit('not this one')",
    "papermill.py": "raise SystemExit('not this one')",
}


@pytest.fixture
def hostile(tmp_path):
    """Every variable that is read, set to something that would change or stop a notebook."""
    bad = tmp_path / "hostile"
    for name, text in HOSTILE.items():
        (bad / name).parent.mkdir(parents=True, exist_ok=True)
        (bad / name).write_text(text)
    others = {
        "PYTHONSTARTUP": str(bad / "startup.py"), "PYTHONWARNINGS": "error", "PYTHONHASHSEED": "7",
        "PYTHONOPTIMIZE": "2", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "MPLBACKEND": "svg",
        "PYTHONCOERCECLOCALE": "0", "PYTHONMALLOC": "malloc", "PYTHONINTMAXSTRDIGITS": "640",
        "SOURCE_DATE_EPOCH": "1", "JUPYTER_PREFER_ENV_PATH": "0", "PYTHONTRACEMALLOC": "1",
        "LC_ALL": "C", **dict.fromkeys(("VIRTUAL_ENV", *UNREAD_FOLDERS), str(bad)),
    }  # fmt: skip
    all_of_them = dict.fromkeys(variables_read() - HARMLESS, str(bad)) | others
    return {name: value for name, value in all_of_them.items() if name not in AT_START}


def test_a_notebook_draws_the_same_whatever_they_say(notebook, hostile):
    alone = executed(notebook, "alone", {})
    assert alone[-1].decode().split()[0] == sys.executable
    assert executed(notebook, "among them", hostile) == alone


def test_make_starts_no_python_with_them():
    """PYTHONHOME and its like stop Python before any code runs."""
    shown = subprocess.run(
        ["make", "--eval=shown: ; @env", "shown"], cwd=ROOT, text=True, check=True,
        capture_output=True, env={**os.environ, **dict.fromkeys(AT_START, "/x")},
    )  # fmt: skip
    assert "PATH=" in shown.stdout
    assert not re.findall(r"^PYTHON\w+", shown.stdout, re.MULTILINE)
