"""Namespace of the programs' truth tables, and the passes generated from them.

Column names: a, the operand that is kept; p, the running word; c, carry or borrow; b, a control
bit (the multiplier's), or a maximum's running word; u and v, the two flags of the maximum ("b is
settled: a was greater", "b was greater").
"""

from bfimna.ap.addition import FULL_ADD, FULL_SUBTRACT
from bfimna.ap.comparison import MAXIMUM, MAXIMUM_SIGN, MAXIMUM_TOP
from bfimna.ap.multiplication import CONTROLLED_ADD, CONTROLLED_SUBTRACT

__all__ = [
    "CONTROLLED_ADD",
    "CONTROLLED_SUBTRACT",
    "FULL_ADD",
    "FULL_SUBTRACT",
    "MAXIMUM",
    "MAXIMUM_SIGN",
    "MAXIMUM_TOP",
]

#: the tables of three or four columns whose passes the emulator runs as one compiled loop
STEPS = {
    "full_add": FULL_ADD,
    "full_subtract": FULL_SUBTRACT,
    "controlled_add": CONTROLLED_ADD,
    "controlled_subtract": CONTROLLED_SUBTRACT,
    "maximum": MAXIMUM,
    "maximum_top": MAXIMUM_TOP,
    "maximum_sign": MAXIMUM_SIGN,
}
