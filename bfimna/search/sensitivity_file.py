"""Sensitivities of any network, from a CSV file."""

import csv
import re
from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path

from bfimna.errors import BfimnaError
from bfimna.files import text_of
from bfimna.network.precision import MAX_BITS
from bfimna.search.sensitivity import Sensitivity

MAX_BYTES = 2**22
TRACE, FIXED = "mean_hessian_trace", "fixed_bits"
OMEGA = re.compile(r"omega_int(\d+)")
ERROR = re.compile(r"weight_error_int(\d+)_l2sq")
ALLOWED = f"layer, {FIXED}, and omega_int<bits> or {TRACE} and weight_error_int<bits>_l2sq"


def read_sensitivity(path: str | Path, fixed: Mapping[str, int] | None = None) -> Sensitivity:
    """Read a CSV with one row per weighted layer.

    Columns: ``layer``; either ``omega_int<bits>``, Ω at each width as it is, or
    ``mean_hessian_trace`` and ``weight_error_int<bits>_l2sq``, whose product it is (as in
    data/hawq_v3/sensitivity.csv); and where wanted ``fixed_bits``, for layers whose bits are not
    to be chosen: they need nothing else. A width whose cell is empty is interpolated.

    Parameters
    ----------
    fixed : layer → bits, for further layers that the search leaves alone.

    Raises
    ------
    BfimnaError
        Naming file and line: an unknown column, what is no number, a layer given twice or without
        any number. A layer that the file lacks is found when a network is searched: it has to be
        in the file or in `fixed`.
    """
    text, path = text_of(path, MAX_BYTES), Path(path)
    trace: dict[str, float] = {}
    error: dict[str, dict[int, float]] = {}
    held: dict[str, int] = {}
    lines: dict[str, int] = {}
    for line, row in _rows(path, text):
        layer = row["layer"]
        try:
            if layer in lines:
                raise BfimnaError(f"layer {layer!r} is given twice, first on line {lines[layer]}")
            lines[layer] = line
            if row.get(FIXED):
                held[layer] = _held(layer, row)
            else:
                trace[layer], error[layer] = _numbers(layer, row)
                Sensitivity({layer: trace[layer]}, {layer: error[layer]})  # its checks, by line
        except BfimnaError as problem:
            raise BfimnaError(f"{path} line {line}: {problem}") from None
    try:
        return Sensitivity(trace, error, {**held, **(fixed or {})})
    except BfimnaError as problem:
        raise BfimnaError(f"{path}: {problem}") from None


def _rows(path: Path, text: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Each row's line and its cells by column."""
    reader = csv.reader(StringIO(text), strict=True)
    try:
        columns = [cell.strip() for cell in next(reader, [])]
        _check_columns(path, columns)
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            if len(row) != len(columns):
                raise BfimnaError(
                    f"{path} line {reader.line_num}: {len(row)} cells for {len(columns)} "
                    f"columns ({', '.join(columns)})"
                )
            cells = (cell.strip() for cell in row)
            yield reader.line_num, dict(zip(columns, cells, strict=True))
    except csv.Error as problem:
        raise BfimnaError(f"{path} line {reader.line_num}: {problem}") from None


def _check_columns(path: Path, columns: list[str]) -> None:
    where = f"{path} line 1:"
    if twice := {c for c in columns if columns.count(c) > 1}:
        raise BfimnaError(f"{where} column {min(twice)!r} is given twice")
    omega, error = (
        {column: int(found[1]) for column in columns if (found := pattern.fullmatch(column))}
        for pattern in (OMEGA, ERROR)
    )
    for column, bits in {**omega, **error}.items():
        if not 1 <= bits <= MAX_BITS:
            raise BfimnaError(f"{where} column {column!r}: want bits from 1 to {MAX_BITS}")
    odd = [c for c in columns if c not in {"layer", TRACE, FIXED, *omega, *error}]
    if odd or "layer" not in columns:
        problem = f"unknown column {odd[0]!r}" if odd else "no column 'layer'"
        raise BfimnaError(f"{where} {problem}; allowed: {ALLOWED}")
    if bool(omega) == bool(error) or bool(error) != (TRACE in columns):
        raise BfimnaError(f"{where} want {ALLOWED}, not {', '.join(columns)}")


def _held(layer: str, row: Mapping[str, str]) -> int:
    """Return the bits that a row fixes; it may say nothing else."""
    if said := [column for column, cell in row.items() if cell and column not in ("layer", FIXED)]:
        raise BfimnaError(f"layer {layer!r} has {FIXED} and {said[0]}: want one of them")
    if not row[FIXED].isdecimal() or not 1 <= int(row[FIXED][:9]) <= MAX_BITS:
        raise BfimnaError(
            f"{FIXED} must be a whole number from 1 to {MAX_BITS}, not {row[FIXED]!r}"
        )
    return int(row[FIXED])


def _numbers(layer: str, row: Mapping[str, str]) -> tuple[float, dict[int, float]]:
    """Trace and errors of a layer; where Ω itself is given, a trace of 1."""
    if not layer:
        raise BfimnaError("a row without a layer's name")
    errors = {}
    for column, cell in row.items():
        if cell and (found := OMEGA.fullmatch(column) or ERROR.fullmatch(column)):
            errors[int(found[1])] = _number(column, cell)
    if not errors:
        raise BfimnaError(f"layer {layer!r} has no number; give one, or its {FIXED}")
    return _number(TRACE, row[TRACE]) if TRACE in row else 1.0, errors


def _number(column: str, cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        raise BfimnaError(f"{column} must be a number, not {cell!r}") from None
