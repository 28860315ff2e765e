"""Bits of each tensor as QONNX and ONNX's quantisers state them."""

from bfimna.network.readers.onnx_graph import Graph, Node
from bfimna.network.readers.onnx_layers import VIEWS

#: operations whose result holds the same codes as their input
KEEP = ("Cast", "Clip", "Dropout", "GlobalMaxPool", "Identity", "MaxPool", "Relu", *VIEWS)


def tensor_bits(graph: Graph) -> dict[str, int]:
    """Return the bits of every tensor that the file says them of.

    A quantiser's output has its width; codes that are only moved, picked or compared keep theirs.
    """
    widths = _integer_types()
    bits = {name: widths[t] for name, t in graph.types.items() if t in widths}
    for node in graph.nodes:
        found = _result_bits(graph, node, bits, widths)
        if found is not None:
            bits.update((tensor, found) for tensor in node.outputs)
    return bits


def _integer_types() -> dict[int, int]:
    """Return element type → bits of the types that quantised words have."""
    from onnx import TensorProto

    return {
        number: int(name.removeprefix("U").removeprefix("INT"))
        for name, number in TensorProto.DataType.items()
        if name.removeprefix("U") in ("INT2", "INT4", "INT8", "INT16")
    }


def _result_bits(
    graph: Graph, node: Node, bits: dict[str, int], widths: dict[int, int]
) -> int | None:
    if node.op in ("Quant", "IntQuant", "Trunc"):
        given = node.inputs[3] if node.op != "Trunc" and len(node.inputs) > 3 else node.inputs[-1]
        return _whole(graph, node, given)
    if node.op == "BipolarQuant":
        return 1
    if node.op == "QuantizeLinear":
        declared = node.attributes.get("output_dtype") or 0
        zero = graph.types.get(node.inputs[2], 0) if len(node.inputs) > 2 else declared
        return widths.get(zero or declared, 8)  # ONNX's default is uint8
    if node.op in ("QLinearConv", "QLinearMatMul"):
        return widths.get(graph.types.get(node.inputs[7], 0)) if len(node.inputs) > 7 else None
    if node.op == "DequantizeLinear" or node.op in KEEP:
        return bits.get(node.inputs[0]) if node.inputs else None
    if node.op == "Concat" and all(i in bits for i in node.inputs):
        return max(bits[i] for i in node.inputs)
    return None


def _whole(graph: Graph, node: Node, tensor: str) -> int:
    value = graph.values.get(tensor)
    if value is None or value.size != 1 or value.dtype.kind not in "fiu":
        raise node.refuse(f"its bit width {tensor!r} is no constant number")
    bits = float(value.reshape(()))
    if not (bits.is_integer() and 1 <= bits <= 64):
        raise node.refuse(f"a bit width of {bits} is no whole number from 1 to 64")
    return int(bits)
