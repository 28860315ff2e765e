"""Pictures of an associative processor's array as a program changes it, pass by pass."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle

from bfimna.ap.array import Array
from bfimna.ap.passes import Pass
from bfimna.plot.style import COLOURS

TAGGED, WRITTEN = "#F7D9A0", COLOURS[1]  # light and dark: distinguishable in greyscale


@dataclass(frozen=True)
class Snapshot:
    """The array after a pass.

    Attributes
    ----------
    step : the pass. cells : (rows, columns) of 0 and 1. written : whether the pass wrote them.
    """

    step: Pass
    cells: np.ndarray
    written: np.ndarray


def trace(array: Array, program: Sequence[Pass]) -> list[Snapshot]:
    """Run a program on an array that counts wear; return a snapshot of each pass.

    >>> from bfimna.ap import generate
    >>> half_add = generate("ap", lambda a, p: (a & p, a ^ p))
    >>> array = Array(4, columns=2, wear=True)
    >>> array.load([0, 1, 2, 3], range(2))
    >>> [int(s.written.sum()) for s in trace(array, half_add.at((0, 1)))]
    [2, 1]
    """
    snapshots = []
    for step in program:
        before = array.wear.copy()
        array.run((step,))
        written = (array.wear != before).reshape(array.columns, -1).T
        snapshots.append(Snapshot(step, cells_of(array), written))
    return snapshots


def cells_of(array: Array) -> np.ndarray:
    """Return all cells, (rows, columns), without counting a read."""
    bits = np.unpackbits(array.planes.view(np.uint8), axis=1, bitorder="little")
    by_row = bits.reshape(array.columns, array.rows, -1)[:, :, : array.groups]
    return by_row.reshape(array.columns, -1).T


def draw(
    ax: Axes, names: Sequence[str], cells: np.ndarray, snapshot: Snapshot | None = None
) -> None:
    """Draw an array: the key above, tagged rows shaded, written cells dark, their values below.

    Parameters
    ----------
    names : of the columns. cells : (rows, columns).
    snapshot : the pass that led to these cells, if any.
    """
    rows, columns = cells.shape
    key = dict(snapshot.step.key) if snapshot else {}
    write = dict(snapshot.step.write) if snapshot else {}
    written = snapshot.written if snapshot else np.zeros(cells.shape, bool)
    for r in range(rows):
        tagged = written[r].any()
        for c in range(columns):
            colour = WRITTEN if written[r, c] else TAGGED if tagged else "white"
            ax.add_patch(Rectangle((c, r), 1, 1, facecolor=colour, edgecolor="#999999", lw=0.4))
            ink = "white" if written[r, c] else "black"
            ax.text(c + 0.5, r + 0.5, str(cells[r, c]), ha="center", va="center", color=ink)
    for c, name in enumerate(names):
        ax.text(c + 0.5, -1.6, name, ha="center", va="center", fontsize=7)
        if c in key:
            ax.text(c + 0.5, -0.6, str(key[c]), ha="center", va="center", weight="bold")
        if c in write:
            text = f"{write[c]}"
            ax.text(
                c + 0.5, rows + 0.6, text, ha="center", va="center", color=WRITTEN, weight="bold"
            )
    ax.set_xlim(-0.1, columns + 0.1)
    ax.set_ylim(rows + 1.2, -2.2)
    ax.set_aspect("equal")
    ax.axis("off")


def draw_written(
    ax: Axes, cells: np.ndarray, writers: np.ndarray, colours: Sequence[str], group: int
) -> None:
    """Draw an array's cells in the colours of what wrote them last; a line after each group.

    Parameters
    ----------
    cells : (rows, columns) of 0 and 1.
    writers : number of a colour for each cell; -1, which is white and empty, for none.
    group : rows of a group, such as a dot product.
    """
    rows, columns = cells.shape
    for (r, c), writer in np.ndenumerate(writers):
        colour = colours[writer] if writer >= 0 else "white"
        ax.add_patch(Rectangle((c, r), 1, 1, facecolor=colour, edgecolor="white", lw=0.3))
        if writer >= 0:
            dark = np.dot(to_rgb(colour), (0.3, 0.6, 0.1)) < 0.5
            ink = "white" if dark else "black"
            ax.text(c + 0.5, r + 0.55, str(cells[r, c]), ha="center", va="center", color=ink,
                    fontsize=4.5)  # fmt: skip
    for r in range(0, rows + 1, group):
        ax.plot([0, columns], [r, r], color="black", linewidth=0.6)
    ax.set_xlim(-0.1, columns + 0.1)
    ax.set_ylim(rows + 0.1, -0.1)
    ax.set(xticks=[], yticks=[])
    ax.axis("off")
