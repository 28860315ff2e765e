"""Read data/: check units and sources, convert to SI once. Nothing else reads that folder."""

import itertools
import re
import zlib
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from io import BytesIO, StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np

from bfimna.errors import BfimnaError, instance, one_of, shown, unknown, wrong_type
from bfimna.files import as_path, text_of
from bfimna.network.graph import Network
from bfimna.network.precision import Precision
from bfimna.technology.table import (
    COMPLETED,
    UNITS,
    check_number,
    interconnect_of,
    technology_of,
)
from bfimna.technology.table import STATUSES as STATUSES
from bfimna.technology.technology import Technology

if TYPE_CHECKING:
    import pandas as pd

MOST_BYTES = 2**22  # of a user's technology table
_HERE = Path(__file__).resolve().parent
#: the folder data/ of a checkout; an installed package holds a copy
ROOT = _HERE / "_data" if (_HERE / "_data").is_dir() else _HERE.parent / "data"
#: the tables of technologies: one that is generated, one for a user's rows
TECHNOLOGIES = ("technologies/derived.csv", "technologies/own.csv")
COMPONENTS = "published/components.csv"
ASSUMPTIONS = "technologies/assumptions.csv"
#: technology that completes a table without the parameters of a CAP's further hardware
DEFAULT = "sram-14nm-lstp"
#: field of Interconnect → component and parameter of published/components.csv
INTERCONNECT = {
    "bus_j_per_bit": ("cluster bus", "energy"),
    "mesh_j_per_bit_hop": ("mesh router", "energy"),
    "link_speed": ("bus and mesh", "speed"),
    "router_area_m2": ("mesh router", "area"),
    "router_bits": ("mesh router", "width"),
    "dram_j_per_bit": ("external DRAM", "energy"),
    "dram_bytes_per_s": ("external DRAM", "bandwidth"),
    "multicast_j_per_bit_cap": ("multicast", "energy"),
}
#: tables of data/silicon/
SILICON = ("cam_cells", "digital_in_memory", "nominal_supplies")
#: our network → its name in HAWQ-V3's tables
HAWQ_NAMES = {"resnet18": "resnet18", "resnet50_v1": "resnet50"}


