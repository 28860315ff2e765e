"""Bits of each tensor as QONNX, QCDQ and ONNX's own quantisers state them."""

import numpy as np

from bfimna.onnx.nodes import Graph, Node

#: operations whose result holds some of its first input's elements
MOVES = (
    "DepthToSpace", "Dropout", "Expand", "Flatten", "Gather", "GatherElements", "GatherND",
    "GlobalMaxPool", "Identity", "MaxPool", "Pad", "ReduceMax", "ReduceMin", "Reshape", "Resize",
    "Slice", "SpaceToDepth", "Split", "Squeeze", "Tile", "Transpose", "Unsqueeze", "Upsample",
)  # fmt: skip
#: operations whose result holds elements of several inputs: position of the first
PICKS = {"Concat": 0, "Max": 0, "Min": 0, "Where": 1}
#: bits of the element types (``TensorProto.DataType``) that codes have: unsigned, then signed
WIDTHS = {2: 8, 4: 16, 21: 4, 25: 2} | {3: 8, 5: 16, 22: 4, 26: 2}
QUANTIZERS = ("QuantizeLinear", "DynamicQuantizeLinear")


def code_tensors(graph: Graph) -> set[str]:
    """Return the tensors of codes: a quantiser's or stored ones, and those clipped or moved."""
    codes = {name for name, kind in graph.types.items() if kind in WIDTHS}
    for node in graph.nodes:
        moved = (node.op == "Clip" or _moves(node)) and node.input(0) in codes
        if node.op in QUANTIZERS or moved:
            codes.add(node.outputs[0])
    return codes


def tensor_bits(graph: Graph) -> dict[str, int]:
    """Return the bits of every tensor of which the file states them.

    A quantiser's output has its width; codes that are only moved, picked or compared keep theirs,
    and codes that are clipped have no more than their range needs (QCDQ).
    """
    codes = code_tensors(graph)
    bits = {name: WIDTHS[t] for name, t in graph.types.items() if t in WIDTHS}
    for node in graph.nodes:
        if node.op == "MatMulNBits":  # whose weights are packed in bytes
            bits[node.input(1)] = node.number("bits", 4)
        width = _result_bits(graph, node, bits, codes)
        if width is not None:
            bits.update((tensor, width) for tensor in node.outputs)
    return bits


def _result_bits(graph: Graph, node: Node, bits: dict[str, int], codes: set[str]) -> int | None:
    if node.op in ("Quant", "IntQuant", "Trunc"):
        stated = node.input(3) if node.op != "Trunc" and node.input(3) else node.inputs[-1]
        return _stated_width(graph, node, stated)
    if node.op == "BipolarQuant":
        return 1
    if node.op == "DynamicQuantizeLinear":
        return 8
    if node.op == "QuantizeLinear":
        declared = node.attributes.get("output_dtype") or 0
        zero = graph.types.get(node.input(2), 0)
        return WIDTHS.get(zero or declared) if zero or declared else 8  # ONNX's default is uint8
    if node.zero:
        return WIDTHS.get(graph.types.get(node.zero, 0))
    if node.op == "Clip":
        return _clipped(graph, node, bits, codes)
    if node.op in ("Cast", "DequantizeLinear", "Relu") or _moves(node):
        return bits.get(node.input(0))
    picked = node.inputs[PICKS[node.op] :] if node.op in PICKS else ()
    return max(bits[i] for i in picked) if picked and all(i in bits for i in picked) else None


def _moves(node: Node) -> bool:
    """Whether every element of a node's result is one of its first input's."""
    nearest = node.attributes.get("mode", "nearest") == "nearest"
    return node.op in MOVES and (nearest or node.op not in ("Resize", "Upsample"))


def _clipped(graph: Graph, node: Node, bits: dict[str, int], codes: set[str]) -> int | None:
    """Return the width of a clipped tensor: for codes, no more bits than their range needs."""
    before = bits.get(node.input(0))
    if before is None or node.input(0) not in codes:
        return before
    low, high = (graph.number_of(node.input(k)) for k in (1, 2))
    if low is None or high is None:
        if node.input(1) or node.input(2):
            raise node.refuse("clips codes to bounds that are no constant numbers")
        return before
    if not (low.is_integer() and high.is_integer() and low < high):
        raise node.refuse(f"clips codes to {low} … {high}: want whole numbers, the larger last")
    return min(before, int(high - low).bit_length())


def _stated_width(graph: Graph, node: Node, tensor: str) -> int:
    """Return the width that a constant states, of one element or the same for each channel."""
    value = graph.value(tensor)
    if value is None or not value.size or value.dtype.kind not in "fiu":
        raise node.refuse(f"its bit width {tensor[:100]!r} is no constant number")
    low, high = float(value.min()), float(value.max())
    if low < high:
        raise node.refuse(f"bit widths from {low:g} to {high:g} in one tensor; want one width")
    if not (np.isfinite(low) and low.is_integer() and 1 <= low <= 64):
        raise node.refuse(f"a bit width of {low} is no whole number from 1 to 64")
    return int(low)
