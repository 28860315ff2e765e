"""House style: sizes, colours and markers, titles, axes, and saving."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import (
    FixedLocator,
    FuncFormatter,
    LogLocator,
    NullFormatter,
    NullLocator,
)

from bfimna.errors import BfimnaError
from bfimna.names import slug
from bfimna.plot import publish
from bfimna.plot.layout import tidy
from bfimna.tables import place

Share = bool | Literal["none", "all", "row", "col"]

COLUMN_IN = {1: 3.5, 2: 7.16}  # widths of a two-column paper
HOUSE_POINTS = 8.0
SMALLEST = 4.0  # points of a name under a bar
MAX_NAME = 22  # characters of a network's or technology's name in a figure

#: Okabe and Ito's colours, distinguishable by lightness in greyscale
COLOURS = ("#000000", "#0072B2", "#D55E00", "#009E73", "#E69F00", "#56B4E9", "#CC79A7", "#999999")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
LINES = ("-", "--", "-.", ":")
#: phase → fill and hatch: neighbours in a stack differ in lightness or hatch, also in greyscale
PHASE_COLOURS = {
    "load": "#56B4E9", "multiply": "#0072B2", "reduce": "#D55E00", "read": "#F0E442",
    "carry": "#009E73", "bias": "#999999", "requantise": "#CC79A7", "relu": "#000000",
    "pool": "#E69F00", "residual": "#005038", "elementwise": "#8F6FD0", "traffic": "#cccccc",
    "leakage": "#5c3d2e",
}  # fmt: skip
PHASE_HATCHES = {
    "load": "////", "multiply": "", "reduce": "....", "read": "", "carry": "----",
    "bias": "", "requantise": "xxxx", "relu": "", "pool": "||||", "residual": "",
    "elementwise": "oooo", "traffic": "", "leakage": "++++",
}  # fmt: skip

#: technology → colour and marker, the same in every figure
TECHNOLOGY_STYLE = {
    "sram-14nm-lstp": (COLOURS[1], "o"),
    "sram-14nm-hp": (COLOURS[5], "s"),
    "sram-22nm-lstp": (COLOURS[0], "D"),
    "reram-14nm-lstp": (COLOURS[2], "^"),
    "reram-22nm-lstp": (COLOURS[4], "v"),
    "sram-published-fit": (COLOURS[3], "X"),
}
#: for technologies without a style of their own
SPARE_COLOURS = ("#CC79A7", "#7f7f7f", "#8F6FD0", "#005038", "#5c3d2e", "#b5a800")
SPARE_MARKERS = ("<", ">", "p", "h", "*", "P")  # those that can be hollow come first
NETWORK_TITLES = {
    "alexnet": "AlexNet",
    "vgg16": "VGG16",
    "resnet18": "ResNet18",
    "resnet50": "ResNet50",
    "resnet50_v1": "ResNet50 v1",
}
CELLS = "data/technologies/cells.csv"  # named with their file
TECHNOLOGY_TITLES = {
    "sram-14nm-lstp": "SRAM 14 nm LSTP",
    "sram-14nm-hp": "SRAM 14 nm HP",
    "sram-22nm-lstp": "SRAM 22 nm LSTP",
    "reram-14nm-lstp": "ReRAM 14 nm LSTP",
    "reram-22nm-lstp": "ReRAM 22 nm LSTP",
    "sram-published-fit": "SRAM, published fit",
    f"{CELLS}:sram-22nm-cross-point": "SRAM 22 nm cross-point",
    f"{CELLS}:reram-22nm": "ReRAM 22 nm",
    f"{CELLS}:fefet-22nm": "FeFET 22 nm",
    f"{CELLS}:mtj-22nm": "MTJ 22 nm",
}


def use_house_style() -> None:
    """Set Matplotlib to the house style: 8 pt, thin lines, embedded fonts, no dates in files."""
    mpl.rcParams.update({
        "font.size": HOUSE_POINTS, "axes.titlesize": 8, "axes.labelsize": 8, "legend.fontsize": 7,
        "xtick.labelsize": 7, "ytick.labelsize": 7, "font.family": "DejaVu Sans",
        "axes.linewidth": 0.6, "lines.linewidth": 1.0, "lines.markersize": 3.5,
        "svg.hashsalt": "bfimna",
        "grid.linewidth": 0.4, "grid.color": "#dddddd", "axes.grid": True, "axes.axisbelow": True,
        "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
        "legend.handlelength": 1.8, "hatch.linewidth": 0.4, "pdf.fonttype": 42, "ps.fonttype": 42,
        "figure.dpi": 150, "savefig.dpi": 300, "figure.constrained_layout.use": True,
    })  # fmt: skip


def figure(
    columns: int,
    height_in: float,
    rows: int = 1,
    cols: int = 1,
    sharex: Share = False,
    sharey: Share = False,
    squeeze: bool = True,
    height_ratios: tuple[float, ...] | None = None,
    width_ratios: tuple[float, ...] | None = None,
) -> tuple[Figure, Any]:
    """Return a figure as wide as one or two columns of a paper, and its axes (as `subplots`).

    If the publication in effect has one column, panels side by side are stacked; the array of axes
    keeps the requested shape.
    """
    if columns not in COLUMN_IN:
        raise BfimnaError(f"a figure is 1 or 2 columns wide, not {columns!r}")
    use_house_style()
    width, stacked = COLUMN_IN[columns], False
    if publish.current().settings:
        publish.apply()
        chosen = mpl.rcParams["figure.figsize"][0]
        stacked = rows == 1 and cols > 1 and chosen < COLUMN_IN[2] <= width
        height_in *= 0.8 * cols if stacked else max(chosen / COLUMN_IN[2], 1.0)
        width = chosen
    if not stacked:
        return plt.subplots(
            rows, cols, sharex=sharex, sharey=sharey, squeeze=squeeze,
            height_ratios=height_ratios, width_ratios=width_ratios, figsize=(width, height_in),
        )  # fmt: skip
    fig, axes = plt.subplots(
        cols, 1, sharey=sharey in (True, "all", "row"), squeeze=False, figsize=(width, height_in)
    )
    return fig, axes[:, 0] if squeeze else axes.T


def style_of(technology: str) -> tuple[str, str]:
    """Colour and marker of a technology; the first spare ones if unknown (see `styles_of`)."""
    return TECHNOLOGY_STYLE.get(technology, (SPARE_COLOURS[0], SPARE_MARKERS[0]))


def styles_of(technologies: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Colours and markers of technologies, all different; unknown ones get the spare ones.

    >>> styles_of(["mine", "sram-14nm-hp", "yours"])["yours"]
    ('#7f7f7f', '>')
    """
    technologies = list(dict.fromkeys(technologies))
    others = [name for name in technologies if name not in TECHNOLOGY_STYLE]
    spare = {
        name: (SPARE_COLOURS[n % len(SPARE_COLOURS)], SPARE_MARKERS[(n + n // 6) % 6])
        for n, name in enumerate(others)
    }
    return {name: TECHNOLOGY_STYLE.get(name) or spare[name] for name in technologies}


def look(n: int) -> dict[str, str]:
    """Colour, marker and line of the n-th of several series, such as networks.

    >>> look(0) == look(8), look(1)["marker"]
    (False, 's')
    """
    return {
        "color": COLOURS[n % len(COLOURS)],
        "marker": MARKERS[(n + n // len(COLOURS)) % len(MARKERS)],
        "linestyle": LINES[n % len(LINES)],
    }


def title_of(name: str) -> str:
    """Title of a network (a file's stem) or technology (its name in a table), shortened.

    >>> title_of("models/a-network-of-a-very-long-name.onnx"), title_of("mine.csv:cell")
    ('a-network…y-long-name', 'cell')
    """
    return shortened(full_title_of(name))


def shortened(name: str) -> str:
    """Cut a long name in the middle: its ends tell layers and files apart.

    >>> shortened("features.18.conv.0.1.depthwise")
    'features.…1.depthwise'
    """
    if len(name) <= MAX_NAME:
        return name
    half = (MAX_NAME - 1) // 2
    return f"{name[: half - 1]}…{name[-half - 1 :]}"


def full_title_of(name: str) -> str:
    """Title of a network or technology in full, for tables.

    >>> full_title_of("models/a-network-of-a-very-long-name.onnx"), full_title_of("resnet18")
    ('a-network-of-a-very-long-name', 'ResNet18')
    """
    titles = {**NETWORK_TITLES, **TECHNOLOGY_TITLES}
    return titles.get(name, slug(name.rpartition(":")[2]))


def letter(axes: Iterable[Axes]) -> None:
    """Write (a), (b), … before the panels' titles."""
    for n, ax in enumerate(axes):
        ax.set_title(f"({chr(ord('a') + n)}) {ax.get_title()}", loc="left")
        ax.set_title("")


def set_ticks(ax: Axes, values: Iterable[float], labels: Iterable[str] | None = None) -> None:
    """Put ticks on the x axis at these values only, as plain numbers (also on a log axis)."""
    values = list(values)
    ax.xaxis.set_major_locator(FixedLocator(values))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xticklabels(list(labels) if labels is not None else [f"{v:g}" for v in values])


def plain_log(axis: Axis) -> None:
    """Format the ticks of a logarithmic axis as plain numbers, more of them on a short axis.

    Call it once the axis has its limits: 0.1, 1, 10; below three decades 1, 3, 10; below one
    1, 2, 3, 5.
    """
    low, high = sorted(axis.get_view_interval())
    decades = np.log10(high / low) if low > 0 else np.inf
    subs = (1.0,) if decades > 3 else (1.0, 3.0) if decades > 1 else (1.0, 2.0, 3.0, 5.0, 7.0)
    axis.set_major_locator(LogLocator(subs=subs))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def set_categories(ax: Axes, labels: Sequence[str], most: int = 60) -> None:
    """Put vertical names under bars; of more than fit side by side only every n-th."""
    fig = ax.get_figure(root=True)
    assert fig is not None
    wide = ax.get_position().width * fig.get_figwidth() * 72  # points, before the layout
    step = max(-(-len(labels) // most), int(np.ceil(len(labels) * 1.4 * SMALLEST / wide)), 1)
    large = max(mpl.rcParams["font.size"] / HOUSE_POINTS, 1.0)  # such as a slide's
    size = large * float(np.clip(wide / 1.4 * step / max(len(labels), 1), SMALLEST, 6.0))
    labels = [" ".join(label.split()) for label in labels]
    short = [shortened(label) for label in labels]
    ax.set_xticks(
        range(0, len(labels), step), short[::step], rotation=90, fontsize=size, parse_math=False
    )
    ax.set_xlim(-0.7, len(labels) - 0.3)
    ax.grid(axis="x", visible=False)


def save(fig: Figure, output: str | Path) -> None:
    """Write ``output``.pdf and .png, the same bytes whenever the figure is the same.

    Titles, ticks and labels are fitted first (`tidy`). `bfimna.plot.publication` sets other
    formats.
    """
    tidy(fig)
    output = place(output)
    output.parent.mkdir(parents=True, exist_ok=True)
    written = []
    for suffix in publish.current().formats:
        path = output.with_name(f"{output.name}.{suffix}")
        partial = path.with_name(f".{path.name}.part")
        fig.savefig(partial, format=suffix, metadata=publish.FORMATS[suffix])
        os.replace(partial, path)
        written.append(str(path))
    print(f"wrote {', '.join(written)}")
