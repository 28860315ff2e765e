"""Sensitivity of accuracy to a layer's bits, to second order: Ω = mean Hessian trace × error.

HAWQ-V3's measure (model document, section 2: data/hawq_v3). Ω ranks choices; it is not an accuracy.
"""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

import numpy as np

from bfimna import data
from bfimna.errors import BfimnaError, instance, is_number, shown, unknown, whole_number, wrong_type
from bfimna.files import text_of
from bfimna.network.graph import Network
from bfimna.network.precision import MAX_BITS

#: one bit less doubles a uniform quantiser's step and quadruples its squared error
ERROR_PER_BIT = 4.0
MAX_BYTES = 2**22
TRACE, FIXED = "mean_hessian_trace", "fixed_bits"
OMEGA = re.compile(r"omega_int([0-9]{1,3})")
ERROR = re.compile(r"weight_error_int([0-9]{1,3})_l2sq")
ALLOWED = f"layer, {FIXED}, and omega_int<bits> or {TRACE} and weight_error_int<bits>_l2sq"


@dataclass(frozen=True)
class Sensitivity:
    """Mean Hessian trace of each layer, and its squared weight error at some widths.

    Between two of these widths the error is interpolated log-linearly; beyond them it is
    extrapolated as 4^-bits. HAWQ-V3 gives 4 and 8 bits: every other width is an estimate, and
    `basis` says so.

    Parameters
    ----------
    trace : layer → mean trace of the loss's Hessian over that layer's weights.
    error : layer → bits → ‖quantised - weights‖².
    fixed : layer → bits, for layers that are not searched (HAWQ-V3: first and last, 8 bits).

    Examples
    --------
    >>> s = Sensitivity({"conv": 0.5}, {"conv": {4: 8.0}})
    >>> s.omega("conv", 4), s.omega("conv", 3), s.basis({"conv": 3})
    (4.0, 16.0, 'interpolated')
    """

    trace: Mapping[str, float]
    error: Mapping[str, Mapping[int, float]]
    fixed: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for what, values in (("trace", self.trace), ("error", self.error), ("fixed", self.fixed)):
            _check_mapping(f"{what} of a sensitivity", values)
        if not self.error:
            raise BfimnaError("a sensitivity needs at least one layer whose bits are to be chosen")
        error = {layer: _errors(layer, errors) for layer, errors in self.error.items()}
        trace = {layer: _trace(layer, self.trace.get(layer)) for layer in error}
        fixed = {layer: _width(layer, bits) for layer, bits in self.fixed.items()}
        for name, values in (("error", error), ("trace", trace), ("fixed", fixed)):
            object.__setattr__(self, name, values)

    def omega(self, layer: str, bits: int) -> float:
        """Return Ω of a layer at a width."""
        errors, bits = self._errors_of(layer), _width(layer, bits)
        widths = sorted(errors)
        nearest = min(max(bits, widths[0]), widths[-1])
        if nearest in errors:
            error = errors[nearest] * ERROR_PER_BIT ** (nearest - bits)
        else:
            error = float(np.exp(np.interp(bits, widths, [np.log(errors[b]) for b in widths])))
        return self.trace[layer] * error

    def _errors_of(self, layer: str) -> Mapping[int, float]:
        if not isinstance(layer, str) or layer not in self.error:
            raise unknown("layer of the sensitivity", layer, self.error)
        return self.error[layer]

    def basis(self, bits: Mapping[str, int]) -> str:
        """Return "known" if the error of every layer at its width is given, else "interpolated"."""
        _check_mapping("bits", bits)
        free = (layer for layer in bits if layer not in self.fixed)
        return "known" if all(bits[x] in self._errors_of(x) for x in free) else "interpolated"

    def table(self, layers: Sequence[str], choices: Sequence[int]) -> np.ndarray:
        """Ω of each layer at each choice, shape (layers, choices); 0 for layers that are fixed."""
        return np.array(
            [[0.0 if x in self.fixed else self.omega(x, b) for b in choices] for x in layers]
        )

    def total(self, bits: Mapping[str, int]) -> float:
        """Return Ω of a choice: the sum over the layers that are not fixed."""
        _check_mapping("bits", bits)
        return sum(self.omega(layer, b) for layer, b in bits.items() if layer not in self.fixed)

    def check(self, network: Network) -> None:
        """Raise unless every weighted layer of the network is covered or fixed, and no other."""
        instance("network", network, Network)
        covered = set(self.error) | set(self.fixed)
        if missing := [x for x in network.matmul_names if x not in covered]:
            raise BfimnaError(
                f"no sensitivity for {len(missing)} of {network.name}'s layers: "
                f"{', '.join(missing)}; give their trace and error, or fix their bits (fixed=)"
            )
        if odd := sorted(covered - set(network.matmul_names)):
            raise BfimnaError(
                f"sensitivity of {odd[0]!r}, which is no weighted layer of {network.name}"
            )


def _check_mapping(what: str, values: object) -> None:
    if not isinstance(values, Mapping):
        raise wrong_type(what, values, "a mapping by layer")


