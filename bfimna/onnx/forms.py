"""Quantised operators as ONNX's plain ones: QOperator, integer products, ONNX Runtime's own.

An operator on codes computes what its plain form computes on the numbers that they stand for; what
its scales and zero points do is part of requantising. So its node becomes the plain one, which
keeps the name under which the file writes it and the zero point whose type its codes have.
"""

from dataclasses import replace

from bfimna.onnx.graph import QONNX, Node

RUNTIME = "com.microsoft"

#: operator → its plain form, the positions of that form's inputs, and of the result's zero point
FORMS: dict[str, tuple[str, tuple[int, ...], int | None]] = {
    "QLinearConv": ("Conv", (0, 3, 8), 7),
    "ConvInteger": ("Conv", (0, 1), None),
    "QLinearMatMul": ("MatMul", (0, 3), 7),
    "MatMulInteger": ("MatMul", (0, 1), None),
}
#: the same in ONNX Runtime's domain
RUNTIMES_FORMS: dict[str, tuple[str, tuple[int, ...], int | None]] = {
    **FORMS,
    "QLinearAdd": ("Add", (0, 3), 7),
    "QLinearMul": ("Mul", (0, 3), 7),
    "QLinearGlobalAveragePool": ("GlobalAveragePool", (0,), 4),
    "QLinearAveragePool": ("AveragePool", (0,), 4),
    "QLinearReduceMean": ("ReduceMean", (0,), 4),
    "QLinearSigmoid": ("Sigmoid", (0,), 4),
    "QLinearLeakyRelu": ("LeakyRelu", (0,), 4),
    "QLinearSoftmax": ("Softmax", (0,), 4),
    "QLinearWhere": ("Where", (0, 1, 4), 8),
    "QGemm": ("Gemm", (0, 3, 6), 8),
    "MatMulIntegerToFloat": ("MatMul", (0, 1), None),
    "FusedMatMul": ("MatMul", (0, 1), None),
    "MatMulNBits": ("MatMulNBits", (0, 1), None),
    "Gelu": ("Gelu", (0,), None),
    "FastGelu": ("Gelu", (0,), None),
    "QuickGelu": ("Gelu", (0,), None),
    "QuantizeLinear": ("QuantizeLinear", (0, 1, 2), 2),
    "DequantizeLinear": ("DequantizeLinear", (0, 1, 2), None),
}
#: operators that quantise their first input themselves
DYNAMIC: dict[str, tuple[str, tuple[int, ...]]] = {
    "DynamicQuantizeMatMul": ("MatMul", (0, 1)),
    "DynamicQuantizeLSTM": ("LSTM", tuple(range(8))),
}
#: where the addend of a product is, which its plain form does not take
ADDENDS = {
    "DynamicQuantizeMatMul": 4, "MatMulIntegerToFloat": 6, "MatMulNBits": 5, "FastGelu": 1,
}  # fmt: skip


def plain(node: Node) -> list[Node]:
    """Return the node, or the nodes of ONNX's own operations that compute the same."""
    if node.domain == "":
        return [_formed(node, *FORMS[node.op])] if node.op in FORMS else [node]
    if node.op in QONNX and not node.domain.startswith(RUNTIME):
        return [replace(node, domain="")]
    if node.domain != RUNTIME:
        return [node]
    if node.op == "QLinearConcat":
        positions = tuple(range(2, len(node.inputs), 3))
        return [_formed(node, "Concat", positions, 1)]
    nodes = [node]
    if node.op in DYNAMIC:
        codes = f"{node.name}.codes"
        quantiser = Node("DynamicQuantizeLinear", "", codes, node.inputs[:1], (codes,))
        coded = replace(node, inputs=(codes, *node.inputs[1:]))
        nodes = [quantiser, _formed(coded, *DYNAMIC[node.op], None)]
    elif node.op in RUNTIMES_FORMS:
        nodes = [_formed(node, *RUNTIMES_FORMS[node.op])]
    addend = node.given(ADDENDS.get(node.op, len(node.inputs)))
    return _with_addend(nodes, addend) if addend and node.outputs else nodes


def _formed(node: Node, op: str, positions: tuple[int, ...], zero: int | None) -> Node:
    inputs = [node.given(k) for k in positions]
    while inputs and not inputs[-1]:
        inputs.pop()
    attributes = node.attributes
    if attributes.get("channels_last"):
        raise node.refuse("channels last is not modelled")
    return replace(
        node,
        op=op,
        domain="",
        inputs=tuple(inputs),
        written=node.op,
        zero="" if zero is None else node.given(zero),
    )


def _with_addend(nodes: list[Node], addend: str) -> list[Node]:
    """Add a bias: before a GELU, after a product."""
    *before, last = nodes
    if last.op == "Gelu":
        summed = f"{last.name}.biased"
        bias = Node("Add", "", summed, (last.inputs[0], addend), (summed,), written=last.written)
        return [*before, bias, replace(last, inputs=(summed,))]
    product = f"{last.name}.product"
    bias = Node("Add", "", f"{last.name}.bias", (product, addend), last.outputs)
    return [*before, replace(last, outputs=(product,)), bias]
