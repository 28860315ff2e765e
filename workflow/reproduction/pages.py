"""Pages for readers: the report's captions and tables, and the index of notebooks.

`python -m reproduction.pages FOLDER TABLE...` writes an HTML page for each table into a folder.
"""

import base64
import io
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from bfimna.errors import BfimnaError
from bfimna.tables import project
from reproduction import figure_table
from reproduction.dependencies import cells

if TYPE_CHECKING:
    from IPython.display import HTML

MOST_ROWS = 500  # of a table's page
WIDTH_PX = 300  # of a thumbnail
#: notebooks at the top of the index
FIRST = ("simulate", "explore", "your_network", "characterise", "ap_tutorial")
INDEX = "00_index"
_STYLE = """
body { font: 14px sans-serif; margin: 1em; color: #222; background: #fff }
table { border-collapse: collapse } td, th { padding: .2em .7em; text-align: left }
thead th { position: sticky; top: 0; background: #eee } tbody tr:nth-child(even) { background: #f7f7f7 }
td.number { text-align: right; font-variant-numeric: tabular-nums }
"""  # noqa: E501


def answer(notebook: str | Path) -> str:
    """Return an executed notebook's answer as Markdown; empty if there is none.

    The answer is the first Markdown among its outputs, with the figures of that run.
    """
    path = Path(notebook)
    if not path.is_file():
        return ""
    executed = json.loads(path.read_text(encoding="utf-8"))["cells"]
    for output in (o for cell in executed for o in cell.get("outputs", ())):
        text = output.get("data", {}).get("text/markdown", "")
        if text:
            return "".join(text).strip()
    return ""


def rst(markdown: str) -> str:
    r"""Convert Markdown to reStructuredText: lists stay, emphasis is dropped.

    >>> rst("**Answer.** `a_b` is *2*.")
    'Answer. a\\_b is 2.'
    """
    plain = re.sub(r"\*\*|`|(?<!\w)\*(?=\w)|(?<=\w)\*(?!\w)", "", markdown)
    plain = re.sub(r"([\\*|_])", r"\\\1", plain)
    return re.sub(r"(?<!\n)\n(?=- )", "\n\n", plain)


def caption(text: str, notebook: str | Path) -> str:
    """Return a figure's caption in the report: its answer, then the table's caption."""
    return "\n\n".join(part for part in (rst(answer(notebook)), rst(text)) if part)


def commit(folder: str | Path = ".") -> str:
    """Return a checkout's commit, and whether it has uncommitted changes."""
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=40",
               "--exclude=*"]  # fmt: skip
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown: git cannot be run"
    if done.returncode:
        return "unknown: no git checkout"
    return done.stdout.strip().replace("-dirty", ", with uncommitted changes")


def page(table: str | Path) -> str:
    """Return a table as an HTML page, at most `MOST_ROWS` rows of it."""
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
    """Write a cell as in the file; numbers are right-aligned.

    >>> _cell("128355.1"), _cell("a < b")
    ('<td class="number">128355.1</td>', '<td>a &lt; b</td>')
    """
    try:
        float(value)
    except ValueError:
        return f"<td>{escape(value)}</td>"
    return f'<td class="number">{escape(value)}</td>'


def write_pages(folder: str | Path, tables: Sequence[str]) -> None:
    """Write a page for each table, under the table's name."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    for table in tables:
        (Path(folder) / f"{Path(table).stem}.html").write_text(page(table), encoding="utf-8")


def index_of_notebooks() -> "HTML":
    """Return every notebook with title, question and thumbnail, in the report's order.

    Links are relative to the folder of the notebooks. Thumbnails are of ``figures/``, if
    present.

    Raises
    ------
    BfimnaError
        Outside a checkout of the project, which has the notebooks.
    """
    from IPython.display import HTML

    root = project()
    if root is None:
        raise BfimnaError(f"{Path.cwd()}: not in a checkout of bfimna, which has the notebooks")
    figures = figure_table.read(root / "workflow" / "figures.csv", root / "notebooks")
    names = {path.stem for path in (root / "notebooks").glob("*.ipynb")} - {INDEX}
    by_group: dict[str, list[str]] = {"To play with": [n for n in FIRST if n in names]}
    for figure in sorted(figures.values(), key=lambda figure: figure.group):
        by_group.setdefault(figure.group[3:], []).append(figure.name)
    listed = {name for members in by_group.values() for name in members}
    by_group["More"] = sorted(names - listed)
    parts = [
        f"<h3>{escape(group)}</h3><table>{''.join(_entry(root, name) for name in members)}</table>"
        for group, members in by_group.items()
        if members
    ]
    return HTML("".join(parts))


def _entry(root: Path, name: str) -> str:
    title, text = opening(root / "notebooks" / f"{name}.ipynb")
    picture = root / "figures" / f"{name}.png"
    image = f'<img src="{_thumbnail(picture)}" alt="{name}">' if picture.is_file() else ""
    return (
        f'<tr><td style="width:{WIDTH_PX}px">{image}</td><td style="text-align:left">'
        f'<a href="{name}.ipynb"><b>{escape(title)}</b></a><br>{escape(text)}</td></tr>'
    )


def opening(notebook: Path) -> tuple[str, str]:
    """Return a notebook's title and its first paragraph, as plain text."""
    paragraphs = cells(notebook)[0].source.split("\n\n")
    first = paragraphs[1] if len(paragraphs) > 1 else ""
    plain = re.sub(r"[*`]+", "", first.removeprefix("**Question.**"))
    return paragraphs[0].lstrip("# "), " ".join(plain.split())


def _thumbnail(picture: Path) -> str:
    """Return a small picture as a data URI, which needs no file beside the notebook."""
    from PIL import Image

    with Image.open(picture) as image:
        small = image.convert("RGB")
    small.thumbnail((WIDTH_PX, WIDTH_PX))
    buffer = io.BytesIO()
    small.save(buffer, format="png", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: python -m reproduction.pages FOLDER TABLE...")
    write_pages(sys.argv[1], sys.argv[2:])
