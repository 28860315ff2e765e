"""Arithmetic on words as layers: with constants, which are folded, and between tensors.

Multiplications and additions of constants (batch norm, biases, normalisation) are folded into the
weighted layer before them, or into the host's quantisation of the input; elsewhere they stay, as
`scale` and `bias` layers.
"""

from math import prod

from bfimna.network.layer import PRODUCTS, Shape
from bfimna.onnx.functions import TABLES, function, hard_swish
from bfimna.onnx.nodes import Dims, Graph, Node
from bfimna.onnx.translation import Translation, vector

#: what absorbs a multiplication / an addition of constants: its own scale / bias is free to change
ABSORBS = {"scale": (*PRODUCTS, "scale", "mul"), "bias": (*PRODUCTS, "bias")}


def same_shapes(graph: Graph, node: Node) -> list[Dims]:
    """Every result has the first input's dimensions."""
    return [graph.input_dims(node)] * max(len(node.outputs), 1)


def broadcast_shapes(graph: Graph, node: Node) -> list[Dims]:
    """Add, Mul and others: the inputs' dimensions broadcast."""
    return [node.broadcast([graph.input_dims(node, k) for k in range(len(node.inputs))])]


def constant_map(
    t: Translation, node: Node, source: str, kind: str, spread: str, free: bool, suffix: str = ""
) -> str:
    """Multiply by (or add) constants: folded where the layer before can absorb them.

    Parameters
    ----------
    kind : "scale" or "bias". spread : the constant is "one" number, one a "channel", or "more".
    free : nothing else reads the source.
    """
    before = t.layers[source]
    if free and before.kind == "input":
        return source  # the host scales the image when it quantises it
    takes = before.kind in ABSORBS[kind] or source in t.affine or source in t.rows
    if free and ((spread != "more" and takes) or (spread == "one" and before.kind in TABLES[kind])):
        return source
    origin = t.roots.get(source, source) if free else source
    name = t.emit(node, kind, (source,), suffix)
    if free and kind == "bias" and before.kind == "scale":
        t.affine.add(name)
    if spread == "one":
        t.roots[name] = origin
    return name


def _spread(t: Translation, constant: str, dims: Dims, source: str) -> str:
    """Tell whether a constant is one number, one a channel of a tensor's, or more."""
    value = t.graph.dims.get(constant)
    if value is None:
        return "more"
    if prod(value) == 1:
        return "one"
    channel = len(dims) - 1 if source in t.rows else 1
    wide = [k for k, d in enumerate(value, len(dims) - len(value)) if d != 1]
    return "channel" if wide == [channel] else "more"


def _with_constants(t: Translation, node: Node, kind: str, tensor: str) -> None:
    """Multiply a tensor by (or add to it) constants."""
    name, free = t.made[tensor], t.alone(tensor)
    target, dims = t.dims(node.outputs[0], node), t.dims(tensor, node)
    shape = t.shape_of(target, node)
    if shape != t.shapes[name]:
        name, free = t.view(node, name, shape, ".each"), True
    for constant in t.constant_inputs(node):
        spread = _spread(t, constant, dims if len(dims) == len(target) else target, name)
        name = constant_map(t, node, name, kind, spread, free)
        free = True
    t.done(node, name)


def arithmetic(t: Translation, node: Node) -> None:
    """Add, Sub, Mul, Div, Sum of tensors and constants."""
    kind = "add" if node.op in ("Add", "Sub", "Sum") else "mul"
    data, constants = t.variable_inputs(node), t.constant_inputs(node)
    if node.op == "Div" and node.inputs[0] in constants:
        t.done(node, _expanded(t, node, function(t, node, "lookup", data[0]), ".each"))
        return
    map_kind = "bias" if kind == "add" else "scale"
    if len(data) == 1:
        _with_constants(t, node, map_kind, data[0])
        return
    name = _combined(t, node, kind, data)
    for constant in constants:
        spread = _spread(t, constant, t.dims(node.outputs[0], node), name)
        name = constant_map(t, node, name, map_kind, spread, True, ".constant")
    t.done(node, name)


def _combined(t: Translation, node: Node, kind: str, data: list[str]) -> str:
    """Append the sum or product of tensors, broadcast to the result's shape."""
    fused = hard_swish(t, node, data) if node.op == "Mul" else ""
    if fused:
        return fused
    layers = [t.made[tensor] for tensor in data]
    if node.op == "Div":
        layers[1] = function(t, node, "lookup", data[1], ".inverse")
    shape = t.result_shape(node)
    name = _operand(t, node, layers[0], data[0], kind, shape, ".0.each")
    for k, layer in enumerate(layers[1:], 1):
        other = _operand(t, node, layer, data[k], kind, shape, f".{k}.each")
        if t.shapes[name] != shape and t.shapes[other] != shape:
            other = t.view(node, other, shape, f".{k}.all")
        name = t.emit(node, kind, (name, other), f".{k - 1}" if k > 1 else "")
    return name


