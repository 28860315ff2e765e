"""House style and the figures' shared helpers; the only place with display units."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from bfimna.errors import BfimnaError
from bfimna.names import slug
from bfimna.tables import place

Share = bool | Literal["none", "all", "row", "col"]

COLUMN_IN = {1: 3.5, 2: 7.16}  # widths of a two-column paper

#: Okabe and Ito's colours that a greyscale print keeps apart by lightness, dark to light
COLOURS = ("#000000", "#0072B2", "#D55E00", "#009E73", "#E69F00", "#56B4E9", "#CC79A7", "#999999")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
LINES = ("-", "--", "-.", ":")
#: phase → fill, so that neighbours in a stack differ in lightness, and a hatch for greyscale
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
NETWORK_TITLES = {
    "alexnet": "AlexNet",
    "vgg16": "VGG16",
    "resnet18": "ResNet18",
    "resnet50": "ResNet50",
    "resnet50_v1": "ResNet50 v1",
}
TECHNOLOGY_TITLES = {
    "sram-14nm-lstp": "SRAM 14 nm LSTP",
    "sram-14nm-hp": "SRAM 14 nm HP",
    "sram-22nm-lstp": "SRAM 22 nm LSTP",
    "reram-14nm-lstp": "ReRAM 14 nm LSTP",
    "reram-22nm-lstp": "ReRAM 22 nm LSTP",
    "sram-published-fit": "SRAM, published fit",
}


def use_house_style() -> None:
    """Set Matplotlib to the house style: 8 pt, thin lines, embedded fonts, no dates in files."""
    mpl.rcParams.update({
        "font.size": 8, "axes.titlesize": 8, "axes.labelsize": 8, "legend.fontsize": 7,
        "xtick.labelsize": 7, "ytick.labelsize": 7, "font.family": "DejaVu Sans",
        "axes.linewidth": 0.6, "lines.linewidth": 1.0, "lines.markersize": 3.5,
        "grid.linewidth": 0.4, "grid.color": "#dddddd", "axes.grid": True, "axes.axisbelow": True,
        "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
        "legend.handlelength": 1.8, "hatch.linewidth": 0.4, "pdf.fonttype": 42,
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
    """Return a figure as wide as one or two columns of a paper, and its axes (as `subplots`)."""
    if columns not in COLUMN_IN:
        raise BfimnaError(f"a figure is 1 or 2 columns wide, not {columns!r}")
    use_house_style()
    size = (COLUMN_IN[columns], height_in)
    return plt.subplots(
        rows, cols, sharex=sharex, sharey=sharey, squeeze=squeeze,
        height_ratios=height_ratios, width_ratios=width_ratios, figsize=size,
    )  # fmt: skip


def style_of(technology: str) -> tuple[str, str]:
    """Colour and marker of a technology; unknown ones get the spare grey."""
    return TECHNOLOGY_STYLE.get(technology, (COLOURS[7], "*"))


def title_of(name: str) -> str:
    """How figures write a network (a file by its stem) or technology (by its name in a table)."""
    return {**NETWORK_TITLES, **TECHNOLOGY_TITLES}.get(name, slug(name.rpartition(":")[2]))


def letter(axes: Iterable[Axes]) -> None:
    """Write (a), (b), … before the panels' titles."""
    for n, ax in enumerate(axes):
        ax.set_title(f"({chr(ord('a') + n)}) {ax.get_title()}", loc="left")
        ax.set_title("")


def set_ticks(ax: Axes, values: Iterable[float], labels: Iterable[str] | None = None) -> None:
    """Put ticks on the x axis at these values only, written plainly (also on a log axis)."""
    values = list(values)
    ax.xaxis.set_major_locator(FixedLocator(values))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xticklabels(list(labels) if labels is not None else [f"{v:g}" for v in values])


def save(fig: Figure, output: str | Path) -> None:
    """Write ``output``.pdf and .png, the same bytes whenever the figure is the same."""
    output = place(output)
    output.parent.mkdir(parents=True, exist_ok=True)
    for suffix, metadata in ((".pdf", {"CreationDate": None}), (".png", {"Software": None})):
        path = output.with_name(output.name + suffix)
        partial = path.with_name(f".{path.name}.part")
        fig.savefig(partial, format=suffix[1:], metadata=metadata)
        os.replace(partial, path)
    print(f"wrote {output}.pdf, {output}.png")
