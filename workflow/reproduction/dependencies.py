"""What results depend on, as digests of content: code, notebooks and data files.

A simulation depends on the model's code (`bfimna.digests.model_digest`) and on the values that it
is run with; a figure on the code of the whole package and of all studies, on its notebook and on
the data files that the table of figures declares. Dates never count; neither do comments,
docstrings, formatting or a notebook's outputs.
"""

import ast
import json
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from bfimna import data
from bfimna.digests import PACKAGE, code_digest, digest
from bfimna.errors import BfimnaError

HERE = Path(__file__).resolve().parent
#: code beyond the model's that a run of a whole network on the emulator depends on
EMULATED_STUDIES = ("__init__.py", "emulated.py", "exactness.py", "oracle.py", "realistic.py")
EMULATION = (PACKAGE / "emulator", *(HERE / "studies" / name for name in EMULATED_STUDIES))
#: rooms of the reproduction that figures depend on
FIGURE_ROOMS = (HERE / "studies", HERE / "circuit")
#: files of data/ that a simulation reads beside the technology, network and bits that name it
SIMULATION_DATA = ("published/limits.csv",)


class Cell(NamedTuple):
    """A notebook's cell."""

    kind: str
    source: str
    is_parameters: bool


@lru_cache
def figures_code_digest() -> str:
    """Digest of the code that a figure may depend on: the package and the rooms of figures."""
    return code_digest(PACKAGE, *FIGURE_ROOMS)


@lru_cache
def file_digest(path: Path | str) -> str:
    """Digest of a file's bytes."""
    return sha256(Path(path).read_bytes()).hexdigest()[:16]


def data_digest(names: Iterable[str], root: Path = data.ROOT) -> str:
    """Digest of files below a folder of data.

    Parameters
    ----------
    names : of files, or of folders for all files in them.

    Raises
    ------
    BfimnaError
        For a name that is neither.
    """
    return digest({file: file_digest(root / file) for file in sorted(_files(names, root))})


def _files(names: Iterable[str], root: Path) -> Iterator[str]:
    for name in names:
        path = root / name
        if not path.exists():
            raise BfimnaError(f"{path}: no such data file or folder")
        inside = path.rglob("*") if path.is_dir() else [path]
        yield from (
            file.relative_to(root).as_posix()
            for file in inside
            if file.is_file() and file.suffix != ".md"
        )


def cells(notebook: Path) -> list[Cell]:
    """Return the cells of a notebook.

    Raises
    ------
    BfimnaError
        For a file that is not a notebook.
    """
    try:
        stored = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        return [
            Cell(c["cell_type"], "".join(c["source"]),
                 "parameters" in c["metadata"].get("tags", ()))
            for c in stored
        ]  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BfimnaError(f"{notebook} is no notebook: {error!r}") from None


def parameters(notebook: Path) -> dict[str, Any]:
    """Return the names and default values in a notebook's cell of parameters.

    Raises
    ------
    BfimnaError
        For a notebook without such a cell, or code that is more than assignments of literals.
    """
    tagged = [cell.source for cell in cells(notebook) if cell.is_parameters]
    if not tagged:
        raise BfimnaError(
            f"{notebook}: no cell has the tag 'parameters', so the config's values would have no "
            "effect: tag the cell that assigns them (in JupyterLab under Property Inspector)"
        )
    source = "\n".join(tagged)
    try:
        return {
            node.targets[0].id: ast.literal_eval(node.value)
            for node in ast.parse(source).body
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        }
    except (SyntaxError, ValueError) as error:
        raise BfimnaError(f"{notebook}, cell of parameters: {error}") from None


def check_takes(notebook: Path, names: Iterable[str]) -> None:
    """Raise unless a notebook's cell of parameters has all of these names."""
    own = parameters(notebook)
    for name in names:
        if name not in own:
            raise BfimnaError(f"{notebook}: its cell of parameters does not assign {name!r}")


def strings(value: Any) -> set[str]:
    """Return all strings in lists and mappings.

    >>> sorted(strings({"a": ["b", 1, {"c": "d"}]}))
    ['a', 'b', 'c', 'd']
    """
    if isinstance(value, str):
        return {value}
    if isinstance(value, Mapping):
        value = [*value, *value.values()]
    return set().union(*map(strings, value)) if isinstance(value, list | tuple) else set()
