"""Redraw figures from their stored tables, in a publication's style and formats.

`python -m reproduction.redraw --figure bit_fluidity --style paper1 --format pdf,svg` simulates
nothing, and writes to results/publication/<style>/ or the folder --into.
"""

import argparse
import contextlib
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import yaml

from bfimna import tables
from bfimna.errors import BfimnaError, unknown
from bfimna.plot.publish import FORMATS, STYLES, publication
from reproduction import config as settings
from reproduction import figure_table
from reproduction.dependencies import cells

#: calls that write a file: the cells after a notebook's last one are not run
WRITERS = ("plot.save(", "plot.narrate(", "plot.show_table(")
INTO = "results/publication"


def redraw(notebook: Path, stored: Path, output: Path, parameters: dict[str, Any]) -> None:
    """Run a notebook's cells up to the last that writes, with its table from a folder.

    Parameters
    ----------
    stored : folder with the figure's table.
    output : path of the figure, without a suffix.
    parameters : of the notebook; ``output`` is the path above.
    """
    code = [cell for cell in cells(notebook) if cell.kind == "code"]
    last = max(n for n, cell in enumerate(code) if any(w in cell.source for w in WRITERS))
    names: dict[str, Any] = {"__name__": "__main__"}
    with tables.stored(stored), contextlib.redirect_stdout(io.StringIO()):
        for cell in code[: last + 1]:
            exec(compile(cell.source, str(notebook), "exec"), names)
            if cell.is_parameters:
                names.update(parameters, output=str(output))
    plt.close("all")


def main(arguments: Sequence[str] | None = None) -> int:
    """Redraw the figures that the arguments name; return the exit code."""
    asked = _parser().parse_args(arguments)
    mpl.use("Agg")
    try:
        for line in _redraw_all(asked):
            print(line)
    except BfimnaError as error:
        print(f"redraw: {error}", file=sys.stderr)
        return 2
    return 0


def _redraw_all(asked: argparse.Namespace) -> list[str]:
    settings.check_file(asked.config)
    config = settings.checked(yaml.safe_load(Path(asked.config).read_text(encoding="utf-8")))
    figures = figure_table.read(Path("workflow/figures.csv"), Path("notebooks"))
    names = asked.figure.split(",") if asked.figure else list(figures)
    into = Path(asked.into or f"{INTO}/{asked.style or 'house'}")
    lines = []
    for name in names:
        if name not in figures:
            raise unknown("figure", name, figures)
        parameters = figures[name].parameters(config)
        with publication(asked.style or None, asked.format.split(","), asked.own or None):
            redraw(figures[name].notebook, Path(config["figures"]), into / name, parameters)
        lines.append(f"{into / name}: {asked.format}, .tex, .numbers.tex")
    return lines


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="redraw", description=__doc__.split("\n")[0])
    parser.add_argument("--figure", default="", help="names, separated by commas; all if left out")
    parser.add_argument("--style", default="", help=f"{', '.join(STYLES)}; or the house style")
    parser.add_argument("--format", default="pdf", help=f"{', '.join(FORMATS)}; or several")
    parser.add_argument("--own", default="", help="your own style file, which overrides the style")
    parser.add_argument("--into", default="", help=f"folder; {INTO}/<style> if left out")
    parser.add_argument("--config", default="workflow/config.yaml", help="config of the figures")
    return parser


if __name__ == "__main__":
    sys.exit(main())
