"""Rows of a technology table from a characterisation, as data/technologies/ has them."""

import csv
from dataclasses import dataclass
from io import StringIO
from math import inf

from bfimna.characterise.lines import KEYS
from bfimna.characterise.run import Characterisation
from bfimna.errors import BfimnaError
from bfimna.technology.table import UNITS

COLUMNS = ("technology", "parameter", "value", "low", "high", "unit", "distribution", "cause",
           "status", "source", "note")  # fmt: skip
SIMULATED, STATED = "S", "D"
WIRES, LAW = "wires", "device law"
#: a drawn cell over the area that a kit states: rules of its layout
AREA_RANGE = (0.8, 1.5)


@dataclass(frozen=True)
class Row:
    """A parameter of a technology table; residual: of the fit that it comes from, if it does."""

    parameter: str
    value: float
    low: float
    high: float
    unit: str
    distribution: str = "fixed"
    cause: str = ""
    status: str = SIMULATED
    note: str = ""
    residual: float | None = None


#: simulated parameter → unit and what it is
_NOTES = {
    "compare_time": ("ns", "precharge, search line past the rows, sense; no margin"),
    "compare_time_per_attached_cell": ("ns", "slope of precharge and sense over attached cells"),
    "compare_energy_per_row": ("fJ", "a row that differs: sense, latch, intercept of its line"),
    "compare_energy_per_attached_cell": ("fJ", "slope of the match line over attached cells"),
    "compare_energy_per_key_cell": ("fJ", "one of a column's search lines, per row"),
    "read_energy_per_row": ("fJ", "a compare with one driven column"),
    "write_time": ("ns", "column's line, word line, flip and 10 FO4 to restore; no decoder"),
    "write_energy_per_cell": (
        "fJ",
        "a cell that flips: intercept of a tagged row over attached cells",
    ),
    "write_energy_per_attached_cell": (
        "fJ",
        "slope of a tagged row over attached cells: word line, and their nodes",
    ),
    "write_energy_per_line_cell": ("fJ", "bit lines of a written column"),
    "write_energy_per_gate_cell": ("fJ", "line that opens a column's cross-point cells"),
    "leakage_per_cell": ("nW", "bit lines and match line precharged; no periphery"),
}
#: what a row's other parameters take from one of those above
_ALIKE = {
    "read_time": ("compare_time", "as a compare"),
    "read_time_per_attached_cell": ("compare_time_per_attached_cell", "as a compare"),
    "read_energy_per_attached_cell": ("compare_energy_per_attached_cell", "as a compare"),
    "shift_time": ("compare_time", "a register shift, no slower than a compare"),
    "load_time": ("write_time", "as a write"),
    "load_energy_per_cell": ("write_energy_per_cell", "as a write"),
    "load_energy_per_attached_cell": ("write_energy_per_attached_cell", "as a write"),
}


def rows_of(done: Characterisation) -> list[Row]:
    """Return the parameters of a technology table, with their ranges.

    A range spans all conditions: wires × ½ and × 2, widths, cold, hot, corners.
    """
    rows = {name: _simulated(done, name) for name in _NOTES if name in done.nominal.values}
    rows |= {row.parameter: row for row in _writes_of_device(done)}
    for name, (like, note) in _ALIKE.items():
        rows[name] = _copy(rows[like], name, note)
    for name in ("write", "load"):
        note = "a word line's driver grows with it: no slope is left"
        parameter = f"{name}_time_per_attached_cell"
        rows[parameter] = Row(parameter, 0.0, 0.0, 0.0, "ns", note=note)
    stated = [
        *_matches(done, rows["compare_energy_per_row"]),
        _held(done),
        _exponent(done),
        _broadcast(done),
        _shift(done),
        *_kit(done),
        *_law(done),
        _endurance(done),
    ]
    return [*rows.values(), *stated]


