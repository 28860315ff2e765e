"""Placement of text: legends within the figure, titles within their panel, labels apart."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import cast

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.path import Path
from matplotlib.text import Annotation, Text
from matplotlib.ticker import NullFormatter
from matplotlib.transforms import Bbox

from bfimna.plot.points import infeasible_entry

#: offsets in points at which a point's label may be placed, the best ones first
PLACES = tuple(
    (radius * x, radius * y)
    for radius in (6, 10, 15, 21, 28, 36, 45, 55)
    for x, y in ((0, 1), (1, 0.4), (-1, 0.4), (0, -1), (1, -0.6), (-1, -0.6), (1, 1), (-1, 1))
)
MIN_FONT = 4.0  # points


def legend_below(
    fig: Figure, handles: Sequence[Artist], labels: Sequence[str] | None = None, most: int = 6
) -> Legend:
    """Put a legend below the axes, in as few and as even rows as fit the figure's width.

    Where `points` has drawn infeasible ones, the last entry says what hollow means.
    """
    texts = list(labels) if labels is not None else [handle.get_label() for handle in handles]
    hollow = infeasible_entry(fig)
    handles, texts = [*handles, *hollow], [*texts, *(entry.get_label() for entry in hollow)]
    renderer = _renderer(fig)
    for rows in range(1, max(len(texts), 1) + 1):
        columns = max(-(-len(texts) // rows), 1)
        if columns > most:
            continue
        legend = fig.legend(
            handles=handles, labels=texts, loc="outside lower center", ncols=columns,
            columnspacing=1.4,
        )  # fmt: skip
        show_dollars(legend.get_texts())
        if columns == 1 or legend.get_window_extent(renderer).width <= 0.98 * fig.bbox.width:
            break
        legend.remove()
    return legend


def unique_entries(axes: Iterable[Axes]) -> tuple[list[Artist], list[str]]:
    """Return handles and labels of several axes, each label once."""
    entries: dict[str, Artist] = {}
    for ax in axes:
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    return list(entries.values()), list(entries)


def show_dollars(texts: Iterable[Text]) -> None:
    """Draw dollar signs of names as they are; only the powers of ten of an axis are formulas."""
    for text in texts:
        if r"\mathdefault" not in text.get_text():
            text.set_parse_math(False)


def tidy(fig: Figure) -> None:
    """Fit titles to their panels, thin out crowded ticks, and move points' labels apart."""
    show_dollars(text for text in fig.findobj(Text) if "$" in text.get_text())
    fig.draw_without_rendering()
    for ax in fig.axes:
        _fit_labels(ax)
        _fit_ticks(ax)
    for _ in range(2):  # a title of more lines moves the axes
        fig.draw_without_rendering()
        for ax in fig.axes:
            _fit_titles(ax, fig)
    fig.draw_without_rendering()
    for ax in fig.axes:
        _fit_ticks(ax)
    fig.draw_without_rendering()
    _spread(fig)


def _renderer(fig: Figure) -> RendererBase:
    renderer: RendererBase = fig.canvas.get_renderer()  # type: ignore[attr-defined]
    return renderer


def _fit_titles(ax: Axes, fig: Figure) -> None:
    """Break or shrink titles that extend into the next panel or out of the figure."""
    renderer = _renderer(fig)
    own = ax.get_window_extent(renderer)
    beside = [
        other.get_window_extent(renderer).x0
        for other in fig.axes
        if other.get_window_extent(renderer).x0 > own.x1 and _same_row(other, ax, renderer)
    ]
    end = min([*beside, fig.bbox.x1]) - 4
    for title in (ax.title, ax._left_title):  # type: ignore[attr-defined]
        if title.get_text():
            middle = (own.x0 + own.x1) / 2
            width = end - own.x0 if title is not ax.title else 2 * (end - middle)
            _squeeze(title, min(width, fig.bbox.width - 8), renderer, "width")


