"""What the report shows beside the pictures: findings, tables as pages, the commit.

`python -m reproduction.report FOLDER TABLE...` writes a page for every table into a folder.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

import pandas as pd

#: rows that a page shows; the file has them all
MOST_ROWS = 500
_STYLE = """
body { font: 14px sans-serif; margin: 1em; color: #222; background: #fff }
table { border-collapse: collapse } td, th { padding: .2em .7em; text-align: left }
thead th { position: sticky; top: 0; background: #eee } tbody tr:nth-child(even) { background: #f7f7f7 }
td.number { text-align: right; font-variant-numeric: tabular-nums }
"""  # noqa: E501


def finding(notebook: str | Path) -> str:
    """Return what an executed notebook says it found, as Markdown; empty if it says nothing.

    That is the first Markdown among its outputs, which is filled with the figures of its run.
    """
    path = Path(notebook)
    if not path.is_file():
        return ""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    for output in (o for cell in cells for o in cell.get("outputs", ())):
        text = output.get("data", {}).get("text/markdown", "")
        if text:
            return "".join(text).strip()
    return ""


def rst(markdown: str) -> str:
    r"""Return Markdown as reStructuredText that looks like it: lists stay, emphasis goes.

    >>> rst("**Found.** `a_b` is *2*.")
    'Found. a\\_b is 2.'
    """
    plain = re.sub(r"\*\*|`|(?<!\w)\*(?=\w)|(?<=\w)\*(?!\w)", "", markdown)
    plain = re.sub(r"([\\*|_])", r"\\\1", plain)
    return re.sub(r"(?<!\n)\n(?=- )", "\n\n", plain)


def caption(text: str, notebook: str | Path) -> str:
    """Return a figure's caption: what it found, then what it shows."""
    return "\n\n".join(part for part in (rst(finding(notebook)), rst(text)) if part)


def commit(folder: str | Path = ".") -> str:
    """Return the commit that a checkout is at, and whether files in it were changed."""
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=40",
               "--exclude=*"]  # fmt: skip
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown: git cannot be asked"
    if done.returncode:
        return "unknown: no git checkout"
    return done.stdout.strip().replace("-dirty", ", with changes that are not committed")


def page(table: str | Path) -> str:
    """Return a table as an HTML page; of a long one, the first rows."""
    path = Path(table)
    frame = pd.read_csv(path, keep_default_na=False, dtype=str)
    shown = f"{len(frame)} rows"
    if len(frame) > MOST_ROWS:
        shown = f"the first {MOST_ROWS} of {shown}"
    head = "".join(f"<th>{escape(column)}</th>" for column in frame)
    rows = "\n".join(_row(row) for row in frame.head(MOST_ROWS).itertuples(index=False, name=None))
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(path.name)}</title>'
        f"<style>{_STYLE}</style><h1>{escape(path.stem)}</h1>"
        f"<p>{shown} of {escape(path.as_posix())}; units are in the columns' names (SI).</p>"
        f"<table><thead><tr>{head}</tr></thead><tbody>\n{rows}\n</tbody></table></html>\n"
    )


def _row(values: Iterable[str]) -> str:
    return f"<tr>{''.join(map(_cell, values))}</tr>"


def _cell(value: str) -> str:
    """Write a cell as the file has it; numbers stand to the right.

    >>> _cell("128355.1"), _cell("a < b")
    ('<td class="number">128355.1</td>', '<td>a &lt; b</td>')
    """
    try:
        float(value)
    except ValueError:
        return f"<td>{escape(value)}</td>"
    return f'<td class="number">{escape(value)}</td>'


def write_pages(folder: str | Path, tables: Sequence[str]) -> None:
    """Write a page for every table, under its name."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    for table in tables:
        (Path(folder) / f"{Path(table).stem}.html").write_text(page(table), encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: python -m reproduction.report FOLDER TABLE...")
    write_pages(sys.argv[1], sys.argv[2:])
