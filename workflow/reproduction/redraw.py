"""Draw figures anew from their stored tables, in a publication's style and formats.

`python -m reproduction.redraw --figure bit_fluidity --style paper1 --format pdf,svg`: nothing is
simulated. What it writes lies beside no other: results/publication/<style>/, unless told.
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
from reproduction import figures
from reproduction.dependencies import cells

#: what writes a file: the cells of a notebook after its last one only show more
WRITERS = ("plot.save(", "plot.narrate(", "plot.show_table(")
INTO = "results/publication"


def redraw(notebook: Path, stored: Path, output: Path, parameters: dict[str, Any]) -> None:
    """Run a notebook's cells up to the last that writes, with its table read from a folder.

    Parameters
    ----------
    stored : folder with the figure's table.
    output : path of the figure, without a suffix.
    parameters : of the notebook; ``output`` is the path above.
    """
    code = [(source, told) for kind, source, told in cells(notebook) if kind == "code"]
    last = max(n for n, (source, _) in enumerate(code) if any(w in source for w in WRITERS))
    names: dict[str, Any] = {"__name__": "__main__"}
    with tables.stored(stored), contextlib.redirect_stdout(io.StringIO()):
        for source, is_parameters in code[: last + 1]:
            exec(compile(source, str(notebook), "exec"), names)
            if is_parameters:
                names.update(parameters, output=str(output))
    plt.close("all")


def main(arguments: Sequence[str] | None = None) -> int:
    """Redraw the figures that are asked for; return the exit code."""
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
    known = figures.read(Path("workflow/figures.csv"), Path("notebooks"))
    names = asked.figure.split(",") if asked.figure else list(known)
    into = Path(asked.into or f"{INTO}/{asked.style or 'house'}")
    lines = []
    for name in names:
        if name not in known:
            raise unknown("figure", name, known)
        told = known[name].parameters(config)
        with publication(asked.style or None, asked.format.split(","), asked.own or None):
            redraw(known[name].notebook, Path(config["figures"]), into / name, told)
        lines.append(f"{into / name}: {asked.format}, .tex, .numbers.tex")
    return lines


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="redraw", description=__doc__.split("\n")[0])
    parser.add_argument("--figure", default="", help="names, by commas; all if left out")
    parser.add_argument("--style", default="", help=f"{', '.join(STYLES)}; or the house style")
    parser.add_argument("--format", default="pdf", help=f"some of {','.join(FORMATS)}, by commas")
    parser.add_argument("--own", default="", help="your own style file, which has the last word")
    parser.add_argument("--into", default="", help=f"folder; {INTO}/<style> if left out")
    parser.add_argument("--config", default="workflow/config.yaml", help="as snakemake was given")
    return parser


if __name__ == "__main__":
    sys.exit(main())
