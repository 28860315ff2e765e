"""Bars stacked by phase: time and energy of each layer, and shares of a whole."""

from typing import TYPE_CHECKING, TypedDict

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bfimna.display import unit_and_factor
from bfimna.plot.style import PHASE_COLOURS, PHASE_HATCHES, figure

if TYPE_CHECKING:
    import pandas as pd

MAX_LABELS = 60  # names of layers that fit side by side


class Fill(TypedDict):
    """How a bar is filled, as Matplotlib takes it."""

    facecolor: str
    hatch: str
    edgecolor: str
    linewidth: float


def breakdown(times: "pd.DataFrame", energies: "pd.DataFrame", title: str = "") -> Figure:
    """Draw seconds and joules of each layer as bars, stacked by phase.

    Parameters
    ----------
    times, energies : rows are layers, columns are phases in the order of the stack.

    Examples
    --------
    >>> import pandas as pd
    >>> times = pd.DataFrame({"load": [1e-6, 2e-6], "reduce": [3e-6, 0.0]}, index=["conv1", "fc"])
    >>> breakdown(times, times, "a chip").axes[0].get_ylabel()
    'time (µs)'
    """
    fig, axes = figure(2, 5.2, 2, 1, sharex=True)
    for ax, table, name, ending in (
        (axes[0], times, "time", "_s"),
        (axes[1], energies, "energy", "_j"),
    ):
        unit, scale = unit_and_factor(ending, table.to_numpy().sum(axis=1).max())
        stack(ax, scale * table)
        ax.set_ylabel(f"{name} ({unit})")
        ax.grid(axis="x", visible=False)
    names = [" ".join(str(name).split()) for name in times.index]
    step = -(-len(names) // MAX_LABELS)
    axes[1].set_xticks(
        range(0, len(names), step), names[::step], rotation=90, fontsize=5.5, parse_math=False
    )
    axes[0].set_title(title, parse_math=False)
    handles, texts = axes[1].get_legend_handles_labels()
    fig.legend(handles, texts, loc="outside lower center", ncols=6)
    plt.close(fig)  # else a notebook shows it twice
    return fig


def stack(ax: Axes, table: "pd.DataFrame") -> None:
    """Stack the columns of a table, its phases, as vertical bars: one bar per row."""
    bottom = np.zeros(len(table))
    for phase, heights in zip(table.columns, table.to_numpy().T, strict=True):
        if heights.any():
            ax.bar(range(len(table)), heights, bottom=bottom, width=0.8, label=phase, **fill(phase))
            bottom += heights
    ax.set_ylim(bottom=0)  # else the axis could begin at the shortest bar's foot


def stack_shares(ax: Axes, table: "pd.DataFrame") -> None:
    """Stack the columns of a table as horizontal bars that each add up to 100 %, first on top."""
    shares = 100 * table.to_numpy() / table.to_numpy().sum(axis=1, keepdims=True)
    left = np.zeros(len(shares))
    for phase, widths in zip(table.columns, shares.T, strict=True):
        if widths.any():
            ax.barh(range(len(shares)), widths, left=left, height=0.75, label=phase, **fill(phase))
            left += widths
    ax.set_xlim(0, 100)
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)


def fill(phase: str) -> Fill:
    """Return how a phase's bar is filled, the same in every figure."""
    return {
        "facecolor": PHASE_COLOURS[phase],
        "hatch": PHASE_HATCHES[phase],
        "edgecolor": "white",
        "linewidth": 0.3,
    }
