"""Kit: a model card, how a transistor is written, and the geometry of a cell, from a TOML file."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from bfimna.characterise.card import Card, read_card
from bfimna.errors import BfimnaError, is_number, one_of, shown, whole_number, wrong_type
from bfimna.files import as_path, text_of

MOST_BYTES = 2**16
#: cell → 6T stores in it, and whether a column's write line gates their access (cross-point)
CELLS = {
    "10T": (1, False),
    "16T": (2, False),
    "12T": (1, True),
    "20T": (2, True),
    "2T2R": (0, False),
}
#: widths in units of the kit's transistor
SIZES = {"pull_up": 1.0, "pull_down": 1.0, "access": 1.0, "compare": 1.0, "precharge": 2.0}
BIT_LINES = ("floating", "held")
#: what a kit states of a cell's two devices: resistances, in 2T2R alone, and their writes
RESISTANCES, WRITES = ("low_ohm", "high_ohm"), ("pulse_ns", "write_fj", "endurance")
#: a line that writes a transistor: letter, four nodes, model or subcircuit, parameters
_TRANSISTOR = re.compile(r"[mx]\w*\s+d\s+g\s+s\s+b\s+(\w+)((?:\s+\w+=[\w.+\-*/(){}]+)*)\s*\Z", re.I)
_NAME = re.compile(r"[a-z0-9][\w.-]*\Z", re.I | re.ASCII)


@dataclass(frozen=True)
class Kit:
    """What a cell is characterised from.

    Attributes
    ----------
    name : of the file, without its suffix.
    card : model card. corners : cards of process corners; they widen the ranges.
    nmos, pmos : lines that write a transistor of nodes d g s b, w widths wide, k times.
    supply_v : nominal supply. node_nm : channel length, for the wires inside a cell (0.1 fF/µm).
    cell : 10T, 16T, 12T, 20T or 2T2R. cell_um : its width along a row and height along a column.
    wire_ohm_per_um, wire_ff_per_um : of lines.
    sizes : widths of a cell's transistors. width_range : factor on all of them, low and high.
    temperatures_k : cold, nominal, hot. supplies_v : six, for the laws of delay and leakage.
    rows : of an array. bit_lines : of columns that are not written, floating or held at the supply.
    device : of a cell with non-volatile devices, both together: pulse, energy and endurance as
        (value, low, high), and the voltage of a write; in 2T2R their resistances too. In a cell
        with 6T stores they lie beside the latch, which is what a compare reads.
    """

    name: str
    card: Card
    nmos: str
    pmos: str
    supply_v: float
    node_nm: float
    cell: str
    cell_um: tuple[float, float]
    wire_ohm_per_um: float
    wire_ff_per_um: float
    corners: tuple[Card, ...] = ()
    sizes: Mapping[str, float] = field(default_factory=lambda: dict(SIZES))
    width_range: tuple[float, float] = (0.8, 1.25)
    temperatures_k: tuple[float, float, float] = (300.0, 350.0, 375.0)
    supplies_v: tuple[float, ...] = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
    rows: int = 300
    bit_lines: str = "floating"
    device: Mapping[str, Any] = field(default_factory=dict)

    @property
    def stores(self) -> int:
        """6T stores in a cell."""
        return CELLS[self.cell][0]

    @property
    def cross_point(self) -> bool:
        """Whether a column's write line gates the access to its cells."""
        return CELLS[self.cell][1]

    @property
    def resistors(self) -> tuple[float, float] | None:
        """Resistances of a 2T2R cell's two states, in Ω."""
        return None if self.stores else (self.device["low_ohm"], self.device["high_ohm"])

    @property
    def write_v(self) -> float:
        """Voltage of the lines that write a cell."""
        return float(self.device.get("write_v", self.supply_v))


def read_kit(path: str | Path) -> Kit:
    """Read a kit from a TOML file; the cards that it names lie beside it.

    Raises
    ------
    BfimnaError
        For a field that is missing, unknown or has a value that cannot be used, and for a card
        without the devices that the transistors name.
    """
    path = as_path(path)
    try:
        raw = tomllib.loads(text_of(path, MOST_BYTES))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise BfimnaError(f"{path.name}: not TOML: {error}") from None
    where = f"{path.name}: "
    if not _NAME.match(path.stem):
        raise BfimnaError(f"{where}a kit's name has letters, digits, '.', '_' and '-' only")
    allowed = [f.name for f in fields(Kit) if f.name != "name"]
    for key in raw:
        one_of(f"field of kit {path.name}", key, allowed)
    optional = ("corners", "sizes", "width_range", "temperatures_k", "supplies_v", "rows",
                "bit_lines", "device")  # fmt: skip
    if missing := [key for key in allowed if key not in raw and key not in optional]:
        raise BfimnaError(f"{where}lacks {', '.join(missing)}")
    return Kit(name=path.stem, **_values(where, raw, path.parent))


