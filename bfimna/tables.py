"""Write tables and texts atomically and reproducibly; redraw figures from stored tables."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bfimna.errors import BfimnaError

if TYPE_CHECKING:
    import pandas as pd

#: default output of notebooks, apart from a publication's figures
INTERACTIVE = Path("results/interactive")


def place(output: str | Path) -> Path:
    """Return the path to write an output to.

    A path under ``results/interactive`` is relative to the project, if the current folder lies in
    one: JupyterLab works in ``notebooks/``, papermill in the project's folder. Other relative paths
    count from the current folder.

    >>> place("figures/batch").as_posix()
    'figures/batch'
    """
    output = Path(output)
    if output.is_relative_to(INTERACTIVE):
        return (project() or Path()) / output
    return output


def project() -> Path | None:
    """Return the project's folder that is or holds the current one, None outside a project."""
    here = Path.cwd()
    folders = (f for f in (here, *here.parents) if (f / "workflow" / "Snakefile").is_file())
    return next(folders, None)


def write_table(table: "pd.DataFrame", path: str | Path) -> Path:
    """Write a table as CSV, whole or not at all, with seven significant digits."""
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
    """Within the context, `table_of` reads its tables from a folder instead of computing them."""
    global _stored_in
    before, _stored_in = _stored_in, Path(folder)
    try:
        yield
    finally:
        _stored_in = before


def redrawing() -> bool:
    """Whether `table_of` reads stored tables."""
    return _stored_in is not None


def table_of(compute: Callable[[], "pd.DataFrame"], output: str | Path) -> "pd.DataFrame":
    """Compute a table, write it to ``output``.csv and return that file's content.

    A figure drawn from it can be redrawn from the file alone, see `stored`.
    """
    import pandas as pd

    output = Path(output)
    name = f"{output.name}.csv"
    if _stored_in is None:
        return pd.read_csv(write_table(compute(), output.with_name(name)))
    path = _stored_in / name
    if not path.is_file():
        raise BfimnaError(f"{path}: no such table; compute it first, with `make`")
    return pd.read_csv(path)
