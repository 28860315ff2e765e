"""The figure beside the widgets: breakdown, layers, roofline. Artists are updated, not recreated.

`Report.plot` would take over ten times as long per change, and has no roofline.
"""

import io
from collections.abc import Iterable
from html import escape
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, NullFormatter
from matplotlib.transforms import Bbox
from PIL import Image

from bfimna.cost import report_text
from bfimna.cost.formulas import ALL_PHASES
from bfimna.cost.peak import peak
from bfimna.cost.report import Report
from bfimna.errors import BfimnaError
from bfimna.network.graph import Network
from bfimna.plot.phases import fill
from bfimna.plot.style import COLOURS, set_categories, title_of, use_house_style

SIZE_IN, DPI = (9.0, 4.6), 100
#: positions of the axes, as shares of the figure: left, bottom, width, height. A new layout for
#: each picture would take most of its time.
AXES = {
    "layers": (0.065, 0.595, 0.535, 0.345),
    "phases": (0.065, 0.215, 0.535, 0.11),
    "roof": (0.68, 0.215, 0.305, 0.725),
}
SPLIT = 0.61, 0.37  # right end and lower end of the part that belongs to the layers' axes
QUANTITIES = ("energy", "time")
MOST_KEPT = 64  # cached backgrounds


class Panel:
    """A figure of a report that is updated in place for the next one."""

    # Blitting: the artists that change are animated, and drawn over cached backgrounds, each of one
    # part of the figure, which are rendered again only for another network or other axis limits.

    def __init__(self) -> None:
        use_house_style()
        self.figure = Figure(figsize=SIZE_IN, dpi=DPI)
        self.figure.set_layout_engine("none")
        self.canvas = FigureCanvasAgg(self.figure)
        self.layers, self.phases, self.roof = (self.figure.add_axes(at) for at in AXES.values())
        self._network: Network | None = None
        self._frame: Any = None  # background of all but layers and roof
        #: axes and their limits → background of their part
        self._backgrounds: dict[tuple[Axes, tuple[float, float], tuple[float, float]], Any] = {}
        self._draw_phases()
        self._draw_roof()

    def _draw_phases(self) -> None:
        self._bars: dict[str, list[Rectangle]] = {}
        for phase in ALL_PHASES:
            bars = self.phases.barh(range(2), [0.0, 0.0], height=0.7, label=phase, **fill(phase))
            _animate(bars)
            self._bars[phase] = list(bars)
        self.phases.set(xlim=(0, 100), xlabel="share (%)", title="by phase")
        self.phases.set_yticks(range(2), QUANTITIES)
        self.phases.invert_yaxis()
        self.phases.grid(axis="y", visible=False)
        self.figure.legend(*self.phases.get_legend_handles_labels(), loc="lower center", ncols=7)

    def _draw_roof(self) -> None:
        self._ceiling = self.roof.plot([], [], color=COLOURS[2], label="AP, peak")[0]
        self._slope = self.roof.plot([], [], color=COLOURS[1], linestyle="--", label="buses")[0]
        self._points = self.roof.plot([], [], "o", color=COLOURS[0], label="layers")[0]
        self._whole = self.roof.plot([], [], "*", color=COLOURS[3], ms=9, label="network")[0]
        self.roof.set(xscale="log", yscale="log", title="roofline")
        self.roof.set(xlabel="operations per byte on the buses", ylabel="throughput (TOPS)")
        for axis in (self.roof.xaxis, self.roof.yaxis):  # plain numbers: mathematical text is slow
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axis.set_minor_formatter(NullFormatter())
        self.roof.legend(loc="lower right")
        _animate((self._ceiling, self._slope, self._points, self._whole))

    def _draw_layers(self, network: Network) -> None:
        """Draw the weighted layers' bars of another network."""
        self._network = network
        self._backgrounds = {
            key: kept for key, kept in self._backgrounds.items() if key[0] is not self.layers
        }
        self.layers.clear()
        at = np.arange(len(network.matmul_names))
        self._by_layer = {
            name: list(self.layers.bar(at + side, 0.0 * at, 0.4, color=COLOURS[c], label=name))
            for name, side, c in (("energy", -0.2, 2), ("time", 0.2, 1))
        }
        for bars in self._by_layer.values():
            _animate(bars)
        set_categories(self.layers, network.matmul_names, most=40)
        self.layers.set(ylabel="share of the whole (%)", title="by weighted layer")
        self.layers.legend(loc="upper right", ncols=2)

    def show(self, report: Report) -> None:
        """Update every artist to a report."""
        if self._network is not report.network:
            self._draw_layers(report.network)
        tables = dict(zip(QUANTITIES, (report.energies, report.times), strict=True))
        for n, table in enumerate(tables.values()):
            left = 0.0
            for phase, share in zip(ALL_PHASES, 100 * table.sum(axis=0) / table.sum(), strict=True):
                bar = self._bars[phase][n]
                bar.set_x(left)
                bar.set_width(share)
                left += share
        self._show_layers(report, tables)
        self._show_roof(report)

    def _show_layers(self, report: Report, tables: dict[str, np.ndarray]) -> None:
        makers = [report.network.makers[layer.name] for layer in report.network.layers]
        highest = 0.0
        for name, table in tables.items():
            shares = np.zeros(len(report.network.matmul_names))
            np.add.at(shares, makers, 100 * table.sum(axis=1) / table.sum())
            for bar, share in zip(self._by_layer[name], shares, strict=True):
                bar.set_height(share)
            highest = max(highest, shares.max())
        self.layers.set_ylim(0, 100 / 2 ** np.floor(np.log2(max(100 / (1.15 * highest), 1))))

    def _show_roof(self, report: Report) -> None:
        points, whole, slope, ceiling = roofline(report)
        x, y = (np.append(points[n], whole[n]) for n in range(2))
        high = max(y.max(), ceiling) if np.isfinite(ceiling) else y.max()
        ends, reach = _decades(x.min(), x.max()), _decades(y.min(), high)
        self._points.set_data(*points)
        self._whole.set_data([whole[0]], [whole[1]])
        for artist in (self._points, self._whole):  # hollow as in `bfimna.plot.points`
            artist.set_markerfacecolor(artist.get_color() if report.feasible else "white")
        self._slope.set_data(ends, slope * ends)
        self._ceiling.set_data(ends, [ceiling, ceiling])
        self.roof.set(xlim=tuple(ends), ylim=tuple(reach))

    def png(self) -> bytes:
        """Render it."""
        if self._frame is None:
            self._frame = self._render_frame()
        self.canvas.restore_region(self._frame)
        right, low = SPLIT
        self._restore(self.layers, (0.0, low, right, 1.0))
        self._restore(self.roof, (right, 0.12, 1.0, 1.0))
        for ax in (self.layers, self.phases, self.roof):
            for artist in (*ax.patches, *ax.lines):
                ax.draw_artist(artist)
        buffer = io.BytesIO()
        Image.fromarray(np.asarray(self.canvas.buffer_rgba())).save(
            buffer, format="png", compress_level=1
        )
        return buffer.getvalue()

    def _render_frame(self) -> Any:
        for ax in (self.layers, self.roof):
            ax.set_visible(False)
        self.canvas.draw()
        for ax in (self.layers, self.roof):
            ax.set_visible(True)
        return self.canvas.copy_from_bbox(self.figure.bbox)

    def _restore(self, ax: Axes, part: tuple[float, ...]) -> None:
        """Restore the background of an axes in its part of the figure, or render it."""
        key = ax, ax.get_xlim(), ax.get_ylim()
        if key in self._backgrounds:
            self.canvas.restore_region(self._backgrounds[key])
            return
        if len(self._backgrounds) >= MOST_KEPT:
            self._backgrounds.clear()
        ax.draw(self.canvas.get_renderer())
        box = Bbox.from_extents(*part).transformed(self.figure.transFigure)
        self._backgrounds[key] = self.canvas.copy_from_bbox(box)

    def save(self, path: str, report: Report) -> None:
        """Write the figure as PDF, under the report's title."""
        self.show(report)
        name = report.network.name
        self.figure.suptitle(report.title.replace(name, title_of(name), 1), y=1.02)
        self.figure.savefig(path, metadata={"CreationDate": None}, bbox_inches="tight")
        self.figure.suptitle("")


