"""Namespace of the programs: sequences of passes over column ranges, from the generated tables.

A program is data. A range of columns is a word, its first column the lowest bit. Carry, borrow and
flag columns and a product's columns must hold 0 when a program starts, unless it says that it
clears them. The model document's section 1 lists what each costs.

Each program stands beside its closed form in the file that it is imported from; `counts` has the
closed forms, which the tests hold against what `array` counts.
"""

from bfimna.ap.addition import add, subtract
from bfimna.ap.clamping import clamp, relu, saturate
from bfimna.ap.comparison import maximum
from bfimna.ap.multiplication import multiply
from bfimna.ap.program import Program
from bfimna.ap.reduction import reduce, reduce_1d
from bfimna.ap.scaling import requantise, scale_up
from bfimna.ap.words import clear, copy, look_up, sign_extend

__all__ = [
    "Program",
    "add",
    "clamp",
    "clear",
    "copy",
    "look_up",
    "maximum",
    "multiply",
    "reduce",
    "reduce_1d",
    "relu",
    "requantise",
    "saturate",
    "scale_up",
    "sign_extend",
    "subtract",
]
