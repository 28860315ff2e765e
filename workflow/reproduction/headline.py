"""The README's table of headline figures: `python -m reproduction.headline [README TABLE]`.

It stands between two markers and is made of figures/uncertainty.csv: run this after the figures
were drawn anew.
"""

import sys
from pathlib import Path

import pandas as pd

from bfimna.display import quantity
from bfimna.errors import BfimnaError

BEGIN, END = "<!-- headline: begin -->", "<!-- headline: end -->"
#: quantity → its heading and unit
SHOWN = {
    "latency_s": ("latency", "s"),
    "energy_j": ("energy", "J"),
    "edp_js": ("EDP", "J·s"),
    "throughput_ops": ("throughput", "OPS"),
    "efficiency_ops_per_w": ("efficiency", "OPS/W"),
}


def block(table: pd.DataFrame) -> str:
    """Return the table as Markdown: each figure, and where 90 % of the draws lie.

    Parameters
    ----------
    table : of `reproduction.studies.uncertainty`.
    """
    rows = table[table.kind == "interval"]
    of = rows[["precision", "technology"]].drop_duplicates()
    if len(of) != 1:
        raise BfimnaError(f"want figures of one precision and technology, not of {len(of)}")
    figures = rows.set_index(["network", "quantity"])
    shown = [name for name in SHOWN if name in set(rows.quantity)]
    lines = [
        ["network", *(SHOWN[name][0] for name in shown)],
        ["---"] * (len(shown) + 1),
        *(
            [network, *(_cell(figures.loc[(network, name)], SHOWN[name][1]) for name in shown)]
            for network in rows.network.unique()
        ),
    ]
    return "\n".join([
        f"{of.precision.iloc[0].upper()} on LR, {of.technology.iloc[0]}, one inference; below, "
        "where 90 % of the draws lie when all parameters are drawn from their ranges:",
        "",
        *(f"| {' | '.join(line)} |" for line in lines),
    ])  # fmt: skip


def _cell(row: pd.Series, unit: str) -> str:
    low, high = quantity(row.low, unit), quantity(row.high, unit)
    return f"{quantity(row.nominal, unit)}<br>{low} – {high}"


def with_block(readme: str, table: pd.DataFrame) -> str:
    """Return a README's text with the table between the markers."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise BfimnaError(f"the README wants the markers {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{block(table)}\n{END}{after}"


if __name__ == "__main__":
    if len(sys.argv) not in (1, 3):
        sys.exit("usage: python -m reproduction.headline [README TABLE]")
    readme, source = map(Path, sys.argv[1:] or ("README.md", "figures/uncertainty.csv"))
    try:
        text = with_block(readme.read_text(encoding="utf-8"), pd.read_csv(source))
    except (OSError, BfimnaError) as error:
        sys.exit(str(error))
    readme.write_text(text, encoding="utf-8")
