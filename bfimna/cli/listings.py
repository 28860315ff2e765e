"""What the command line knows by name, as lists."""

import argparse
import json
from dataclasses import asdict

from bfimna import data, names
from bfimna.cost.formulas import cycle_seconds
from bfimna.display import quantity, text_table, unit_of
from bfimna.mapping import catalogue
from bfimna.mapping.chip import Chip
from bfimna.network import zoo

#: rows of a listing, in plain SI values
Rows = list[dict[str, object]]


def listing(options: argparse.Namespace) -> str:
    """Return the rows of a listing as text or JSON."""
    rows: Rows = options.rows()
    if options.json:
        return json.dumps(rows, indent=2)
    heading = [_HEADINGS.get(key, key.replace("_", " ")) for key in rows[0]]
    return text_table([heading, *([_cell(k, v) for k, v in row.items()] for row in rows)])


#: key of a listing → its heading, where that is not the key itself
_HEADINGS = {
    "macs": "MACs",
    "supply_v": "supply",
    "clock_hz": "clock",
    "compare_s": "compare on LR",
    "write_s": "write on LR",
    "leakage_w_per_cell": "leakage per cell",
    "area_m2_per_cell": "area per cell",
}


def _cell(key: str, value: object) -> str:
    """Write a value, with a prefix if it has a unit or is long."""
    if key == "clusters" and value == 0:
        return "as needed"
    if isinstance(value, int | float) and (unit_of(key) or value >= 10**5):
        return quantity(value, unit_of(key))
    return str(value)


def networks() -> Rows:
    """Return the zoo's networks."""
    nets = (zoo.load(name) for name in zoo.NETWORKS)
    return [
        {"name": n.name, "weighted_layers": len(n.matmuls), "weights": n.weights, "macs": n.macs}
        for n in nets
    ]


def technologies() -> Rows:
    """Return the technologies of the tables."""
    rows: Rows = []
    for name in data.technology_names():
        tech = names.load_technology(name)
        cycles = cycle_seconds(tech, Chip.limited().columns)
        rows.append({
            "name": name,
            "supply_v": tech.supply_v,
            "compare_s": cycles["compares"],
            "write_s": cycles["writes"],
            "leakage_w_per_cell": tech.leakage_w_per_cell,
            "area_m2_per_cell": tech.area_m2_per_cell,
        })  # fmt: skip
    return rows


def chips() -> Rows:
    """Return the chips with a name."""
    return [asdict(names.load_chip(name)) for name in names.CHIPS]


def mappings() -> Rows:
    """Return the mappings with a name."""
    return [
        {"name": name, "adder": mapping.adder, "family": family}
        for family, members in catalogue.families().items()
        for name, mapping in catalogue.by_name().items()
        if mapping in members
    ]
