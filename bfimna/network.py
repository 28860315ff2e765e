"""Networks as directed graphs of layers: shapes, MACs, im2col dimensions.

A tensor is (channels, height, width) of one image; a layer's tensor bears the layer's name. Batch
norm is folded into the convolution before it, as in integer-only inference.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import prod

from bfimna.errors import BfimnaError, whole_number

Shape = tuple[int, int, int]

GEMM = ("conv", "linear")
POOL = ("maxpool", "avgpool")
#: every kind of layer, and how many inputs it takes (None: any number from 2)
KINDS: dict[str, int | None] = {
    "input": 0,
    "conv": 1,
    "linear": 1,
    "relu": 1,
    "maxpool": 1,
    "avgpool": 1,
    "flatten": 1,
    "add": 2,
}


@dataclass(frozen=True)
class Layer:
    """One node of the graph.

    Parameters
    ----------
    name : unique in its network; torchvision's module path in the zoo.
    kind : one of `KINDS`.
    inputs : names of the layers whose tensors it takes.
    channels : output channels of a convolution, output features of a linear layer, channels of the
        input; 0 where they follow from the inputs.
    kernel, stride, dilation : (height, width).
    padding : (top, left, bottom, right).
    groups : convolution groups; the input's channels for a depthwise convolution.
    ceil : pooling windows that overhang the border count (``ceil_mode``).
    size : (height, width) of the input layer's tensor.
    """

    name: str
    kind: str
    inputs: tuple[str, ...] = ()
    channels: int = 0
    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1
    ceil: bool = False
    size: tuple[int, int] = (1, 1)

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return the shape of the tensor that the layer makes of tensors of these shapes."""
        if self.kind == "input":
            return (self.channels, *self.size)
        if self.kind == "add" and len(set(shapes)) > 1:
            raise BfimnaError(f"layer {self.name!r} adds tensors of different shapes: {shapes}")
        channels, height, width = shapes[0]
        if self.kind == "flatten":
            return (channels * height * width, 1, 1)
        if self.kind == "linear":
            if (height, width) != (1, 1):
                raise BfimnaError(f"layer {self.name!r} is linear on {shapes[0]}: flatten it first")
            return (self.channels, 1, 1)
        if self.kind in ("conv", *POOL):
            if self.kind == "conv" and (channels % self.groups or self.channels % self.groups):
                raise BfimnaError(
                    f"layer {self.name!r}: {channels} → {self.channels} channels cannot be split "
                    f"into {self.groups} groups"
                )
            extent = tuple(self._extent(axis, shapes[0]) for axis in (0, 1))
            return (self.channels or channels, *extent)  # type: ignore[return-value]
        return shapes[0]

    def _extent(self, axis: int, shape: Shape) -> int:
        padded = shape[1 + axis] + self.padding[axis] + self.padding[axis + 2]
        reach = self.dilation[axis] * (self.kernel[axis] - 1) + 1
        steps, rest = divmod(padded - reach, self.stride[axis])
        if steps < 0:
            raise BfimnaError(
                f"layer {self.name!r}: a window of {reach} does not fit {padded} padded pixels of "
                f"its input {shape}"
            )
        if (
            self.ceil
            and rest
            and (steps + 1) * self.stride[axis] < shape[1 + axis] + self.padding[axis]
        ):
            steps += 1
        return steps + 1

    def check(self) -> None:
        """Raise if the layer by itself makes no sense."""
        where = f"layer {self.name!r}"
        if self.kind not in KINDS:
            raise BfimnaError(f"{where}: unknown kind {self.kind!r}; known: {', '.join(KINDS)}")
        wanted = KINDS[self.kind]
        if len(self.inputs) != wanted if wanted is not None else len(self.inputs) < 2:
            raise BfimnaError(
                f"{where} ({self.kind}) takes {wanted if wanted is not None else '2 or more'} "
                f"inputs, not {len(self.inputs)}"
            )
        for what in ("kernel", "stride", "dilation", "size"):
            for extent in getattr(self, what):
                whole_number(f"{where}: {what}", extent, 1)
        for side in self.padding:
            whole_number(f"{where}: padding", side, 0)
        whole_number(f"{where}: groups", self.groups, 1)
        whole_number(f"{where}: channels", self.channels, 1 if self.kind in ("input", *GEMM) else 0)


