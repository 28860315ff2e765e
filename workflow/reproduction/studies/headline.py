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
from bfimna.cost.report import Report
from bfimna.cost.simulate import simulate
from bfimna.display import quantity
from bfimna.errors import BfimnaError
from bfimna.mapping.chip import Chip
from bfimna.names import AnyChip, load_chip, load_network, load_precision, load_technology
from reproduction.studies.arguments import checked

BEGIN, END = "<!-- headline: begin -->", "<!-- headline: end -->"
#: quantity → its heading and unit; throughput follows from the latency
SHOWN = {
    "latency_s": ("latency", "s"),
    "energy_j": ("energy", "J"),
    "edp_js": ("EDP", "J·s"),
    "efficiency_ops_per_w": ("efficiency", "OPS/W"),
}
BESIDE = (
    ", where what the MAPs cannot hold moves to and from DRAM, and as the paper assumes: all "
    "weights and tensors lie in the MAPs, whether they fit or not"
)
PAPER, AS_ASSUMED = Chip.paper().name, ", as the paper assumes"
COLUMNS = ["kind", "network", "precision", "technology", "chip", "quantity", "nominal", "low",
           "median", "high", "feasible", "infeasibilities", "cause", "first", "total"]  # fmt: skip


@checked
def uncertain(
    networks: Sequence[str],
    precision: str,
    technology: str,
    samples: int = 512,
    chip: AnyChip = "LR",
) -> pd.DataFrame:
    """Return intervals of the headline figures, also as the paper assumes, and Sobol indices.

    Parameters
    ----------
    samples : base samples of the indices, a power of two; see `bfimna.cost.uncertainty.sobol`.

    Returns
    -------
    DataFrame with kind ("interval" or "index"; indices are those of `chip`), network, precision,
    technology, chip (its own name, or "paper" for `Chip.paper`), quantity; for
    an interval nominal, low, median and high (5, 50, 95 %), in the unit that the quantity's name
    ends in, and feasible and infeasibilities of the report; for an index cause, first (of the
    variance, by itself) and total (with interactions).
    """
    tech, own, paper, rows = load_technology(technology), load_chip(chip), Chip.paper(), []
    for name in networks:
        net = load_network(name)
        report = simulate(net, load_precision(net, precision), own, tech)
        of = {"network": net.name, "precision": report.precision.name, "technology": tech.name,
              "chip": own.name}  # fmt: skip
        assumed = simulate(net, report.precision, paper, tech)
        for bounded in uncertainty.BOUNDED:
            rows.append({**of, **_interval(report, bounded)})
            if own != paper:
                rows.append({**of, "chip": paper.name, **_interval(assumed, bounded)})
            for index in uncertainty.sobol(report, bounded, samples).itertuples():
                rows.append({**of, "kind": "index", "quantity": bounded, "cause": index.cause,
                             "first": index.first, "total": index.total})  # fmt: skip
    return pd.DataFrame(rows, columns=COLUMNS)


def _interval(report: Report, bounded: str) -> dict[str, object]:
    low, median, high = report.interval(bounded)
    return {"kind": "interval", "quantity": bounded, "nominal": getattr(report, bounded),
            "low": low, "median": median, "high": high, "feasible": report.feasible,
            "infeasibilities": "; ".join(report.infeasibilities)}  # fmt: skip


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
    figures, chips = rows.set_index(["network", "quantity", "chip"]), list(rows.chip.unique())
    pairs = [(name, chip) for name in SHOWN if name in set(rows.quantity) for chip in chips]
    heads = [SHOWN[name][0] + AS_ASSUMED * (chip == PAPER) for name, chip in pairs]
    lines = [["network", *heads], ["---"] * (len(heads) + 1)]
    for network in rows.network.unique():
        cells = (_cell(figures.loc[(network, *pair)], SHOWN[pair[0]][1]) for pair in pairs)
        lines.append([network, *cells])
    beside = BESIDE if len(chips) > 1 else ""
    return "\n".join([
        f"{of.precision.iloc[0].upper()} on {chips[0]}, {of.technology.iloc[0]}, one "
        f"inference{beside}; below each figure, its 5 to 95 % interval when all parameters are "
        "sampled from their ranges:",
        "",
        *(f"| {' | '.join(line)} |" for line in lines),
        *_reasons(rows),
    ])  # fmt: skip


def _reasons(rows: pd.DataFrame) -> list[str]:
    """Return the limits that a network's figures exceed, as lines below the table."""
    each = rows[~rows.feasible.astype(bool)].drop_duplicates(["network", "chip"])
    lines = [
        f"- {row.network}{AS_ASSUMED * (row.chip == PAPER)}: {row.infeasibilities}"
        for row in each.itertuples()
    ]
    return ["", "Infeasible:", "", *lines] if lines else []


def _cell(row: pd.Series, unit: str) -> str:
    low, high = quantity(row.low, unit), quantity(row.high, unit)
    return f"{quantity(row.nominal, unit)}<br>{low} – {high}{'<br>infeasible' * (not row.feasible)}"


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
