"""Bits of each tensor as QONNX, QCDQ and ONNX's own quantisers state them."""

from functools import lru_cache

import numpy as np

from bfimna.onnx.graph import Graph, Node

#: operations whose result holds the same codes as their input
KEEP = (
    "Cast", "Dropout", "GlobalMaxPool", "Identity", "MaxPool", "Relu", "DepthToSpace", "Expand",
    "Flatten", "Gather", "GatherElements", "GatherND", "Pad", "Reshape", "Slice", "SpaceToDepth",
    "Split", "Squeeze", "Tile", "Transpose", "Unsqueeze",
)  # fmt: skip
QUANTIZERS = ("QuantizeLinear", "DynamicQuantizeLinear")


def codes(graph: Graph) -> set[str]:
    """Return the tensors of codes: a quantiser's or stored ones, and those clipped or moved."""
    widths = integer_types()
    found = {name for name, kind in graph.types.items() if kind in widths}
    for node in graph.nodes:
        moved = node.op in ("Clip", "Identity", "Transpose", "Reshape") and node.given(0) in found
        if node.op in QUANTIZERS or moved:
            found.add(node.outputs[0])
    return found


def tensor_bits(graph: Graph) -> dict[str, int]:
    """Return the bits of every tensor that the file says them of.

    A quantiser's output has its width; codes that are only moved, picked or compared keep theirs,
    and codes that are clipped have no more than their range needs (QCDQ).
    """
    widths, coded = integer_types(), codes(graph)
    bits = {name: widths[t] for name, t in graph.types.items() if t in widths}
    for node in graph.nodes:
        if node.op == "MatMulNBits":  # whose weights are packed in bytes
            bits[node.given(1)] = node.number("bits", 4)
        found = _result_bits(graph, node, bits, coded)
        if found is not None:
            bits.update((tensor, found) for tensor in node.outputs)
    return bits


@lru_cache
def integer_types() -> dict[int, int]:
    """Return element type → bits of the types that quantised words have."""
    from onnx import TensorProto

    return {
        number: int(name.removeprefix("U").removeprefix("INT"))
        for name, number in TensorProto.DataType.items()
        if name.removeprefix("U") in ("INT2", "INT4", "INT8", "INT16")
    }


def _result_bits(graph: Graph, node: Node, bits: dict[str, int], coded: set[str]) -> int | None:
    widths = integer_types()
    if node.op in ("Quant", "IntQuant", "Trunc"):
        given = node.given(3) if node.op != "Trunc" and node.given(3) else node.inputs[-1]
        return _whole(graph, node, given)
    if node.op == "BipolarQuant":
        return 1
    if node.op == "DynamicQuantizeLinear":
        return 8
    if node.op == "QuantizeLinear":
        declared = node.attributes.get("output_dtype") or 0
        zero = graph.types.get(node.given(2), 0)
        return widths.get(zero or declared) if zero or declared else 8  # ONNX's default is uint8
    if node.zero:
        return widths.get(graph.types.get(node.zero, 0))
    if node.op == "Clip":
        return _clipped(graph, node, bits, coded)
    if node.op == "DequantizeLinear" or node.op in KEEP:
        return bits.get(node.given(0))
    if node.op == "Concat" and all(i in bits for i in node.inputs):
        return max(bits[i] for i in node.inputs)
    return None


def _clipped(graph: Graph, node: Node, bits: dict[str, int], coded: set[str]) -> int | None:
    """Return the width of a clipped tensor: of codes, as many bits as tell the range apart."""
    before = bits.get(node.given(0))
    if before is None or node.given(0) not in coded:
        return before
    low, high = (graph.number_of(node.given(k)) for k in (1, 2))
    if low is None or high is None:
        if node.given(1) or node.given(2):
            raise node.refuse("clips codes to bounds that are no constant numbers")
        return before
    if not (low.is_integer() and high.is_integer() and low < high):
        raise node.refuse(f"clips codes to {low} … {high}: want whole numbers, the larger last")
    return min(before, int(high - low).bit_length())


def _whole(graph: Graph, node: Node, tensor: str) -> int:
    bits = graph.number_of(tensor)
    if bits is None:
        raise node.refuse(f"its bit width {tensor[:100]!r} is no constant number")
    if not (np.isfinite(bits) and bits.is_integer() and 1 <= bits <= 64):
        raise node.refuse(f"a bit width of {bits} is no whole number from 1 to 64")
    return int(bits)
