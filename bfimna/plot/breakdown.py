"""A report's time and energy, layer by layer and phase by phase."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bfimna.cost.formulas import ALL_PHASES
from bfimna.cost.report import Report
from bfimna.display import unit_and_factor
from bfimna.plot.style import PHASE_COLOURS, PHASE_HATCHES, figure, title_of

MOST_LABELS = 60  # layers whose names still stand side by side


def breakdown(report: Report) -> Figure:
    """Draw seconds and joules of the batch, stacked by phase; a bar per weighted layer.

    What the layers without weights take stands with the weighted layer before them.
    """
    fig, axes = figure(2, 5.2, 2, 1, sharex=True)
    names = report.network.gemm_names
    makers = [report.network.makers[layer.name] for layer in report.network.layers]
    for ax, costs, name, ending in (
        (axes[0], report.times, "time", "_s"),
        (axes[1], report.energies, "energy", "_j"),
    ):
        by_layer = np.zeros((len(names), len(ALL_PHASES)))
        np.add.at(by_layer, makers, costs)
        unit, scale = unit_and_factor(ending, by_layer.sum(axis=1).max())
        stack(ax, scale * by_layer)
        ax.set_ylabel(f"{name} ({unit})")
        ax.grid(axis="x", visible=False)
    step = -(-len(names) // MOST_LABELS)
    axes[1].set_xticks(range(0, len(names), step), names[::step], rotation=90, fontsize=5.5)
    axes[0].set_title(
        f"{title_of(report.network.name)}, {report.precision.name}, {report.chip.name}, "
        f"{title_of(report.technology.name)}"
    )
    handles, texts = axes[1].get_legend_handles_labels()
    fig.legend(handles, texts, loc="outside lower center", ncols=6)
    plt.close(fig)  # else a notebook shows it twice
    return fig


def stack(ax: Axes, by_layer: np.ndarray) -> None:
    """Stack phases as bars, upright: an array of shape (bars, phases)."""
    bottom = np.zeros(len(by_layer))
    for phase, heights in zip(ALL_PHASES, by_layer.T, strict=True):
        if heights.any():
            ax.bar(
                range(len(by_layer)), heights, bottom=bottom, width=0.8, label=phase, **fill(phase)
            )
            bottom += heights
    ax.set_ylim(bottom=0)  # else the least bar's foot would be the axis' end, and hide its 0


def stack_shares(ax: Axes, table: pd.DataFrame) -> None:
    """Stack phases as shares of each row of a table, lying; the first row on top."""
    shares = 100 * table.to_numpy() / table.to_numpy().sum(axis=1, keepdims=True)
    left = np.zeros(len(shares))
    for phase, widths in zip(table.columns, shares.T, strict=True):
        if widths.any():
            ax.barh(range(len(shares)), widths, left=left, height=0.75, label=phase, **fill(phase))
            left += widths
    ax.set_xlim(0, 100)
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)


def fill(phase: str) -> dict[str, Any]:
    """Return how a phase's bar is filled, the same in every figure."""
    return {
        "facecolor": PHASE_COLOURS[phase],
        "hatch": PHASE_HATCHES[phase],
        "edgecolor": "white",
        "linewidth": 0.3,
    }
