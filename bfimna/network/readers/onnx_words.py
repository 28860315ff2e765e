"""ONNX's operations on words as layers: arithmetic, activations, views; what is folded.

Multiplications and additions of constants (batch norm, biases, normalisation) are folded into the
weighted layer before them, or into the host's quantisation of the input; elsewhere they stay, as
`scale` and `bias` layers. Quantisers change no shape; `onnx_bits` reads their widths.
"""

from math import prod

from bfimna.network.layer import GEMM
from bfimna.network.readers.onnx_graph import Node
from bfimna.network.readers.onnx_translation import Translation

#: what absorbs a multiplication / an addition of constants: its own scale / bias is free to change
ABSORBS = {"scale": (*GEMM, "scale", "mul"), "bias": (*GEMM, "bias")}


def affine(  # type: ignore[no-untyped-def]
    t: Translation, node: Node, tensor: str, kind: str, by_channel: bool, source="", alone=None
) -> str:
    """Multiply by (or add) a constant: folded where the layer before can absorb it."""
    source = source or t.source(node, node.inputs.index(tensor))
    before = t.by_name[source]
    free = t.alone(tensor) if alone is None else alone
    if free and before.kind == "input":
        return source  # the host scales the image when it quantises it
    if free and by_channel and (before.kind in ABSORBS[kind] or source in t.affine):
        return source
    name = t.emit(node, kind, (source,), ".bias" if alone is not None else "")
    if free and kind == "bias" and before.kind == "scale":
        t.affine.add(name)
    return name


def _per_channel(t: Translation, constant: str, tensor: str) -> bool:
    """Whether a constant is one number, or one a channel."""
    dims, rank = t.graph.dims.get(constant), len(t.graph.dims.get(tensor, ()))
    if dims is None:
        return constant in t.graph.values and t.graph.values[constant].size == 1
    return all(d == 1 for k, d in enumerate(dims, rank - len(dims)) if k != 1)


def arithmetic(t: Translation, node: Node) -> None:
    """Add, Sub, Mul, Div, Sum of tensors and constants."""
    additive = node.op in ("Add", "Sub", "Sum")
    data = [i for i in node.inputs if i not in t.graph.constants]
    given = [i for i in node.inputs if i in t.graph.constants]
    if node.op == "Div" and (len(data) > 1 or node.inputs[0] in given):
        raise node.refuse("division by a tensor is not modelled")
    if not data:
        raise node.refuse("has no input that depends on the data")
    name = t.source(node, node.inputs.index(data[0]))
    for k, other in enumerate(data[1:]):
        sources = (name, t.source(node, node.inputs.index(other)))
        name = t.emit(node, "add" if additive else "mul", sources, f".{k}" if k else "")
    for constant in given:
        channel = _per_channel(t, constant, data[0])
        kind = "bias" if additive else "scale"
        name = affine(t, node, data[0], kind, channel, name)
    t.done(node, name)


def lrn(t: Translation, node: Node) -> None:
    """LRN across channels."""
    source = t.source(node)
    size = min(node.number("size", 0), t.shapes[source][0])
    t.done(node, t.emit(node, "lrn", (source,), kernel=(size, 1)))


def batch_norm(t: Translation, node: Node) -> None:
    """BatchNormalization: a scale and a bias a channel."""
    if any(i not in t.graph.constants for i in node.inputs[1:]):
        raise node.refuse("its parameters depend on the data: not modelled")
    name = affine(t, node, node.inputs[0], "scale", True)
    alone = t.alone(node.inputs[0]) or t.by_name[name].kind == "scale"
    t.done(node, affine(t, node, node.inputs[0], "bias", True, name, alone))


def concat(t: Translation, node: Node) -> None:
    """Concat along the channels."""
    rank = len(t.dims(node.inputs[0], node))
    axis = node.number("axis", 1)
    if axis not in (1, 1 - rank):
        raise node.refuse(f"concatenation along axis {axis} is not modelled; along channels is")
    sources = tuple(t.source(node, k) for k in range(len(node.inputs)))
    t.done(node, t.emit(node, "concat", sources) if len(sources) > 1 else sources[0])


def leaky_relu(t: Translation, node: Node) -> None:
    """LeakyRelu with a slope from 0 to 1: the larger of x and its multiple."""
    slope = node.attributes.get("alpha", 0.01)
    if not isinstance(slope, float) or not 0 <= slope <= 1:
        raise node.refuse(f"a slope of {slope} is not modelled; from 0 to 1 is")
    t.done(node, t.emit(node, "leakyrelu", (t.source(node),)))


def same(t: Translation, node: Node) -> None:
    """Identity, dropout, casts and quantisers."""
    t.done(node, t.source(node))


def view(t: Translation, node: Node) -> None:
    """Reshape, Transpose, Pad, Slice, Split, Upsample (nearest) and others: only addressing."""
    source = t.source(node)
    if node.op in ("Resize", "Upsample") and node.text("mode", "nearest") != "nearest":
        raise node.refuse("only mode 'nearest' is modelled")
    shape = t.shape_of(t.dims(node.outputs[0], node), node)
    flat = (prod(t.shapes[source]), 1, 1)
    if node.op == "Split":
        for k, tensor in enumerate(node.outputs):
            if tensor in t.graph.uses:
                t.made[tensor] = t.view(node, source, tensor, f".{k}")
    elif node.op in ("Flatten", "Reshape", "Squeeze") and shape == flat:
        t.done(node, t.emit(node, "flatten", (source,)))
    else:
        t.done(node, t.view(node, source, node.outputs[0]))


def host(t: Translation, node: Node) -> None:
    """Softmax and the like at the end: the host does them."""
    if node.inputs[0] not in t.host:
        t.source(node)
        t.notes.append(f"{node} at the end is left to the host: not counted")
    t.host.update((tensor, node) for tensor in node.outputs)
