"""Headline figures with their intervals and Sobol indices, and the README's table of them.

The table behind the figure `uncertainty`. `python -m reproduction.studies.headline [README TABLE]`
writes the README's table, between two markers, from figures/uncertainty.csv: run it when the
figures have changed.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from bfimna.cost import uncertainty
from bfimna.cost.simulate import simulate
from bfimna.display import quantity
from bfimna.errors import BfimnaError
from bfimna.names import AnyChip, load_chip, load_network, load_precision, load_technology
from reproduction.studies.arguments import checked

BEGIN, END = "<!-- headline: begin -->", "<!-- headline: end -->"
#: quantity → its heading and unit
SHOWN = {
    "latency_s": ("latency", "s"),
    "energy_j": ("energy", "J"),
    "edp_js": ("EDP", "J·s"),
    "throughput_ops": ("throughput", "OPS"),
    "efficiency_ops_per_w": ("efficiency", "OPS/W"),
}


@checked
def uncertain(
    networks: Sequence[str],
    precision: str,
    technology: str,
    samples: int = 512,
    chip: AnyChip = "LR",
) -> pd.DataFrame:
    """Return intervals of the headline figures, and Sobol indices of their causes.

    Parameters
    ----------
    samples : base samples of the indices, a power of two; see `bfimna.cost.uncertainty.sobol`.

    Returns
    -------
    DataFrame with kind ("interval" or "index"), network, precision, technology, chip, quantity; for
    an interval nominal, low, median and high (5, 50, 95 %), in the unit that the quantity's name
    ends in, and feasible and infeasibilities of the report; for an index cause, first (of the
    variance, by itself) and total (with interactions).
    """
    tech, own, rows = load_technology(technology), load_chip(chip), []
    for name in networks:
        net = load_network(name)
        report = simulate(net, load_precision(net, precision), own, tech)
        of = {"network": net.name, "precision": report.precision.name, "technology": tech.name,
              "chip": own.name}  # fmt: skip
        judged = {"feasible": report.feasible, "infeasibilities": "; ".join(report.infeasibilities)}
        for bounded in uncertainty.BOUNDED:
            low, median, high = report.interval(bounded)
            nominal = getattr(report, bounded)
            rows.append({"kind": "interval", **of, "quantity": bounded, "nominal": nominal,
                         "low": low, "median": median, "high": high, **judged})  # fmt: skip
            for index in uncertainty.sobol(report, bounded, samples).itertuples():
                rows.append({"kind": "index", **of, "quantity": bounded, "cause": index.cause,
                             "first": index.first, "total": index.total})  # fmt: skip
    return pd.DataFrame(rows)


def block(table: pd.DataFrame) -> str:
    """Return the headline figures as a Markdown table, each with its 5 to 95 % interval.

    Parameters
    ----------
    table : of `uncertain`.
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
            [
                _marked(figures.loc[(network, shown[0])], network),
                *(_cell(figures.loc[(network, name)], SHOWN[name][1]) for name in shown),
            ]
            for network in rows.network.unique()
        ),
    ]
    return "\n".join([
        f"{of.precision.iloc[0].upper()} on LR, {of.technology.iloc[0]}, one inference; below each "
        "figure, its 5 to 95 % interval when all parameters are sampled from their ranges:",
        "",
        *(f"| {' | '.join(line)} |" for line in lines),
        *_reasons(rows),
    ])  # fmt: skip


def _marked(row: pd.Series, network: str) -> str:
    return network if row.feasible else f"{network} (infeasible)"


def _reasons(rows: pd.DataFrame) -> list[str]:
    """Return the limits that a network's figures exceed, as lines below the table."""
    each = rows[~rows.feasible.astype(bool)].drop_duplicates("network")
    lines = [f"- {row.network}: {row.infeasibilities}" for row in each.itertuples()]
    return ["", "Infeasible:", "", *lines] if lines else []


def _cell(row: pd.Series, unit: str) -> str:
    low, high = quantity(row.low, unit), quantity(row.high, unit)
    return f"{quantity(row.nominal, unit)}<br>{low} – {high}"


def with_block(readme: str, table: pd.DataFrame) -> str:
    """Return a README's text with the table between its markers."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise BfimnaError(f"the README wants the markers {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{block(table)}\n{END}{after}"


if __name__ == "__main__":
    if len(sys.argv) not in (1, 3):
        sys.exit("usage: python -m reproduction.studies.headline [README TABLE]")
    readme, source = map(Path, sys.argv[1:] or ("README.md", "figures/uncertainty.csv"))
    try:
        text = with_block(readme.read_text(encoding="utf-8"), pd.read_csv(source))
    except (OSError, BfimnaError) as error:
        sys.exit(str(error))
    readme.write_text(text, encoding="utf-8")
