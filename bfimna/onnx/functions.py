"""Functions of one word, and several in a row that are one layer.

A look-up table holds any function of one word, so operations that only feed one, or only follow
one, are part of the table; `fusion` finds whole trees of them beforehand.
"""

from bfimna.onnx.nodes import Node
from bfimna.onnx.translation import Translation

#: layers that a multiplication by (or an addition of) one number can be made part of
TABLES = {"scale": ("lookup", "hardsigmoid", "hardswish"), "bias": ("lookup", "hardsigmoid")}
#: activations with an AP program of their own; every other function of one word is a look-up
PROGRAMS = {"Relu": "relu", "HardSigmoid": "hardsigmoid", "HardSwish": "hardswish"}

DYNAMIC = (
    "the host finds the scales of dynamically quantised tensors, at each inference: not counted"
)


def _root(t: Translation, tensor: str) -> str:
    """Return the layer of whose word a tensor is a function that nothing else reads."""
    layer = t.made[tensor]
    return t.roots.get(layer, layer) if t.alone(tensor) else layer


def _absorb(t: Translation, layer: str, into: str) -> str:
    """Take back the layers from this one up to another, of whose word it is a function."""
    while layer != into:
        before = t.layers[layer].inputs[0]
        t.withdraw(layer)
        layer = before
    return into


def function(t: Translation, node: Node, kind: str, tensor: str, suffix: str = "") -> str:
    """Append a function of one word, together with those before it where one table holds all."""
    source, origin = t.made[tensor], _root(t, tensor)
    before = t.layers[source]
    if origin != source and "lookup" in (kind, before.kind):
        kind, source = "lookup", _absorb(t, source, origin)
    elif origin != source and kind == "clip" and before.kind == "bias":
        kind, source = "hardsigmoid", _absorb(t, source, before.inputs[0])
    name = t.emit(node, kind, (source,), suffix)
    t.roots[name] = origin
    return name


def hard_swish(t: Translation, node: Node, tensors: list[str]) -> str:
    """Append the product of a word and its hard sigmoid as one function, or return ""."""
    layers, origins = [t.made[x] for x in tensors], {_root(t, x) for x in tensors}
    members = [layer for layer in layers if layer not in origins]
    if len(layers) != 2 or len(origins) > 1 or len(members) != 1:
        return ""
    (origin,), gate = origins, t.layers[members[0]]
    if gate.kind != "hardsigmoid" or gate.inputs != (origin,):
        return ""
    _absorb(t, gate.name, origin)
    name = t.emit(node, "hardswish", (origin,))
    t.roots[name] = origin
    return name


def activation(t: Translation, node: Node) -> None:
    """Relu, HardSigmoid, HardSwish, and any other element-wise function: one look-up."""
    t.source(node)
    t.done(node, function(t, node, PROGRAMS.get(node.op, "lookup"), node.inputs[0]))


def leaky_relu(t: Translation, node: Node) -> None:
    """LeakyRelu and PRelu: with slopes from 0 to 1 the larger of x and its multiple."""
    source = t.source(node)
    if node.op == "LeakyRelu":
        gentle = 0 <= node.real("alpha", 0.01) <= 1
    else:
        if node.input(1) not in t.graph.constants:
            raise node.refuse("its slopes depend on the data: not modelled")
        slopes = t.graph.value(node.input(1))
        gentle = slopes is not None and slopes.dtype.kind == "f" and bool(
            (slopes >= 0).all() and (slopes <= 1).all()
        )  # fmt: skip
    if gentle:
        t.done(node, function(t, node, "leakyrelu", node.inputs[0]))
        return
    positive = t.emit(node, "relu", (source,), ".positive")
    negative = t.emit(node, "clip", (source,), ".negative")
    scaled = t.emit(node, "scale", (negative,), ".scaled")
    t.done(node, t.emit(node, "add", (positive, scaled)))


def power(t: Translation, node: Node) -> None:
    """Pow with a constant exponent: a square is a product, others are looked up."""
    source = t.source(node)
    if node.input(1) not in t.graph.constants:
        raise node.refuse("an exponent that depends on the data is not modelled")
    exponent = t.graph.number_of(node.input(1))
    if exponent == 1:
        t.done(node, source)
    elif exponent == 2:
        t.done(node, t.emit(node, "mul", (source, source)))
    else:
        t.done(node, function(t, node, "lookup", node.inputs[0]))


def same(t: Translation, node: Node) -> None:
    """Identity, dropout, casts and quantisers."""
    name = t.source(node)
    if not t.alone(node.inputs[0]):
        t.shared.add(name)
    t.done(node, name)


def dynamic_quantiser(t: Translation, node: Node) -> None:
    """DynamicQuantizeLinear: the host finds the range of the tensor."""
    name = t.source(node)
    if DYNAMIC not in t.notes:
        t.notes.append(DYNAMIC)
    if not t.alone(node.inputs[0]):
        t.shared.add(name)
    t.made[node.outputs[0]] = name


def clip(t: Translation, node: Node) -> None:
    """Clip; of a quantiser's codes, it is part of the quantiser and states its width."""
    t.source(node)
    if node.inputs[0] in t.codes:
        same(t, node)
    else:
        t.done(node, function(t, node, "clip", node.inputs[0]))
