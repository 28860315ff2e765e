"""Whether the texts of a figure can be read: none over another, none outside."""

import itertools

from matplotlib.text import Text

SLACK_PX = 2.0  # antialiasing, and a glyph's own margin


def texts(fig):
    """Every text that is seen, with its extent in pixels."""
    fig.draw_without_rendering()
    renderer = fig.canvas.get_renderer()
    found = []
    for text in fig.findobj(Text):
        label = text.get_text().strip()
        box = text.get_window_extent(renderer)
        if label and text.get_visible() and box.width > 0 and _shown(text, fig):
            found.append((label, box))
    return found


def _shown(text, fig):
    """Whether a text is drawn: not of a tick that lies outside its axis' limits or is hidden."""
    for ax in fig.axes:
        for axis in (ax.xaxis, ax.yaxis):
            for tick in (*axis.majorTicks, *axis.minorTicks):
                if text in (tick.label1, tick.label2):
                    low, high = sorted(axis.get_view_interval())
                    inside = low - 1e-9 <= tick.get_loc() <= high + 1e-9
                    return inside and tick in axis._update_ticks()
    return True


def assert_clean(fig):
    found, whole = texts(fig), fig.bbox
    for label, box in found:
        inside = (
            box.x0 >= -SLACK_PX
            and box.y0 >= -SLACK_PX
            and box.x1 <= whole.x1 + SLACK_PX
            and box.y1 <= whole.y1 + SLACK_PX
        )
        assert inside, f"{label!r} leaves the figure: {box}"
    for (one, a), (other, b) in itertools.combinations(found, 2):
        over = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
        assert min(over) <= SLACK_PX, f"{one!r} over {other!r} by {over}"
