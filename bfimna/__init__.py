"""bfimna: what a CNN costs on a bit-fluid in-memory accelerator, and where each number comes from.

Reading order: `network` (and `network.zoo`), `ap`, `mapping`, `technology`, `cost`, `emulator`,
`search`.
"""

from typing import TYPE_CHECKING

from bfimna import ap, data
from bfimna.cost.comparison import Comparison, compare
from bfimna.cost.dataset import read_sweep
from bfimna.cost.parameters import technology_table
from bfimna.cost.peak import Peak, peak
from bfimna.cost.report import Report
from bfimna.cost.simulate import plan, simulate
from bfimna.cost.sweep import sweep
from bfimna.errors import BfimnaError, renamed
from bfimna.mapping.chip import Chip
from bfimna.mapping.mapping import Mapping
from bfimna.mapping.plan import Plan
from bfimna.names import load_chip, load_mapping, load_network, load_precision, load_technology
from bfimna.network import zoo
from bfimna.network.graph import Layer, Network
from bfimna.network.precision import Precision
from bfimna.network.precision_file import read_precision
from bfimna.network.scalesim import read_scalesim
from bfimna.onnx import read_onnx, read_onnx_precision
from bfimna.technology.technology import Technology

if TYPE_CHECKING:
    from bfimna import emulator, search
    from bfimna.emulator import digits
    from bfimna.emulator.infer import infer

__version__ = "0.2.0"

__all__ = [
    "BfimnaError",
    "Chip",
    "Comparison",
    "Layer",
    "Mapping",
    "Network",
    "Peak",
    "Plan",
    "Precision",
    "Report",
    "Technology",
    "__version__",
    "ap",
    "compare",
    "data",
    "digits",
    "emulator",
    "infer",
    "load_chip",
    "load_mapping",
    "load_network",
    "load_precision",
    "load_technology",
    "peak",
    "plan",
    "read_onnx",
    "read_onnx_precision",
    "read_precision",
    "read_scalesim",
    "read_sweep",
    "search",
    "simulate",
    "sweep",
    "technology_table",
    "zoo",
]


def __getattr__(name: str) -> object:
    """Load at first use the parts that need SciPy's solvers or Numba."""
    if name == "search":
        import bfimna.search

        return bfimna.search
    if name in ("emulator", "infer", "digits"):
        import bfimna.emulator
        from bfimna.emulator import digits, infer

        return {"emulator": bfimna.emulator, "infer": infer, "digits": digits}[name]
    return renamed(__name__, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
