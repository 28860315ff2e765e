"""Whole networks on the bit-exact array: integers in, integers out, everything counted.

`infer` runs them, on integers from `quantise` or `synthetic`.
"""

from bfimna.emulator.arrays import Emulator
from bfimna.emulator.infer import infer
from bfimna.emulator.quantise import quantise, synthetic

__all__ = ["Emulator", "infer", "quantise", "synthetic"]
