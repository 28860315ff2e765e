"""Where text stands: legends that fit the figure, titles that fit their panel, labels apart."""

from collections.abc import Iterable, Sequence
from itertools import combinations, pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.text import Annotation, Text
from matplotlib.ticker import NullFormatter
from matplotlib.transforms import Bbox

#: offsets in points where a point's label may stand, the best ones first
PLACES = tuple(
    (radius * x, radius * y)
    for radius in (6, 10, 15, 21, 28, 36, 45, 55)
    for x, y in ((0, 1), (1, 0.4), (-1, 0.4), (0, -1), (1, -0.6), (-1, -0.6), (1, 1), (-1, 1))
)
LEAST_FONT = 4.0  # points


def legend_below(
    fig: Figure, handles: Sequence[Any], labels: Sequence[str] | None = None, most: int = 6
) -> Legend:
    """Put a legend below the axes, in as many columns as fit the figure's width."""
    texts = list(labels) if labels is not None else [handle.get_label() for handle in handles]
    renderer = fig.canvas.get_renderer()  # type: ignore[attr-defined]
    for columns in range(max(min(most, len(texts)), 1), 0, -1):
        legend = fig.legend(
            handles=list(handles), labels=texts, loc="outside lower center", ncols=columns,
            columnspacing=1.4,
        )  # fmt: skip
        if columns == 1 or legend.get_window_extent(renderer).width <= 0.98 * fig.bbox.width:
            break
        legend.remove()
    return legend


def unique_entries(axes: Iterable[Axes]) -> tuple[list[Any], list[str]]:
    """Return handles and labels of several axes, each label once."""
    found: dict[str, Any] = {}
    for ax in axes:
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    return list(found.values()), list(found)


def tidy(fig: Figure) -> None:
    """Make titles fit their panels, thin crowded ticks, and move points' labels apart."""
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


def _renderer(fig: Figure) -> Any:
    return fig.canvas.get_renderer()  # type: ignore[attr-defined]


def _fit_titles(ax: Axes, fig: Figure) -> None:
    """Break or shrink titles that reach into the next panel or out of the figure."""
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


def _same_row(one: Axes, other: Axes, renderer: Any) -> bool:
    a, b = one.get_window_extent(renderer), other.get_window_extent(renderer)
    return a.y0 < b.y1 and b.y0 < a.y1


def _fit_labels(ax: Axes) -> None:
    """Break or shrink the axes' own labels where they are longer than their axis."""
    fig = ax.get_figure(root=True)
    assert fig is not None
    renderer = _renderer(fig)
    own = ax.get_window_extent(renderer)
    _squeeze(ax.xaxis.label, 1.15 * own.width, renderer, "width")
    _squeeze(ax.yaxis.label, 1.1 * own.height, renderer, "height")


def _squeeze(text: Text, room: float, renderer: Any, along: str) -> None:
    """Break a text in two lines, evenly, then shrink it, until it is no longer than `room`."""
    if not text.get_text() or getattr(text.get_window_extent(renderer), along) <= room:
        return
    words = text.get_text().split()
    if "\n" not in text.get_text() and len(words) > 1:
        halves = [(" ".join(words[:n]), " ".join(words[n:])) for n in range(1, len(words))]
        text.set_text("\n".join(min(halves, key=lambda two: max(map(len, two)))))
    while getattr(text.get_window_extent(renderer), along) > room and _points(text) > LEAST_FONT:
        text.set_fontsize(_points(text) - 0.5)


def _points(text: Text) -> float:
    """Return a text's size in points."""
    return float(text.get_fontsize())


def _fit_ticks(ax: Axes) -> None:
    """Turn or shrink tick labels that touch each other; numbers are thinned out."""
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
            if _points(texts[0]) > (5.5 if numbers else LEAST_FONT):
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
    """Move the labels of points (`label_point`) to where they touch nothing."""
    renderer = _renderer(fig)
    for ax in fig.axes:
        labels = [t for t in ax.texts if t.get_gid() == "point" and t.get_text()]
        if not labels:
            continue
        taken = [t.get_window_extent(renderer) for t in ax.texts if t not in labels]
        legend = ax.get_legend()
        taken += [legend.get_window_extent(renderer)] if legend else []
        inside = ax.get_window_extent(renderer)
        spots = _spots(ax)
        size = 3.0 * fig.dpi / 72
        points = [Bbox.from_bounds(x - size, y - size, 2 * size, 2 * size) for x, y in spots]
        for label in labels:
            taken.append(_place(label, taken, points, inside, renderer))


def _spots(ax: Axes) -> list[Any]:
    """Return where points are drawn, in pixels: of lines with markers and of scatters."""
    found: list[Any] = []
    for line in ax.lines:
        if line.get_marker() not in ("None", "", None):
            found += list(ax.transData.transform(line.get_xydata()))
    for collection in ax.collections:
        offsets: np.ndarray = np.ma.filled(
            np.ma.asarray(collection.get_offsets(), dtype=float), np.nan
        )
        found += (
            list(ax.transData.transform(offsets)) if isinstance(collection, PathCollection) else []
        )
    return [spot for spot in found if np.isfinite(spot).all()]


def _place(
    label: Text, taken: Sequence[Bbox], points: Sequence[Bbox], inside: Bbox, renderer: Any
) -> Bbox:
    """Try the places around a point; take the one that hides least, points counting less."""
    best: tuple[float, tuple[float, float]] | None = None
    for place in PLACES:
        label.set_position(place)
        label.update_positions(renderer)  # type: ignore[attr-defined]
        box = label.get_window_extent(renderer)
        out = not (inside.x0 <= box.x0 and box.x1 <= inside.x1
                   and inside.y0 <= box.y0 and box.y1 <= inside.y1)  # fmt: skip
        cost = 10.0 * out + 5.0 * sum(_overlap(box, other) for other in taken)
        cost += sum(_overlap(box, point) for point in points)
        if best is None or cost < best[0]:
            best = cost, place
        if cost == 0:
            break
    assert best is not None
    label.set_position(best[1])
    label.update_positions(renderer)  # type: ignore[attr-defined]
    return label.get_window_extent(renderer)


def label_point(ax: Axes, text: str, xy: tuple[float, float]) -> Annotation:
    """Write a point's name beside it; `tidy`, which `save` calls, finds the place."""
    return ax.annotate(
        text, xy, PLACES[0], textcoords="offset points", ha="center", va="center",
        fontsize="x-small", gid="point",
    )  # fmt: skip
