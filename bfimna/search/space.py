"""The search space of a network: layers that share a width, and costs that depend on two."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from bfimna.errors import BfimnaError, whole_number
from bfimna.mapping.storage import storage
from bfimna.network.bits import Bits
from bfimna.network.graph import Network
from bfimna.network.precision import MAX_BITS, Precision
from bfimna.search.cost_graph import Choice, CostGraph
from bfimna.search.sensitivity import Sensitivity


def layers_by_input(network: Network) -> tuple[tuple[int, ...], ...]:
    """Return the weighted layers, grouped by the tensor they read: a group shares a width.

    In a ResNet a stage's downsample layer and its block's first convolution form such a group, as
    in HAWQ-V3.

    >>> from bfimna.network import zoo
    >>> [g for g in layers_by_input(zoo.resnet18()) if len(g) > 1]
    [(5, 7), (10, 12), (15, 17)]
    """
    groups: dict[str, list[int]] = {}
    for k, product in enumerate(network.matmuls):
        groups.setdefault(product.layer.inputs[0], []).append(k)
    return tuple(tuple(g) for g in groups.values())


@dataclass(frozen=True, eq=False)
class SearchSpace:
    """The choices for a network: the bits of weights and activations of each group of layers.

    Parameters
    ----------
    choices : bits that the search may assign; the layers that the sensitivity fixes keep theirs.
    stored : widths of tensors that are the same in every choice, as `Precision.tensor_bits`.

    Examples
    --------
    >>> from bfimna.network import zoo
    >>> from bfimna.search.sensitivity import hawq_sensitivity
    >>> s = SearchSpace(zoo.resnet18(), hawq_sensitivity(zoo.resnet18()), (4, 6))
    >>> s.widths, s.precision(s.uniform(0), "lowest").weight_bits[:3]
    ((4, 6, 8), (8, 4, 4))
    """

    network: Network
    sensitivity: Sensitivity
    choices: tuple[int, ...]
    stored: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.choices:
            raise BfimnaError("choices must name at least one width")
        widths = {whole_number("a choice of bits", b, 1, MAX_BITS) for b in self.choices}
        object.__setattr__(self, "choices", tuple(sorted(widths)))
        self.sensitivity.check(self.network)
        for product in self.network.matmuls:
            if not product.left.constant:
                raise BfimnaError(
                    f"the search chooses bits of products with weights; layer "
                    f"{product.layer.name!r} of {self.network.name!r} multiplies two activations"
                )

    @cached_property
    def widths(self) -> tuple[int, ...]:
        """Choices and fixed bits, ascending."""
        return tuple(sorted({*self.choices, *self.sensitivity.fixed.values()}))

    @cached_property
    def groups(self) -> tuple[tuple[int, ...], ...]:
        """Indices of the weighted layers that share a width."""
        return layers_by_input(self.network)

    @cached_property
    def group_of(self) -> dict[int, int]:
        """The group of each weighted layer."""
        return {layer: g for g, layers in enumerate(self.groups) for layer in layers}

    @cached_property
    def readers(self) -> dict[str, tuple[int, ...]]:
        """By layer, the groups that read its tensor: the widest of them sets its stored bits."""
        stored = storage(self.network)
        groups = {
            source: tuple(sorted({self.group_of[k] for k in stored.readers(source)}))
            for source in np.unique(stored.source).tolist()
        }
        pairs = zip(self.network.layers, stored.source.tolist(), strict=True)
        return {layer.name: groups[source] for layer, source in pairs}

    @cached_property
    def tensors(self) -> list[tuple[int, ...]]:
        """Sets of several groups that read one tensor: each is a node of the graph."""
        return sorted({r for r in self.readers.values() if len(r) > 1})

    def stored_node(self, layer: str) -> int:
        """Return the node whose width a layer's tensor is stored at."""
        readers = self.readers[layer]
        return readers[0] if len(readers) == 1 else len(self.groups) + self.tensors.index(readers)

    @cached_property
    def pairs(self) -> list[tuple[int, int]]:
        """(group, node of its tensor) of weighted layers whose tensor has a width of its own."""
        names = self.network.matmul_names
        pairs = {(self.group_of[k], self.stored_node(name)) for k, name in enumerate(names)}
        return sorted(pair for pair in pairs if pair[0] != pair[1])

    @cached_property
    def graph(self) -> CostGraph:
        """Ω and the structure of all costs."""
        table = self.sensitivity.table(self.network.matmul_names, self.widths)
        omega = np.array([table[list(group)].sum(axis=0) for group in self.groups])
        for g in range(len(self.groups)):
            omega[g, [bits not in self._allowed(g) for bits in self.widths]] = np.inf
        return CostGraph(omega, self.tensors, self.pairs)

    def _allowed(self, group: int) -> Sequence[int]:
        names = [self.network.matmul_names[k] for k in self.groups[group]]
        fixed = {self.sensitivity.fixed[n] for n in names if n in self.sensitivity.fixed}
        if len(fixed) > 1:
            raise BfimnaError(f"layers {names} read one tensor but are fixed to {sorted(fixed)}")
        return sorted(fixed) or self.choices

    @cached_property
    def own_widths(self) -> np.ndarray | None:
        """Own widths of tensors as `Bits` takes them; None if no tensor has its own."""
        return Bits.from_precision(self.network, self.precision(self.uniform(-1), "")).tensors

    def by_group(self, by_layer: np.ndarray) -> np.ndarray:
        """Sum costs of weighted layers, (layers, widths), by group: (nodes, widths)."""
        nodes = np.zeros((self.graph.nodes, len(self.widths)))
        for g, layers in enumerate(self.groups):
            nodes[g] = by_layer[list(layers)].sum(axis=0)
        return nodes

    def budget_note(self, quantity: str, fraction: float, low: float, high: float) -> str:
        """Say what a budget is a fraction of: costs with all layers at the ends of the choices."""
        return (
            f"budget: {100 * fraction:.4g} % of the way from {quantity} with all layers at "
            f"{self.choices[0]} bits, {low:.4g}, to all at {self.choices[-1]} bits, {high:.4g}"
        )

    def precision(self, choice: Choice, name: str) -> Precision:
        """Return a choice as bits per layer."""
        names = self.network.matmul_names
        bits = {
            names[k]: self.widths[width]
            for layers, width in zip(self.groups, choice, strict=True)
            for k in layers
        }
        return Precision.by_layer(self.network, bits, name, tensors=self.stored)

    def choice_from_bits(self, bits: Mapping[str, int]) -> Choice:
        """Return bits by layer as a choice: a group takes those of its first layer."""
        first = [self.network.matmul_names[layers[0]] for layers in self.groups]
        return np.array([self.widths.index(bits[name]) for name in first])

    def uniform(self, position: int) -> Choice:
        """Return the choice of the lowest (0) or highest (-1) allowed width everywhere."""
        chosen = (self._allowed(g)[position] for g in range(len(self.groups)))
        return np.array([self.widths.index(bits) for bits in chosen])
