"""Results of the workflow as tables: where they lie, and how they are collected.

`python -m bfimna.results TABLE FILE...` lays CSV tables of the same kind one under the other.
"""

import sys
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import pandas as pd

from bfimna import data
from bfimna.chip import Chip
from bfimna.errors import BfimnaError, unknown
from bfimna.readers.named import load_network, load_precision
from bfimna.report import Report
from bfimna.simulate import simulate
from bfimna.tables import resolve, write_table

KEYS = ["network", "precision", "technology"]
CHIPS = {"LR": Chip.limited, "IR": Chip.unlimited}


def load_chip(name: str) -> Chip:
    """Return LR or IR.

    >>> load_chip("LR").caps
    4096
    """
    if name not in CHIPS:
        raise unknown("chip", name, CHIPS)
    return CHIPS[name]()


def run(network: str, precision: str, technology: str, chip: str, **options: object) -> Report:
    """Simulate one combination by its names, as the workflow does."""
    net = load_network(network)
    bits = load_precision(net, precision)
    return simulate(net, bits, load_chip(chip), data.load_technology(technology), **options)  # type: ignore[arg-type]


def points(
    path: str, networks: Sequence[str], precisions: Sequence[str], technologies: Sequence[str]
) -> pd.DataFrame:
    """Return the summaries of these combinations on LR.

    From the workflow's collected table where `path` names one; what it lacks is simulated here, so
    that a notebook also runs alone.
    """
    known = pd.read_csv(resolve(path)) if path else pd.DataFrame(columns=[*KEYS, "chip"])
    known = known[known.chip == "LR"].set_index(KEYS)
    rows = []
    for key in product(networks, precisions, technologies):
        if key in known.index:
            rows.append(dict(zip(KEYS, key, strict=True)) | known.loc[key].to_dict())
        else:
            rows.append(run(*key, "LR").summary)
    return pd.DataFrame(rows)


def layers(path: str, network: str, precision: str, technology: str) -> pd.DataFrame:
    """Return a combination's tidy layers on LR, from the workflow's file or simulated here."""
    if path and resolve(path).is_file():
        return pd.read_csv(resolve(path))
    return run(network, precision, technology, "LR").layers


def collect(output: str, files: Sequence[str]) -> Path:
    """Write the rows of all files to one table."""
    if not files:
        raise BfimnaError("no tables to collect")
    return write_table(pd.concat([pd.read_csv(f) for f in files], ignore_index=True), output)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: python -m bfimna.results TABLE FILE...")
    collect(sys.argv[1], sys.argv[2:])
