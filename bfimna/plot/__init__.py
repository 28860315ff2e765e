"""House style, the figures' shared helpers, and pictures of arrays."""

from bfimna.plot.style import (
    COLOURS,
    COLUMN_IN,
    LINES,
    MARKERS,
    NETWORK_TITLES,
    PHASE_COLOURS,
    PHASE_HATCHES,
    TECHNOLOGY_STYLE,
    TECHNOLOGY_TITLES,
    figure,
    letter,
    save,
    set_ticks,
    style_of,
    title_of,
    use_house_style,
)

__all__ = [
    "COLOURS",
    "COLUMN_IN",
    "LINES",
    "MARKERS",
    "NETWORK_TITLES",
    "PHASE_COLOURS",
    "PHASE_HATCHES",
    "TECHNOLOGY_STYLE",
    "TECHNOLOGY_TITLES",
    "figure",
    "letter",
    "save",
    "set_ticks",
    "style_of",
    "title_of",
    "use_house_style",
]
