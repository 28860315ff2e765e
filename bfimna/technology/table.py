"""Read technologies from rows of a table: check units, ranges and sources, convert to SI once."""

import re
import warnings
from collections.abc import Mapping
from math import inf, isnan
from typing import TYPE_CHECKING, Any

from bfimna.errors import BfimnaError, unknown
from bfimna.technology.technology import DISTRIBUTIONS, Interconnect, Technology

if TYPE_CHECKING:
    import pandas as pd

STATUSES = ("A", "P", "H", "C", "S", "D")
NEEDED = ("technology", "parameter", "value", "unit", "status", "source")
#: factor to SI of every unit a table may use
UNITS = {
    "s": 1.0, "ns": 1e-9, "ps": 1e-12,
    "J": 1.0, "pJ": 1e-12, "fJ": 1e-15,
    "W": 1.0, "uW": 1e-6, "nW": 1e-9, "pW": 1e-12,
    "m2": 1.0, "mm2": 1e-6, "um2": 1e-12,
    "V": 1.0, "mV": 1e-3,
    "1": 1.0, "writes": 1.0, "bit": 1.0, "rows": 1.0, "A": 1.0, "W/mm2": 1e6, "GB/s": 1e9,
    "pJ per bit": 1e-12, "pJ per 128 bit": 1e-12 / 128, "pJ per 256 bit": 1e-12 / 256,
}  # fmt: skip
TIME, ENERGY, POWER = ("s", "ns", "ps"), ("J", "pJ", "fJ"), ("W", "uW", "nW", "pW")
AREA, VOLTAGE, RATIO = ("m2", "mm2", "um2"), ("V", "mV"), ("1",)
#: parameter of a technology table → field of Technology, and the units it may have
PARAMETERS = {
    "compare_time": ("compare_s", TIME),
    "compare_time_per_attached_cell": ("compare_s_per_cell", TIME),
    "write_time": ("write_s", TIME),
    "write_time_per_attached_cell": ("write_s_per_cell", TIME),
    "load_time": ("load_s", TIME),
    "load_time_per_attached_cell": ("load_s_per_cell", TIME),
    "read_time": ("read_s", TIME),
    "read_time_per_attached_cell": ("read_s_per_cell", TIME),
    "shift_time": ("shift_s", TIME),
    "compare_energy_per_row": ("compare_j_per_row", ENERGY),
    "compare_energy_per_attached_cell": ("compare_j_per_attached_cell", ENERGY),
    "match_kept": ("match_kept", RATIO),
    "match_saves_per_row": ("match_saves_j_per_row", ENERGY),
    "compare_energy_per_key_cell": ("compare_j_per_key_cell", ENERGY),
    "broadcast_energy_per_key_cell": ("broadcast_j_per_key_cell", ENERGY),
    "write_energy_per_cell": ("write_j_per_cell", ENERGY),
    "write_energy_per_attached_cell": ("write_j_per_attached_cell", ENERGY),
    "write_along_rows": ("write_along_rows", RATIO),
    "write_energy_per_line_cell": ("write_j_per_line_cell", ENERGY),
    "write_energy_per_gate_cell": ("write_j_per_gate_cell", ENERGY),
    "write_energy_per_held_cell": ("write_j_per_held_cell", ENERGY),
    "load_energy_per_cell": ("load_j_per_cell", ENERGY),
    "load_energy_per_attached_cell": ("load_j_per_attached_cell", ENERGY),
    "read_energy_per_row": ("read_j_per_row", ENERGY),
    "read_energy_per_attached_cell": ("read_j_per_attached_cell", ENERGY),
    "shift_energy_per_tag": ("shift_j_per_tag", ENERGY),
    "idle_rows": ("idle_rows", RATIO),
    "leakage_per_cell": ("leakage_w_per_cell", POWER),
    "area_per_cell": ("area_m2_per_cell", AREA),
    "nominal_supply": ("nominal_supply_v", VOLTAGE),
    "threshold_voltage": ("threshold_v", VOLTAGE),
    "alpha": ("alpha", RATIO),
    "write_scales": ("write_scales", RATIO),
    "leakage_exponent": ("leakage_exponent", RATIO),
    "endurance": ("endurance_writes", ("writes",)),
    "max_driven_keys": ("max_driven_keys", RATIO),
    "max_segment_rows": ("max_segment_rows", RATIO),
    "cross_point_area_factor": ("cross_point_area_factor", RATIO),
    "vertical_energy_factor": ("vertical_energy_factor", RATIO),
    "vertical_time_factor": ("vertical_time_factor", RATIO),
    "vertical_mat_time": ("vertical_mat_s", TIME),
    "vertical_area_factor": ("vertical_area_factor", RATIO),
    "segment_switch_time": ("segment_switch_s", TIME),
    "segment_switch_energy_per_cell": ("segment_switch_j_per_cell", ENERGY),
    "segment_switch_area_per_cell": ("segment_switch_m2_per_cell", AREA),
    "mode_switch_time": ("mode_switch_s", TIME),
    "mode_switch_energy_per_row": ("mode_switch_j_per_row", ENERGY),
    "latch_time": ("latch_s", TIME),
    "latch_energy_per_bit": ("latch_j_per_bit", ENERGY),
    "latch_area_per_bit": ("latch_m2_per_bit", AREA),
    "latch_leakage_per_bit": ("latch_w_per_bit", POWER),
    "pick_energy_per_bit": ("pick_j_per_bit", ENERGY),
    "pick_area_per_row": ("pick_m2_per_row", AREA),
    "key_register_time": ("key_register_s", TIME),
    "key_register_energy_per_bit": ("key_register_j_per_bit", ENERGY),
    "key_register_area_per_bit": ("key_register_m2_per_bit", AREA),
    "key_register_leakage_per_bit": ("key_register_w_per_bit", POWER),
    "controller_energy_per_cycle": ("controller_j_per_cycle", ENERGY),
    "controller_area": ("controller_m2", AREA),
    "controller_leakage": ("controller_w", POWER),
}
#: parameters that a table may leave out: they are then those of the default technology
COMPLETED = (
    "match_kept", "match_saves_per_row", "write_along_rows", "write_energy_per_gate_cell",
    "write_energy_per_held_cell", "leakage_exponent", "max_driven_keys", "max_segment_rows",
    "cross_point_area_factor", "vertical_mat_time",
    *(p for p in PARAMETERS
      if p.startswith(("segment_switch", "mode_switch", "latch", "pick", "key_reg", "controller"))),
)  # fmt: skip
#: delay at a supply over that at the nominal one: several rows, where the alpha-power law fails
DELAY_AT = re.compile(r"delay_at_(\d+(?:\.\d+)?)_V")
#: parameters of version 0.2 that no longer exist
OBSOLETE = ("vertical_rows",)


