"""The associative processor: truth tables, programs, their exact counts, and a bit-exact array.

On NumPy integers: `multiply`, `add`, `subtract`, `maximum`, `relu`, `requantise`, `reduce`, `gemm`.
Whole networks: `infer`, on integers from `quantise` or `synthetic`.
"""

from bfimna.ap.arithmetic import add, maximum, multiply, reduce, relu, requantise, subtract
from bfimna.ap.array import Array
from bfimna.ap.counts import Counts
from bfimna.ap.emulator import Emulator
from bfimna.ap.faults import Faults
from bfimna.ap.infer import infer
from bfimna.ap.lut import Lut, generate
from bfimna.ap.matrix import gemm
from bfimna.ap.quantise import quantise, synthetic

__all__ = [
    "Array",
    "Counts",
    "Emulator",
    "Faults",
    "Lut",
    "add",
    "gemm",
    "generate",
    "infer",
    "maximum",
    "multiply",
    "quantise",
    "reduce",
    "relu",
    "requantise",
    "subtract",
    "synthetic",
]
