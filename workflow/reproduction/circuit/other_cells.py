"""Row sets of four cells on one card: data/technologies/cells.csv.

``python -m reproduction.circuit.other_cells KITS > data/technologies/cells.csv``; for KITS see
`reproduction.circuit.simulated`. Card, supply, wires and netlists are the same for all, so that the
cells are what differs; what a kit states of its devices, it states with its source.
"""

import sys
from pathlib import Path

from bfimna.characterise import characterise, show_progress, technology_csv

#: technology → its kit
CELLS = {
    "sram-22nm-cross-point": "ptm22-lp-12t",
    "reram-22nm": "ptm22-lp-2t2r",
    "fefet-22nm": "ptm22-lp-2fefet",
    "mtj-22nm": "ptm22-lp-12t2mtj",
}


def table_of_cells(folder: Path) -> str:
    """Return the rows of every cell as CSV text, from a folder of kits."""
    texts = [
        technology_csv(characterise(folder / f"{kit}.toml", progress=show_progress), name)
        for name, kit in CELLS.items()
    ]
    heading = texts[0].split("\n", 1)[0]
    return "\n".join([heading, *(text.split("\n", 1)[1].rstrip("\n") for text in texts)]) + "\n"


if __name__ == "__main__":
    sys.stdout.write(table_of_cells(Path(sys.argv[1])))
