"""bfimna: what a CNN costs on a bit-fluid in-memory accelerator, and where each number comes from.

Reading order: `network` and `zoo`, `precision`, `ap`, `chip`, `placement`, `technology`, `cost`,
`simulate`.
"""

from bfimna import ap, data, zoo
from bfimna.chip import Chip
from bfimna.errors import BfimnaError
from bfimna.network import Layer, Network
from bfimna.precision import Precision
from bfimna.readers.onnx import read_onnx, read_onnx_precision
from bfimna.readers.precision_file import read_precision
from bfimna.readers.scalesim import read_scalesim
from bfimna.simulate import Peak, Report, peak, simulate, sweep
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
    "peak",
    "read_onnx",
    "read_onnx_precision",
    "read_precision",
    "read_scalesim",
    "simulate",
    "sweep",
    "zoo",
]
