"""bfimna: what a CNN costs on a bit-fluid in-memory accelerator, and where each number comes from.

Reading order: `network` (and `network.zoo`), `ap`, `chip`, `technology`, `result`, `emulator`,
`search`, `studies`.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING

import numpy as np

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

if TYPE_CHECKING:
    from bfimna.emulator.arrays import Emulator
    from bfimna.emulator.infer import InferReport
    from bfimna.emulator.integer import Parameters

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
    "infer",
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


def infer(
    network: Network,
    parameters: "Parameters",
    images: np.ndarray | Mapping[str, np.ndarray],
    precision: Precision,
    *,
    chip: Chip | None = None,
    threads: int = 0,
    emulator: "Emulator | None" = None,
    keep: bool = False,
    progress: bool = False,
) -> "tuple[np.ndarray, InferReport]":
    """Run integer-only inference on the bit-exact emulator.

    Parameters
    ----------
    parameters : integers by layer, see `bfimna.emulator.quantise`.
    images : unsigned integers of the input's bits, (images, channels, y, x); by name where there
        are several inputs.
    chip : LR unless given; says how many CAPs share the rows, so how often they are filled.
    threads : processor threads; 0 for all.
    emulator : arrays to use again, as they were left.
    keep : return every layer's tensor in the report.
    progress : a line per layer to stderr.

    Returns
    -------
    The output's integers, (images, channels, y, x) or (images, channels), and the report.
    """
    from bfimna.emulator.infer import infer  # compiled code: loaded by those who emulate

    return infer(
        network, parameters, images, precision,
        chip=chip, threads=threads, emulator=emulator, keep=keep, progress=progress,
    )  # fmt: skip
