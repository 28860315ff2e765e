"""Points of the design space: one combination's results, and the fronts of a sweep.

Results come from the workflow's tables where there are any, and are simulated otherwise.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bfimna.ap.counts import CountSet
from bfimna.cost.report import Report
from bfimna.cost.simulate import simulate
from bfimna.errors import BfimnaError, shown
from bfimna.names import load_technology
from reproduction.studies.arguments import checked

#: what tells combinations apart in the workflow's table
KEYS = ("network", "precision", "technology", "supply_v", "chip", "counts", "batch")


def run(
    network: str,
    precision: str,
    technology: str,
    chip: str | Mapping[str, Any],
    supply_v: float | None = None,
    batch: int = 1,
    counts: CountSet = "microcode",
) -> Report:
    """Simulate one combination by its names, as notebooks/simulate.ipynb does.

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


@checked
def points(
    path: str, networks: Sequence[str], precisions: Sequence[str], technologies: Sequence[str]
) -> pd.DataFrame:
    """Return the summaries of these combinations on LR, one image at the nominal supply.

    From the workflow's summary where `path` names one; missing combinations are simulated, so that
    a notebook also runs alone. Columns and their order are those of `Report.summary` in both cases.
    """
    table = _summary(path) if path else None
    rows = []
    for network, precision, technology in product(networks, precisions, technologies):
        row = None if table is None else _stored(table, network, precision, technology)
        rows.append(row or run(network, precision, technology, "LR").summary)
    return pd.DataFrame(rows)


def _summary(path: str) -> pd.DataFrame:
    """Return the workflow's table of all simulations; raise for a file that is none."""
    where, wanted = f"summary {shown(path)}", "want results/summary.csv, or '' to simulate"
    try:
        table = pd.read_csv(Path(path))
    except (OSError, TypeError, ValueError) as error:  # pandas' own errors are ValueErrors
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise BfimnaError(f"{where}: {reason}; {wanted}") from None
    if missing := [name for name in KEYS if name not in table]:
        raise BfimnaError(f"{where} has no column {missing[0]!r}: {wanted}")
    return table


def _stored(
    table: pd.DataFrame, network: str, precision: str, technology: str
) -> dict[str, Any] | None:
    """Return the row of a combination; None if the workflow's table does not hold it."""
    tech = load_technology(technology)
    key = [network, precision, tech.name, tech.supply_v, "LR", "microcode", 1]
    rows = table[(table[list(KEYS)] == key).all(axis="columns")]
    return {str(k): v for k, v in rows.iloc[0].items()} if len(rows) else None


def layers(
    path: str, network: str, precision: str, technology: str, chip: str | Mapping[str, Any] = "LR"
) -> pd.DataFrame:
    """Return a combination's layers as a tidy table, from the workflow's file or simulated."""
    if path and Path(path).is_file():
        return pd.read_csv(Path(path))
    return run(network, precision, technology, chip).layers


@dataclass(frozen=True)
class SweepExtract:
    """The points of a sweep that its figure shows.

    Attributes
    ----------
    points : number of points of the sweep.
    front : Pareto front of latency and energy for each network and mean width in whole bits,
        fastest point first; with the column bits.
    cloud : a random sample of each network's points.
    best : the point of least EDP of each network.
    """

    points: int
    front: pd.DataFrame
    cloud: pd.DataFrame
    best: pd.DataFrame


def extract(parts: Iterable[pd.DataFrame], sample: int, seed: int = 0) -> SweepExtract:
    """Extract fronts and a sample from a sweep that need not fit in memory.

    Parameters
    ----------
    parts : tables of points, as `read_parts` yields them.
    sample : points of each network in the cloud, at most.
    """
    random = np.random.default_rng(seed)
    count, front, cloud, best = 0, pd.DataFrame(), pd.DataFrame(), pd.DataFrame()
    for part in parts:
        count += len(part)
        part = part.assign(bits=part.mean_bits.round().astype(int), lot=random.random(len(part)))
        front = _pareto_front(pd.concat([front, part]))
        cloud = _least(pd.concat([cloud, part]), "lot", sample)
        best = _least(pd.concat([best, part]), "edp_js", 1)
    left, right = front.drop(columns="lot"), best.drop(columns=["bits", "lot"])
    return SweepExtract(count, left.reset_index(drop=True), cloud, right)


def _pareto_front(points: pd.DataFrame) -> pd.DataFrame:
    """Return the fronts: sorted by latency, the points of less energy than all before."""
    ordered = points.sort_values(["latency_s", "energy_j"], ignore_index=True)
    groups = [ordered.network, ordered.bits]
    least = ordered.groupby(groups, sort=False).energy_j.cummin()
    before = least.groupby(groups, sort=False).shift(fill_value=np.inf)
    return ordered[ordered.energy_j < before]


def _least(points: pd.DataFrame, column: str, count: int) -> pd.DataFrame:
    """Return each network's rows with the least values of a column."""
    return points.sort_values(column, kind="stable").groupby("network", sort=True).head(count)


def blocks(layers: Sequence[str], most: int = 20) -> dict[str, str]:
    """Return layer → its block, named by the common start of dotted names.

    Names are cut as little as leaves at most that many blocks; names that have nothing in common
    stay as they are.

    >>> blocks(["conv1", "layer1.0.conv1", "layer1.0.conv2", "layer1.1.conv1"], 3)
    {'conv1': 'conv1', 'layer1.0.conv1': 'layer1.0', 'layer1.0.conv2': 'layer1.0', \
'layer1.1.conv1': 'layer1.1'}
    """
    deepest = max((name.count(".") + 1 for name in layers), default=1)
    for depth in range(deepest, 0, -1):
        block = {name: ".".join(name.split(".")[:depth]) for name in layers}
        if len(set(block.values())) <= most:
            break
    return block
