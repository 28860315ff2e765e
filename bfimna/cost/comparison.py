"""Compare reports: values, and ratios to the first under the same draws of the technologies."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isnan, nan
from typing import TYPE_CHECKING

import numpy as np

from bfimna.cost import export, uncertainty
from bfimna.cost.report import Report
from bfimna.cost.report_text import SHOWN, interval
from bfimna.display import html_table, quantity, text_table
from bfimna.errors import BfimnaError, instance, whole_number

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from matplotlib.figure import Figure

MOST_REPORTS = 100
HEADER = ("", "report", "value", "5 to 95 %", "ratio", "5 to 95 % of the ratio", "overlap")
#: low end and high end of an interval
Ends = tuple[float, float]


@dataclass(frozen=True, repr=False)
class Comparison:
    """Reports side by side, the first of which is the reference; `compare` makes one.

    Attributes
    ----------
    labels : one per report: what distinguishes it.
    draws, seed : Monte Carlo samples, the same for every report.
    """

    reports: tuple[Report, ...]
    labels: tuple[str, ...]
    draws: int
    seed: int

    @property
    def table(self) -> "pd.DataFrame":
        """A row per quantity and report, in SI units.

        `low` and `high` are the 5th and 95th percentile of the value; `ratio` is the value over the
        first report's, `ratio_low` and `ratio_high` its percentiles where each draw divides the two
        reports at the same sample of every shared cause. `overlaps` says whether the interval meets
        the first report's; where it does, the ratio's may still lie on one side of 1. Ends are NaN
        at a supply without an interval.
        """
        return self._table.copy()

    @cached_property
    def _table(self) -> "pd.DataFrame":
        import pandas as pd

        rows = []
        for name in SHOWN:
            samples = [_samples(report, name, self.draws, self.seed) for report in self.reports]
            values = [float(getattr(report, name)) for report in self.reports]
            spans = [_ends(sample) for sample in samples]
            for k, label in enumerate(self.labels):
                low, high = _ends(_divided(samples[k], samples[0]))
                rows.append({
                    "quantity": name, "report": label, "value": values[k],
                    "low": spans[k][0], "high": spans[k][1], "ratio": values[k] / values[0],
                    "ratio_low": low, "ratio_high": high,
                    "overlaps": _overlap(spans[k], spans[0]),
                })  # fmt: skip
        return pd.DataFrame(rows)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the ratios mean where reports differ in the network or the batch."""
        lines = []
        if len({report.network for report in self.reports}) > 1:
            lines.append("networks differ: an inference is not the same work")
        if len({report.batch for report in self.reports}) > 1:
            lines.append(
                "batches differ: latency and energy-delay product count until the whole batch is "
                "done"
            )
        return tuple(lines)

    def to_csv(self, path: "str | Path | None" = None) -> str:
        """Return the table as CSV; write it if a path is given."""
        return export.written(export.csv_text(self._table), path)

    def to_json(self, path: "str | Path | None" = None) -> str:
        """Return the rows of the table and the notes as JSON; see `to_csv`."""
        rows = export.json_records(self._table)
        return export.written(
            json.dumps({"rows": rows, "notes": self.notes}, indent=2) + "\n", path
        )

    def to_latex(self, path: "str | Path | None" = None) -> str:
        """Return the rows with units as a LaTeX table for booktabs; see `to_csv`."""
        return export.written(export.latex_table(self._title, HEADER, self._rows()), path)

    def plot(self) -> "Figure":
        """Draw each report's ratios to the first, with intervals; return the figure."""
        from bfimna.plot.ratios import ratios  # Matplotlib, only where a figure is drawn

        names = {key: name for key, (name, _) in SHOWN.items()}
        return ratios(self._table.assign(name=self._table.quantity.map(names)), self.labels)

    def __repr__(self) -> str:
        rows = text_table([HEADER, *self._rows()])
        return "\n".join([f"<{self._title}>", rows, *self._lines()])

    def _repr_html_(self) -> str:
        return html_table(self._title, HEADER, self._rows(), self._lines())

    @property
    def _title(self) -> str:
        return f"Comparison of {len(self.reports)} reports; ratios to {self.labels[0]}"

    def _lines(self) -> list[str]:
        reports = zip(self.labels, self.reports, strict=True)
        titles = [f"{label}: {report.title}" for label, report in reports]
        return [*titles, *(f"note: {note}" for note in self.notes)]

    def _rows(self) -> list[tuple[str, ...]]:
        rows: list[tuple[str, ...]] = []
        for row in self._table.to_dict("records"):
            name, unit = SHOWN[row["quantity"]]
            first = row["report"] == self.labels[0]
            overlap = {True: "yes", False: "no", None: ""}[None if first else row["overlaps"]]
            rows.append((
                name if first else "", row["report"], quantity(row["value"], unit),
                interval(row["low"], row["high"], unit),
                "" if first else f"{row['ratio']:.3g}",
                "" if first else interval(row["ratio_low"], row["ratio_high"], ""), overlap,
            ))  # fmt: skip
        return rows


