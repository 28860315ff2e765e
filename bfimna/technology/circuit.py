"""From circuit-tool figures to technology parameters, the derivation of technologies.csv.

`derive` fits what a CAM array of the tool's table takes per row and per cell; `fit_published`
solves for the four parameters that explain the published peaks of BF-IMNA. Both return the rows of
`data/technologies.csv`; `python -m bfimna.technology.circuit` prints that file.
"""

import sys

import numpy as np
import pandas as pd

from bfimna import data

COLUMNS = ["technology", "parameter", "value", "low", "high", "unit", "status", "source", "note"]
NARROW, CAP_COLUMNS = 16, 72  # the tool's narrowest word, and the columns of a CAP
SOURCE = "EvaCAM, data/circuit/evacam_cam_arrays.csv"
#: technology → cell and device of the circuit table
DERIVED = {
    "sram-14nm-lstp": ("SRAM-16T", "14nm-FinFET-LSTP"),
    "sram-14nm-hp": ("SRAM-16T", "14nm-FinFET-HP"),
    "sram-22nm-lstp": ("SRAM-16T", "22nm-FinFET-LSTP"),
    "reram-14nm-lstp": ("ReRAM-2T2R-6k/900k", "14nm-FinFET-LSTP"),
    "reram-22nm-lstp": ("ReRAM-2T2R-6k/900k", "22nm-FinFET-LSTP"),
}


def arrays_of(technology: str) -> pd.DataFrame:
    """Return the circuit table's rows behind a derived technology."""
    cell, device = DERIVED[technology]
    table = data.circuit_arrays()
    return table[(table.cell == cell) & (table.device == device)].reset_index(drop=True)


def per_row(arrays: pd.DataFrame, column: str) -> tuple[float, float]:
    """Fit energy per row = a + b · bits, in fJ, over the single-mat arrays (no H-tree)."""
    single = arrays[arrays.mats == "1x1"]
    energy = single[column] * 1e3 / single.words
    slope, intercept = np.polyfit(single.bits, energy, 1)
    return float(intercept), float(slope)


def _row(parameter, value, low, high, unit, status, note, source=SOURCE):  # type: ignore[no-untyped-def]
    numbers = [float(f"{x:.4g}") for x in (value, low, high)]
    return [parameter, *numbers, unit, status, source, note]


def _times(arrays: pd.DataFrame, reram: bool) -> list[list[object]]:
    cap = arrays[arrays.words == 4800].iloc[0]
    narrow, wide = (
        arrays[(arrays.words == 256) & (arrays.bits == bits)].iloc[0] for bits in (NARROW, 64)
    )
    compare = cap.read_latency_ns
    slow = compare * wide.read_latency_ns / narrow.read_latency_ns
    write = cap.column_write_latency_ns
    if reram:
        pulse = "two devices a cell written together; pulse of 10 ns is the tool's input, 1 to 50"
        write_low, write_high = write - 9, write + 40
    else:
        pulse = "column write of the 4800-word array of 16 mats; high: its 64-bit word"
        write_low = write
        write_high = write * wide.column_write_latency_ns / narrow.column_write_latency_ns
    search = "4800-word array of 16 mats, output included; low without, high: 64-bit word"
    low = cap.search_latency_ns
    return [
        _row("compare_time", compare, low, slow, "ns", "C", search),
        _row("write_time", write, write_low, write_high, "ns", "C", pulse),
        _row("load_time", write, write_low, write_high, "ns", "C", "a column write; " + pulse),
        _row("read_time", compare, low, slow, "ns", "D", "a compare with one driven column"),
        _row("shift_time", compare, low, slow, "ns", "D", "a register shift, no slower than that"),
    ]


def _energies(arrays: pd.DataFrame, reram: bool) -> list[list[object]]:
    single = arrays[arrays.mats == "1x1"]
    fixed, slope = per_row(arrays, "total_search_energy_pj")
    row = fixed + slope * NARROW
    high_row = fixed + slope * CAP_COLUMNS
    drive = float((single.searchline_one_column_pj * 1e3 / single.words).max())
    sense = float((single.sense_pj * 1e3 / single.words).median())
    base, per_bit = per_row(arrays, "column_write_energy_pj")
    write = base + per_bit * NARROW
    split = "a + 16b of the fit a + b·bits; low a; high a + 72b: a match line loaded by all columns"
    if reram:
        note = "two devices a cell; tool's input 1 pJ in 10 ns a device; low, high: 1 and 50 ns"
        cells = (2 * write, 0.2 * write, 10 * write)
    else:
        note = "a + 16b of the fit a + b·bits of column writes; low a; high a + 72b"
        cells = (write, base, base + per_bit * CAP_COLUMNS)
    key = "slope b of that fit; high: the tool's search line of one column"
    read = "a compare with one driven column"
    return [
        _row("compare_energy_per_row", row, fixed, high_row, "fJ", "C", split),
        _row("compare_energy_per_key_cell", slope, slope, drive, "fJ", "C", key),
        _row("write_energy_per_cell", *cells, "fJ", "C", note),
        _row("load_energy_per_cell", *cells, "fJ", "C", "as a write"),
        _row("read_energy_per_row", row + slope, fixed, high_row + drive, "fJ", "D", read),
        _row("shift_energy_per_tag", sense, 0, 2 * sense, "fJ", "D", "as the tool's sensing"),
    ]


