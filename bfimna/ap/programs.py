"""Namespace of the programs: functions of column ranges that return a `Program`.

Each stands in the file that it is imported from, beside its truth table, its closed form (by the
same name in `counts`) and its expected cells. A program need not be listed here to run.
"""

# ruff: noqa: F401
from bfimna.ap.addition import add, subtract
from bfimna.ap.clamping import clamp, relu, saturate
from bfimna.ap.comparison import maximum
from bfimna.ap.division import divide, divide_by, fraction
from bfimna.ap.group_maximum import distance_to_maximum
from bfimna.ap.multiplication import multiply
from bfimna.ap.negation import absolute, negate_if
from bfimna.ap.passes import Program
from bfimna.ap.reduction import reduce, reduce_1d
from bfimna.ap.scaling import requantise, scale_up
from bfimna.ap.shifting import shift_right
from bfimna.ap.square_root import square_root
from bfimna.ap.word_access import clear, copy, look_up, sign_extend
