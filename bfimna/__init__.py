"""bfimna: what a CNN costs on a bit-fluid in-memory accelerator, and where each number comes from."""

from bfimna import zoo
from bfimna.errors import BfimnaError
from bfimna.network import Layer, Network
from bfimna.precision import Precision

__all__ = ["BfimnaError", "Layer", "Network", "Precision", "zoo"]
