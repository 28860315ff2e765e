"""What tagged rows do to columns that are not written: the rows of data/circuit/disturb.csv.

``python -m reproduction.circuit.disturbed KITS > data/circuit/disturb.csv``; for KITS see
`reproduction.circuit.simulated`. Each card's 6T-access cell stands beside its cross-point cell.
"""

import csv
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd

from bfimna.characterise import Kit, bench_of, disturb_map, read_kit
from bfimna.errors import BfimnaError

COLUMNS = ("card", "card_sha256", "kit", "ngspice", "cell", "ones", "zeros", "pulse_fo4", "lost",
           "status")  # fmt: skip
#: 6T-access cell and the cross-point cell that has one more transistor on each bit line
CELLS = ("10T", "12T")


def rows_of_kit(kit: Kit, cache: Path | None = None) -> list[list[object]]:
    """Return the map of a kit's card for both cells."""
    rows: list[list[object]] = []
    for cell in CELLS:
        bench = bench_of(replace(kit, cell=cell), cache)
        rows += [
            [kit.card.name, kit.card.sha256, kit.name, bench.simulator.version, cell, d.ones,
             d.zeros, f"{d.pulse_fo4:g}", d.lost, "S"]
            for d in disturb_map(bench, kit.rows)
        ]  # fmt: skip
    return rows


def table_of_losses(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the map as a reader sees it: tagged rows down, pulses across, bits lost inside.

    Parameters
    ----------
    rows : with the columns cell, ones, zeros, pulse_fo4 and lost.
    """
    tagged = rows.ones.astype(str) + " against " + rows.zeros.astype(str)
    named = rows.assign(**{"ones against zeros": tagged, "pulse (FO4)": rows.pulse_fo4})
    losses = named.pivot(index=["cell", "ones against zeros"], columns="pulse (FO4)", values="lost")
    return losses.reindex(pd.MultiIndex.from_frame(named[losses.index.names].drop_duplicates()))


def all_rows(folder: Path) -> list[list[object]]:
    """Return the rows of every kit of a folder whose cell is 12T and has no other devices."""
    kits = [
        kit
        for kit in map(read_kit, sorted(folder.glob("*.toml")))
        if kit.cell == CELLS[1] and not kit.device
    ]
    if not kits:
        raise BfimnaError(f"no kit of a {CELLS[1]} cell in {folder}")
    return [row for kit in kits for row in rows_of_kit(kit)]


if __name__ == "__main__":
    rows = all_rows(Path(sys.argv[1]))
    csv.writer(sys.stdout, lineterminator="\n").writerows([COLUMNS, *rows])