@dataclass(frozen=True)
class Gemm:
    """A weighted layer as a matrix product, groups × (i × j) · (j × u).

    Attributes
    ----------
    i : output channels of a group. j : length of a dot product. u : positions of one image.
    """

    layer: Layer
    i: int
    j: int
    u: int
    input_shape: Shape
    output_shape: Shape

    @property
    def weights(self) -> int:
        """Number of weights, without biases."""
        return self.layer.groups * self.i * self.j

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one image."""
        return self.weights * self.u


@dataclass(frozen=True)
class Network:
    """A directed acyclic graph of layers in an order in which each comes after its inputs.

    Building one checks names, numbers of inputs and every shape.

    Examples
    --------
    >>> net = Network("tiny", (Layer("input", "input", channels=3, size=(8, 8)),
    ...     Layer("conv", "conv", ("input",), 4, kernel=(3, 3), padding=(1, 1, 1, 1))))
    >>> net.shapes["conv"], net.weights, net.macs
    ((4, 8, 8), 108, 6912)
    """

    name: str
    layers: tuple[Layer, ...]
    shapes: dict[str, Shape] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.layers:
            raise BfimnaError(f"network {self.name!r} has no layers")
        shapes: dict[str, Shape] = {}
        for layer in self.layers:
            layer.check()
            if layer.name in shapes:
                raise BfimnaError(f"network {self.name!r} has two layers named {layer.name!r}")
            missing = [name for name in layer.inputs if name not in shapes]
            if missing:
                raise BfimnaError(
                    f"layer {layer.name!r} takes {missing[0]!r}, which no layer before it makes"
                )
            shapes[layer.name] = layer.output_shape([shapes[name] for name in layer.inputs])
        object.__setattr__(self, "shapes", shapes)
        object.__setattr__(self, "_hash", hash((self.name, self.layers)))

    def __hash__(self) -> int:
        return self._hash  # type: ignore[attr-defined,no-any-return]

    def __getitem__(self, name: str) -> Layer:
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> dict[str, Layer]:
        return {layer.name: layer for layer in self.layers}

    @cached_property
    def gemms(self) -> tuple[Gemm, ...]:
        """The weighted layers (convolutions and linear layers), in order."""
        found = []
        for layer in self.layers:
            if layer.kind in GEMM:
                source = self.shapes[layer.inputs[0]]
                channels, height, width = self.shapes[layer.name]
                j = source[0] // layer.groups * prod(layer.kernel)
                i = channels // layer.groups
                found.append(Gemm(layer, i, j, height * width, source, self.shapes[layer.name]))
        return tuple(found)

    @cached_property
    def gemm_names(self) -> tuple[str, ...]:
        """Names of the weighted layers, in order: what a `Precision` gives bits to."""
        return tuple(g.layer.name for g in self.gemms)

    @property
    def weights(self) -> int:
        """Weights of convolutions and linear layers, without biases."""
        return sum(g.weights for g in self.gemms)

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one image."""
        return sum(g.macs for g in self.gemms)

    @cached_property
    def consumers(self) -> dict[str, tuple[str, ...]]:
        """The layers that take each layer's tensor."""
        taken: dict[str, list[str]] = {layer.name: [] for layer in self.layers}
        for layer in self.layers:
            for name in dict.fromkeys(layer.inputs):
                taken[name].append(layer.name)
        return {name: tuple(names) for name, names in taken.items()}

    @cached_property
    def readers(self) -> dict[str, tuple[int, ...]]:
        """The weighted layers (positions in `gemms`) that read each tensor.

        Directly or through layers without weights: they set the bits at which it is stored.
        """
        position = {name: k for k, name in enumerate(self.gemm_names)}
        found: dict[str, frozenset[int]] = {}
        for layer in reversed(self.layers):
            reached: set[int] = set()
            for name in self.consumers[layer.name]:
                reached |= {position[name]} if name in position else found[name]
            found[layer.name] = frozenset(reached)
        return {name: tuple(sorted(reached)) for name, reached in found.items()}

    @cached_property
    def makers(self) -> dict[str, int]:
        """The last weighted layer (position in `gemms`) before each tensor; 0 for the input."""
        position = {name: k for k, name in enumerate(self.gemm_names)}
        found: dict[str, int] = {}
        for layer in self.layers:
            before = [found[name] for name in layer.inputs]
            found[layer.name] = position.get(layer.name, max(before, default=0))
        return found


class Builder:
    """Writes a network down in a few lines; each method returns the new layer's name.

    >>> b = Builder("tiny", (1, 8, 8))
    >>> x = b.relu(b.conv("conv", b.input, 4, 3, padding=1))
    >>> b.network().shapes[x]
    (4, 8, 8)
    """

    input = "input"

    def __init__(self, name: str, shape: Shape) -> None:
        self.name = name
        self.layers = [Layer("input", "input", channels=shape[0], size=shape[1:])]

    def append(self, layer: Layer) -> str:
        """Append a layer as it is."""
        self.layers.append(layer)
        return layer.name

    def conv(
        self, name: str, source: str, channels: int, kernel: int, stride: int = 1, padding: int = 0
    ) -> str:
        """Append a square convolution."""
        return self.append(
            Layer(name, "conv", (source,), channels, (kernel,) * 2, (stride,) * 2, (padding,) * 4)
        )

    def linear(self, name: str, source: str, features: int) -> str:
        """Append a fully connected layer."""
        return self.append(Layer(name, "linear", (source,), features))

    def relu(self, source: str, name: str = "") -> str:
        """Append a ReLU."""
        return self.append(Layer(name or f"{source}.relu", "relu", (source,)))

    def pool(
        self,
        name: str,
        source: str,
        kernel: int,
        stride: int,
        padding: int = 0,
        kind: str = "maxpool",
    ) -> str:
        """Append a square pooling layer."""
        return self.append(
            Layer(name, kind, (source,), 0, (kernel,) * 2, (stride,) * 2, (padding,) * 4)
        )

    def add(self, name: str, *sources: str) -> str:
        """Append a residual add."""
        return self.append(Layer(name, "add", sources))

    def flatten(self, source: str) -> str:
        """Append a flatten."""
        return self.append(Layer("flatten", "flatten", (source,)))

    def network(self) -> Network:
        """Return the network, checked."""
        return Network(self.name, tuple(self.layers))
