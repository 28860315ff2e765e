"""Networks as graphs of layers, precisions, and readers of their files."""

from bfimna.network.graph import Builder, Layer, Matmul, Network, Shape
from bfimna.network.precision import Precision

__all__ = ["Builder", "Layer", "Matmul", "Network", "Precision", "Shape"]
