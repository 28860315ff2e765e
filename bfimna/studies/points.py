"""A combination's results: from the workflow's collected table, or simulated here."""

from collections.abc import Sequence
from itertools import product
from pathlib import Path

import pandas as pd

from bfimna.result.report import Report
from bfimna.result.simulate import simulate

KEYS = ["network", "precision", "technology"]


def run(network: str, precision: str, technology: str, chip: str) -> Report:
    """Simulate one combination by its names, as the workflow does."""
    return simulate(network, precision, chip, technology)


def points(
    path: str, networks: Sequence[str], precisions: Sequence[str], technologies: Sequence[str]
) -> pd.DataFrame:
    """Return the summaries of these combinations on LR.

    From the workflow's collected table where `path` names one; what it lacks is simulated here, so
    that a notebook also runs alone.
    """
    known = pd.read_csv(Path(path)) if path else pd.DataFrame(columns=[*KEYS, "chip"])
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
    if path and Path(path).is_file():
        return pd.read_csv(Path(path))
    return run(network, precision, technology, "LR").layers