def _same_row(one: Axes, other: Axes, renderer: RendererBase) -> bool:
    a, b = one.get_window_extent(renderer), other.get_window_extent(renderer)
    return a.y0 < b.y1 and b.y0 < a.y1


def _fit_labels(ax: Axes) -> None:
    """Break or shrink axis labels that are longer than their axis."""
    fig = ax.get_figure(root=True)
    assert fig is not None
    renderer = _renderer(fig)
    own = ax.get_window_extent(renderer)
    _squeeze(ax.xaxis.label, 1.15 * own.width, renderer, "width")
    _squeeze(ax.yaxis.label, 1.1 * own.height, renderer, "height")


def _squeeze(text: Text, room: float, renderer: RendererBase, along: str) -> None:
    """Break a text into two even lines, then shrink it, until it is no longer than `room`."""
    if not text.get_text() or getattr(text.get_window_extent(renderer), along) <= room:
        return
    whole = text.get_text()
    ends = [n for n, letter in enumerate(whole[:-1], 1) if letter in " …"]
    if "\n" not in whole and ends:
        halves = [(whole[:n].rstrip(" "), whole[n:]) for n in ends]
        text.set_text("\n".join(min(halves, key=lambda two: max(map(len, two)))))
    while getattr(text.get_window_extent(renderer), along) > room and _points(text) > MIN_FONT:
        text.set_fontsize(_points(text) - 0.5)


def _points(text: Text) -> float:
    """Return a text's size in points."""
    return float(text.get_fontsize())


def _fit_ticks(ax: Axes) -> None:
    """Shrink tick labels that touch each other; then thin out numbers and rotate names."""
    fig = ax.get_figure(root=True)
    assert fig is not None
    renderer = _renderer(fig)
    for axis, side in ((ax.xaxis, "x"), (ax.yaxis, "y")):
        small = [t for t in axis.get_ticklabels(minor=True) if t.get_text()]
        every = [t.get_window_extent(renderer) for t in (*axis.get_ticklabels(), *small)]
        if small and any(_overlap(a, b) for a, b in combinations(every, 2)):
            axis.set_minor_formatter(NullFormatter())
        for _ in range(12):
            texts = [t for t in axis.get_ticklabels() if t.get_visible() and t.get_text().strip()]
            boxes = [t.get_window_extent(renderer) for t in texts]
            if not _touch(boxes, 1 if side == "x" else 0):
                break
            numbers = all(_is_number(t.get_text()) for t in texts)
            if _points(texts[0]) > (5.5 if numbers else MIN_FONT):
                for text in axis.get_ticklabels():
                    text.set_fontsize(_points(text) - 0.5)
            elif numbers:
                kept = axis.get_ticklocs()[::2]
                labels = [t.get_text() for t in axis.get_ticklabels()][::2]
                axis.set_ticks(kept, labels)
            elif side == "x":
                for text in axis.get_ticklabels():
                    text.set(rotation=90)
            fig.draw_without_rendering()


def _is_number(text: str) -> bool:
    return not any(c.isalpha() for c in text.replace("mathdefault", "").replace("times", ""))


def _touch(boxes: Sequence[Bbox], gap: float) -> bool:
    padded = [box.padded(gap / 2) for box in boxes]
    return any(_overlap(a, b) for a, b in pairwise(padded))


def _overlap(one: Bbox, other: Bbox) -> bool:
    return one.x0 < other.x1 and other.x0 < one.x1 and one.y0 < other.y1 and other.y0 < one.y1


def _spread(fig: Figure) -> None:
    """Move the labels of points (`label_point`) to free places."""
    renderer = _renderer(fig)
    for ax in fig.axes:
        labels = [t for t in ax.texts if t.get_gid() == "point" and t.get_text()]
        if not labels:
            continue
        texts = [t.get_window_extent(renderer) for t in ax.texts if t not in labels]
        legend = ax.get_legend()
        texts += [legend.get_window_extent(renderer)] if legend else []
        obstacles = _Obstacles(ax.get_window_extent(renderer), texts, _spots(ax), _paths(ax))
        for label in labels:
            assert isinstance(label, Annotation)
            obstacles.texts.append(_place(label, obstacles, renderer))