def _is_empty(value: object) -> bool:
    """Whether a cell of a table is empty: pandas reads it as NaN."""
    return isinstance(value, float) and isnan(value)


def check_number(where: str, row: Any, units: tuple[str, ...]) -> None:
    """Raise unless a row has a unit, a status, a source, and numbers in order.

    Parameters
    ----------
    where : file, line and parameter, for the error.
    """
    if _is_empty(row.unit):
        raise BfimnaError(f"{where} has no unit; allowed: {', '.join(units)}")
    if str(row.unit) not in units:
        raise BfimnaError(f"{where} has unit {row.unit!r}; allowed: {', '.join(units)}")
    if row.status not in STATUSES:
        raise BfimnaError(f"{where} has status {row.status!r}; allowed: {', '.join(STATUSES)}")
    if not isinstance(row.source, str) or not row.source.strip():
        raise BfimnaError(f"{where} has no source")
    value = _number(where, "value", row.value)
    low, high = range_of(row)
    low, high = _number(where, "low", low), _number(where, "high", high)
    if not low <= value <= high:
        raise BfimnaError(f"{where}: value {row.value} lies outside {low:g} to {high:g}")
    if high == inf and low != high:
        raise BfimnaError(f"{where}: a range ends at a finite number, not at {high:g}")
    distribution = _optional(row, "distribution") or "fixed"
    if distribution not in DISTRIBUTIONS:
        raise unknown(f"distribution ({where})", str(distribution), DISTRIBUTIONS)
    if distribution == "logsplit" and not low > 0:
        raise BfimnaError(f"{where}: a logsplit range starts above 0, not at {low:g}")


