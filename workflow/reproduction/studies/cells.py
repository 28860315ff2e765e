"""Cells of one node beside each other: what they cost a network, and how long they last.

The table behind the figure `cells`.
"""

from collections.abc import Sequence

import pandas as pd

from bfimna import data, names
from bfimna.cost.simulate import simulate
from bfimna.emulator.arrays import Emulator
from bfimna.technology.technology import Technology
from reproduction.studies.arguments import checked
from reproduction.studies.measured import YEAR_S, run_digits

QUANTITIES = ("latency_s", "energy_j", "edp_js")
TABLE = data.ROOT / "technologies" / "cells.csv"


def load_cell(name: str) -> Technology:
    """Return a technology of data/technologies/cells.csv, or another by its name."""
    if name in set(pd.read_csv(TABLE, dtype=str).technology):
        return data.load_technology(name, TABLE)
    return names.load_technology(name)


@checked
def beside_each_other(
    networks: Sequence[str],
    technologies: Sequence[str],
    precision: str = "int8",
    chip: str = "LR",
    frames_per_s: float = 30.0,
    every: int = 120,
) -> pd.DataFrame:
    """Return latency, energy and EDP of networks on cells, and the lifetime of a cell.

    The lifetime is that of the hottest cell of the digits network on the emulator, the only one
    whose writes are counted cell by cell.

    Parameters
    ----------
    every : takes one of that many images of the digits.

    Returns
    -------
    DataFrame with the columns network, technology, precision, chip, feasible; of `QUANTITIES` the
    value, and its 5th and 95th percentile (_low, _high); endurance_writes, writes_per_inference,
    frames_per_s, lifetime_years, and lifetime_years_low and _high at the ends of the endurance's
    range.
    """
    _, worn = run_digits(precision, every, emulator=Emulator(wear=True))
    a_year = worn.hottest_cell * frames_per_s * YEAR_S
    rows = []
    for name in technologies:
        tech = load_cell(name)
        low, high = tech.ranges["endurance_writes"]
        for network in networks:
            report = simulate(network, precision, chip, tech)
            spans: dict[str, float] = {}
            for quantity in QUANTITIES:
                least, _, most = report.interval(quantity)
                spans |= {quantity: getattr(report, quantity),
                          f"{quantity}_low": least, f"{quantity}_high": most}  # fmt: skip
            rows.append({
                "network": network, "technology": tech.name, "precision": precision, "chip": chip,
                "feasible": report.feasible, **spans,
                "endurance_writes": tech.endurance_writes,
                "writes_per_inference": worn.hottest_cell, "frames_per_s": frames_per_s,
                "lifetime_years": tech.endurance_writes / a_year,
                "lifetime_years_low": low / a_year, "lifetime_years_high": high / a_year,
            })  # fmt: skip
    return pd.DataFrame(rows)
