"""Products of matrices: Gemm, MatMul."""

from math import prod

from bfimna.onnx.geometry import dims_of
from bfimna.onnx.graph import Node
from bfimna.onnx.size_rules import matrix_of_codes
from bfimna.onnx.translation import Translation
from bfimna.onnx.windows import weight_of


def linear(t: Translation, node: Node) -> None:
    """Gemm, MatMul and MatMulNBits with constant weights.

    On a tensor with more than one position, the positions are a 1 × 1 convolution's.
    """
    source, weight = t.source(node), weight_of(t, node)
    packed = node.op == "MatMulNBits"
    dims = matrix_of_codes(node) if packed else dims_of(t.graph, node, 1)
    data = dims_of(t.graph, node)
    if prod(dims[:-2]) != 1 or len(dims) < 2 or node.number("transA", 0):
        raise node.refuse(f"weights of {dims}, transA={node.number('transA', 0)}: want a matrix")
    if node.op == "Gemm" and any(i and i not in t.graph.constants for i in node.inputs[2:]):
        raise node.refuse("its addend depends on the data: not modelled")
    inner, outer = reversed(dims[-2:]) if node.number("transB", 0) else dims[-2:]
    if data[-1] != inner:
        raise node.refuse(f"weights of {dims} for an input of {data}")
    if t.shapes[source] == (inner, 1, 1):
        name = t.emit(node, "linear", (source,), channels=outer)
    else:
        positions = prod(t.shapes[source]) // inner
        rows = t.emit(node, "view", (source,), ".rows", channels=inner, size=(positions, 1))
        name = t.emit(node, "conv", (rows,), channels=outer)
    t.gemms[name] = (weight, node.inputs[0], node)
    if t.layers[name].kind == "conv":
        shape = t.shape_of(t.dims(node.outputs[0], node), node)
        name = t.emit(node, "view", (name,), ".back", channels=shape[0], size=shape[1:])
        t.rows.add(name)
    t.done(node, name)