def _text(name: str) -> str:
    """Return the text of a file of data/."""
    path = ROOT / name
    if not path.is_file():
        raise BfimnaError(
            f"data file {name} is missing: bfimna reads data/ of its checkout, {ROOT}"
        )
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise BfimnaError(f"data/{name} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise BfimnaError(f"data/{name} is not a CSV table: {error}") from None


def _read(name: str) -> "pd.DataFrame":
    """Return a table of data/ as printed."""
    return _table(_text(name), f"data/{name}")


@lru_cache  # by content: a table that is edited in between is read anew
def _table(text: str, where: str) -> "pd.DataFrame":
    import pandas as pd

    try:
        # blank lines count, so that errors name the right one; a technology may be named 007
        table = pd.read_csv(StringIO(text), skip_blank_lines=False, skipinitialspace=True,
                            dtype={"technology": str})  # fmt: skip
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise BfimnaError(f"{where} is not a CSV table: {error}") from None
    return table.dropna(how="all")


def _row(file: str, what: str, keys: Mapping[str, str]) -> Any:
    """Return the one row of a table of data/ that has these keys, its number checked."""
    table = _read(file)
    names = table[list(keys)].agg(" ".join, axis="columns")
    name = " ".join(map(str, keys.values()))
    rows = table[names == name]
    if len(rows) != 1:
        raise unknown(what, name, names)
    row: Any = next(rows.itertuples())
    check_number(f"data/{file} line {row.Index + 2}: {name}", row, tuple(UNITS))
    return row


def technologies() -> "pd.DataFrame":
    """Return the technology tables as printed: one row per technology and parameter."""
    import pandas as pd

    return pd.concat([_read(name) for name in TECHNOLOGIES], ignore_index=True)


def assumptions() -> "pd.DataFrame":
    """Return parameters that no table of a technology has, and alternatives, as printed."""
    return _read(ASSUMPTIONS).copy()


def technology_names() -> list[str]:
    """Return the names that `load_technology` accepts, in the order of their tables."""
    by_table = (_names(_text(file), f"data/{file}") for file in TECHNOLOGIES)
    return list(dict.fromkeys(itertools.chain.from_iterable(by_table)))


def load_technology(technology: Technology | str, path: str | Path | None = None) -> Technology:
    """Return a technology in SI units: itself, or by name at its nominal supply.

    Parameters
    ----------
    technology : a `Technology`, a name of data/technologies/, or ``file.csv:name`` for one of a
        user's table (that whole text is then its name).
    path : a user's table, with the columns of data/technologies/own.csv.

    Raises
    ------
    BfimnaError
        For an unknown name, and for a row that cannot be used: file, line and reason.

    >>> tech = load_technology("sram-14nm-lstp")
    >>> tech.supply_v, tech.at_supply(0.7).supply_v
    (0.8, 0.7)
    """
    if isinstance(technology, Technology):
        return technology
    if not isinstance(technology, str):
        raise wrong_type("technology", technology, "a Technology, a name or '<path>.csv:<name>'")
    if path is None and Path(technology).suffix == ".csv":
        raise BfimnaError(
            f"technology {shown(technology)} is a table: want <path>.csv:<name> of one in it"
        )
    file, _, own = technology.rpartition(":")
    if path is None and Path(file).suffix == ".csv":
        return replace(_from_user_table(own, Path(file)), name=technology)
    if path is not None:
        return _from_user_table(technology, as_path(path))
    tables = {f"data/{file}": _text(file) for file in TECHNOLOGIES}
    holders = [where for where, text in tables.items() if technology in _names(text, where)]
    if not holders:
        raise unknown("technology", technology, technology_names())
    if len(holders) > 1:
        raise BfimnaError(f"technology {technology!r} stands in two tables: {', '.join(holders)}")
    return _technology(technology, tables[holders[0]], holders[0], *_common_texts())


def _from_user_table(name: str, path: Path) -> Technology:
    text = text_of(path, MOST_BYTES)
    header = text.split("\n", 1)[0]
    if ";" in header and "," not in header:
        raise BfimnaError(f"{path} line 1: separated by semicolons; want commas")
    return _technology(name, text, str(path), *_common_texts())


def _common_texts() -> tuple[str, str, str]:
    return _text(ASSUMPTIONS), _text(COMPONENTS), _text(TECHNOLOGIES[0])


@lru_cache
def _names(text: str, where: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_table(text, where).technology))


@lru_cache  # by content of every table that it depends on
def _technology(
    name: str, text: str, where: str, assumptions: str, components: str, derived: str
) -> Technology:
    import pandas as pd

    every = _table(assumptions, f"data/{ASSUMPTIONS}").query("applies_to == 'every'")
    own = _table(derived, f"data/{TECHNOLOGIES[0]}").query("technology == @DEFAULT")
    defaults = pd.concat([every, own[own.parameter.isin(COMPLETED)]])
    links = {field: component(*keys) for field, keys in INTERCONNECT.items()}
    return technology_of(name, _table(text, where), where, defaults, interconnect_of(links))


def limit(name: str) -> float:
    """Return a limit on what can be built or cooled, in SI, from data/published/limits.csv."""
    row = _row("published/limits.csv", "limit", {"limit": name})
    return float(row.value) * UNITS[str(row.unit)]


def component(name: str, parameter: str) -> Any:
    """Return one row of data/published/components.csv (value, low, high, unit, source)."""
    return _row(COMPONENTS, "component", {"component": name, "parameter": parameter})


def claims() -> "pd.DataFrame":
    """Return the claims of the paper's abstract; ratio and rival where it claims a ratio."""
    return _read("published/claims.csv").copy()


def circuit_arrays() -> "pd.DataFrame":
    """Return the circuit tool's CAM arrays, in the units in the column names."""
    return _read("circuit/evacam_cam_arrays.csv").copy()


def simulated() -> "pd.DataFrame":
    """Return what was simulated in ngspice, a row per kit and parameter; cards may be others'."""
    return _read("circuit/simulated.csv").copy()


