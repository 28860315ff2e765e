"""bfimna: what a CNN costs on a bit-fluid in-memory accelerator, and where each number comes from.

Reading order: `network` and `zoo`, `precision`, `ap`, `chip`, `placement`, `technology`, `cost`,
`simulate`, `search`.
"""

from importlib import import_module
from types import ModuleType

from bfimna import ap, data, digits, zoo
from bfimna.chip import Chip
from bfimna.errors import BfimnaError
from bfimna.network import Layer, Network
from bfimna.peak import Peak, peak
from bfimna.precision import Precision
from bfimna.readers.onnx import read_onnx, read_onnx_precision
from bfimna.readers.precision_file import read_precision
from bfimna.readers.scalesim import read_scalesim
from bfimna.report import Report
from bfimna.simulate import simulate, sweep
from bfimna.technology import Technology

__all__ = [
    "BfimnaError",
    "Chip",
    "Layer",
    "Network",
    "Peak",
    "Precision",
    "Report",
    "Technology",
    "ap",
    "data",
    "digits",
    "peak",
    "read_onnx",
    "read_onnx_precision",
    "read_precision",
    "read_scalesim",
    "search",
    "simulate",
    "sweep",
    "zoo",
]


def __getattr__(name: str) -> ModuleType:
    """Import `search` when it is first used: it brings SciPy's solvers along."""
    if name == "search":
        return import_module("bfimna.search")
    raise AttributeError(f"module 'bfimna' has no attribute {name!r}")
