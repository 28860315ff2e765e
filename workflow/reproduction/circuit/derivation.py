"""Derive technology parameters from a circuit tool's table: the rows of derived.csv.

`derive` combines the row energies of `reproduction.circuit.cam_arrays` with a table of assumptions.
``python -m reproduction.circuit.derivation data > derived.csv`` reads the tables in a folder.
"""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from bfimna.errors import BfimnaError
from reproduction.circuit.cam_arrays import (
    CAP_WORDS,
    DERIVED,
    NARROW,
    RowEnergies,
    arrays_of,
    cycle_time,
    fit_row_energies,
)
from reproduction.circuit.hardware import Logic, hardware_rows, match_rows, write_rows
from reproduction.circuit.parameter_rows import TOOL, Assumptions, TableRow, rows_to_table
from reproduction.circuit.published import fit_published


def _times(arrays: pd.DataFrame, assumed: Assumptions, reram: bool) -> list[TableRow]:
    """Return times: of a search by its own latency, of a read by that of the whole bank."""
    tool, wires = assumed["tool_time_factor"], assumed["wire_factor"]
    latencies = {
        "compare": ("search_latency_ns", "C", "the search's own latency"),
        "read": ("read_latency_ns", "D", "a search and the way out of the bank"),
        "write": ("column_write_latency_ns", "C", "a column write"),
        "load": ("column_write_latency_ns", "C", "a column write"),
    }
    rows = []
    for name, (column, status, note) in latencies.items():
        own, per_cell = cycle_time(arrays, column)
        note += " of 4800 words in 16 mats; the number of mats is a design choice"
        base = replace(tool, status=status, source=TOOL, note=note)
        row = base.times(f"{name}_time", own, "ns")
        if reram and name in ("write", "load"):
            row = _pulsed(row, assumed["pulse_time"])
        line = replace(wires, status=status, source=TOOL,
                       note="per attached cell: 64 bits over 16 in the 256-word array")  # fmt: skip
        rows += [row, line.times(f"{name}_time_per_attached_cell", per_cell, "ns")]
    shift = replace(tool, note="a register shift, no slower than a compare")
    return [*rows, shift.times("shift_time", cycle_time(arrays, "search_latency_ns")[0], "ns")]


def _pulsed(row: TableRow, pulse: TableRow) -> TableRow:
    """Return a write time whose range is that of the device's pulse."""
    rest = row.value - pulse.value
    return replace(row, low=rest + pulse.low, high=rest + pulse.high, cause=pulse.cause,
                   distribution="logsplit",
                   note="the device's pulse and what a column write adds")  # fmt: skip


def _energies(
    arrays: pd.DataFrame, row: RowEnergies, assumed: Assumptions, reram: bool
) -> list[TableRow]:
    def tool(name: str, value: float, note: str, status: str = "C", by: str = "tool_energy_factor"
             ) -> TableRow:  # fmt: skip
        base = replace(assumed[by], status=status, source=TOOL, note=note)
        return base.times(name, value, "fJ")

    cap = arrays[arrays.words == CAP_WORDS].iloc[0]
    tree = 1e3 * cap.total_search_energy_pj / cap.words - row.search(NARROW)
    read, wires, driven = "a compare with one driven column", "wire_factor", "driven_column_factor"
    bits = [*_cells("write", row, assumed, reram, tool), *_cells("load", row, assumed, reram, tool)]
    return [
        tool("compare_energy_per_row", row.per_row,
             "precharge, sense, output and the intercept of the match line"),
        tool("compare_energy_per_attached_cell", row.match_line_per_bit,
             "slope of the match line over its bits", by=wires),
        *match_rows(row, assumed, reram),
        tool("compare_energy_per_key_cell", row.drive, "one column's search lines", by=driven),
        TableRow("broadcast_energy_per_key_cell", 0, 0, tree / NARROW, "fJ", "split",
                 "key broadcast", "C", TOOL,
                 "the tags stay in the mats; high: all of the 16-mat array's H-tree"),
        tool("read_energy_per_row", row.per_row + row.drive, read, "D"),
        tool("read_energy_per_attached_cell", row.match_line_per_bit, read, "D", wires),
        *bits,
        tool("write_energy_per_line_cell", row.drive,
             "a written column's line, as a search line, past every row that takes part", "D",
             driven),
        *write_rows(row, assumed, reram),
        TableRow("shift_energy_per_tag", row.sense, 0, 2 * row.sense, "fJ", "split", "tag shift",
                 "D", TOOL, "as the tool's sensing"),
    ]  # fmt: skip