def compare(*reports: Report, draws: int = uncertainty.SAMPLES, seed: int = 0) -> Comparison:
    """Compare reports with the first, under common draws of their technologies' ranges.

    Two reports share the samples of each cause that both have, so what they have in common cancels
    in the ratio: its interval is narrower than the values' own.

    Raises
    ------
    BfimnaError
        For fewer than two reports, or something else than a report.

    Examples
    --------
    >>> import bfimna as bf
    >>> a, b = (bf.simulate("alexnet", bits, "LR", "sram-14nm-lstp") for bits in (8, 4))
    >>> both = bf.compare(a, b)
    >>> both.labels
    ('int8', 'int4')
    >>> edp = both.table.query("quantity == 'edp_js' and report == 'int4'").iloc[0]
    >>> bool(edp.ratio_low < edp.ratio < edp.ratio_high < 1)
    True
    """
    for report in reports:
        instance("a report to compare", report, Report)
    if not 2 <= len(reports) <= MOST_REPORTS:
        raise BfimnaError(f"compare 2 to {MOST_REPORTS} reports, not {len(reports)}")
    draws = whole_number("draws", draws, 1, uncertainty.MOST_SAMPLES)
    return Comparison(reports, _labels(reports), draws, whole_number("seed", seed, 0))


def _labels(reports: Sequence[Report]) -> tuple[str, ...]:
    """Return what distinguishes the reports, numbered where that is not enough."""
    each = [
        (r.network.name, r.precision.name, r.chip.name, r.technology.name,
         f"{r.technology.supply_v:g} V", f"batch {r.batch}", r.counts, r.schedule.plan.mapping.name)
        for r in reports
    ]  # fmt: skip
    differing = [k for k, values in enumerate(zip(*each, strict=True)) if len({*values}) > 1]
    names = [", ".join(words[k] for k in differing) or "report" for words in each]
    totals = {name: names.count(name) for name in names}
    labels: list[str] = []
    seen: dict[str, int] = {}
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        labels.append(f"{name} ({seen[name]})" if totals[name] > 1 else name)
    return tuple(labels)


def _samples(report: Report, name: str, draws: int, seed: int) -> np.ndarray | None:
    try:
        return uncertainty.samples_of(report, name, draws, seed)
    except BfimnaError:  # no interval at a supply within the threshold's range
        return None


def _ends(samples: np.ndarray | None) -> Ends:
    if samples is None:
        return nan, nan
    low, high = np.percentile(samples, uncertainty.PERCENTILES[::2])
    return float(low), float(high)


def _divided(samples: np.ndarray | None, reference: np.ndarray | None) -> np.ndarray | None:
    return None if samples is None or reference is None else samples / reference


def _overlap(a: Ends, b: Ends) -> bool | None:
    """Whether two intervals meet; None where one is not known."""
    return None if isnan(a[0] + b[0]) else a[0] <= b[1] and b[0] <= a[1]
