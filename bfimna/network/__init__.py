"""Networks as graphs of layers, the bits of their layers, and the files that hold them."""

from bfimna.network.graph import Builder, Layer, Matmul, Network, Shape
from bfimna.network.precision import Precision

__all__ = ["Builder", "Layer", "Matmul", "Network", "Precision", "Shape"]