def _number(where: str, column: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not number >= 0:
        raise BfimnaError(f"{where}: {column} {value!r} is no number of at least 0")
    return number


def _optional(row: Any, column: str) -> Any:

    value = getattr(row, column, None)
    return None if value is None or _is_empty(value) else value


def range_of(row: Any) -> tuple[Any, Any]:
    """Return low and high as printed; the value where the table has none."""
    ends = (_optional(row, end) for end in ("low", "high"))
    low, high = (row.value if end is None else end for end in ends)
    return low, high


def draw_of(row: Any, name: str) -> tuple[str, str]:
    """Return distribution and cause; a range without them is sampled by itself, "split"."""
    low, high = range_of(row)
    ranged = float(low) < float(high)
    default = "split" if ranged else "fixed"
    return (
        str(_optional(row, "distribution") or default),
        str(_optional(row, "cause") or name),
    )


def technology_of(
    name: str,
    table: "pd.DataFrame",
    file: str,
    defaults: "pd.DataFrame",
    interconnect: Interconnect,
) -> Technology:
    """Return a technology from its rows.

    Parameters
    ----------
    table : rows as printed, their index the line in `file` less 2.
    defaults : rows (without technology) for parameters that the table leaves out.

    Raises
    ------
    BfimnaError
        For a name that the table lacks, and for an invalid row, with its line.
    """
    if missing := [column for column in NEEDED if column not in table]:
        raise BfimnaError(
            f"{file} line 1: no column {', '.join(missing)}; it needs {', '.join(NEEDED)} "
            "(and may have low, high, distribution, cause, note), separated by commas"
        )
    if name not in set(table.technology):
        raise unknown(f"technology in {file}", name, sorted(set(table.technology.dropna())))
    fields: dict[str, Any] = {"ranges": {}, "draws": {}}
    for row in table[table.technology == name].itertuples():
        _take(fields, row, f"{file} line {row.Index + 2}", name)
    for row in defaults.itertuples():
        if PARAMETERS[str(row.parameter)][0] not in fields:
            _take(fields, row, f"default of {name}", name)
    if missing := [p for p, (field, _) in PARAMETERS.items() if field not in fields]:
        raise BfimnaError(f"{file}: {name} lacks {', '.join(missing)}")
    fields["write_scales"] = bool(fields["write_scales"])
    fields["delays"] = _delays(fields, f"{file}: {name}")
    return Technology(name, **fields, interconnect=interconnect)


def _take(fields: dict[str, Any], row: Any, where: str, name: str) -> None:
    if row.parameter in OBSOLETE:
        warnings.warn(
            f"{where}: {row.parameter} is ignored; vertical cycles are timed by the rows that a "
            "segment spans",
            DeprecationWarning,
            stacklevel=2,
        )
        return
    if row.parameter not in PARAMETERS and not DELAY_AT.fullmatch(str(row.parameter)):
        raise unknown(f"parameter ({where})", str(row.parameter), PARAMETERS)
    field, units = _field_of(str(row.parameter))
    check_number(f"{where}: {name} {row.parameter}", row, units)
    if field in fields:
        raise BfimnaError(f"{where}: {name} has two {row.parameter}")
    put(fields, field, row, row.parameter)


def _field_of(parameter: str) -> tuple[str, tuple[str, ...]]:
    """Return the field of a parameter, and its units; `delay_at_0.6_V` is one of several delays."""
    if DELAY_AT.fullmatch(parameter):
        return parameter, RATIO
    return PARAMETERS[parameter]


def _delays(fields: dict[str, Any], where: str) -> tuple[tuple[float, float], ...]:
    """Take the delays by supply out of the fields; the nominal supply's is 1."""
    given = {}
    for name in [name for name in fields if DELAY_AT.fullmatch(name)]:
        (volts,) = DELAY_AT.findall(name)
        given[float(volts)] = fields.pop(name)
        for kept in ("ranges", "draws"):
            fields[kept].pop(name)
    nominal = fields["nominal_supply_v"]
    if given.setdefault(nominal, 1.0) != 1.0:
        raise BfimnaError(f"{where}: the delay at the nominal {nominal:g} V is 1, by definition")
    return tuple(sorted(given.items())) if len(given) > 1 else ()


def put(fields: dict[str, Any], field: str, row: Any, name: str) -> None:
    """Add a checked row's value, range, distribution and cause to the fields of a dataclass."""
    factor = UNITS[str(row.unit)]
    low, high = range_of(row)
    fields[field] = float(row.value) * factor
    fields["ranges"][field] = (float(low) * factor, float(high) * factor)
    fields["draws"][field] = draw_of(row, name)


def interconnect_of(rows: Mapping[str, Any]) -> Interconnect:
    """Return the interconnect from checked rows of published/components.csv, by field."""
    fields: dict[str, Any] = {"ranges": {}, "draws": {}}
    for field, row in rows.items():
        put(fields, field, row, field)
    return Interconnect(**fields)
