"""A sweep on disk: one Parquet dataset in parts, by network, count set and chip."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import numpy as np

from bfimna.cost.grid import Grid, Part
from bfimna.cost.totals import POINT_LABELS
from bfimna.errors import BfimnaError, missing_extra, shown, unknown
from bfimna.files import as_path

if TYPE_CHECKING:
    import pandas as pd

#: columns in the names of folders, as ``network=alexnet/counts=microcode/chip=LR``
KEYS = ("network", "counts", "chip")
FILES = "/".join([*(f"{key}=*" for key in KEYS), "part-*.parquet"])
DIGEST = b"bfimna.digest"
PART_POINTS = 100_000  # of a file, about: tens of megabytes while it is computed

Compute = Callable[[Part], dict[str, np.ndarray]]


def write(grid: Grid, to: str | Path, compute: Compute) -> Path:
    """Write a sweep part by part, but no part that the folder has of the same inputs.

    Raises
    ------
    BfimnaError
        Two networks or chips share a name; the folder cannot be written, or has other parts.
    """
    folder = Path(to)
    parts = parts_by_path(grid, folder)
    check_own(folder, parts)
    done, before = 0, -1
    for path, part in parts.items():
        if not is_current(path, part):
            write_part(path, part, compute)
        done += part.points
        if sys.stderr.isatty() and (percent := 100 * done // grid.points) > before:
            print(f"\rsweep: {percent} % of {grid.points} points", end="", file=sys.stderr)
            before = percent
    if before >= 0:
        print(file=sys.stderr)
    return folder


def check_pyarrow() -> None:
    """Raise if pyarrow is missing, which reads and writes the files."""
    if find_spec("pyarrow") is None:
        raise missing_extra("pyarrow", "workflow")


def check_own(folder: Path, parts: Iterable[Path]) -> None:
    """Raise if a folder holds parts of another sweep, which readers would take for this one's."""
    if others := sorted(set(_parts(folder)) - set(parts)):
        raise BfimnaError(
            f"{folder} holds {len(others)} parts of another sweep, such as "
            f"{others[0].relative_to(folder)}: want another folder, or remove it"
        )


def _parts(folder: Path) -> list[Path]:
    """Return the files of parts in a folder."""
    try:
        return sorted(folder.glob(FILES))
    except (OSError, ValueError):  # overlong, or with NUL
        return []


def parts_by_path(grid: Grid, folder: Path, points: int = PART_POINTS) -> dict[Path, Part]:
    """Return the parts of a grid by the paths of their files, of about so many points each."""
    for what, names in (
        ("networks", [network.name for network, _ in grid.networks]),
        ("chips", [chip.name for chip in grid.chips]),
    ):
        for name in names:
            if names.count(name) > 1:
                raise BfimnaError(f"two {what} of a sweep on disk are named {shown(name)}")
    each = max(1, points // (len(grid.batches) * len(grid.technologies)))
    return {
        folder / part_path(part.network.name, part.counts, part.chip.name, part.number): part
        for part in grid.parts(each)
    }


def part_path(network: str, counts: str, chip: str, number: int) -> Path:
    """Return a part's path in the dataset.

    >>> part_path("models/a.onnx", "microcode", "LR", 3).as_posix()
    'network=models%2Fa.onnx/counts=microcode/chip=LR/part-00003.parquet'
    """
    named = zip(KEYS, (network, counts, chip), strict=True)
    folders = [f"{key}={quote(value, safe='')}" for key, value in named]
    return Path(*folders, f"part-{number:05d}.parquet")


def is_current(path: Path, part: Part) -> bool:
    """Whether a file holds a part, whole and of the same inputs."""
    check_pyarrow()
    from pyarrow import parquet  # loaded on use: only datasets need it

    if not path.is_file():
        return False
    try:
        stored = parquet.read_metadata(path)
    except (OSError, ValueError):  # ArrowInvalid is a ValueError
        return False
    return (stored.metadata or {}).get(DIGEST) == part.digest.encode()


def write_part(path: Path, part: Part, compute: Compute) -> None:
    """Compute a part and write it, whole or not at all."""
    import pyarrow as pa
    from pyarrow import parquet

    partial = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        points = pa.table({key: x for key, x in compute(part).items() if key not in KEYS})
        points = points.replace_schema_metadata({DIGEST: part.digest.encode()})
        parquet.write_table(points, partial, compression="zstd")
        os.replace(partial, path)
    except OSError as error:
        raise BfimnaError(f"{path} cannot be written: {error.strerror or error}") from None


def read_sweep(folder: str | Path, columns: Sequence[str] | None = None) -> "pd.DataFrame":
    """Read a sweep that `sweep` or the workflow wrote, in the columns of `sweep`.

    Parameters
    ----------
    columns : names of the columns to read; all if left out.

    Raises
    ------
    BfimnaError
        No dataset of a sweep, or an unknown column.
    """
    return _read(folder, _files(folder), columns)


def read_parts(
    folder: str | Path, columns: Sequence[str] | None = None
) -> "Iterator[pd.DataFrame]":
    """Read a sweep as `read_sweep` does, one part after the other, in the memory of one."""
    for file in _files(folder):
        yield _read(folder, [file], columns)


def _files(folder: str | Path) -> list[Path]:
    files = _parts(as_path(folder))
    if not files:
        raise BfimnaError(f"{shown(str(folder))}: no dataset of a sweep ({FILES})")
    return files


def _read(folder: str | Path, files: list[Path], columns: Sequence[str] | None) -> "pd.DataFrame":
    check_pyarrow()
    import pyarrow as pa
    from pyarrow import dataset as ds

    from bfimna.cost.points import Points  # pandas, only where a table is made

    keys = ds.partitioning(pa.schema([(key, pa.string()) for key in KEYS]), flavor="hive")
    names = [str(file) for file in files]
    try:
        points = ds.dataset(names, format="parquet", partitioning=keys)
        known = [*POINT_LABELS, *(name for name in points.schema.names if name not in POINT_LABELS)]
        for name in columns or ():
            if name not in known:
                raise unknown("column of a sweep", name, known)
        return Points(points.to_table(columns=list(columns or known)).to_pandas())
    except (OSError, pa.ArrowInvalid) as error:
        raise BfimnaError(f"{folder}: {' '.join(str(error).split())}") from None
