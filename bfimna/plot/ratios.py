"""Ratios of reports to the first of them, with intervals."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from bfimna.plot.layout import legend_below
from bfimna.plot.style import COLOURS, MARKERS, figure, plain_log

if TYPE_CHECKING:
    import pandas as pd


def ratios(table: "pd.DataFrame", labels: Sequence[str]) -> Figure:
    """Draw the ratios of a comparison's table: a row per quantity, a marker per report.

    Parameters
    ----------
    table : columns name, report, ratio, ratio_low, ratio_high, as `bf.compare` returns them; a
        report without an interval has NaN.
    labels : of the reports, the reference first.
    """
    names, others = list(dict.fromkeys(table.name)), labels[1:]
    fig, ax = figure(1, 0.8 + len(names) * max(0.26, 0.1 * len(others)))
    handles = [ax.axvline(1.0, color="0.4", linewidth=0.8, label=labels[0])]
    for k, label in enumerate(others):
        rows = table[table.report == label]
        offset = (k + 1) / (len(others) + 1) - 0.5
        x, y = rows.ratio.to_numpy(), np.arange(len(names)) + offset
        low, high = rows.ratio_low.to_numpy(), rows.ratio_high.to_numpy()
        colour = COLOURS[1 + k % (len(COLOURS) - 1)]
        ax.hlines(y, np.where(np.isnan(low), x, low), np.where(np.isnan(high), x, high), colour)
        handles += ax.plot(x, y, MARKERS[k % len(MARKERS)], color=colour, markersize=4, label=label)
    ax.set_xscale("log")
    plain_log(ax.xaxis)
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set_xlabel("ratio, 5 to 95 % of the draws")
    legend_below(fig, handles)
    plt.close(fig)  # else a notebook shows it twice
    return fig
