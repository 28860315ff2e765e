"""Points of results: filled where the chip can be built and run so, hollow where it cannot.

Every figure that draws points of ours draws them with `points`, so that hollow means the same in
all of them. `bfimna.cost.caveats` decides what is feasible.
"""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike

INFEASIBLE = "infeasible"  # gid of the hollow points
HOLLOW_LABEL = "hollow: infeasible"
#: width of a marker's edge, thin enough that a hollow one is recognised
EDGE_POINTS = 0.8


def points(
    ax: Axes,
    x: ArrayLike,
    y: ArrayLike,
    feasible: ArrayLike,
    *,
    color: str,
    marker: str = "o",
    linestyle: str = "",
    label: str = "",
    xerr: ArrayLike | None = None,
    yerr: ArrayLike | None = None,
    **look: Any,
) -> None:
    """Draw points: filled where feasible, hollow elsewhere, with a line through all of them.

    Parameters
    ----------
    x, y : of the points, of one shape (points,), or numbers.
    feasible : a truth value per point, or one for all; column ``feasible`` of a table of results.
    linestyle : of a line through the points; none unless given.
    label : entry of the legend, with a filled marker; `legend_below` adds that of hollow ones.
    xerr, yerr : lengths of error bars, shape (points,) or (2, points) as Matplotlib takes them.
    look : further properties of the markers and of the error bars.
    """
    across, up = np.atleast_1d(np.asarray(x)), np.atleast_1d(np.asarray(y))
    buildable = np.broadcast_to(np.asarray(feasible, dtype=bool), across.shape)
    line = {key: look[key] for key in ("linewidth", "alpha") if key in look}
    if linestyle:
        ax.plot(across, up, linestyle, color=color, **line)
    for part, face in ((buildable, color), (~buildable, "white")):
        if not part.any():
            continue
        ends: dict[str, Any] = {
            key: np.reshape(bars, (-1, len(across)))[:, part]
            for key, bars in (("xerr", xerr), ("yerr", yerr))
            if bars is not None
        }
        drawn: dict[str, Any] = {
            "color": color,
            "mfc": face,
            "mec": color,
            "mew": EDGE_POINTS,
            **look,
        }
        container = ax.errorbar(across[part], up[part], fmt=marker, linestyle="", **ends, **drawn)
        if isinstance(face, str) and face == "white":
            container.lines[0].set_gid(INFEASIBLE)
    if label:
        ax.plot([], [], marker=marker, color=color, linestyle=linestyle or "none", label=label)


def infeasible_entry(fig: Figure) -> list[Line2D]:
    """Return the legend's entry of hollow points, empty where a figure has none."""
    if not any(line.get_gid() == INFEASIBLE for line in fig.findobj(Line2D)):
        return []
    look: dict[str, Any] = {"color": "0.35", "mfc": "white", "mew": EDGE_POINTS, "linestyle": ""}
    return [Line2D([], [], marker="o", label=HOLLOW_LABEL, **look)]
