"""Precisions: weight and activation bits per layer, the choice that bit fluidity leaves open."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from bfimna.display import html_table
from bfimna.errors import (
    BfimnaError,
    positive_number,
    shown,
    unknown,
    warn_renamed,
    whole_number,
    wrong_type,
)
from bfimna.network.graph import Network
from bfimna.network.matmul import Matmul
from bfimna.network.width_checks import (
    check_names,
    checked_widths,
    matching,
    own_widths,
    pair_of,
)
from bfimna.operators.words import MAX_BITS

if TYPE_CHECKING:
    from pathlib import Path

#: bits by layer name: one width for both operands, or (weights, activations)
BitsByLayer = Mapping[str, int | tuple[int, int]]


@dataclass(frozen=True, repr=False)
class Precision:
    """Bits of the weights and of the input activations of each weighted layer.

    Parameters
    ----------
    name : its name in results.
    layers : names of the weighted layers, in the network's order.
    weight_bits : 1 to 16, one per layer.
    activation_bits : of the input, 1 to 16, one per layer.
    tensor_bits : widths of tensors that are stored wider than their readers need, by layer: a
        residual stream, for example. At least the bits of each reader.
    notes : caveats that results repeat, such as a pattern of a file that decides no bits.

    Examples
    --------
    >>> from bfimna.network import zoo
    >>> Precision.fixed(zoo.resnet18(), 8).mean_bits
    8.0
    """

    name: str
    layers: tuple[str, ...]
    weight_bits: tuple[int, ...]
    activation_bits: tuple[int, ...]
    tensor_bits: tuple[tuple[str, int], ...] = ()
    notes: tuple[str, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise wrong_type("name of a precision", self.name, "text")
        for what in ("layers", "weight_bits", "activation_bits"):
            values = getattr(self, what)
            if (
                not isinstance(values, Sequence | np.ndarray)
                or isinstance(values, str)
                or (isinstance(values, np.ndarray) and values.ndim != 1)
            ):
                raise wrong_type(f"{what} of precision {shown(self.name)}", values, "a tuple")
        object.__setattr__(self, "layers", tuple(self.layers))
        check_names(f"layers of precision {shown(self.name)}", self.layers)
        for what in ("weight_bits", "activation_bits"):
            bits = getattr(self, what)
            if len(bits) != len(self.layers):
                raise BfimnaError(
                    f"precision {shown(self.name)} has {len(bits)} {what} for {len(self.layers)} "
                    "layers"
                )
            object.__setattr__(
                self, what, checked_widths(what.replace("_", " "), self.layers, bits)
            )
        object.__setattr__(self, "tensor_bits", own_widths(self.name, self.tensor_bits))

    @classmethod
    def fixed(
        cls,
        network: Network,
        bits: int | None = None,
        *,
        weights: int | None = None,
        activations: int | None = None,
    ) -> "Precision":
        """Return one width for every layer, or one for all weights and one for all activations.

        >>> from bfimna.network import zoo
        >>> Precision.fixed(zoo.alexnet(), weights=4, activations=8).name
        'w4a8'
        """
        _check_network(network)
        w, a = weights if bits is None else bits, activations if bits is None else bits
        if w is None or a is None or (bits is not None and (weights, activations) != (None, None)):
            raise BfimnaError("give either bits, or both weights= and activations=")
        w = whole_number("weight bits", w, 1, MAX_BITS)
        a = whole_number("activation bits", a, 1, MAX_BITS)
        n = len(network.matmuls)
        name = f"int{w}" if w == a else f"w{w}a{a}"
        return cls(name, network.matmul_names, (w,) * n, (a,) * n)

    @classmethod
    def mixed(cls, network: Network, mean_bits: float, seed: int = 0) -> "Precision":
        """Draw one width per layer, for weights and activations, with this mean over the layers.

        Widths are drawn uniformly from the integers in a range around the mean (within 1 to 16);
        then single layers are changed by one bit until the mean is met, to 1 / layers.

        >>> from bfimna.network import zoo
        >>> bits = Precision.mixed(zoo.resnet50(), mean_bits=5, seed=0)
        >>> bits.mean_bits, bits == Precision.mixed(zoo.resnet50(), mean_bits=5, seed=0)
        (5.0, True)
        """
        _check_network(network)
        mean_bits = positive_number("mean_bits", mean_bits)
        if not 1 <= mean_bits <= MAX_BITS:
            raise BfimnaError(f"mean_bits must be from 1 to {MAX_BITS}, not {mean_bits!r}")
        n = len(network.matmuls)
        seed = whole_number("seed", seed, 0, 2**63 - 1)
        spread = int(min(mean_bits - 1, MAX_BITS - mean_bits))
        low, high = int(mean_bits) - spread, min(MAX_BITS, int(np.ceil(mean_bits)) + spread)
        random = np.random.default_rng(seed)
        bits = random.integers(low, high + 1, n)
        while excess := int(bits.sum()) - round(mean_bits * n):
            step = -1 if excess > 0 else 1
            movable = np.flatnonzero((bits + step >= low) & (bits + step <= high))
            bits[random.choice(movable)] += step
        widths = tuple(int(b) for b in bits)
        return cls(f"mixed-mean{mean_bits:g}-seed{seed}", network.matmul_names, widths, widths)

    @classmethod
    def by_layer(
        cls,
        network: Network,
        bits: BitsByLayer,
        name: str = "custom",
        default: int | None = None,
        tensors: Mapping[str, int] | None = None,
    ) -> "Precision":
        """Return a precision from bits by layer name or alias, or a pattern with ``*`` and ``?``.

        A layer's own name has precedence over patterns, and later patterns over earlier ones.

        Parameters
        ----------
        default : bits of the layers left out; without it, they are an error.
        tensors : widths of tensors by layer, see `tensor_bits`.

        >>> from bfimna.network import zoo
        >>> Precision.by_layer(zoo.alexnet(), {"features.0": 8}, default=4).weight_bits[:3]
        (8, 4, 4)
        >>> Precision.by_layer(zoo.alexnet(), {"*": 4, "features.0": 8}).weight_bits[:3]
        (8, 4, 4)
        """
        _check_network(network)
        if not isinstance(bits, Mapping):
            raise wrong_type(
                f"bits of precision {shown(name)}", bits, "a mapping of layers to bits"
            )
        by_layer: dict[str, int | tuple[int, int]] = {}  # by patterns, then by own names
        named: dict[str, int | tuple[int, int]] = {}
        for key, width in bits.items():
            layers = network.weighted(key) or matching(network, key)
            if not layers:
                names = (*network.matmul_names, *network.aliases)
                raise unknown(f"layer of {network.name}", key, names)
            chosen = named if network.weighted(key) else by_layer
            twice = [layer for layer in layers if layer in named] if chosen is named else []
            if twice:
                raise BfimnaError(f"precision {shown(name)} gives bits to layer {twice[0]!r} twice")
            chosen.update((layer, width) for layer in layers)
        by_layer |= named
        missing = [layer for layer in network.matmul_names if layer not in by_layer]
        if missing and default is None:
            raise BfimnaError(
                f"precision {shown(name)} gives no bits to: {', '.join(missing)}; give a default"
            )
        pairs = [pair_of(layer, by_layer.get(layer, default)) for layer in network.matmul_names]
        weights, activations = tuple(w for w, _ in pairs), tuple(a for _, a in pairs)
        own: Any = () if tensors is None else tensors  # checked where it is stored
        precision = cls(name, network.matmul_names, weights, activations, own)
        precision.of_network(network)
        return precision

    @classmethod
    def of(cls, *arguments: Any, **options: Any) -> "Precision":
        """Old name of `by_layer`."""
        warn_renamed("Precision.of", "Precision.by_layer")
        return cls.by_layer(*arguments, **options)

    def __getitem__(self, layer: str) -> tuple[int, int]:
        """Weight and activation bits of a layer."""
        try:
            return self._by_layer[layer]
        except (KeyError, TypeError):
            raise unknown(f"layer of precision {self.name}", layer, self._by_layer) from None

    def __repr__(self) -> str:
        least, most = (
            end(self.weight_bits + self.activation_bits, default=0) for end in (min, max)
        )
        widths = f"{least} bits" if least == most else f"{least} to {most} bits"
        mean = f", {self.mean_bits:.3g} on average" if least != most else ""
        return f"<Precision {self.name}: {len(self.layers)} layers, {widths}{mean}>"

    def _repr_html_(self) -> str:
        rows = zip(self.layers, self.weight_bits, self.activation_bits, strict=True)
        return html_table(repr(self)[1:-1], ("layer", "weight bits", "activation bits"), rows)

    def to_yaml(self, path: "str | Path | None" = None) -> str:
        """Return the bits as YAML that `read_precision` reads; write it if a path is given."""
        return self._written(".yaml", path)

    def to_csv(self, path: "str | Path | None" = None) -> str:
        """Return the bits as CSV, which holds no `tensor_bits`; see `to_yaml`."""
        return self._written(".csv", path)

    def to_json(self, path: "str | Path | None" = None) -> str:
        """Return the bits as JSON; see `to_yaml`."""
        return self._written(".json", path)

    def _written(self, suffix: str, path: "str | Path | None") -> str:
        from bfimna.network.precision_file import text_of_precision, write

        text = text_of_precision(self, suffix)
        if path is not None:
            write(text, path, suffix)
        return text

    @cached_property
    def _by_layer(self) -> dict[str, tuple[int, int]]:
        pairs = zip(self.weight_bits, self.activation_bits, strict=True)
        return dict(zip(self.layers, pairs, strict=True))

    @property
    def mean_bits(self) -> float:
        """Mean over the layers of weight and activation bits."""
        return float(np.mean(self.weight_bits + self.activation_bits))

    def bops(self, network: Network) -> int:
        """Bit operations of one inference: Σ MACs · weight bits · activation bits (HAWQ-V3)."""
        return sum(g.macs * w * a for g, (w, a) in self._pairs(network))

    def size_bits(self, network: Network) -> int:
        """Return the bits of all weights, without biases."""
        return sum(g.weights * w for g, (w, _) in self._pairs(network))

    def _pairs(self, network: Network) -> Iterable[tuple[Matmul, tuple[int, int]]]:
        bits = self.of_network(network)  # which checks the network
        return zip(network.matmuls, bits, strict=True)

    def of_network(self, network: Network) -> list[tuple[int, int]]:
        """Return (weight, activation) bits in the network's order; raise for another network."""
        _check_network(network)
        if self.layers != network.matmul_names:
            differing = sorted(set(self.layers) ^ set(network.matmul_names))
            where = f" ({differing[0]!r} is in one only)" if differing else " (in another order)"
            raise BfimnaError(
                f"precision {shown(self.name)} is for other layers than {network.name!r} has{where}"
            )
        for tensor, _ in self.tensor_bits:
            if tensor not in network.shapes:
                raise unknown(f"tensor of {network.name}", tensor, network.shapes)
        return list(zip(self.weight_bits, self.activation_bits, strict=True))


def _check_network(network: object) -> None:
    if not isinstance(network, Network):
        raise wrong_type("network", network, "a Network (of bf.zoo, or bf.load_network(name))")