def _errors(layer: str, errors: Mapping[int, float]) -> dict[int, float]:
    try:
        checked = {
            _width(layer, bits): float(error) if is_number(error) else 0.0
            for bits, error in errors.items()
        }
    except (AttributeError, OverflowError):
        checked = {}
    if not checked or not all(0 < error < np.inf for error in checked.values()):
        raise BfimnaError(
            f"layer {layer!r}: the quantisation errors must be finite and above 0, by bits from "
            f"1 to {MAX_BITS}, not {shown(errors)}"
        )
    return checked


def _trace(layer: str, trace: float | None) -> float:
    try:
        value = float(trace) if is_number(trace) else np.nan  # type: ignore[arg-type]
    except OverflowError:
        value = np.inf
    if not 0 <= value < np.inf:
        raise BfimnaError(
            f"layer {layer!r}: the mean Hessian trace must be a finite number of at least 0, not "
            f"{shown(trace)}"
        )
    return value


def _width(layer: str, bits: int) -> int:
    return whole_number(f"bits of layer {layer!r}", bits, 1, MAX_BITS)


def hawq_sensitivity(network: Network) -> Sensitivity:
    """Return HAWQ-V3's published sensitivities; its first and last layer stay at 8 bits.

    Raises
    ------
    BfimnaError
        For a network that HAWQ-V3 did not search, or where the table lacks one of its layers.

    >>> from bfimna.network import zoo
    >>> hawq_sensitivity(zoo.resnet18()).fixed
    {'conv1': 8, 'fc': 8}
    """
    instance("network", network, Network)
    rows = data.hawq_sensitivity(network.name).set_index("layer")
    trace = {str(layer): float(trace) for layer, trace in rows.mean_hessian_trace.items()}
    error = {
        layer: {b: float(rows[f"weight_error_int{b}_l2sq"][layer]) for b in (8, 4)}
        for layer in trace
    }
    ends = (network.matmul_names[0], network.matmul_names[-1])
    sensitivity = Sensitivity(trace, error, {name: 8 for name in ends if name not in trace})
    sensitivity.check(network)
    return sensitivity


def read_sensitivity(path: str | Path, fixed: Mapping[str, int] | None = None) -> Sensitivity:
    """Read the sensitivities of a network from a CSV with one row per weighted layer.

    Columns: ``layer``; either ``omega_int<bits>``, Ω at each width, or ``mean_hessian_trace`` and
    ``weight_error_int<bits>_l2sq``, whose product it is (as in data/hawq_v3/sensitivity.csv);
    optionally ``fixed_bits``, for layers that are not searched and need no other column. A width
    whose cell is empty is interpolated.

    Parameters
    ----------
    fixed : layer → bits, for further layers that are not searched.

    Raises
    ------
    BfimnaError
        Naming file and line: an unknown column, a cell that is not a number, a layer given twice or
        without any number. A layer missing from both the file and `fixed` is reported when a
        network is searched.
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
                held[layer] = _fixed_bits(layer, row)
            else:
                trace[layer], error[layer] = _trace_and_errors(layer, row)
                Sensitivity({layer: trace[layer]}, {layer: error[layer]})  # its checks, by line
        except BfimnaError as problem:
            raise BfimnaError(f"{path} line {line}: {problem}") from None
    try:
        return Sensitivity(trace, error, {**held, **(fixed or {})})
    except BfimnaError as problem:
        raise BfimnaError(f"{path}: {problem}") from None


def _rows(path: Path, text: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield each row's line and its cells by column."""
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
        {column: int(match[1]) for column in columns if (match := pattern.fullmatch(column))}
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


def _fixed_bits(layer: str, row: Mapping[str, str]) -> int:
    """Return the bits that a row fixes; its other cells must be empty."""
    if others := [name for name, cell in row.items() if cell and name not in ("layer", FIXED)]:
        raise BfimnaError(f"layer {layer!r} has {FIXED} and {others[0]}: want one of them")
    if not row[FIXED].isdecimal() or not 1 <= int(row[FIXED][:9]) <= MAX_BITS:
        raise BfimnaError(
            f"{FIXED} must be a whole number from 1 to {MAX_BITS}, not {row[FIXED]!r}"
        )
    return int(row[FIXED])


def _trace_and_errors(layer: str, row: Mapping[str, str]) -> tuple[float, dict[int, float]]:
    """Return trace and errors of a layer; a trace of 1 where the file gives Ω itself."""
    if not layer:
        raise BfimnaError("a row without a layer's name")
    errors = {}
    for column, cell in row.items():
        if cell and (match := OMEGA.fullmatch(column) or ERROR.fullmatch(column)):
            errors[int(match[1])] = _number(column, cell)
    if not errors:
        raise BfimnaError(f"layer {layer!r} has no number; give one, or its {FIXED}")
    return _number(TRACE, row[TRACE]) if TRACE in row else 1.0, errors


def _number(column: str, cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        raise BfimnaError(f"{column} must be a number, not {cell!r}") from None
