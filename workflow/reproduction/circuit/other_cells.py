"""Row sets of four cells on this project's own card: data/technologies/cells.csv.

``python -m reproduction.circuit.other_cells > data/technologies/cells.csv``. Card, supply, wires
and netlists are the same for all, so that the cells are what differs; what a kit states of its
devices, it states with its source. The card is fitted to no process: compare the cells with each
other.
"""

import sys

from bfimna import data
from bfimna.characterise import characterise, show_progress, technology_csv

#: technology → its kit
CELLS = {
    "sram-28nm-cross-point": "own",
    "reram-28nm": "own-2t2r",
    "fefet-28nm": "own-2fefet",
    "mtj-28nm": "own-12t2mtj",
}
KITS = data.ROOT / "circuit" / "kits"


def table_of_cells() -> str:
    """Return the rows of every cell as CSV text."""
    texts = [
        technology_csv(characterise(KITS / f"{kit}.toml", progress=show_progress), name)
        for name, kit in CELLS.items()
    ]
    heading = texts[0].split("\n", 1)[0]
    return "\n".join([heading, *(text.split("\n", 1)[1].rstrip("\n") for text in texts)]) + "\n"


if __name__ == "__main__":
    sys.stdout.write(table_of_cells())