def disturb() -> "pd.DataFrame":
    """Return how many tagged rows lose a bit of a column that is not written, by cell and pulse."""
    return _read("circuit/disturb.csv").copy()


def accelerators() -> "pd.DataFrame":
    """Return the published peak figures of other accelerators."""
    return _read("published/accelerators.csv").copy()


def literature() -> "pd.DataFrame":
    """Return related work on associative and bit-fluid processors: what was read, what it says."""
    return _read("published/literature.csv").copy()


def transformers() -> "pd.DataFrame":
    """Return parameters and multiply-accumulates of transformers, counted by torch."""
    return _read("published/transformers.csv").copy()


def silicon(table: str) -> "pd.DataFrame":
    """Return one of the tables `SILICON`, which data/silicon/README.md describes."""
    one_of("table of silicon", table, SILICON)
    return _read(f"silicon/{table}.csv").copy()


def digits() -> dict[str, np.ndarray]:
    """Return the arrays of data/digits/digits.npz; its README describes each."""
    path = ROOT / "digits" / "digits.npz"
    try:
        return dict(_arrays(path.read_bytes()))
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


def _hawq(table: str, network: str) -> "pd.DataFrame":
    """Return the rows of one of HAWQ-V3's tables that are about a network."""
    one_of("network of HAWQ-V3", network, HAWQ_NAMES)
    rows = _read(f"hawq_v3/{table}.csv")
    return rows[rows.network == HAWQ_NAMES[network]].drop(columns="network").reset_index(drop=True)


def hawq_accuracy(network: str) -> "pd.DataFrame":
    """Return HAWQ-V3's published schemes of a network: size, BOPS, T4 speed-up, top-1."""
    return _hawq("accuracy", network)


def hawq_sensitivity(network: str) -> "pd.DataFrame":
    """Return HAWQ-V3's per-layer sensitivities, errors and T4 latencies of a network."""
    return _hawq("sensitivity", network)


def hawq_schemes(network: str) -> list[str]:
    """Return the schemes that HAWQ-V3 published bits for, as `load_precision` names them."""
    return [f"hawq_v3/{scheme}" for scheme in dict.fromkeys(_hawq("bits", network).scheme)]


def hawq_tensors(network: str) -> dict[str, int]:
    """Return the widths of HAWQ-V3's residual stream, in every scheme, by the tensor's layer.

    >>> hawq_tensors("resnet18")["layer4.1.add"]
    16
    """
    rows = _hawq("tensors", network)
    return dict(zip(rows.tensor, rows.bits.tolist(), strict=True))


def load_precision(network: Network, name: str) -> Precision:
    """Return a precision by name: ``int8``, ``w4a8``, or published, ``hawq_v3/latency-low``.

    HAWQ-V3's have its residual stream at 16 bits (`hawq_tensors`), and the first and last layer
    at 8 bits whatever the scheme; ``int4`` is 4 bits everywhere.

    >>> from bfimna.network import zoo
    >>> load_precision(zoo.resnet18(), "hawq_v3/latency-low").weight_bits[:6]
    (8, 8, 8, 8, 4, 8)
    >>> load_precision(zoo.vgg16(), "w4a8").name
    'w4a8'
    """
    instance("network", network, Network)
    if fixed := re.fullmatch(
        r"int(\d{1,9})|w(\d{1,9})a(\d{1,9})", instance("precision", name, str, "a name")
    ):
        both, weights, activations = (int(g) if g else None for g in fixed.groups())
        return Precision.fixed(network, both, weights=weights, activations=activations)
    schemes = hawq_schemes(network.name) if network.name in HAWQ_NAMES else []
    if name not in schemes:
        if name.isdecimal() and len(name) < 3:
            raise BfimnaError(f"unknown precision {name!r}; did you mean {name}, or 'int{name}'?")
        known = ["int<bits>", "w<bits>a<bits>", *schemes]
        raise unknown(f"precision of {network.name}", name, known)
    table = _hawq("bits", network.name)
    rows = table[table.scheme == name.split("/", 1)[1]]
    bits = {r.layer: (r.weight_bits, r.activation_bits) for r in rows.itertuples()}
    return Precision.by_layer(network, bits, name, tensors=hawq_tensors(network.name))