@dataclass
class _Obstacles:
    """What a label should not cover, in pixels.

    Attributes
    ----------
    inside : the axes. texts : extents of other texts. spots : points, (n, 2). paths : lines.
    """

    inside: Bbox
    texts: list[Bbox]
    spots: np.ndarray
    paths: list[Path]

    def cost(self, box: Bbox, own: np.ndarray, marker: float) -> float:
        """Return a penalty of a label's place: high outside and over texts, low over lines."""
        away = self._distances(box, self.spots)
        out = not (
            self.inside.x0 <= box.x0
            and box.x1 <= self.inside.x1
            and self.inside.y0 <= box.y0
            and box.y1 <= self.inside.y1
        )
        others = away[np.abs(self.spots - own).max(axis=1) > 1] if len(away) else away
        ahead = (
            others - self._distances(box, own[None])[0]
        )  # else the label would seem to name another point
        doubt = 2.0 * (ahead < 0).any() + (ahead < marker).any()
        crossed = sum(path.intersects_bbox(box, filled=False) for path in self.paths)
        over = sum(_overlap(box, other) for other in self.texts)
        return 10.0 * out + 5.0 * over + (away < marker).sum() + doubt + crossed

    @staticmethod
    def _distances(box: Bbox, spots: np.ndarray) -> np.ndarray:
        low, high = np.array([box.x0, box.y0]), np.array([box.x1, box.y1])
        return np.hypot(*np.maximum(np.maximum(low - spots, spots - high), 0.0).T)


def _spots(ax: Axes) -> np.ndarray:
    """Return the points of lines with markers and of scatters, in pixels."""
    spots = [
        ax.transData.transform(line.get_xydata())
        for line in ax.lines
        if line.get_marker() not in ("None", "", None)
    ]
    spots += [
        ax.transData.transform(np.ma.filled(np.ma.asarray(c.get_offsets(), float), np.nan))
        for c in ax.collections
        if isinstance(c, PathCollection)
    ]
    every = np.concatenate([np.empty((0, 2)), *spots])
    return every[np.isfinite(every).all(axis=1)]


def _paths(ax: Axes) -> list[Path]:
    """Return the drawn lines, including error bars, in pixels."""
    lines = [Path(line.get_xydata()) for line in ax.lines if line.get_linestyle() != "None"]
    bars = [p for c in ax.collections if isinstance(c, LineCollection) for p in c.get_paths()]
    return [ax.transData.transform_path(path) for path in (*lines, *bars)]


def _place(label: Annotation, obstacles: _Obstacles, renderer: RendererBase) -> Bbox:
    """Move a label to the place of least penalty around its point, the nearest of equals."""
    own = label.axes.transData.transform(label.xy)  # type: ignore[union-attr]
    marker = 3.0 * cast(float, renderer.points_to_pixels(1.0))
    costs = {}
    for place in PLACES:
        label.set_position(place)
        label.update_positions(renderer)
        box = label.get_window_extent(renderer)
        costs[place] = obstacles.cost(box, own, marker) + 0.02 * np.hypot(*place)
    label.set_position(min(costs, key=lambda place: costs[place]))
    label.update_positions(renderer)
    return label.get_window_extent(renderer)


def label_point(ax: Axes, text: str, xy: tuple[float, float]) -> Annotation:
    """Write a point's name beside it; `tidy`, which `save` calls, chooses the place."""
    return ax.annotate(
        text, xy, PLACES[0], textcoords="offset points", ha="center", va="center",
        fontsize="x-small", gid="point", parse_math=False,
    )  # fmt: skip
