"""The network that an ONNX graph becomes: its layers so far, and which layer holds which tensor."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from math import prod
from typing import Any, NamedTuple

from bfimna.network.layer import Layer, Shape
from bfimna.network.matmul import Matmul
from bfimna.onnx.bits import code_tensors
from bfimna.onnx.nodes import Dims, Graph, Node, packed_matrix

SCOPES = "pkg.torch.onnx.name_scopes"
LONGEST = 10_000  # characters of a list of scopes that are read
MAX_CHAIN = 8  # operations between stored weights and the layer: quantisers, a transposition


def vector(shape: Shape) -> Shape:
    """Return the shape of the vector of all elements."""
    return (prod(shape), 1, 1)


class Translation:
    """Layers and notes so far, and which layer holds which tensor.

    Attributes
    ----------
    layers, shapes : by name, in the order in which they were made.
    notes : of the network.
    made : tensor → name of the layer that holds it. `host` : tensors that the host makes.
    matmuls : weighted layer → its weight and activation tensor, and its node.
    affine : biases right after a scale of their own, which can absorb another scale and bias.
    rows : views that lay a product's results out again, its output features last.
    roots : layer that is a function of one word → the layer that holds that word.
    codes : tensors that a quantiser makes, before they stand for numbers again.
    shared : layers whose tensor is also read under an earlier name, before a quantiser or the like.
    batch : of which the layers are one.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.layers: dict[str, Layer] = {}
        self.shapes: dict[str, Shape] = {}
        self.notes: list[str] = [*graph.notes]
        self.made: dict[str, str] = {}
        self.host: set[str] = set()
        self.matmuls: dict[str, tuple[str, str, Node]] = {}
        self.affine: set[str] = set()
        self.rows: set[str] = set()
        self.roots: dict[str, str] = {}
        self.shared: set[str] = set()
        self.codes = code_tensors(graph)
        self.batch = graph.batch

    # ---- what a node reads ---------------------------------------------------------------------

    def source(self, node: Node, position: int = 0) -> str:
        """Return the layer that holds an input of a node."""
        return self.holder(node, node.input(position), f"input {position}")

    def holder(self, node: Node, tensor: str, what: str = "an input") -> str:
        """Return the layer that holds a tensor."""
        if tensor in self.host:
            raise node.refuse(f"reads {tensor[:100]!r}, which is left to the host")
        if tensor not in self.made:
            why = "is a constant" if tensor in self.graph.constants else "is missing"
            raise node.refuse(f"{what} {why}; want a tensor that depends on the data")
        return self.made[tensor]

    def variable_inputs(self, node: Node) -> list[str]:
        """Return the inputs that depend on the data, each held by a layer; raise if none does."""
        data = [i for i in node.inputs if i not in self.graph.constants]
        if not data:
            raise node.refuse("has no input that depends on the data")
        for tensor in data:
            self.holder(node, tensor)
        return data

    def constant_inputs(self, node: Node) -> list[str]:
        """Return the inputs that do not depend on the data."""
        return [i for i in node.inputs if i in self.graph.constants]

    def check_constant(self, node: Node, positions: Sequence[int], why: str) -> None:
        """Raise unless the inputs at these positions are constants, or left out."""
        if any(node.input(k) and node.input(k) not in self.graph.constants for k in positions):
            raise node.refuse(why)

    def alone(self, tensor: str) -> bool:
        """Whether one node reads the tensor, once, and nothing else the layer that holds it."""
        return self.graph.uses[tensor] == 1 and self.made.get(tensor) not in self.shared

    # ---- what it makes -------------------------------------------------------------------------

    def dims(self, tensor: str, node: Node) -> Dims:
        """Return a tensor's dimensions, or raise that they are unknown."""
        if tensor not in self.graph.dims:
            raise node.refuse(f"the dimensions of {tensor[:100]!r} are not known")
        return self.graph.dims[tensor]

    def shape_of(self, dims: Dims, node: Node) -> Shape:
        """Return (C, H, W) of dimensions that begin with the batch: a sequence is (C, 1, L)."""
        image = list(dims)
        if image and image[0] == self.batch:
            image = image[1:]
        elif self.batch != 1:
            raise node.refuse(f"its tensor of {dims} does not keep the batch of {self.batch} first")
        first, *rest = image or [1]
        return (first, prod(rest[:-1]), rest[-1]) if len(rest) > 1 else (first, 1, *rest, 1)[:3]

    def result_shape(self, node: Node, output: int = 0) -> Shape:
        """Return (C, H, W) of one of a node's outputs."""
        return self.shape_of(self.dims(node.outputs[output], node), node)

    def emit(
        self, node: Node, kind: str, sources: tuple[str, ...], suffix: str = "", **fields: Any
    ) -> str:
        """Append a layer and return its name."""
        name = node.name + suffix
        if name in self.layers:
            name = node.outputs[0] + suffix
        layer = Layer(name, kind, sources, **fields)
        layer.check()
        if name in self.layers:
            raise node.refuse(f"makes a second layer {name[:100]!r}")
        taken = [self.shapes[s] for s in sources]
        shape = layer.output_shape(taken)
        layer.check_size(taken, shape)
        self.layers[name], self.shapes[name] = layer, shape
        return name

    def view(self, node: Node, source: str, shape: Shape, suffix: str = "") -> str:
        """Append a view of a layer with this shape."""
        return self.emit(node, "view", (source,), suffix, channels=shape[0], size=shape[1:])

    def reshaped(self, node: Node, source: str, shape: Shape, suffix: str) -> str:
        """Return the layer itself where it has this shape, else a view of it."""
        return source if self.shapes[source] == shape else self.view(node, source, shape, suffix)

    def joined(self, node: Node, parts: list[str], suffix: str, output: int = 0) -> str:
        """Append what lays all elements of some layers out as one of the node's outputs."""
        if len(parts) > 1:
            vectors = [
                self.reshaped(node, part, vector(self.shapes[part]), f"{suffix}.{k}")
                for k, part in enumerate(parts)
            ]
            parts = [self.emit(node, "concat", tuple(vectors), f"{suffix}.all")]
        return self.reshaped(node, parts[0], self.result_shape(node, output), suffix)

    def withdraw(self, name: str) -> None:
        """Take back a layer that nothing reads any more."""
        del self.layers[name], self.shapes[name]
        self.roots.pop(name, None)
        self.affine.discard(name)

    def done(self, node: Node, layer: str) -> None:
        """Note that a node's first output is this layer's tensor, and check its shape."""
        for extra in node.outputs[1:]:
            if extra in self.graph.uses and extra not in self.graph.constants:
                raise node.refuse(f"its further output {extra[:100]!r} is not modelled")
        shape = self.result_shape(node)
        if shape != self.shapes[layer]:
            raise node.refuse(f"gives {self.shapes[layer]}, but its tensor is {shape}")
        self.made[node.outputs[0]] = layer


