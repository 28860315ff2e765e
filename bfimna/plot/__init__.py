"""Figures and their texts, drawn from tables: house style, layout, bars by phase, narratives."""

from bfimna.errors import renamed
from bfimna.plot.layout import label_point, legend_below, tidy, unique_entries
from bfimna.plot.narrative import narrate, plain, readable, show_table, span
from bfimna.plot.phases import breakdown, stack, stack_shares
from bfimna.plot.points import infeasible_entry, points
from bfimna.plot.publish import publication
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
    look,
    plain_log,
    save,
    set_categories,
    set_ticks,
    style_of,
    styles_of,
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
    "breakdown",
    "figure",
    "infeasible_entry",
    "label_point",
    "legend_below",
    "letter",
    "look",
    "narrate",
    "plain",
    "plain_log",
    "points",
    "publication",
    "readable",
    "save",
    "set_categories",
    "set_ticks",
    "show_table",
    "span",
    "stack",
    "stack_shares",
    "style_of",
    "styles_of",
    "tidy",
    "title_of",
    "unique_entries",
    "use_house_style",
]


def __getattr__(name: str) -> object:
    return renamed(__name__, name)
