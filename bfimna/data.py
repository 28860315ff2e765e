"""The only reader of data/: checks units and sources, converts to SI once."""

import re
import zlib
from dataclasses import replace
from functools import lru_cache
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import pandas as pd

from bfimna.errors import BfimnaError, one_of, unknown, wrong_type
from bfimna.files import text_of
from bfimna.network.graph import Network
from bfimna.network.precision import Precision
from bfimna.technology.table import STATUSES as STATUSES
from bfimna.technology.table import UNITS, check_number, interconnect_of, technology_of
from bfimna.technology.technology import Interconnect, Technology

NAMES = {"technology": str}  # a technology may be named by a number
MOST_BYTES = 2**22  # of a technology table of one's own
_HERE = Path(__file__).resolve().parent
#: an installed package holds its own copy; in a checkout it is what the reader sees and edits
ROOT = _HERE / "_data" if (_HERE / "_data").is_dir() else _HERE.parent / "data"
#: the tables of technologies: one that is generated, one for rows of your own
TECHNOLOGIES = ("technologies/derived.csv", "technologies/own.csv")
ASSUMPTIONS, COMPONENTS = "technologies/assumptions.csv", "published/components.csv"
#: field of Interconnect → component and parameter of published/components.csv
INTERCONNECT = {
    "bus_j_per_bit": ("cluster bus", "energy"),
    "mesh_j_per_bit_hop": ("mesh router", "energy"),
    "link_speed": ("bus and mesh", "speed"),
    "router_area_m2": ("mesh router", "area"),
    "router_bits": ("mesh router", "width"),
    "dram_j_per_bit": ("external DRAM", "energy"),
    "dram_bytes_per_s": ("external DRAM", "bandwidth"),
}


def _content(name: str) -> bytes:
    """Return a file of data/ as it is now; what is derived from it is cached by this content."""
    path = ROOT / name
    if not path.is_file():
        raise BfimnaError(
            f"data file {name} is missing: bfimna reads data/ of its checkout, {ROOT}"
        )
    try:
        return path.read_bytes()
    except OSError as error:
        raise BfimnaError(f"data/{name} cannot be read: {error.strerror}") from None


def _read(name: str) -> pd.DataFrame:
    return _parsed(name, _content(name))


@lru_cache(maxsize=64)
def _parsed(name: str, content: bytes) -> pd.DataFrame:
    try:
        return pd.read_csv(BytesIO(content), dtype=NAMES)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise BfimnaError(f"data/{name} is no CSV table: {error}") from None


def technologies() -> pd.DataFrame:
    """Return the technology tables as printed: one row per technology and parameter."""
    return pd.concat([_read(name) for name in TECHNOLOGIES], ignore_index=True)


def technology_names() -> list[str]:
    """Return the technologies that `load_technology` knows, in the order of their tables."""
    return list(dict.fromkeys(name for file in TECHNOLOGIES for name in _read(file).technology))


def load_technology(name: str, path: str | Path | None = None) -> Technology:
    """Return a technology of data/technologies/ at its nominal supply, in SI units.

    Parameters
    ----------
    name : of data/technologies/, or ``file.csv:name`` of a table of your own; it bears that name.
    path : a table of your own, with the columns of data/technologies/own.csv; unless given, the
        tables that come with the package.

    Raises
    ------
    BfimnaError
        For an unknown name and for a table that is not what it must be: file, line, what is wrong.

    >>> tech = load_technology("sram-14nm-lstp")
    >>> tech.supply_v, tech.at_supply(0.7).supply_v
    (0.8, 0.7)
    """
    if not isinstance(name, str):
        raise wrong_type("technology", name, "a name or '<path>.csv:<name>'")
    if path is not None and not isinstance(path, str | Path):
        raise wrong_type("technology table", path, "a path")
    file, _, own = name.rpartition(":")
    if path is None and Path(file).suffix == ".csv":
        return replace(load_technology(own, file), name=name)
    text = None if path is None else text_of(path, MOST_BYTES)
    tables = (*TECHNOLOGIES, ASSUMPTIONS, COMPONENTS)
    return _technology(name, str(path), text, tuple(map(_content, tables)))


