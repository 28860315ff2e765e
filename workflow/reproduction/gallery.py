"""What is where: the project's notebooks with their questions, and thumbnails of their figures."""

import base64
import io
import re
from html import escape
from pathlib import Path

from IPython.display import HTML
from PIL import Image

from bfimna.errors import BfimnaError
from bfimna.tables import project
from reproduction import figures
from reproduction.dependencies import cells

WIDTH_PX = 300
FIRST = ("simulate", "explore", "your_network", "ap_tutorial")  # to play with and learn from
OWN = "00_index"


def gallery() -> HTML:
    """Return every notebook with title, question and thumbnail, in the report's order.

    Links are relative to the folder of the notebooks. Figures come from ``figures/``; a notebook
    whose figure has not been drawn stands there without one.

    Raises
    ------
    BfimnaError
        Outside a checkout of the project: there are no notebooks to list.
    """
    root = project()
    if root is None:
        raise BfimnaError(f"{Path.cwd()}: not in a checkout of bfimna, which has the notebooks")
    known = figures.read(root / "workflow" / "figures.csv", root / "notebooks")
    found = {path.stem for path in (root / "notebooks").glob("*.ipynb")} - {OWN}
    by_group: dict[str, list[str]] = {"To play with": [n for n in FIRST if n in found]}
    for figure in sorted(known.values(), key=lambda figure: figure.group):
        by_group.setdefault(figure.group[3:], []).append(figure.name)
    listed = {name for names in by_group.values() for name in names}
    by_group["More"] = sorted(found - listed)
    parts = [
        f"<h3>{escape(group)}</h3><table>{''.join(_row(root, name) for name in names)}</table>"
        for group, names in by_group.items()
        if names
    ]
    return HTML("".join(parts))


def _row(root: Path, name: str) -> str:
    title, text = opening(root / "notebooks" / f"{name}.ipynb")
    picture = root / "figures" / f"{name}.png"
    image = f'<img src="{_thumbnail(picture)}" alt="{name}">' if picture.is_file() else ""
    return (
        f'<tr><td style="width:{WIDTH_PX}px">{image}</td><td style="text-align:left">'
        f'<a href="{name}.ipynb"><b>{escape(title)}</b></a><br>{escape(text)}</td></tr>'
    )


def opening(notebook: Path) -> tuple[str, str]:
    """Return a notebook's title and its first paragraph, as plain text."""
    paragraphs = cells(notebook)[0][1].split("\n\n")
    first = paragraphs[1] if len(paragraphs) > 1 else ""
    plain = re.sub(r"[*`]+", "", first.removeprefix("**Question.**"))
    return paragraphs[0].lstrip("# "), " ".join(plain.split())


def _thumbnail(picture: Path) -> str:
    """Return a small picture as a data URI, which is shown wherever the notebook lies."""
    with Image.open(picture) as image:
        small = image.convert("RGB")
    small.thumbnail((WIDTH_PX, WIDTH_PX))
    buffer = io.BytesIO()
    small.save(buffer, format="png", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