def _simulated(done: Characterisation, name: str) -> Row:
    unit, note = _NOTES[name]
    factor = 1 / UNITS[unit]
    values = [p.values[name] * factor for p in (done.nominal, *done.conditions.values())]
    fit = done.nominal.fits.get(name)
    low, high = min(values), max(values)
    if fit is not None:
        note += f"; line within {fit.residual:.2%}"
    if name == "write_energy_per_attached_cell" and not done.kit.stores:
        note = "as the match line, which carries the pulse"
    if name == "write_energy_per_line_cell" and not done.kit.stores:
        note = "as a search line"
    cause = "temperature" if name == "leakage_per_cell" else WIRES
    distribution = "logsplit" if low > 0 else "split"
    residual = fit.residual if fit is not None else None
    return Row(name, values[0], low, high, unit, distribution, cause, SIMULATED, note, residual)


def _copy(row: Row, parameter: str, note: str) -> Row:
    return Row(parameter, row.value, row.low, row.high, row.unit, row.distribution, row.cause,
               row.status, note, row.residual)  # fmt: skip


def _writes_of_device(done: Characterisation) -> list[Row]:
    """Return the writes of devices, which a kit states: no model of a filament or spin is run."""
    if not done.kit.device:
        return []
    note = "stated by the kit, for both devices of a cell"
    stated = {"write_time": ("pulse_ns", "ns"), "write_energy_per_cell": ("write_fj", "fJ")}
    rows = []
    for name, (key, unit) in stated.items():
        value, low, high = done.kit.device[key]
        rows.append(Row(name, value, low, high, unit, "logsplit", "device pulse", STATED, note))
    return rows


def _matches(done: Characterisation, sensed: Row) -> list[Row]:
    """Return what a row that matches keeps and saves, and how many keys a pass may drive."""
    shares = [min(share, 1.0) for share in done.kept.values()]
    kept = min(done.kept[KEYS], 1.0)
    low = min(share for share in (*shares, 1.0) if share > 0)
    note = "share of the supply at twice the time of a mismatch, three keys driven"
    saved = 0.0
    if done.kit.stores:
        saved = max(done.miss.sense_j - done.hit.sense_j, 0.0) / UNITS["fJ"]
    spread = (saved * sensed.low / sensed.value, saved * sensed.high / sensed.value)
    limit = done.safe_keys
    safe = "a match is told from a mismatch: three quarters of the supply are kept"
    return [
        Row("match_kept", kept, min(low, kept), max(*shares, kept), "1", "split", "matched lines",
            SIMULATED, note + "; low, high: other numbers of keys"),
        Row("match_saves_per_row", saved, *spread, unit="fJ", distribution="split", cause=WIRES,
            note="sensing that a row saves where it matches"),
        Row("max_driven_keys", limit, limit, limit, "1", note=safe),
    ]  # fmt: skip


def _held(done: Characterisation) -> Row:
    """Return the energy of a cell that is not written, on bit lines that are held."""
    name, held = "write_energy_per_held_cell", 0.0
    if done.kit.bit_lines == "held" and done.disturbed is not None:
        held = done.kit.stores * done.disturbed.cell_j / UNITS["fJ"]
        note = "half-selected cell on held bit lines; range: a factor of 2 of the pulse"
        return Row(name, held, held / 2, 2 * held, "fJ", "logsplit", "write pulse", note=note)
    return Row(name, held, held, held, "fJ", note="kept shut by its column, or not written")


def _exponent(done: Characterisation) -> Row:
    note = "leakage ∝ V^n over the kit's supplies; range: between two neighbouring ones"
    return Row("leakage_exponent", *done.exponent, unit="1", distribution="split",
               cause="leakage over supply", note=note)  # fmt: skip


def _broadcast(done: Characterisation) -> Row:
    kit = done.kit
    pair = 2 * kit.wire_ff_per_um * kit.cell_um[1] * kit.supply_v**2
    note = "not simulated: tags stay in the mats; high: a pair of wires as long as the column"
    return Row("broadcast_energy_per_key_cell", 0.0, 0.0, pair, "fJ", "split", "key broadcast",
               STATED, note)  # fmt: skip


