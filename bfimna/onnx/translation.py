"""The network that an ONNX graph becomes, as it grows."""

from math import prod
from typing import Any

from bfimna.network.layer import Layer, Shape
from bfimna.onnx.bits import codes
from bfimna.onnx.graph import RECURRENT, Dims, Graph, Node


def _batch(graph: Graph) -> int:
    """Return the batch: the first axis of the first input, the second of a recurrent layer's."""
    tensor, dims = next(iter(graph.inputs.items()))
    steps_first = any(n.op in RECURRENT and n.given(0) == tensor for n in graph.nodes)
    return dims[1] if steps_first and len(dims) > 1 else dims[0]


class Translation:
    """Layers and notes so far, and which layer holds which tensor.

    Attributes
    ----------
    layers, shapes : by name, in the order in which they were made.
    notes : of the network.
    made : tensor → name of the layer that holds it. `host` : tensors that the host makes.
    gemms : weighted layer → its weight and activation tensor, and its node.
    affine : biases right after a scale of their own, which can absorb another scale and bias.
    rows : views that lay a product's results out again, its output features last.
    roots : layer that is a function of one word → the layer that holds that word.
    codes : tensors that a quantiser makes, before they stand for numbers again.
    shared : layers whose tensor is also read under an earlier name, before a quantiser or the like.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.layers: dict[str, Layer] = {}
        self.shapes: dict[str, Shape] = {}
        self.notes: list[str] = []
        self.made: dict[str, str] = {}
        self.host: set[str] = set()
        self.gemms: dict[str, tuple[str, str, Node]] = {}
        self.affine: set[str] = set()
        self.rows: set[str] = set()
        self.roots: dict[str, str] = {}
        self.shared: set[str] = set()
        self.codes = codes(graph)
        self.batch = _batch(graph)

    def shape_of(self, dims: Dims, node: Node) -> Shape:
        """Return (C, H, W) of dimensions that begin with the batch: a sequence is (C, 1, L)."""
        image = list(dims)
        if image and image[0] == self.batch:
            image = image[1:]
        elif self.batch != 1:
            raise node.refuse(f"its tensor of {dims} does not keep the batch of {self.batch} first")
        first, *rest = image or [1]
        return (first, prod(rest[:-1]), rest[-1]) if len(rest) > 1 else (first, 1, *rest, 1)[:3]

    def dims(self, tensor: str, node: Node) -> Dims:
        """Return a tensor's dimensions, or raise that they are unknown."""
        if tensor not in self.graph.dims:
            raise node.refuse(f"the dimensions of {tensor[:100]!r} are not known")
        return self.graph.dims[tensor]

    def source(self, node: Node, position: int = 0) -> str:
        """Return the layer that holds an input of a node."""
        return self.holder(node, node.given(position), f"input {position}")

    def holder(self, node: Node, tensor: str, what: str) -> str:
        """Return the layer that holds a tensor."""
        if tensor in self.host:
            raise node.refuse(f"reads {tensor[:100]!r}, which is left to the host")
        if tensor not in self.made:
            why = "is a constant" if tensor in self.graph.constants else "is missing"
            raise node.refuse(f"{what} {why}; want a tensor that depends on the data")
        return self.made[tensor]

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
        tensor = node.outputs[0]
        shape = self.shape_of(self.dims(tensor, node), node)
        if shape != self.shapes[layer]:
            raise node.refuse(f"gives {self.shapes[layer]}, but its tensor is {shape}")
        self.made[tensor] = layer

    def alone(self, tensor: str) -> bool:
        """Whether one node reads the tensor, once, and nothing else the layer that holds it."""
        return self.graph.uses[tensor] == 1 and self.made.get(tensor) not in self.shared

    def view(self, node: Node, source: str, shape: Shape, suffix: str = "") -> str:
        """Append a view of a layer with this shape, unless it has the shape already."""
        if self.shapes[source] == shape and suffix:
            return source
        return self.emit(node, "view", (source,), suffix, channels=shape[0], size=shape[1:])
