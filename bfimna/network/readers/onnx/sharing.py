"""Weights that several layers multiply by: in a network each of these layers holds them."""

from collections import Counter
from math import prod

from bfimna.network.graph import Gemm
from bfimna.network.readers.onnx.modules import stored_weights
from bfimna.network.readers.onnx.translation import Translation


def held_again(t: Translation) -> tuple[str, ...]:
    """Return a note of how many weights the layers hold beyond those of the file, if any.

    A head that serves several levels of a pyramid, and the steps of a recurrent layer, do so. A
    transposed convolution's layers hold a share each, which together is no more than it has.
    """
    held: Counter[str] = Counter()
    makers = {output: node for node in t.graph.nodes for output in node.outputs}
    for name, (weight, _, _) in t.gemms.items():
        layer = t.layers[name]
        gemm = Gemm.of(layer, t.shapes[layer.inputs[0]], t.shapes[name])
        held[stored_weights(makers, weight)] += gemm.weights
    again = sum(max(count - prod(t.graph.dims[name]), 0) for name, count in held.items())
    return (f"{again} weights are held again, by layers that share them with others",) * (again > 0)
