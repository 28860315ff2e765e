"""Networks as graphs of layers, the bits of their layers, and the files that hold them."""

from bfimna.network.graph import Builder, Gemm, Layer, Network, Shape
from bfimna.network.precision import Precision

__all__ = ["Builder", "Gemm", "Layer", "Network", "Precision", "Shape"]
