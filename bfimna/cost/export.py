"""Results as text to keep: CSV, JSON and a LaTeX table."""

import json
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from bfimna.files import save_text

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from bfimna.cost.report import Report

_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "µ": r"\textmu{}", "·": r"\,", "²": r"\textsuperscript{2}",
    "Ω": r"\textohm{}", "×": r"\texttimes{}",
}  # fmt: skip


def written(text: str, path: "str | Path | None") -> str:
    """Return a text; write it if a path is given."""
    if path is not None:
        save_text(text, path)
    return text


def csv_text(table: "pd.DataFrame") -> str:
    """Return a table as CSV, its numbers with all digits."""
    return str(table.to_csv(index=False, lineterminator="\n"))


def json_records(table: "pd.DataFrame") -> list[dict[str, object]]:
    """Return the rows of a table for JSON: missing values are null, infinite ones too."""
    records: list[dict[str, object]] = json.loads(
        table.to_json(orient="records", double_precision=15)
    )
    return records


def json_text(table: "pd.DataFrame") -> str:
    """Return the rows of a table as JSON."""
    return json.dumps(json_records(table), indent=2) + "\n"


def report_csv(report: "Report", layers: bool) -> str:
    """Return a report's summary as one row, or its table by layer and phase."""
    import pandas as pd

    return csv_text(report.layers if layers else pd.DataFrame([report.summary]))


def report_json(report: "Report", layers: bool) -> str:
    """Return a report's summary, notes and infeasibilities, and its layers if asked for."""
    more: dict[str, object] = {"notes": report.notes, "infeasibilities": report.infeasibilities}
    if layers:
        more["layers"] = json_records(report.layers)
    return json.dumps({**report.summary, **more}, indent=2) + "\n"


def latex_table(caption: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    r"""Return a table environment that needs the package booktabs; all text is escaped.

    >>> print(latex_table("a & b", ["name"], [["50 %"]]).splitlines()[2])
    \caption{a \& b}
    """
    cells = [[_latex(str(cell)) for cell in row] for row in (header, *rows)]
    head, *body = (" & ".join(row) + r" \\" for row in cells)
    lines = [
        r"\begin{table}", r"\centering", rf"\caption{{{_latex(caption)}}}",
        rf"\begin{{tabular}}{{{'l' * len(header)}}}", r"\toprule", head, r"\midrule", *body,
        r"\bottomrule", r"\end{tabular}", r"\end{table}",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _latex(text: str) -> str:
    escaped = re.sub("|".join(map(re.escape, _LATEX)), lambda m: _LATEX[m[0]], text)
    return " ".join(escaped.split())
