"""The only reader of data/: checks units and sources, converts to SI once."""

import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bfimna.errors import BfimnaError, unknown
from bfimna.network.graph import Network
from bfimna.network.precision import Precision
from bfimna.technology.technology import Technology

_HERE = Path(__file__).resolve().parent
#: an installed package holds its own copy; in a checkout it is what the reader sees and edits
ROOT = _HERE / "_data" if (_HERE / "_data").is_dir() else _HERE.parent / "data"
STATUSES = ("A", "P", "H", "C", "D")

#: factor to SI of every unit a table may use
UNITS = {
    "s": 1.0, "ns": 1e-9, "ps": 1e-12,
    "J": 1.0, "pJ": 1e-12, "fJ": 1e-15,
    "W": 1.0, "uW": 1e-6, "nW": 1e-9, "pW": 1e-12,
    "m2": 1.0, "mm2": 1e-6, "um2": 1e-12,
    "V": 1.0, "mV": 1e-3,
    "1": 1.0, "writes": 1.0, "GB/s": 1e9,
    "pJ per bit": 1e-12, "pJ per 128 bit": 1e-12 / 128, "pJ per 256 bit": 1e-12 / 256,
}  # fmt: skip
TIME, ENERGY, POWER = ("s", "ns", "ps"), ("J", "pJ", "fJ"), ("W", "uW", "nW", "pW")
AREA, VOLTAGE = ("m2", "mm2", "um2"), ("V", "mV")
#: parameter of technologies.csv → field of Technology, and the units it may have
PARAMETERS = {
    "compare_time": ("compare_s", TIME),
    "write_time": ("write_s", TIME),
    "load_time": ("load_s", TIME),
    "read_time": ("read_s", TIME),
    "shift_time": ("shift_s", TIME),
    "compare_energy_per_row": ("compare_j_per_row", ENERGY),
    "compare_energy_per_key_cell": ("compare_j_per_key_cell", ENERGY),
    "write_energy_per_cell": ("write_j_per_cell", ENERGY),
    "load_energy_per_cell": ("load_j_per_cell", ENERGY),
    "read_energy_per_row": ("read_j_per_row", ENERGY),
    "shift_energy_per_tag": ("shift_j_per_tag", ENERGY),
    "leakage_per_cell": ("leakage_w_per_cell", POWER),
    "area_per_cell": ("area_m2_per_cell", AREA),
    "nominal_supply": ("nominal_supply_v", VOLTAGE),
    "threshold_voltage": ("threshold_v", VOLTAGE),
    "alpha": ("alpha", ("1",)),
    "write_scales": ("write_scales", ("1",)),
    "endurance": ("endurance_writes", ("writes",)),
}
#: field of Technology → component and parameter of published/components.csv, common to all
INTERCONNECT = {
    "bus_j_per_bit": ("cluster bus", "energy"),
    "mesh_j_per_bit_hop": ("mesh router", "energy"),
    "router_area_m2": ("mesh router", "area"),
    "dram_j_per_bit": ("external DRAM", "energy"),
    "dram_bytes_per_s": ("external DRAM", "bandwidth"),
}


@lru_cache
def _read(name: str) -> pd.DataFrame:
    path = ROOT / name
    if not path.is_file():
        raise BfimnaError(
            f"data file {name} is missing: bfimna reads data/ of its checkout, {ROOT}"
        )
    try:
        return pd.read_csv(path)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise BfimnaError(f"data/{name} is no CSV table: {error}") from None


def _where(name: str, row: Any) -> str:
    return f"data/{name} line {row.Index + 2}"


def _check_number(name: str, row: Any, what: str, units: tuple[str, ...]) -> None:
    where = f"{_where(name, row)}: {what}"
    if not isinstance(row.unit, str) and pd.isna(row.unit):
        raise BfimnaError(f"{where} has no unit; allowed: {', '.join(units)}")
    if str(row.unit) not in units:
        raise BfimnaError(f"{where} has unit {row.unit!r}; allowed: {', '.join(units)}")
    if row.status not in STATUSES:
        raise BfimnaError(f"{where} has status {row.status!r}; allowed: {', '.join(STATUSES)}")
    if not isinstance(row.source, str) or not row.source.strip():
        raise BfimnaError(f"{where} has no source")
    for end in ("value", "low", "high"):
        try:
            number = float(getattr(row, end))
        except (TypeError, ValueError):
            number = float("nan")
        if not number >= 0 and not (end != "value" and pd.isna(getattr(row, end))):
            raise BfimnaError(f"{where}: {end} {getattr(row, end)!r} is no number of at least 0")
    if row.low > row.value or row.high < row.value:
        raise BfimnaError(f"{where}: value {row.value} lies outside {row.low} to {row.high}")


def technologies() -> pd.DataFrame:
    """Return data/technologies.csv as printed: one row a technology and parameter."""
    return _read("technologies.csv").copy()


def technology_names() -> list[str]:
    """Return the technologies that `load_technology` knows."""
    return sorted(set(_read("technologies.csv").technology))