def _animate(artists: Iterable[Artist]) -> None:
    for artist in artists:
        artist.set_animated(True)


def _decades(low: float, high: float) -> np.ndarray:
    """Return the powers of ten around an interval, so that limits rarely change."""
    return 10.0 ** np.array([np.floor(np.log10(low) - 0.1), np.ceil(np.log10(high) + 0.1)])


def roofline(report: Report) -> tuple[np.ndarray, tuple[float, float], float, float]:
    """Return the roofline of a report: layers and network below the AP's peak and the buses.

    Returns
    -------
    For the weighted layers, (2, layers): operations per byte on the buses, and TOPS achieved; the
    same two of the network; TOPS per operation per byte at the buses' bandwidth; the AP's peak in
    TOPS at the narrowest layer's bits, NaN if the columns cannot hold them.
    """
    net, chip, traffic = report.network, report.chip, report.schedule.traffic
    makers = [net.makers[layer.name] for layer in net.layers]
    moved, seconds = (np.zeros(len(net.matmuls)) for _ in range(2))
    np.add.at(moved, np.array(makers)[traffic.layers], np.squeeze(traffic.bus_bits) / 8)
    np.add.at(seconds, makers, report.times.sum(axis=1))
    operations = 2.0 * report.batch * np.array([gemm.macs for gemm in net.matmuls])
    points = np.array([operations / moved, operations / seconds / 1e12])
    whole = operations.sum() / moved.sum(), operations.sum() / seconds.sum() / 1e12
    slope = chip.clusters * chip.bus_bits * chip.clock_hz / 8 / 1e12
    return points, whole, slope, _peak_tops(report)


def _peak_tops(report: Report) -> float:
    widths = zip(report.precision.weight_bits, report.precision.activation_bits, strict=True)
    bits = min(map(max, widths))
    try:
        return peak(bits, report.chip, report.technology).throughput_ops / 1e12
    except BfimnaError:
        return float("nan")


def headline_html(report: Report) -> str:
    """Return the totals as a row of HTML, and below it notes and reasons of infeasibility."""
    style = "padding:0 1.2em 0 0; vertical-align:top"
    cells = "".join(
        f"<td style='{style}'><small>{name}</small><br><b>{value}</b><br><small>{span}</small></td>"
        for name, value, span in report.headline
    )
    lines = "".join(f"<p>{escape(line)}</p>" for line in report_text.caveats(report))
    return f"<table><tr>{cells}</tr></table>{lines}"


def message(error: Exception) -> Any:
    """Return an error as HTML, shown in place of the totals."""
    return f"<p role='alert'><b>{error}</b></p>"
