"""Energies of one row of the circuit tool's CAM arrays, in a search and in a column write.

The tool adds up, for W words of B bits: W match lines, each over all B attached cells, precharge,
sense and output of every word, and *one* column's pair of search lines over all W words.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

Cells = float | np.ndarray  # attached to a line

CAP_WORDS, NARROW, WIDE = 4800, 16, 64  # the table's CAP, its narrowest and its widest word
WORDS = 256  # of a single mat, as a CAP of 16 mats has them
#: derived technology → cell and device of the circuit table, device class and node
DERIVED = {
    "sram-14nm-lstp": ("SRAM-16T", "14nm-FinFET-LSTP", "LSTP-14"),
    "sram-14nm-hp": ("SRAM-16T", "14nm-FinFET-HP", "HP-14"),
    "sram-22nm-lstp": ("SRAM-16T", "22nm-FinFET-LSTP", "LSTP-22"),
    "reram-14nm-lstp": ("ReRAM-2T2R-6k/900k", "14nm-FinFET-LSTP", "LSTP-14"),
    "reram-22nm-lstp": ("ReRAM-2T2R-6k/900k", "22nm-FinFET-LSTP", "LSTP-22"),
}


@dataclass(frozen=True)
class RowEnergies:
    """Energies of a row in a search and in a column write, in fJ, of single-mat arrays.

    Attributes
    ----------
    match_line_per_bit, match_line : slope and intercept of the match line over attached bits. The
        intercept may be below 0: the tool's search holds a little less than it prints for its
        parts; only the sum with the three that follow counts.
    precharge, sense, output : of a row. drive : of one column's search lines, per row.
    write_per_bit, write : slope and intercept of a column write over attached bits.
    """

    match_line_per_bit: float
    match_line: float
    precharge: float
    sense: float
    output: float
    drive: float
    write_per_bit: float
    write: float

    @property
    def per_row(self) -> float:
        """Energy of a compared row without any attached cell, in fJ."""
        return self.match_line + self.precharge + self.sense + self.output

    def search(self, attached: Cells, driven: float = 1.0) -> Cells:
        """Search energy of a row, in fJ."""
        return self.per_row + self.match_line_per_bit * attached + self.drive * driven

    def column_write(self, attached: Cells) -> Cells:
        """Energy of a row in a write of one column, in fJ, in the tool's orientation."""
        return self.write + self.write_per_bit * attached


def arrays_of(table: pd.DataFrame, technology: str) -> pd.DataFrame:
    """Return the circuit table's rows behind a derived technology."""
    cell, device, _ = DERIVED[technology]
    return table[(table.cell == cell) & (table.device == device)].reset_index(drop=True)


def row_energies(arrays: pd.DataFrame) -> pd.DataFrame:
    """Return the energies of a row of each single-mat array, in fJ, a column for each part."""
    single = arrays[arrays.mats == "1x1"]
    printed = {
        "precharge": single.precharge_pj,
        "sense": single.sense_pj,
        "drive": single.searchline_one_column_pj,
        "output": single.total_search_energy_pj - single.search_energy_pj,
        "search": single.total_search_energy_pj,
        "column_write": single.column_write_energy_pj,
    }
    rows = pd.DataFrame({name: 1e3 * energy / single.words for name, energy in printed.items()})
    rest = rows.precharge + rows.sense + rows.drive + rows.output
    return rows.assign(match_line=rows.search - rest, words=single.words, bits=single.bits)


def fit_row_energies(arrays: pd.DataFrame, output_words: float = WORDS) -> RowEnergies:
    """Fit slope and intercept of match line and column write over the bits of a word."""
    rows = row_energies(arrays)
    per_bit, match_line = np.polyfit(rows.bits, rows.match_line, 1)
    write_per_bit, write = np.polyfit(rows.bits, rows.column_write, 1)
    return RowEnergies(
        match_line_per_bit=float(per_bit),
        match_line=float(match_line),
        precharge=float(rows.precharge.mean()),
        sense=float(rows.sense.mean()),
        output=float(rows.output[rows.words >= output_words].mean()),
        drive=float(rows.drive.mean()),
        write_per_bit=float(write_per_bit),
        write=float(write),
    )


def cycle_time(arrays: pd.DataFrame, column: str) -> tuple[float, float]:
    """Return (at no attached cell, per attached cell) of a latency of the CAP's array, in ns.

    The table has arrays of as many words as a CAP only at its narrowest bits. Their latency is
    scaled by the ratio of widest to narrowest bits at 256 words; a line runs through both.
    """
    cap = arrays[arrays.words == CAP_WORDS].iloc[0][column]
    narrow, wide = (
        arrays[(arrays.words == WORDS) & (arrays.bits == bits)].iloc[0][column]
        for bits in (NARROW, WIDE)
    )
    per_cell = float(cap * (wide / narrow - 1) / (WIDE - NARROW))
    return float(cap) - NARROW * per_cell, per_cell