def _values(where: str, raw: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return the checked values of a kit's fields."""
    values = dict(raw)
    values["card"] = _card(where, "card", raw["card"], folder)
    if not isinstance(raw.get("corners", []), list):
        raise wrong_type(f"{where}corners", raw["corners"], "a list of files")
    values["corners"] = tuple(_card(where, "corners", c, folder) for c in raw.get("corners", []))
    for name in ("nmos", "pmos"):
        for card in (values["card"], *values["corners"]):
            _check_transistor(where, name, raw[name], card)
    for name in ("supply_v", "node_nm", "wire_ohm_per_um", "wire_ff_per_um"):
        values[name] = _number(f"{where}{name}", raw[name], *LIMITS[name])
    one_of(f"cell ({where[:-2]})", raw["cell"], CELLS)
    one_of(f"bit_lines ({where[:-2]})", raw.get("bit_lines", BIT_LINES[0]), BIT_LINES)
    for name, length in LENGTHS.items():
        if name in raw:
            values[name] = _numbers(f"{where}{name}", raw[name], length, *LIMITS[name])
    low, high = values.get("width_range", (1.0, 1.0))
    if not low <= 1 <= high:
        raise BfimnaError(f"{where}width_range must hold 1, not {shown(raw['width_range'])}")
    if "rows" in raw:
        values["rows"] = whole_number(f"{where}rows", raw["rows"], 16, 4096)
    values["sizes"] = SIZES | _named(where, "sizes", raw.get("sizes", {}), tuple(SIZES))
    values["device"] = _device(where, raw)
    return values


#: field → lowest and highest value; of a list: of each
LIMITS = {
    "supply_v": (0.2, 5.0),
    "node_nm": (1.0, 1000.0),
    "wire_ohm_per_um": (0.0, 1e4),
    "wire_ff_per_um": (0.0, 10.0),
    "cell_um": (0.01, 100.0),
    "width_range": (0.1, 10.0),
    "temperatures_k": (200.0, 450.0),
    "supplies_v": (0.2, 5.0),
}
#: lists that rise, and how many numbers each has; None: from 3 to 12
LENGTHS = {"cell_um": 2, "width_range": 2, "temperatures_k": 3, "supplies_v": None}


def _card(where: str, name: str, value: object, folder: Path) -> Card:
    """Return a card; its path may not leave the kit's folder, so that a kit reads no other file."""
    if not isinstance(value, str) or not value:
        raise wrong_type(f"{where}{name}", value, "the name of a file beside the kit")
    path = folder / value
    if Path(value).is_absolute() or not path.resolve().is_relative_to(folder.resolve()):
        raise BfimnaError(f"{where}{name} {shown(value)} must lie beside the kit or below it")
    return read_card(path)


def _check_transistor(where: str, name: str, line: object, card: Card) -> None:
    match = _TRANSISTOR.match(line) if isinstance(line, str) else None
    if match is None or "\n" in str(line):
        raise BfimnaError(
            f"{where}{name} must be like 'M1 d g s b MODEL L=22n W={{w*55n}} m={{k}}' (M or X), "
            f"not {shown(line)}"
        )
    if match[1].lower() not in card.devices:
        raise BfimnaError(
            f"{where}{name} names device {match[1]!r}, which {card.name} lacks; it has "
            f"{', '.join(sorted(card.devices)[:20])}"
        )


def _number(what: str, value: object, low: float, high: float) -> float:
    if not is_number(value) or not low <= float(value) <= high:  # type: ignore[arg-type]
        raise BfimnaError(f"{what} must be a number from {low:g} to {high:g}, not {shown(value)}")
    return float(value)  # type: ignore[arg-type]


def _numbers(
    what: str, value: object, length: int | None, low: float, high: float
) -> tuple[float, ...]:
    allowed = (length, length) if length else (3, 12)
    if not isinstance(value, list) or not allowed[0] <= len(value) <= allowed[1]:
        raise BfimnaError(f"{what} must list {length or '3 to 12'} numbers, not {shown(value)}")
    numbers = tuple(_number(what, item, low, high) for item in value)
    if not what.endswith("cell_um") and list(numbers) != sorted(set(numbers)):
        raise BfimnaError(f"{what} must rise, not {shown(value)}")
    return numbers


def _named(where: str, name: str, value: object, allowed: tuple[str, ...]) -> dict[str, float]:
    if not isinstance(value, dict):
        raise wrong_type(f"{where}{name}", value, f"a table of {', '.join(allowed)}")
    for key in value:
        one_of(f"{name} ({where[:-2]})", key, allowed)
    return {key: _number(f"{where}{name}.{key}", item, 0.1, 100.0) for key, item in value.items()}


def _device(where: str, raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a kit states of its devices: a 2T2R cell has them, one with stores may."""
    value, resistive = raw.get("device", {}), raw["cell"] == "2T2R"
    if not isinstance(value, dict) or (resistive and not value):
        raise BfimnaError(f"{where}device: a 2T2R cell needs a table of {', '.join(RESISTANCES)}")
    if not value:
        return {}
    needed = (*RESISTANCES, *WRITES) if resistive else WRITES
    for key in value:
        one_of(f"device ({where[:-2]})", key, (*needed, "write_v"))
    if missing := [key for key in needed if key not in value]:
        raise BfimnaError(f"{where}device lacks {', '.join(missing)}")
    ends = {**dict.fromkeys(RESISTANCES, (1.0, 1e12)), "write_v": (0.2, 10.0)}
    stated: dict[str, Any] = {
        key: _number(f"{where}device.{key}", value[key], *ends[key]) for key in ends if key in value
    }
    if resistive and stated["low_ohm"] >= stated["high_ohm"]:
        raise BfimnaError(f"{where}device.high_ohm must be above low_ohm")
    for key in WRITES:
        middle, low, high = _three(f"{where}device.{key}", value[key])
        if not 0 < low <= middle <= high:
            raise BfimnaError(f"{where}device.{key} must be [value, low, high] in order")
        stated[key] = (middle, low, high)
    return stated


def _three(what: str, value: object) -> tuple[float, float, float]:
    if not isinstance(value, list) or len(value) != 3:
        raise BfimnaError(f"{what} must be [value, low, high], not {shown(value)}")
    middle, low, high = (_number(what, item, 1e-6, 1e18) for item in value)
    return middle, low, high
