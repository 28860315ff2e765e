"""Namespace of the closed forms: cycles and energy events of each AP program.

There are two sets of them: `microcode`, of the bit-exact programs (which the emulator confirms),
and `published`, the closed forms of the literature where they differ. Model document, section 1.
Every function takes scalars or NumPy arrays (which broadcast) and counts one run; the energy events
are per row (per dot product for `reduce`): multiply by the rows with `over`.

Each form stands in the file that it is imported from, beside the passes that it counts (by the same
name in `programs`). A program need not be listed here to be counted.
"""

# ruff: noqa: F401
from bfimna.ap.addition import ADDERS, Adder
from bfimna.ap.addition import add_counts as add
from bfimna.ap.addition import subtract_counts as subtract
from bfimna.ap.clamping import clamp_counts as clamp
from bfimna.ap.clamping import relu_counts as relu
from bfimna.ap.clamping import saturate_counts as saturate
from bfimna.ap.comparison import maximum_counts as maximum
from bfimna.ap.division import divide_by_counts as divide_by
from bfimna.ap.division import divide_counts as divide
from bfimna.ap.division import fraction_counts as fraction
from bfimna.ap.events import (
    CYCLES,
    ENERGY_EVENTS,
    EVENTS,
    SEGMENT_AMOUNTS,
    Amount,
    ApKind,
    Counts,
    CountSet,
    check_count_set,
)
from bfimna.ap.multiplication import multiply_counts as multiply
from bfimna.ap.negation import absolute_counts as absolute
from bfimna.ap.negation import negate_counts as negate_if
from bfimna.ap.reduction import join_counts as join
from bfimna.ap.reduction import levels, rows_left, tree_levels
from bfimna.ap.reduction import reduce_counts as reduce
from bfimna.ap.scaling import clamp_product_counts as clamp_product
from bfimna.ap.scaling import requantise_counts as requantise
from bfimna.ap.scaling import scale_bits
from bfimna.ap.shifting import shift_right_counts as shift_right
from bfimna.ap.square_root import square_root_counts as square_root
from bfimna.ap.word_access import clear_along_counts as clear_along
from bfimna.ap.word_access import clear_counts as clear
from bfimna.ap.word_access import copy_counts as copy
from bfimna.ap.word_access import load_counts as load
from bfimna.ap.word_access import look_up_counts as look_up
from bfimna.ap.word_access import read_counts as read
from bfimna.ap.word_access import sign_extend_counts as sign_extend