def _shift(done: Characterisation) -> Row:
    sense = done.nominal.values["shift_energy_per_tag"] / UNITS["fJ"]
    return Row("shift_energy_per_tag", sense, 0.0, 2 * sense, "fJ", "split", "tag shift", STATED,
               "not simulated: as sensing")  # fmt: skip


def _kit(done: Characterisation) -> list[Row]:
    kit = done.kit
    area = kit.cell_um[0] * kit.cell_um[1]
    follows = float(not kit.device)
    scales = "1: writes follow the logic supply; 0: set by the device"
    return [
        Row("area_per_cell", area, AREA_RANGE[0] * area, AREA_RANGE[1] * area, "um2", "split",
            "layout", STATED, "stated by the kit, cross-point included; no periphery"),
        Row("cross_point_area_factor", 1.0, 1.0, 1.0, "1", status=STATED, note="in the kit's area"),
        Row("nominal_supply", kit.supply_v, kit.supply_v, kit.supply_v, "V", status=STATED,
            note="stated by the kit"),
        Row("write_scales", follows, follows, follows, "1", status=STATED, note=scales),
    ]  # fmt: skip


def _law(done: Characterisation) -> list[Row]:
    law, volts = done.law, done.kit.supplies_v
    note = (
        f"fit from {volts[0]:g} to {volts[-1]:g} V within {law.residual:.1%}; range: fits without "
        "one supply"
    )
    if law.threshold_v[2] >= done.kit.supply_v:
        raise BfimnaError(
            f"{done.kit.name}: the fitted threshold, up to {law.threshold_v[2]:.3f} V, reaches the "
            f"nominal supply of {done.kit.supply_v:g} V"
        )
    return [
        Row("threshold_voltage", *law.threshold_v, "V", "split", LAW, SIMULATED, note,
            law.residual),
        Row("alpha", *law.alpha, "1", "split", LAW, SIMULATED, note, law.residual),
    ]  # fmt: skip


def _endurance(done: Characterisation) -> Row:
    if not done.kit.device:
        return Row("endurance", inf, inf, inf, "writes", status=STATED, note="no wear")
    value, low, high = done.kit.device["endurance"]
    return Row("endurance", value, low, high, "writes", "logsplit", "endurance", STATED,
               "stated by the kit")  # fmt: skip


def source_of(done: Characterisation) -> str:
    """Say what a characterisation comes from: simulator, kit, card and its digest."""
    kit = done.kit
    return f"ngspice, kit {kit.name}, card {kit.card.name} (sha256 {kit.card.sha256[:12]})"


def technology_csv(done: Characterisation, name: str) -> str:
    """Return the rows as CSV text that `load_technology` reads."""
    if not name or not name.isprintable() or name != name.strip():
        raise BfimnaError(f"a technology's name must be printable text, not {name!r}")
    text = StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for row in rows_of(done):
        numbers = [f"{x:.4g}" for x in (row.value, row.low, row.high)]
        table.writerow([name, row.parameter, *numbers, row.unit, row.distribution, row.cause,
                        row.status, source_of(done), row.note])  # fmt: skip
    return text.getvalue()


def summary(done: Characterisation) -> list[str]:
    """Say in lines what was run, how well each fit holds, and what the checks say."""
    fits = ", ".join(f"{name} {fit.residual:.2%}" for name, fit in done.nominal.fits.items())
    law = done.law
    lines = [
        f"{done.runs} runs of ngspice {done.ngspice}, {done.hits} from the cache",
        f"residuals: {fits}, delay law {law.residual:.1%}",
        f"a matched row is at {done.hit.end_v:.3f} V of {done.kit.supply_v:g} V when sensed",
    ]
    if done.disturbed is not None:
        lines.append(f"{done.disturbed.ones} tagged row among {done.disturbed.zeros} keeps its bit")
    else:
        lines.append(f"sensed safely up to {done.safe_keys} driven keys")
    return lines
