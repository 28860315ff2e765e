"""Tables on disk: written whole or not at all, the same bytes whenever they hold the same."""

import os
from pathlib import Path

import pandas as pd

#: where notebooks write when nobody tells them another place: never over a publication's figures
INTERACTIVE = Path("results/interactive")


def place(output: str | Path) -> Path:
    """Return the path that an output means.

    A relative path counts from the current folder; one under ``results/interactive`` from the
    project that the current folder lies in, if it lies in one, since JupyterLab works in
    ``notebooks/`` and papermill in the project's folder.

    >>> place("figures/batch").as_posix()
    'figures/batch'
    """
    output = Path(output)
    if output.is_relative_to(INTERACTIVE):
        here = Path.cwd()
        for folder in (here, *here.parents):
            if (folder / "workflow" / "Snakefile").is_file():
                return folder / output
    return output


def write_table(table: pd.DataFrame, path: str | Path) -> Path:
    """Write a table as CSV, whole or not at all: seven significant digits, no dates."""
    path = place(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.part")
    table.to_csv(partial, index=False, float_format="%.7g", lineterminator="\n")
    os.replace(partial, path)
    print(f"wrote {path}")
    return path


def table_of(table: pd.DataFrame, output: str | Path) -> pd.DataFrame:
    """Write ``output``.csv and return what its reader gets: figures are drawn from that."""
    output = Path(output)
    return pd.read_csv(write_table(table, output.with_name(output.name + ".csv")))
