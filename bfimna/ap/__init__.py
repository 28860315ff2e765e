"""The associative processor: truth tables, programs, their exact counts, and a bit-exact array.

On NumPy integers: `multiply`, `add`, `subtract`, `maximum`, `relu`, `requantise`, `reduce`, `gemm`,
`divide`, `square_root`, `absolute`, `shift_right`.
Whole networks run by `bfimna.infer`.
"""

from bfimna.ap.arithmetic import add, maximum, multiply, reduce, relu, requantise, subtract
from bfimna.ap.array import Array
from bfimna.ap.events import Counts
from bfimna.ap.faults import Faults
from bfimna.ap.functions import absolute, divide, shift_right, square_root
from bfimna.ap.matrix import gemm
from bfimna.ap.passes import Lut
from bfimna.ap.truth import generate
from bfimna.errors import renamed

__all__ = [
    "Array",
    "Counts",
    "Faults",
    "Lut",
    "absolute",
    "add",
    "divide",
    "gemm",
    "generate",
    "maximum",
    "multiply",
    "reduce",
    "relu",
    "requantise",
    "shift_right",
    "square_root",
    "subtract",
]


def __getattr__(name: str) -> object:
    return renamed(__name__, name)