def _operand(
    t: Translation, node: Node, layer: str, tensor: str, kind: str, shape: Shape, suffix: str
) -> str:
    """Return a layer with the result's shape, or with the factors of its channels."""
    dims, target = t.dims(tensor, node), t.dims(node.outputs[0], node)
    aligned = (1,) * (len(target) - len(dims)) + dims
    channel = len(target) > 1 and all(
        d == w if k < 2 else d == 1 for k, (d, w) in enumerate(zip(aligned, target, strict=True))
    )
    if kind == "mul" and channel and t.shapes[layer] == (shape[0], 1, 1):
        return layer
    return _expanded(t, node, layer, suffix)


def _expanded(t: Translation, node: Node, layer: str, suffix: str) -> str:
    return t.reshaped(node, layer, t.result_shape(node), suffix)


def batch_norm(t: Translation, node: Node) -> None:
    """BatchNormalization: a scale and a bias a channel."""
    positions = range(1, len(node.inputs))
    t.check_constant(node, positions, "its parameters depend on the data: not modelled")
    source, free = t.source(node), t.alone(node.inputs[0])
    name = constant_map(t, node, source, "scale", "channel", free)
    alone = free or t.layers[name].kind == "scale"
    t.done(node, constant_map(t, node, name, "bias", "channel", alone, ".bias"))


def extreme(t: Translation, node: Node) -> None:
    """Max and Min: with one number a ReLU or a clip, else pooling over the operands' words."""
    data, constants = t.variable_inputs(node), t.constant_inputs(node)
    shape, layers = t.result_shape(node), [t.made[tensor] for tensor in data]
    numbers = [t.graph.number_of(constant) for constant in constants]
    if len(data) == 1 and None not in numbers and t.shapes[layers[0]] == shape:
        kind = "relu" if node.op == "Max" and numbers == [0] else "clip"
        t.done(node, function(t, node, kind, data[0]) if constants else layers[0])
        return
    each = [t.reshaped(node, layer, shape, f".{k}.each") for k, layer in enumerate(layers)]
    vectors = [t.reshaped(node, x, vector(shape), f".{k}.flat") for k, x in enumerate(each)]
    every = t.emit(node, "concat", tuple(vectors), ".all") if len(vectors) > 1 else vectors[0]
    beside = t.reshaped(node, every, (prod(shape), len(node.inputs), 1), ".beside")
    largest = t.emit(node, "maxpool", (beside,), kernel=(len(node.inputs), 1))
    t.done(node, t.reshaped(node, largest, shape, ".back"))


def compare(t: Translation, node: Node) -> None:
    """Equal, Less, Or and others: a look-up of the word, or of the sum or difference of two."""
    data = t.variable_inputs(node)
    if len(data) == 1:
        t.done(node, _expanded(t, node, function(t, node, "lookup", data[0]), ".each"))
        return
    operands = [_expanded(t, node, t.made[x], f".{k}.each") for k, x in enumerate(data)]
    apart = t.emit(node, "add", tuple(operands), ".apart")
    t.done(node, t.emit(node, "lookup", (apart,)))


def where(t: Translation, node: Node) -> None:
    """Where: a selection by a constant mask; by one from the data, y + mask · (x - y)."""
    if len(node.inputs) != 3:
        raise node.refuse(f"has {len(node.inputs)} inputs, not 3")
    constants = t.constant_inputs(node)
    layers = ["" if i in constants else t.holder(node, i) for i in node.inputs]
    mask, first, second = layers
    if not mask:
        t.done(node, t.joined(node, [x for x in (first, second) if x], ".picked"))
        return
    mask, first, second = (
        _expanded(t, node, layer, f".{k}.each") if layer else "" for k, layer in enumerate(layers)
    )
    if first and second:
        apart = t.emit(node, "add", (first, second), ".apart")
    elif first or second:
        apart = t.emit(node, "bias", (first or second,), ".apart")
    picked = t.emit(node, "mul", (mask, apart), ".picked") if first or second else mask
    if second:
        t.done(node, t.emit(node, "add", (picked, second)))
    else:
        t.done(node, t.emit(node, "bias" if first else "lookup", (picked,)))