@lru_cache
def _technology(name: str, path: str, text: str | None, _: tuple[bytes, ...]) -> Technology:
    """Return a technology of a table's text, or of data/; cached by the content of every file."""
    every = _read(ASSUMPTIONS).query("applies_to == 'every'")
    if text is not None:
        return technology_of(name, _own_table(path, text), path, every, _interconnect())
    found = [file for file in TECHNOLOGIES if name in set(_read(file).technology)]
    if not found:
        raise unknown("technology", name, technology_names())
    if len(found) > 1:
        raise BfimnaError(f"technology {name!r} stands in two tables: {', '.join(found)}")
    return technology_of(name, _read(found[0]), f"data/{found[0]}", every, _interconnect())


def _own_table(path: str, text: str) -> pd.DataFrame:
    header = text.split("\n", 1)[0]
    if ";" in header and "," not in header:
        raise BfimnaError(f"{path} line 1: separated by semicolons; want commas")
    try:
        table = pd.read_csv(
            StringIO(text), dtype=NAMES, skip_blank_lines=False, skipinitialspace=True
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise BfimnaError(f"{path} is no CSV table: {error}") from None
    return table.dropna(how="all")


def _interconnect() -> Interconnect:
    return interconnect_of({field: component(*what) for field, what in INTERCONNECT.items()})


def limit(name: str) -> float:
    """Return a limit of what can be built or cooled, in SI, from data/published/limits.csv."""
    table = _read("published/limits.csv")
    rows = table[table.limit == name]
    if len(rows) != 1:
        raise unknown("limit", name, table.limit)
    row: Any = next(rows.itertuples())
    check_number(f"data/published/limits.csv line {row.Index + 2}: {name}", row, tuple(UNITS))
    return float(row.value) * UNITS[str(row.unit)]


def claims() -> pd.DataFrame:
    """Return the ratios that the paper's abstract claims, and over whom."""
    return _read("published/claims.csv").copy()


def component(name: str, parameter: str) -> Any:
    """Return one row of data/published/components.csv (value, low, high, unit, source)."""
    table = _read(COMPONENTS)
    rows = table[(table.component == name) & (table.parameter == parameter)]
    if len(rows) != 1:
        raise unknown("component", f"{name} {parameter}", table.component + " " + table.parameter)
    row: Any = next(rows.itertuples())
    where = f"data/published/components.csv line {row.Index + 2}: {name} {parameter}"
    check_number(where, row, tuple(UNITS))
    return row


def circuit_arrays() -> pd.DataFrame:
    """Return the circuit tool's CAM arrays, in the units in the column names."""
    return _read("circuit/evacam_cam_arrays.csv").copy()


def accelerators() -> pd.DataFrame:
    """Return the published peak figures of other accelerators."""
    return _read("published/accelerators.csv").copy()


def digits() -> dict[str, np.ndarray]:
    """Return the arrays of data/digits/digits.npz; its README says what each is."""
    try:
        return _arrays((ROOT / "digits" / "digits.npz").read_bytes())
    except (OSError, ValueError, EOFError, KeyError, AttributeError, MemoryError,
            SyntaxError, NotImplementedError, BadZipFile, zlib.error) as error:  # fmt: skip
        raise BfimnaError(
            f"data/digits/digits.npz is missing or damaged ({error}); `git checkout` it, or make "
            "it anew with train/digits.py"
        ) from None


@lru_cache(maxsize=4)
def _arrays(content: bytes) -> dict[str, np.ndarray]:
    with np.load(BytesIO(content)) as stored:
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
    one_of("network of HAWQ-V3", network, HAWQ_NAMES)
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
    if not isinstance(name, str):
        raise wrong_type("precision", name, "a name")
    if fixed := re.fullmatch(r"int(\d{1,9})|w(\d{1,9})a(\d{1,9})", name):
        both, weights, activations = (int(g) if g else None for g in fixed.groups())
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
