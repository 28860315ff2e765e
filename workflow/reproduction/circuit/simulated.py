"""Simulate every kit of a folder: the rows of data/circuit/simulated.csv.

``python -m reproduction.circuit.simulated KITS > data/circuit/simulated.csv``, where KITS holds the
kits of data/circuit/kits and the cards that they name; those of PTM may not be redistributed. A kit
that is refused is named on stderr and has no rows. The rows of `prototype_finfet.csv` follow: runs
of this project's prototype with FinFET cards, which need ngspice 44 with OSDI and are not repeated.
"""

import csv
import sys
from pathlib import Path

from bfimna import data
from bfimna.characterise import Characterisation, characterise, rows_of, show_progress
from bfimna.errors import BfimnaError

COLUMNS = ("parameter", "value", "low", "high", "unit", "card", "card_sha256", "kit", "ngspice",
           "residual", "status", "note")  # fmt: skip
FINFET = "circuit/prototype_finfet.csv"


def table_rows(done: Characterisation) -> list[list[str]]:
    """Return the simulated parameters of a kit, four significant digits, as the table has them."""
    card = done.kit.card
    rows = []
    for row in rows_of(done):
        if row.status == "S" and row.distribution != "fixed":
            numbers = [f"{x:.4g}" for x in (row.value, row.low, row.high)]
            residual = "" if row.residual is None else f"{row.residual:.2g}"
            rows.append([row.parameter, *numbers, row.unit, card.name, card.sha256, done.kit.name,
                         str(done.ngspice), residual, row.status, row.note])  # fmt: skip
    return rows


def all_rows(folder: Path) -> list[list[str]]:
    """Return the rows of every kit of a folder, in the order of their names."""
    kits = sorted(folder.glob("*.toml"))
    if not kits:
        raise BfimnaError(f"no kit in {folder}: want one like the project's data/circuit/kits")
    rows = []
    for kit in kits:
        try:
            rows += table_rows(characterise(kit, progress=show_progress))
        except BfimnaError as error:
            print(f"{kit.name}: refused: {error}", file=sys.stderr)
    finfet = csv.reader((data.ROOT / FINFET).read_text(encoding="utf-8").splitlines()[1:])
    return [*rows, *finfet]


if __name__ == "__main__":
    table = csv.writer(sys.stdout, lineterminator="\n")
    rows = all_rows(Path(sys.argv[1]))
    table.writerows([COLUMNS, *rows])
