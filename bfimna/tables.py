"""Tables on disk: written whole or not at all, the same bytes whenever they hold the same."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from bfimna.errors import BfimnaError

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
        return (project() or Path()) / output
    return output


def project() -> Path | None:
    """Return the folder of the project that the current folder lies in, if it lies in one."""
    here = Path.cwd()
    found = (f for f in (here, *here.parents) if (f / "workflow" / "Snakefile").is_file())
    return next(found, None)


def write_table(table: pd.DataFrame, path: str | Path) -> Path:
    """Write a table as CSV, whole or not at all: seven significant digits, no dates."""
    path = place(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.part")
    table.to_csv(partial, index=False, float_format="%.7g", lineterminator="\n")
    os.replace(partial, path)
    print(f"wrote {path}")
    return path


def write_text(text: str, path: str | Path) -> Path:
    """Write a text file, whole or not at all."""
    path = place(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.part")
    partial.write_text(text, encoding="utf-8", newline="\n")
    os.replace(partial, path)
    return path


_stored_in: Path | None = None


@contextmanager
def stored(folder: str | Path) -> Iterator[None]:
    """Let `table_of` return the tables that lie in a folder, and compute none, while this lasts."""
    global _stored_in
    before, _stored_in = _stored_in, Path(folder)
    try:
        yield
    finally:
        _stored_in = before


def redrawing() -> bool:
    """Whether figures are drawn anew from stored tables, `stored`."""
    return _stored_in is not None


def table_of(compute: Callable[[], pd.DataFrame], output: str | Path) -> pd.DataFrame:
    """Compute a table, write ``output``.csv and return what its reader gets.

    Figures are drawn from that, so that they can be drawn from the file alone: see `stored`.
    """
    output = Path(output)
    name = f"{output.name}.csv"
    if _stored_in is None:
        return pd.read_csv(write_table(compute(), output.with_name(name)))
    path = _stored_in / name
    if not path.is_file():
        raise BfimnaError(f"{path}: no such table; compute it first, with `make`")
    return pd.read_csv(path)
