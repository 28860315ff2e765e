"""Namespace of the closed forms: what each AP program costs, cycles and events that take energy.

Two sets: `microcode`, what the bit-exact programs take (the emulator in `bfimna.ap` is their
oracle), and `published`, the closed forms of the literature where they differ. Model document,
section 1. Every function takes scalars or NumPy arrays (which broadcast) and counts one run; the
energy events are per row (per dot product for `reduce`): multiply by the rows with `over`.

Each form stands beside its passes in the file that it is imported from; `programs` has the passes.
"""

from bfimna.ap.addition import add_counts as add
from bfimna.ap.addition import subtract_counts as subtract
from bfimna.ap.clamping import clamp_counts as clamp
from bfimna.ap.clamping import relu_counts as relu
from bfimna.ap.clamping import saturate_counts as saturate
from bfimna.ap.comparison import maximum_counts as maximum
from bfimna.ap.events import (
    CYCLES,
    ENERGY_EVENTS,
    EVENTS,
    Amount,
    ApKind,
    Counts,
    CountSet,
    check_set,
)
from bfimna.ap.multiplication import multiply_counts as multiply
from bfimna.ap.reduction import levels, rows_left, tree_levels
from bfimna.ap.reduction import reduce_counts as reduce
from bfimna.ap.scaling import requantise_counts as requantise
from bfimna.ap.scaling import scale_bits
from bfimna.ap.words import clear_along_counts as clear_along
from bfimna.ap.words import clear_counts as clear
from bfimna.ap.words import copy_counts as copy
from bfimna.ap.words import load_counts as load
from bfimna.ap.words import look_up_counts as look_up
from bfimna.ap.words import read_counts as read
from bfimna.ap.words import sign_extend_counts as sign_extend

__all__ = [
    "CYCLES",
    "ENERGY_EVENTS",
    "EVENTS",
    "Amount",
    "ApKind",
    "CountSet",
    "Counts",
    "add",
    "check_set",
    "clamp",
    "clear",
    "clear_along",
    "copy",
    "levels",
    "load",
    "look_up",
    "maximum",
    "multiply",
    "read",
    "reduce",
    "relu",
    "requantise",
    "rows_left",
    "saturate",
    "scale_bits",
    "sign_extend",
    "subtract",
    "tree_levels",
]
