"""A combination's results: from the workflow's collected table, or simulated here."""

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd

from bfimna.ap.counts import CountSet
from bfimna.cost.report import Report
from bfimna.cost.simulate import simulate
from bfimna.names import load_technology


def run(
    network: str,
    precision: str,
    technology: str,
    chip: str | Mapping[str, Any],
    supply_v: float | None = None,
    batch: int = 1,
    counts: CountSet = "microcode",
) -> Report:
    """Simulate one combination by its names, as the workflow does.

    Parameters
    ----------
    network, precision, technology : names, or files.
    chip : a name, a file, or fields of `Chip`.
    supply_v : logic supply in V; the technology's nominal one if left out.
    batch, counts : as `simulate` takes them.
    """
    tech = load_technology(technology)
    if supply_v is not None:
        tech = tech.at_supply(supply_v)
    return simulate(network, precision, chip, tech, batch=batch, counts=counts)


def points(
    path: str, networks: Sequence[str], precisions: Sequence[str], technologies: Sequence[str]
) -> pd.DataFrame:
    """Return the summaries of these combinations on LR, one image at the nominal supply.

    From the workflow's collected table where `path` names one; what it lacks is simulated here, so
    that a notebook also runs alone. Columns and their order are those of `Report.summary` either
    way.
    """
    known = pd.read_csv(Path(path)) if path else None
    rows = []
    for network, precision, technology in product(networks, precisions, technologies):
        row = None if known is None else _stored(known, network, precision, technology)
        rows.append(row or run(network, precision, technology, "LR").summary)
    return pd.DataFrame(rows)


def _stored(
    known: pd.DataFrame, network: str, precision: str, technology: str
) -> dict[str, Any] | None:
    """Return the row of a combination, if the table of the workflow holds it."""
    tech = load_technology(technology)
    wanted = {
        "network": network,
        "precision": precision,
        "technology": tech.name,
        "supply_v": tech.supply_v,
        "chip": "LR",
        "counts": "microcode",
        "batch": 1,
    }
    found = known[(known[list(wanted)] == list(wanted.values())).all(axis="columns")]
    return {str(k): v for k, v in found.iloc[0].items()} if len(found) else None


def layers(
    path: str, network: str, precision: str, technology: str, chip: str | Mapping[str, Any] = "LR"
) -> pd.DataFrame:
    """Return a combination's tidy layers, from the workflow's file or simulated here."""
    if path and Path(path).is_file():
        return pd.read_csv(Path(path))
    return run(network, precision, technology, chip).layers
