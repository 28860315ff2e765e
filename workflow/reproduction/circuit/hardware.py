"""Rows of derived.csv for the hardware beside a CAP's cells, and for what a write needs.

The circuit table has no latches, registers, switches or controllers: they are priced by the
transistors of an SRAM cell of the same device class, with the shares of assumptions.csv.
"""

from dataclasses import dataclass

import pandas as pd

from reproduction.circuit.cam_arrays import CAP_WORDS, RowEnergies, cycle_time
from reproduction.circuit.parameter_rows import Assumptions, TableRow

SOURCE = "this project"


@dataclass(frozen=True)
class Logic:
    """Figures of the SRAM arrays of a device class, which the class's logic is priced by.

    Attributes
    ----------
    row : energies of a row, in fJ.
    area_um2, leakage_nw : of a cell of 16 transistors, periphery included.
    gate_ns : search latency of the smallest array.
    """

    row: RowEnergies
    area_um2: float
    leakage_nw: float
    gate_ns: float

    @classmethod
    def of(cls, arrays: pd.DataFrame, row: RowEnergies) -> "Logic":
        """Return the figures of a class's SRAM arrays."""
        cap = arrays[arrays.words == CAP_WORDS].iloc[0]
        cells = cap.words * cap.bits
        smallest = arrays.sort_values(["words", "bits"]).iloc[0]
        return cls(
            row,
            float(cap.area_um2 / cells),
            float(1e3 * cap.leakage_uw / cells),
            float(smallest.search_latency_ns),
        )


def write_rows(row: RowEnergies, assumed: Assumptions, reram: bool) -> list[TableRow]:
    """Return what a write needs beside its cells and lines: cross-points, or held bit lines.

    A ReRAM cell needs neither: the lines of columns that are not written are held alike.
    """
    gate = assumed["gate_line_share"].times(
        "write_energy_per_gate_cell", row.drive * (not reram), "fJ"
    )
    held = assumed["held_cell_share"].times(
        "write_energy_per_held_cell", row.write * (not reram), "fJ"
    )
    return [gate, held, assumed["cross_point_area_factor"]]


def match_rows(row: RowEnergies, assumed: Assumptions, reram: bool) -> list[TableRow]:
    """Return what a row that matches saves: its charge, and sensing."""
    saved = assumed["match_saves_share"].times("match_saves_per_row", row.sense * (not reram), "fJ")
    limits = [assumed[name] for name in ("max_driven_keys", "max_segment_rows")]
    return [assumed["match_kept"], saved, *limits]


def hardware_rows(arrays: pd.DataFrame, row: RowEnergies, logic: Logic, assumed: Assumptions
                  ) -> list[TableRow]:  # fmt: skip
    """Return latches, selectors, registers, controllers, switches and changes of mode.

    Parameters
    ----------
    arrays, row : of the technology's own cells, whose lines a change of mode recharges.
    """
    cell, area, leakage = logic.row.write, logic.area_um2, logic.leakage_nw
    columns = assumed["cap_columns"].value
    compare, compare_cell = cycle_time(arrays, "search_latency_ns")
    per_cell = assumed["controller_area"]
    hot = assumed["leakage_by_temperature"]

    def leaks(name: str, transistor_cells: float) -> TableRow:
        return hot.times(name, leakage * transistor_cells, "nW")

    return [
        assumed["gate_delay_share"].times("latch_time", logic.gate_ns, "ns"),
        assumed["latch_energy"].times("latch_energy_per_bit", cell, "fJ"),
        assumed["latch_area"].times("latch_area_per_bit", area, "um2"),
        leaks("latch_leakage_per_bit", assumed["latch_area"].value),
        assumed["pick_energy"].times("pick_energy_per_bit", cell, "fJ"),
        assumed["pick_area"].times("pick_area_per_row", area, "um2"),
        assumed["gate_delay_share"].times("key_register_time", logic.gate_ns, "ns"),
        assumed["key_register_energy"].times("key_register_energy_per_bit", cell, "fJ"),
        assumed["key_register_area"].times("key_register_area_per_bit", area, "um2"),
        leaks("key_register_leakage_per_bit", assumed["key_register_area"].value),
        assumed["controller_energy"].times("controller_energy_per_cycle", 1.0, "pJ"),
        per_cell.times("controller_area", 1.0, "um2"),
        leaks("controller_leakage", per_cell.value / area),
        assumed["switch_time"].times("segment_switch_time", logic.gate_ns, "ns"),
        assumed["switch_energy"].times(
            "segment_switch_energy_per_cell", logic.row.write_per_bit, "fJ"
        ),
        assumed["switch_area"].times("segment_switch_area_per_cell", area, "um2"),
        assumed["mode_switch_time"].times(
            "mode_switch_time", compare + compare_cell * columns, "ns"
        ),
        assumed["mode_switch_energy"].times(
            "mode_switch_energy_per_row", row.match_line_per_bit * columns, "fJ"
        ),
    ]
