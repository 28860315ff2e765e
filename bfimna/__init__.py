"""bfimna: what a CNN costs on a bit-fluid in-memory accelerator, and where each number comes from.

Reading order: `network` (and `network.zoo`), `ap`, `chip`, `technology`, `result`, `emulator`,
`search`, `studies`.
"""

from importlib import import_module

from bfimna import ap, data
from bfimna.cost.dataset import read_sweep
from bfimna.cost.peak import Peak, peak
from bfimna.cost.report import Report
from bfimna.cost.simulate import simulate
from bfimna.cost.sweep import sweep
from bfimna.errors import BfimnaError
from bfimna.mapping.chip import Chip
from bfimna.names import load_chip, load_network, load_precision, load_technology
from bfimna.network import zoo
from bfimna.network.graph import Layer, Network
from bfimna.network.precision import Precision
from bfimna.network.precision_file import read_precision
from bfimna.network.scalesim import read_scalesim
from bfimna.onnx import read_onnx, read_onnx_precision
from bfimna.technology.technology import Technology

__version__ = "0.2.0"

__all__ = [
    "BfimnaError",
    "Chip",
    "Layer",
    "Network",
    "Peak",
    "Precision",
    "Report",
    "Technology",
    "__version__",
    "ap",
    "data",
    "digits",
    "emulator",
    "load_chip",
    "load_network",
    "load_precision",
    "load_technology",
    "peak",
    "read_onnx",
    "read_onnx_precision",
    "read_precision",
    "read_scalesim",
    "read_sweep",
    "search",
    "simulate",
    "sweep",
    "zoo",
]


#: loaded when first used: they bring SciPy's solvers and Numba along
_LAZY = {
    "search": "bfimna.search",
    "emulator": "bfimna.emulator",
    "digits": "bfimna.emulator.digits",
}


def __getattr__(name: str) -> object:
    """Load a part of the package that few need when it is first used."""
    if name in _LAZY:
        return import_module(_LAZY[name])
    raise AttributeError(f"module 'bfimna' has no attribute {name!r}")