Shapes = Callable[[Graph, Node], list[Dims]]
Layers = Callable[[Translation, Node], None]


class Operation(NamedTuple):
    """How an operation is read; `layers` is None where it may only occur among constants."""

    shapes: Shapes
    layers: Layers | None = None


def module_names(t: Translation) -> dict[str, tuple[str, ...]]:
    """Return module → the weighted layers that it became, where its name is another than theirs.

    A module is named by its stored weights (``layer1.0.conv2.weight``), else by the scopes that the
    exporter writes, else by a path as the legacy exporter's (``/layer1/layer1.0/conv2/Conv``).
    """
    makers = _makers(t)
    modules: dict[str, tuple[str, ...]] = {}
    for layer, (weight, _, node) in t.matmuls.items():
        stored = _stored_weights(makers, weight)
        name = stored.removesuffix(".weight") if stored.endswith(".weight") else ""
        name = name or _scope(node) or _path(node.name)
        if name and name not in t.matmuls:
            modules[name] = (*modules.get(name, ()), layer)
    return modules


def sharing_notes(t: Translation) -> tuple[str, ...]:
    """Return a note of how many shared weights are counted once per layer, if any.

    A head that serves several levels of a pyramid, and the steps of a recurrent layer, share
    weights, and each layer of a network holds its own. A transposed convolution's layers hold a
    part each, which together is no more than the file stores.
    """
    held: Counter[str] = Counter()
    stored: dict[str, int] = {}
    makers = _makers(t)
    for name, (weight, _, node) in t.matmuls.items():
        layer, tensor = t.layers[name], _stored_weights(makers, weight)
        packed = node.op == "MatMulNBits"
        stored[tensor] = prod(packed_matrix(node) if packed else t.graph.dims[tensor])
        held[tensor] += Matmul.from_layer(layer, t.shapes[layer.inputs[0]], t.shapes[name]).weights
    again = sum(max(count - stored[tensor], 0) for tensor, count in held.items())
    return (f"{again} weights are held again, by layers that share them with others",) * (again > 0)


def _makers(t: Translation) -> dict[str, Node]:
    return {output: node for node in t.graph.nodes for output in node.outputs}


def _stored_weights(makers: dict[str, Node], weight: str) -> str:
    """Return the tensor from which a layer's weights are made: quantised, transposed, renamed."""
    for _ in range(MAX_CHAIN):
        if weight not in makers or not makers[weight].inputs:
            break
        weight = makers[weight].inputs[0]
    return weight


def _scope(node: Node) -> str:
    """Return the module in a list of scopes that ends with the module and its operation."""
    for entry in node.proto.metadata_props if node.proto is not None else ():
        if entry.key == SCOPES and len(entry.value) < LONGEST:
            scopes = re.findall("'([^']*)'", entry.value)  # Python's notation of a list of texts
            if len(scopes) > 1:
                return scopes[-2]
    return ""


def _path(name: str) -> str:
    """Return the module of a legacy path, in which children of containers repeat their parent.

    >>> _path("/layer1/layer1.0/conv2/Conv"), _path("conv")
    ('layer1.0.conv2', '')
    """
    if not name.startswith("/"):
        return ""
    path, last = "", ""
    for part in name.split("/")[1:-1]:
        if last and part.startswith(f"{last}."):
            path = path[: len(path) - len(last)] + part
        else:
            path = f"{path}.{part}" if path else part
        last = part
    return path
