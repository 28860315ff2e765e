"""The associative processor: truth tables, programs, their exact counts, and a bit-exact array.

On NumPy integers: `multiply`, `add`, `subtract`, `maximum`, `relu`, `requantise`, `reduce`, `gemm`.
Whole networks run in `bfimna.emulator`.
"""

from importlib import import_module

from bfimna.ap.arithmetic import add, maximum, multiply, reduce, relu, requantise, subtract
from bfimna.ap.array import Array
from bfimna.ap.counts import Counts
from bfimna.ap.faults import Faults
from bfimna.ap.lut import Lut
from bfimna.ap.matrix import gemm
from bfimna.ap.truth import generate

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

#: names that stood here before whole networks had a package of their own
_OF_EMULATOR = ("Emulator", "infer", "quantise", "synthetic")


def __getattr__(name: str) -> object:
    """Find the names of `bfimna.emulator` here too, loaded when they are first used."""
    if name in _OF_EMULATOR:
        return getattr(import_module("bfimna.emulator"), name)
    raise AttributeError(f"module 'bfimna.ap' has no attribute {name!r}")
