"""From a circuit tool's table to technology parameters: what derived.csv is written by.

`derive` turns what `bfimna.technology.cam_arrays` takes apart into parameters; assumptions of this
project come from a table too. All are functions of tables;
``python -m bfimna.technology.circuit data > derived.csv`` reads those in a folder.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from bfimna.errors import BfimnaError
from bfimna.technology.cam_arrays import (
    CAP_WORDS,
    DERIVED,
    EIGHT_MATS,
    HALF_WORDS,
    NARROW,
    WORDS,
    Split,
    arrays_of,
    cycle_time,
    split,
)
from bfimna.technology.published import fit_published
from bfimna.technology.rows import TOOL, Assumptions, Value, table_of


def _times(arrays: pd.DataFrame, given: Assumptions, reram: bool) -> list[Value]:
    compare, compare_cell = cycle_time(arrays, "read_latency_ns")
    write, write_cell = cycle_time(arrays, "column_write_latency_ns")
    narrow = arrays[arrays.bits == NARROW].set_index("words").read_latency_ns
    low, high = narrow[HALF_WORDS] / narrow[WORDS], narrow[EIGHT_MATS] / narrow[CAP_WORDS]
    mats = {"distribution": "logsplit", "cause": "mats per CAP"}
    search = "4800 words in 16 mats; low: in 32 (128 words over 256), high: in 8 (4096 words)"
    pulse = given["pulse_time"]
    written: dict = {"low": low * write, "high": high * write, **mats}
    told = "a column write of 4800 words in 16 mats; range as that of a compare"
    if reram:
        rest = write - pulse.value
        written = {"low": rest + pulse.low, "high": rest + pulse.high,
                   "distribution": "logsplit", "cause": pulse.cause}  # fmt: skip
        told = "the device's pulse and what a column write adds"
    line = "per attached cell: 64 bits over 16 in the 256-word array"

    def compared(name: str, value: float, status: str, note: str) -> Value:
        return Value(name, value, low * value, high * value, "ns", **mats, status=status, note=note)

    rows = []
    for name, status, why in (("compare", "C", ""), ("read", "D", "; a read is such a compare")):
        rows += [
            compared(f"{name}_time", compare, status, search + why),
            compared(f"{name}_time_per_attached_cell", compare_cell, status, line + why),
        ]
    for name in ("write", "load"):
        more = Value(f"{name}_time_per_attached_cell", write_cell, low * write_cell,
                     high * write_cell, "ns", **mats, note=line)  # fmt: skip
        rows += [Value(f"{name}_time", write, unit="ns", **written, note=told), more]
    return [*rows, compared("shift_time", compare, "D", "a register shift, no slower than that")]


def _energies(arrays: pd.DataFrame, found: Split, given: Assumptions, reram: bool) -> list[Value]:
    factor = given["tool_energy_factor"]

    def tool(name: str, value: float, note: str, status: str = "C") -> Value:
        return Value(name, value, factor.low * value, factor.high * value, "fJ",
                     factor.distribution, factor.cause, status, TOOL, note)  # fmt: skip

    cap = arrays[arrays.words == CAP_WORDS].iloc[0]
    tree = 1e3 * cap.total_search_energy_pj / cap.words - found.search(NARROW)
    read = "a compare with one driven column"
    bits = [*_cells("write", found, given, reram, tool), *_cells("load", found, given, reram, tool)]
    return [
        tool("compare_energy_per_row", found.per_row,
             "precharge, sense, output and the intercept of the match line"),
        tool("compare_energy_per_attached_cell", found.match_line_per_bit,
             "slope of the match line over its bits"),
        tool("compare_energy_per_key_cell", found.drive, "one column's search lines"),
        Value("broadcast_energy_per_key_cell", 0, 0, tree / NARROW, "fJ", "split", "key broadcast",
              "C", TOOL, "the tags stay in the mats; high: all of the 16-mat array's H-tree"),
        tool("read_energy_per_row", found.per_row + found.drive, read, "D"),
        tool("read_energy_per_attached_cell", found.match_line_per_bit, read, "D"),
        *bits,
        tool("write_energy_per_line_cell", found.drive,
             "a written column's line, as a search line, past every row of the array", "D"),
        Value("shift_energy_per_tag", found.sense, 0, 2 * found.sense, "fJ", "split", "tag shift",
              "D", TOOL, "as the tool's sensing"),
    ]  # fmt: skip


def _cells(
    name: str, found: Split, given: Assumptions, reram: bool, tool: Callable[..., Value]
) -> list[Value]:
    line = {
        "write": "slope of a column write: the line along a tagged row, once per write",
        "load": "slope of a column write: the line that brings the row its own bit",
    }[name]
    attached = tool(f"{name}_energy_per_attached_cell", found.write_per_bit, line)
    if not reram:
        return [
            tool(f"{name}_energy_per_cell", found.write, "intercept of a column write"),
            attached,
        ]
    pulse, devices = given["pulse_time"], given["pulse_devices"].value
    value = devices * found.write
    ends = (value * pulse.low / pulse.value, value * pulse.high / pulse.value)
    note = "intercept of a column write, for two devices; energy follows the pulse"
    return [Value(f"{name}_energy_per_cell", value, *ends, "fJ", pulse.distribution, pulse.cause,
                  note=note), attached]  # fmt: skip


def _statics(arrays: pd.DataFrame, given: Assumptions, reram: bool) -> list[Value]:
    cap = arrays[arrays.words == CAP_WORDS].iloc[0]
    hot = given["leakage_by_temperature"]
    leakage = 1e3 * cap.leakage_uw / (cap.words * cap.bits)
    areas = arrays.area_um2 / (arrays.words * arrays.bits)
    scales = "1: writes follow the logic supply; 0: set by the device"
    return [
        Value("leakage_per_cell", leakage, leakage * hot.low, leakage * hot.high, "nW",
              hot.distribution, hot.cause, "C", TOOL,
              "4800-word array, periphery included, 350 K; " + hot.note),
        Value("area_per_cell", cap.area_um2 / (cap.words * cap.bits), areas.min(), areas.max(),
              "um2", "split", "layout", "C", TOOL,
              "4800-word array, periphery included; low, high over the table's arrays"),
        Value("nominal_supply", cap.vdd_v, cap.vdd_v, cap.vdd_v, "V", note="supply of the run"),
        Value("write_scales", float(not reram), unit="1", status="D", source="this project",
              note=scales),
        given["threshold_voltage"],
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
    given = Assumptions(assumptions, DERIVED[technology][2])
    found = split(arrays, given["output_words"].value)
    rows = [
        *_times(arrays, given, reram),
        *_energies(arrays, found, given, reram),
        *_statics(arrays, given, reram),
        _endurance(components, reram),
        *given.every(),
    ]
    return table_of(technology, rows)


def _endurance(components: pd.DataFrame, reram: bool) -> Value:
    if not reram:
        return Value("endurance", np.inf, unit="writes", status="D", source="this project",
                     note="no wear")  # fmt: skip
    cell = components[components.component == "ReRAM cell"].iloc[0]
    return Value("endurance", cell.value, cell.low, cell.high, "writes", "logsplit", "endurance",
                 "D", "data/published/components.csv", "range of the literature")  # fmt: skip


def all_technologies(folder: Path | str) -> pd.DataFrame:
    """Return every derived row: the whole of technologies/derived.csv, from a folder of tables."""
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
