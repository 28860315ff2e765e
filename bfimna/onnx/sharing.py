"""Weights that several layers multiply by: in a network each of these layers holds them."""

from collections import Counter
from math import prod

from bfimna.network.matmul import Matmul
from bfimna.onnx.modules import stored_weights
from bfimna.onnx.size_rules import matrix_of_codes
from bfimna.onnx.translation import Translation


def held_again(t: Translation) -> tuple[str, ...]:
    """Return a note of how many weights the layers hold beyond those of the file, if any.

    A head that serves several levels of a pyramid, and the steps of a recurrent layer, do so. A
    transposed convolution's layers hold a share each, which together is no more than it has.
    """
    held: Counter[str] = Counter()
    stored: dict[str, int] = {}
    makers = {output: node for node in t.graph.nodes for output in node.outputs}
    for name, (weight, _, node) in t.gemms.items():
        layer, tensor = t.layers[name], stored_weights(makers, weight)
        packed = node.op == "MatMulNBits"
        stored[tensor] = prod(matrix_of_codes(node) if packed else t.graph.dims[tensor])
        held[tensor] += Matmul.from_layer(layer, t.shapes[layer.inputs[0]], t.shapes[name]).weights
    again = sum(max(count - stored[tensor], 0) for tensor, count in held.items())
    return (f"{again} weights are held again, by layers that share them with others",) * (again > 0)
