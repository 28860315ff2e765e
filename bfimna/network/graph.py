"""Networks as directed graphs of layers: shapes, matrix products, readers of each tensor.

A tensor has the name of the layer that computes it. Batch norm is folded into the convolution
before it, as in integer-only inference.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter

from bfimna.display import html_table, quantity
from bfimna.errors import BfimnaError, shown, unknown, warn_renamed, wrong_type
from bfimna.network.layer import Layer, Tensor
from bfimna.network.matmul import Matmul, lowered
from bfimna.operators import OPERATORS, PRODUCTS
from bfimna.operators.shapes import Shape

__all__ = ["Builder", "Layer", "Matmul", "Network", "Shape"]


@dataclass(frozen=True, repr=False)
class Network:
    """A directed acyclic graph of layers in an order in which each comes after its inputs.

    Building one checks names, numbers of inputs and every shape.

    Parameters
    ----------
    notes : caveats that results repeat, such as what the network's file leaves out.
    aliases : further names of weighted layers, such as those of the modules that were exported; a
        module may have become several layers.

    Examples
    --------
    >>> net = Network("tiny", (Layer("input", "input", channels=3, size=(8, 8)),
    ...     Layer("conv", "conv", ("input",), 4, kernel=(3, 3), padding=(1, 1, 1, 1))))
    >>> net.shapes["conv"], net.weights, net.macs
    ((4, 8, 8), 108, 6912)
    """

    name: str
    layers: tuple[Layer, ...]
    notes: tuple[str, ...] = field(default=(), compare=False)
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False, compare=False)
    shapes: dict[str, Shape] = field(init=False, repr=False, compare=False)
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise BfimnaError(f"a network's name must be text, not {shown(self.name)}")
        if isinstance(self.layers, list):
            object.__setattr__(self, "layers", tuple(self.layers))
        if not isinstance(self.layers, tuple) or not all(isinstance(x, Layer) for x in self.layers):
            raise wrong_type(f"layers of network {self.name!r}", self.layers, "a tuple of Layers")
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
                    f"layer {layer.name!r} takes {missing[0]!r}, which no layer before it computes"
                )
            inputs = [shapes[name] for name in layer.inputs]
            shapes[layer.name] = layer.output_shape(inputs)
            layer.check_size(inputs, shapes[layer.name])
        object.__setattr__(self, "shapes", shapes)
        object.__setattr__(self, "_hash", hash((self.name, self.layers)))

    def __hash__(self) -> int:
        return self._hash

    def __getitem__(self, name: str) -> Layer:
        """Return the layer of this name."""
        try:
            return self._by_name[name]
        except (KeyError, TypeError):
            raise unknown(f"layer of {self.name}", name, self._by_name) from None

    def __repr__(self) -> str:
        return (
            f"<Network {self.name}: {len(self.layers)} layers, {len(self.matmuls)} weighted, "
            f"{quantity(self.weights, '')} weights, {quantity(self.macs, '')} MACs>"
        )

    def _repr_html_(self) -> str:
        weighted = {g.layer.name: g for g in self.matmuls}
        rows = []
        for layer in self.layers:
            product = weighted.get(layer.name)
            sizes = (product.weights, product.macs) if product else ("", "")
            shape = " × ".join(map(str, self.shapes[layer.name]))
            rows.append((layer.name, layer.kind, ", ".join(layer.inputs), shape, *sizes))
        header = ("layer", "kind", "inputs", "channels × height × width", "weights", "MACs")
        return html_table(repr(self)[1:-1], header, rows, self.notes)

    @cached_property
    def _by_name(self) -> dict[str, Layer]:
        return {layer.name: layer for layer in self.layers}

    @cached_property
    def tensors(self) -> dict[str, Tensor]:
        """The tensor that each layer computes, by the layer's name."""
        return {x.name: Tensor(self.shapes[x.name], x.lifetime) for x in self.layers}

    @cached_property
    def matmuls(self) -> tuple[Matmul, ...]:
        """The matrix products that layers lower to, in order."""
        return lowered(self.layers, self.shapes, self.signed)

    @cached_property
    def signed(self) -> dict[str, bool]:
        """Whether each layer's tensor may be negative."""
        signed: dict[str, bool] = {}
        for layer in self.layers:
            own = OPERATORS[layer.kind].signed
            before = any(signed[name] for name in layer.inputs) or layer.signed
            signed[layer.name] = before if own is None else own
        return signed

    @cached_property
    def matmul_names(self) -> tuple[str, ...]:
        """Names of the weighted layers, in order; a `Precision` holds the bits of each."""
        return tuple(g.layer.name for g in self.matmuls)

    @property
    def gemms(self) -> tuple[Matmul, ...]:
        """Old name of `matmuls`."""
        warn_renamed("Network.gemms", "Network.matmuls")
        return self.matmuls

    @property
    def gemm_names(self) -> tuple[str, ...]:
        """Old name of `matmul_names`."""
        warn_renamed("Network.gemm_names", "Network.matmul_names")
        return self.matmul_names

    @cached_property
    def matmul_index(self) -> dict[str, int]:
        """Position in `matmuls` of each weighted layer."""
        return {name: k for k, name in enumerate(self.matmul_names)}

    def weighted(self, name: str) -> tuple[str, ...]:
        """Return the weighted layers of this name or alias; empty for an unknown name."""
        return (name,) if name in self.matmul_index else tuple(self.aliases.get(name, ()))

    @property
    def weights(self) -> int:
        """Weights of convolutions and linear layers, without biases."""
        return sum(map(attrgetter("weights"), self.matmuls))

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one image."""
        return sum(map(attrgetter("macs"), self.matmuls))

    @cached_property
    def consumers(self) -> dict[str, tuple[str, ...]]:
        """The layers that take each layer's tensor."""
        taken: dict[str, list[str]] = {layer.name: [] for layer in self.layers}
        for layer in self.layers:
            for name in dict.fromkeys(layer.inputs):
                taken[name].append(layer.name)
        return {name: tuple(names) for name, names in taken.items()}

    @property
    def readers(self) -> "Readers":
        """The weighted layers (positions in `matmuls`) that read each tensor, by name.

        Directly or through layers without weights; these layers decide how wide it is stored.
        """
        return Readers(self)

    @cached_property
    def makers(self) -> dict[str, int]:
        """The last weighted layer (position in `matmuls`) before each tensor; 0 for the input."""
        position = self.matmul_index
        last: dict[str, int] = {}
        for layer in self.layers:
            before = [last[name] for name in layer.inputs]
            last[layer.name] = position.get(layer.name, max(before, default=0))
        return last


class Readers(Mapping[str, tuple[int, ...]]):
    """Readers by tensor, worked out on demand: there can be n² of them in all."""

    def __init__(self, network: Network) -> None:
        self._network = network

    def __getitem__(self, name: str) -> tuple[int, ...]:
        network, readers, seen, ahead = self._network, set(), {name}, [name]
        while ahead:
            for taker in network.consumers[ahead.pop()]:
                if network[taker].kind in PRODUCTS:
                    readers.add(network.matmul_index[taker])
                elif taker not in seen:
                    seen.add(taker)
                    ahead.append(taker)
        return tuple(sorted(readers))

    def __iter__(self) -> Iterator[str]:
        return iter(self._network.shapes)

    def __len__(self) -> int:
        return len(self._network.layers)


class Builder:
    """Builds a network layer by layer; each method returns the new layer's name.

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
        """Append any layer."""
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
