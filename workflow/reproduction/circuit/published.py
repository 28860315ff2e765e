"""The technology that explains the published peaks of BF-IMNA: four parameters, six figures."""

from typing import Any

import numpy as np
import pandas as pd

from reproduction.circuit.parameter_rows import TableRow, rows_to_table

NAME = "sram-published-fit"
ROWS = 64 * 64 * 4800  # of all CAPs of the published chip
BORROWED = (
    "area_per_cell", "nominal_supply", "threshold_voltage", "alpha", "write_scales", "idle_rows",
    "vertical_area_factor", "leakage_exponent", "max_driven_keys", "max_segment_rows",
    "cross_point_area_factor", "match_kept", "write_along_rows", "latch_area_per_bit",
    "pick_area_per_row",
    "key_register_area_per_bit", "controller_area", "segment_switch_area_per_cell",
)  # fmt: skip
#: parameters of 0, since a fitted one includes them
INCLUDED = {
    "ns": ("compare_time_per_attached_cell", "write_time_per_attached_cell",
           "load_time_per_attached_cell", "read_time_per_attached_cell", "vertical_mat_time",
           "segment_switch_time", "mode_switch_time", "latch_time", "key_register_time"),
    "fJ": ("compare_energy_per_attached_cell", "compare_energy_per_key_cell",
           "broadcast_energy_per_key_cell", "write_energy_per_cell",
           "write_energy_per_attached_cell", "write_energy_per_line_cell",
           "load_energy_per_attached_cell", "read_energy_per_attached_cell",
           "match_saves_per_row", "write_energy_per_gate_cell", "write_energy_per_held_cell",
           "segment_switch_energy_per_cell", "mode_switch_energy_per_row", "latch_energy_per_bit",
           "pick_energy_per_bit", "key_register_energy_per_bit", "controller_energy_per_cycle"),
    "nW": ("latch_leakage_per_bit", "key_register_leakage_per_bit", "controller_leakage"),
}  # fmt: skip


def fit_peaks(peaks: pd.DataFrame) -> dict[str, float]:
    """Return pass_ns, column_ns, pass_fj, column_fj, per row, from peaks at 1, 8 and 16 bits.

    Each MAC's row does load 2M + multiply M × M + add M + read 2M: 4M² + 4M passes and 4M columns.
    """
    own = peaks[peaks.accelerator == "BF-IMNA"]
    bits = own.bits.to_numpy(float)
    shape = np.stack([4 * bits**2 + 4 * bits, 4 * bits], axis=1)
    time = 2 * ROWS / own.throughput_gops.to_numpy()  # ns a MAC of every row
    energy = 2e6 / own.efficiency_gops_per_w.to_numpy()  # fJ a MAC
    fit: dict[str, float] = {}
    for unit, total in (("ns", time), ("fj", energy)):
        per_pass, per_column = np.linalg.lstsq(shape / total[:, None], np.ones(len(own)))[0]
        fit |= {f"pass_{unit}": float(per_pass), f"column_{unit}": float(per_column)}
    return fit


def fit_published(peaks: pd.DataFrame, borrowed: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of `sram-published-fit`.

    Parameters
    ----------
    peaks : `published/accelerators.csv`.
    borrowed : rows of sram-14nm-lstp by parameter, for parameters that were not published.
    """
    fit = fit_peaks(peaks)
    source = "published peaks of BF-IMNA, data/published/accelerators.csv"

    def row(parameter: str, value: float, unit: str, note: str, status: str = "P") -> TableRow:
        return TableRow(parameter, value, unit=unit, status=status, source=source, note=note)

    times, energies = "fitted to three throughputs", "fitted to three efficiencies"
    rows = [
        row("compare_time", fit["pass_ns"] / 2, "ns", times + "; half a pass"),
        row("write_time", fit["pass_ns"] / 2, "ns", times + "; half a pass"),
        row("load_time", fit["column_ns"], "ns", times + "; a column moved"),
        row("read_time", fit["column_ns"], "ns", times + "; a column moved"),
        row("shift_time", fit["pass_ns"] / 2, "ns", "not in the fit: as a compare", "D"),
        row("compare_energy_per_row", fit["pass_fj"], "fJ", energies + "; a whole pass"),
        row("load_energy_per_cell", fit["column_fj"], "fJ", energies),
        row("read_energy_per_row", fit["column_fj"], "fJ", energies),
        row("shift_energy_per_tag", 0.0, "fJ", "not in the fit", "D"),
        row("leakage_per_cell", 0.0, "nW", "in the fitted energies"),
        row("endurance", np.inf, "writes", "no wear", "D"),
        row("vertical_time_factor", 1.0, "1", "not in the fit: as a row's", "D"),
        row("vertical_energy_factor", 1.0, "1", "not in the fit: as a row's", "D"),
    ]
    rows += [
        row(name, 0.0, unit, "in the fitted parameters")
        for unit in INCLUDED
        for name in INCLUDED[unit]
    ]
    for parameter in BORROWED:
        own: Any = borrowed.loc[parameter]
        rows.append(TableRow(
            parameter, own.value, own.low, own.high, own.unit, own.distribution, own.cause, "D",
            own.source, "not published: as sram-14nm-lstp",
        ))  # fmt: skip
    return rows_to_table(NAME, rows)
