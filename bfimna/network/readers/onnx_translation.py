"""The network that an ONNX graph becomes, as it grows."""

from math import prod

from bfimna.network.layer import GEMM, Layer, Shape
from bfimna.network.readers.onnx_file import MAX_ELEMENTS
from bfimna.network.readers.onnx_graph import Dims, Graph, Node

MAX_SUMMED = 2**30  # words of one sum: beyond it a sum is wider than any AP program is counted for


class Translation:
    """Layers and notes so far, and which layer holds which tensor.

    Attributes
    ----------
    layers, notes : of the network.
    made : tensor → name of the layer that holds it; a tensor on the host is in `host` instead.
    gemms : weighted layer → its weight and activation tensor.
    affine : biases right after a scale of their own, which can absorb another scale and bias.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.layers: list[Layer] = []
        self.notes: list[str] = []
        self.made: dict[str, str] = {}
        self.host: dict[str, Node] = {}
        self.affine: set[str] = set()
        self.gemms: dict[str, tuple[str, str]] = {}
        self.by_name: dict[str, Layer] = {}
        self.shapes: dict[str, Shape] = {}
        self.batch = next(iter(graph.inputs.values()))[0]

    def shape_of(self, dims: Dims, node: Node) -> Shape:
        """Return (C, H, W) of dimensions that begin with the batch: a sequence is (C, 1, L)."""
        if not dims or None in dims:
            raise node.refuse(f"shape inference does not find the size of its tensor, only {dims}")
        image = [d for d in dims if d is not None]
        if image[0] == self.batch:
            image = image[1:]
        elif self.batch != 1:
            raise node.refuse(f"its tensor of {dims} does not keep the batch of {self.batch} first")
        if prod(image) > MAX_ELEMENTS:
            raise node.refuse(f"a tensor of {dims} is larger than {MAX_ELEMENTS} elements")
        first, *rest = image or [1]
        return (first, prod(rest[:-1]), rest[-1]) if len(rest) > 1 else (first, 1, *rest, 1)[:3]  # type: ignore[return-value]

    def dims(self, tensor: str, node: Node) -> Dims:
        """Return a tensor's dimensions, or raise that they are unknown."""
        found = self.graph.dims.get(tensor)
        if found is None or None in found:
            raise node.refuse(f"shape inference does not find the dimensions of {tensor!r}")
        return found

    def source(self, node: Node, position: int = 0) -> str:
        """Return the layer that holds an input of a node."""
        tensor = node.inputs[position] if position < len(node.inputs) else ""
        if tensor in self.host:
            raise self.host[tensor].refuse(f"is modelled at the end only, but {node} reads it")
        if tensor not in self.made:
            what = "is a constant" if tensor in self.graph.constants else "is missing"
            raise node.refuse(f"input {position} {what}; want a tensor that depends on the data")
        return self.made[tensor]

    def emit(self, node: Node, kind: str, sources: tuple[str, ...], suffix="", **fields) -> str:  # type: ignore[no-untyped-def]
        """Append a layer and return its name."""
        name = node.name + suffix
        if name in self.by_name:
            name = node.outputs[0] + suffix
        layer = Layer(name, kind, sources, **fields)
        layer.check()
        shape = layer.output_shape([self.shapes[s] for s in sources])
        if prod(shape) > MAX_ELEMENTS:
            raise node.refuse(f"a tensor of {shape} is larger than {MAX_ELEMENTS} elements")
        inner = self.shapes[sources[0]][0] // layer.groups if kind in GEMM else 1
        if prod(layer.kernel) * inner > MAX_SUMMED:
            raise node.refuse(f"adds up more than {MAX_SUMMED} words for one output")
        self.layers.append(layer)
        self.by_name[name], self.shapes[name] = layer, shape
        return name

    def done(self, node: Node, layer: str) -> None:
        """Note that a node's first output is this layer's tensor, and check its shape."""
        for extra in node.outputs[1:]:
            if extra in self.graph.uses:
                raise node.refuse(f"its further output {extra!r} is not modelled")
        tensor = node.outputs[0]
        dims = self.graph.dims.get(tensor)
        if dims and None not in dims and self.shape_of(dims, node) != self.shapes[layer]:
            raise node.refuse(
                f"gives {self.shapes[layer]}, but shape inference says {self.shape_of(dims, node)}"
            )
        self.made[tensor] = layer

    def alone(self, tensor: str) -> bool:
        """Whether one node reads the tensor, once."""
        return self.graph.uses[tensor] == 1

    def view(self, node: Node, source: str, tensor: str, suffix: str = "") -> str:
        """Append a view of a layer that has the shape of this tensor."""
        shape = self.shape_of(self.dims(tensor, node), node)
        return self.emit(node, "view", (source,), suffix, channels=shape[0], size=shape[1:])
