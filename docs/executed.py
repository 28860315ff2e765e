"""Notebooks with outputs for the site: those of the last run, or of an execution here."""

import base64
import json
import shutil
import subprocess
import sys
from pathlib import Path

from listing import ROOT
from reproduction.explore.widgets import Explorer

#: notebooks that draw no figure of the workflow: executed for the site unless a run has done it
LIVE = ("00_index", "simulate", "your_network", "characterise", "ap_tutorial")
WIDGETS = "explore"
_NEEDS_A_KERNEL = (
    "*The sliders need a running kernel: `make explore`, or this notebook in `make lab`. "
    "This is what they start with.*"
)


def bring(folder: Path, executed: Path, run: bool) -> list[str]:
    """Put outputs into a folder's notebooks; return the names of those without outputs.

    Parameters
    ----------
    executed : folder of notebooks that the workflow has executed.
    run : whether to execute `LIVE` here: half a minute.
    """
    for path in executed.glob("*.ipynb"):
        shutil.copy(path, folder)
    for name in LIVE:
        if run and not (executed / f"{name}.ipynb").is_file():
            _execute(folder / f"{name}.ipynb")
    _show_widgets(folder / f"{WIDGETS}.ipynb")
    return sorted(path.stem for path in folder.glob("*.ipynb") if not _link_pages(path))


def _execute(notebook: Path) -> None:
    output = f"results/interactive/site/{notebook.stem}"  # shown on the page: no absolute path
    parameters = {"output": output} if '"output = ' in notebook.read_text() else {}
    command = [sys.executable, "workflow/execute.py", notebook, notebook, json.dumps(parameters)]
    subprocess.run([str(part) for part in command], cwd=ROOT, check=True)


def _show_widgets(notebook: Path) -> None:
    """Replace the widgets, which need a kernel, by their first table and picture."""
    content = json.loads(notebook.read_text(encoding="utf-8"))
    explorer = Explorer()
    picture = base64.b64encode(explorer.picture.value).decode()
    content["cells"][-1]["outputs"] = [
        {"output_type": "display_data", "metadata": {}, "data": data}
        for data in (
            {"text/markdown": _NEEDS_A_KERNEL},
            {"text/html": explorer.totals.value},
            {"image/png": picture},
        )
    ]
    notebook.write_text(json.dumps(content), encoding="utf-8")


def _link_pages(notebook: Path) -> bool:
    """Point links in the outputs to other notebooks' pages; return whether there are outputs."""
    content = json.loads(notebook.read_text(encoding="utf-8"))
    outputs = [output for cell in content["cells"] for output in cell.get("outputs", ())]
    for data in (output.get("data", {}) for output in outputs):
        if "text/html" in data:
            data["text/html"] = "".join(data["text/html"]).replace('.ipynb"', '.html"')
    notebook.write_text(json.dumps(content), encoding="utf-8")
    return bool(outputs)