def derive(technology: str) -> pd.DataFrame:
    """Return the parameter rows of a technology that is derived from the circuit table."""
    arrays, reram = arrays_of(technology), technology.startswith("reram")
    cap = arrays[arrays.words == 4800].iloc[0]
    cells = arrays.words * arrays.bits
    leakage = arrays.leakage_uw * 1e3 / cells
    area = arrays.area_um2 / cells
    at_cap = cap.words * cap.bits
    hot = "4800-word array, periphery included, 350 K; low, high over the table's arrays"
    law = "alpha-power law, an assumption for this node"
    rows = [
        *_times(arrays, reram),
        *_energies(arrays, reram),
        _row("leakage_per_cell", cap.leakage_uw * 1e3 / at_cap, leakage.min(), leakage.max(),
             "nW", "C", hot),
        _row("area_per_cell", cap.area_um2 / at_cap, area.min(), area.max(), "um2", "C",
             "4800-word array, periphery included; low, high over the table's arrays"),
        _row("nominal_supply", *(cap.vdd_v,) * 3, "V", "C", "supply of the tool's run"),
        _row("threshold_voltage", 0.3, 0.25, 0.35, "V", "D", law, "this project"),
        _row("alpha", 1.3, 1.1, 1.5, "1", "D", law, "this project"),
        _row("write_scales", *(float(not reram),) * 3, "1", "D",
             "1: writes follow the logic supply; 0: set by the device", "this project"),
        *_endurance(reram),
    ]  # fmt: skip
    return _table(technology, rows)


def _endurance(reram: bool) -> list[list[object]]:
    if not reram:
        return [_row("endurance", *(np.inf,) * 3, "writes", "D", "no wear", "this project")]
    cell = data.component("ReRAM cell", "endurance")
    return [_row("endurance", cell.value, cell.low, cell.high, "writes", "D",
                 "range quoted in the literature", "data/published/components.csv")]  # fmt: skip


def fit_published() -> pd.DataFrame:
    """Solve the published peaks of BF-IMNA for time and energy of a pass and of a column moved.

    Each MAC's row does load 2M + multiply M × M + add M + read 2M: 4M² + 4M passes and 4M columns.
    """
    peaks = data.accelerators().query("accelerator == 'BF-IMNA'")
    rows = 64 * 64 * 4800
    bits = peaks.bits.to_numpy(float)
    shape = np.stack([4 * bits**2 + 4 * bits, 4 * bits], axis=1)
    time = 2 * rows / peaks.throughput_gops.to_numpy()  # ns a MAC of every row
    energy = 2e6 / peaks.efficiency_gops_per_w.to_numpy()  # fJ a MAC
    pass_ns, column_ns = np.linalg.lstsq(shape / time[:, None], np.ones(3), rcond=None)[0]
    pass_fj, column_fj = np.linalg.lstsq(shape / energy[:, None], np.ones(3), rcond=None)[0]
    source = "published peaks of BF-IMNA, data/published/accelerators.csv"
    fit = "fitted to three throughputs" if column_ns else ""
    none = "in the fitted energy of a pass"

    def row(parameter, value, unit, note, status="P"):  # type: ignore[no-untyped-def]
        return _row(parameter, value, value, value, unit, status, note, source)

    rows_of_fit = [
        row("compare_time", pass_ns / 2, "ns", fit + "; half a pass"),
        row("write_time", pass_ns / 2, "ns", fit + "; half a pass"),
        row("load_time", column_ns, "ns", fit + "; a column moved"),
        row("read_time", column_ns, "ns", fit + "; a column moved"),
        row("shift_time", pass_ns / 2, "ns", "not in the fit: as a compare", "D"),
        row("compare_energy_per_row", pass_fj, "fJ", "fitted to three efficiencies; a whole pass"),
        row("compare_energy_per_key_cell", 0.0, "fJ", none),
        row("write_energy_per_cell", 0.0, "fJ", none),
        row("load_energy_per_cell", column_fj, "fJ", "fitted to three efficiencies"),
        row("read_energy_per_row", column_fj, "fJ", "fitted to three efficiencies"),
        row("shift_energy_per_tag", 0.0, "fJ", "not in the fit", "D"),
        row("leakage_per_cell", 0.0, "nW", "in the fitted energies"),
        row("endurance", np.inf, "writes", "no wear", "D"),
    ]
    borrowed = derive("sram-14nm-lstp").set_index("parameter")
    for parameter in (
        "area_per_cell",
        "nominal_supply",
        "threshold_voltage",
        "alpha",
        "write_scales",
    ):
        own = borrowed.loc[parameter]
        note = "not published: as sram-14nm-lstp"
        rows_of_fit.append(_row(parameter, own.value, own.low, own.high, own.unit, "D", note))
    return _table("sram-published-fit", rows_of_fit)


def _table(technology: str, rows: list[list[object]]) -> pd.DataFrame:
    return pd.DataFrame([[technology, *row] for row in rows], columns=COLUMNS)


def all_technologies() -> pd.DataFrame:
    """Return every derived row: the whole of data/technologies.csv as it is shipped."""
    return pd.concat([*(derive(name) for name in DERIVED), fit_published()], ignore_index=True)


if __name__ == "__main__":
    all_technologies().to_csv(sys.stdout, index=False, lineterminator="\n")