@lru_cache
def load_technology(name: str) -> Technology:
    """Return a technology of data/technologies.csv at its nominal supply, in SI units.

    >>> tech = load_technology("sram-14nm-lstp")
    >>> tech.supply_v, tech.at_supply(0.7).supply_v
    (0.8, 0.7)
    """
    table = _read("technologies.csv")
    if name not in set(table.technology):
        raise unknown("technology", name, technology_names())
    values: dict[str, float] = {}
    ranges = {}
    for row in table[table.technology == name].itertuples():
        if row.parameter not in PARAMETERS:
            raise unknown(
                f"parameter ({_where('technologies.csv', row)})", row.parameter, PARAMETERS
            )
        field, units = PARAMETERS[row.parameter]
        _check_number("technologies.csv", row, f"{name} {row.parameter}", units)
        if field in values:
            raise BfimnaError(f"{_where('technologies.csv', row)}: {name} has two {row.parameter}")
        factor = UNITS[str(row.unit)]
        values[field] = float(row.value) * factor
        low, high = (row.value if pd.isna(x) else x for x in (row.low, row.high))
        ranges[field] = (float(low) * factor, float(high) * factor)
    missing = [p for p, (field, _) in PARAMETERS.items() if field not in values]
    if missing:
        raise BfimnaError(f"data/technologies.csv: {name} lacks {', '.join(missing)}")
    for field, (part, parameter) in INTERCONNECT.items():
        row = component(part, parameter)
        values[field] = row.value * UNITS[row.unit]
        ranges[field] = tuple(
            (row.value if pd.isna(x) else x) * UNITS[row.unit] for x in (row.low, row.high)
        )
    values["write_scales"] = bool(values["write_scales"])
    return Technology(name, **values, ranges=ranges)


def component(name: str, parameter: str) -> Any:
    """Return one row of data/published/components.csv (value, low, high, unit, source)."""
    table = _read("published/components.csv")
    rows = table[(table.component == name) & (table.parameter == parameter)]
    if len(rows) != 1:
        raise unknown("component", f"{name} {parameter}", table.component + " " + table.parameter)
    row = next(rows.itertuples())
    _check_number("published/components.csv", row, name, tuple(UNITS))
    return row


def circuit_arrays() -> pd.DataFrame:
    """Return the circuit tool's CAM arrays, in the units in the column names."""
    return _read("circuit/evacam_cam_arrays.csv").copy()


def accelerators() -> pd.DataFrame:
    """Return the published peak figures of other accelerators."""
    return _read("published/accelerators.csv").copy()


@lru_cache
def digits() -> dict[str, np.ndarray]:
    """Return the arrays of data/digits/digits.npz; its README says what each is."""
    with np.load(ROOT / "digits" / "digits.npz") as stored:
        return {name: stored[name] for name in stored.files}


#: our network → its name in HAWQ-V3's tables
HAWQ_NAMES = {"resnet18": "resnet18", "resnet50_v1": "resnet50"}


def hawq_accuracy(network: str) -> pd.DataFrame:
    """Return HAWQ-V3's published schemes of a network: size, BOPS, T4 speed-up, top-1."""
    table = _read("hawq_v3/accuracy.csv")
    return (
        table[table.network == _hawq_name(network)].drop(columns="network").reset_index(drop=True)
    )


def hawq_sensitivity(network: str) -> pd.DataFrame:
    """Return HAWQ-V3's per-layer sensitivities, errors and T4 latencies of a network."""
    table = _read("hawq_v3/sensitivity.csv")
    return (
        table[table.network == _hawq_name(network)].drop(columns="network").reset_index(drop=True)
    )


def _hawq_name(network: str) -> str:
    if network not in HAWQ_NAMES:
        raise unknown("network of HAWQ-V3", network, HAWQ_NAMES)
    return HAWQ_NAMES[network]


def hawq_schemes(network: str) -> list[str]:
    """Return the schemes that HAWQ-V3 published bits for, as `load_precision` names them."""
    table = _read("hawq_v3/bits.csv")
    schemes = table[table.network == _hawq_name(network)].scheme
    return [f"hawq_v3/{scheme}" for scheme in dict.fromkeys(schemes)]


def load_precision(network: Network, name: str) -> Precision:
    """Return a precision by name: ``int8``, ``w4a8``, or published, ``hawq_v3/latency-low``.

    >>> from bfimna.network import zoo
    >>> load_precision(zoo.resnet18(), "hawq_v3/latency-low").weight_bits[:6]
    (8, 8, 8, 8, 4, 8)
    >>> load_precision(zoo.vgg16(), "w4a8").name
    'w4a8'
    """
    if fixed := re.fullmatch(r"int(\d+)|w(\d+)a(\d+)", name):
        both, weights, activations = (g and int(g) for g in fixed.groups())
        return Precision.fixed(network, both, weights=weights, activations=activations)
    known = hawq_schemes(network.name) if network.name in HAWQ_NAMES else []
    if name not in known:
        raise unknown(f"precision of {network.name}", name, ["int<bits>", "w<bits>a<bits>", *known])
    table = _read("hawq_v3/bits.csv")
    rows = table[
        (table.network == _hawq_name(network.name)) & (table.scheme == name.split("/", 1)[1])
    ]
    bits = {r.layer: (r.weight_bits, r.activation_bits) for r in rows.itertuples()}
    return Precision.of(network, bits, name)