def _cells(
    name: str, row: RowEnergies, assumed: Assumptions, reram: bool, tool: Callable[..., TableRow]
) -> list[TableRow]:
    line = {
        "write": "slope of a column write: the line along a tagged row, once per write",
        "load": "slope of a column write: the line that brings the row its own bit",
    }[name]
    attached = tool(f"{name}_energy_per_attached_cell", row.write_per_bit, line, by="wire_factor")
    if not reram:
        return [
            tool(f"{name}_energy_per_cell", row.write, "intercept of a column write"),
            attached,
        ]
    pulse, devices = assumed["pulse_time"], assumed["pulse_devices"].value
    value = devices * row.write
    ends = (value * pulse.low / pulse.value, value * pulse.high / pulse.value)
    note = "intercept of a column write, for two devices; energy follows the pulse"
    return [TableRow(f"{name}_energy_per_cell", value, *ends, "fJ", pulse.distribution, pulse.cause,
                     note=note), attached]  # fmt: skip


def _statics(arrays: pd.DataFrame, assumed: Assumptions, reram: bool) -> list[TableRow]:
    cap = arrays[arrays.words == CAP_WORDS].iloc[0]
    hot = assumed["leakage_by_temperature"]
    leakage = 1e3 * cap.leakage_uw / (cap.words * cap.bits)
    areas = arrays.area_um2 / (arrays.words * arrays.bits)
    scales = "1: writes follow the logic supply; 0: set by the device"
    return [
        TableRow("leakage_per_cell", leakage, leakage * hot.low, leakage * hot.high, "nW",
                 hot.distribution, hot.cause, "C", TOOL,
                 "4800-word array, periphery included, 350 K; " + hot.note),
        TableRow("area_per_cell", cap.area_um2 / (cap.words * cap.bits), areas.min(), areas.max(),
                 "um2", "split", "layout", "C", TOOL,
                 "4800-word array, periphery included; low, high over the table's arrays"),
        TableRow("nominal_supply", cap.vdd_v, cap.vdd_v, cap.vdd_v, "V", note="supply of the run"),
        TableRow("write_scales", float(not reram), unit="1", status="D", source="this project",
                 note=scales),
        assumed["threshold_voltage"],
    ]  # fmt: skip


def derive(technology: str, circuit: pd.DataFrame, assumptions: pd.DataFrame,
           components: pd.DataFrame) -> pd.DataFrame:  # fmt: skip
    """Return the parameter rows of a technology that is derived from the circuit table.

    Parameters
    ----------
    circuit, assumptions, components : the tables `circuit/evacam_cam_arrays.csv`,
        `technologies/assumptions.csv` and `published/components.csv`, as they are printed.
    """
    if technology not in DERIVED:
        raise BfimnaError(f"no circuit behind {technology!r}; derived: {', '.join(DERIVED)}")
    arrays, reram = arrays_of(circuit, technology), technology.startswith("reram")
    family, rest = technology.split("-", 1)
    assumed = Assumptions(assumptions, DERIVED[technology][2], family)
    words = assumed["output_words"].value
    row, sram = fit_row_energies(arrays, words), arrays_of(circuit, f"sram-{rest}")
    logic = Logic.of(sram, fit_row_energies(sram, words))
    rows = [
        *_times(arrays, assumed, reram),
        *_energies(arrays, row, assumed, reram),
        *_statics(arrays, assumed, reram),
        *hardware_rows(arrays, row, logic, assumed),
        _endurance(components, reram),
        *assumed.every(),
    ]
    return rows_to_table(technology, rows)


def _endurance(components: pd.DataFrame, reram: bool) -> TableRow:
    if not reram:
        return TableRow("endurance", np.inf, unit="writes", status="D", source="this project",
                        note="no wear")  # fmt: skip
    cell = components[components.component == "ReRAM cell"].iloc[0]
    return TableRow("endurance", cell.value, cell.low, cell.high, "writes", "logsplit", "endurance",
                    "D", "data/published/components.csv", "range of the literature")  # fmt: skip


def all_technologies(folder: Path | str) -> pd.DataFrame:
    """Return all rows of technologies/derived.csv, from a folder of tables."""
    if not (Path(folder) / "circuit").is_dir():
        raise BfimnaError(f"no folder of tables at {folder}: want one like the project's data/")
    files = ("circuit/evacam_cam_arrays", "technologies/assumptions", "published/components")
    tables = [pd.read_csv(Path(folder) / f"{name}.csv") for name in files]
    frames = [derive(name, *tables) for name in DERIVED]
    borrowed = frames[0].set_index("parameter")
    peaks = pd.read_csv(Path(folder) / "published" / "accelerators.csv")
    return pd.concat([*frames, fit_published(peaks, borrowed)], ignore_index=True)


if __name__ == "__main__":
    all_technologies(*sys.argv[1:2] or ["data"]).to_csv(
        sys.stdout, index=False, lineterminator="\n"
    )
