"""What there is to choose: which layers share a width, and which costs depend on two widths."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bfimna.errors import BfimnaError, whole_number
from bfimna.mapping.storage import storage
from bfimna.network.graph import Network
from bfimna.network.precision import MAX_BITS, Precision
from bfimna.search.program import Choice, Program
from bfimna.search.sensitivity import Sensitivity


def tied(network: Network) -> tuple[tuple[int, ...], ...]:
    """Return groups of weighted layers that read the same tensor, and so share a width.

    In a ResNet these are a stage's downsample layer and its block's first convolution, the ones
    that HAWQ-V3 ties.

    >>> from bfimna.network import zoo
    >>> [g for g in tied(zoo.resnet18()) if len(g) > 1]
    [(5, 7), (10, 12), (15, 17)]
    """
    groups: dict[str, list[int]] = {}
    for k, gemm in enumerate(network.gemms):
        groups.setdefault(gemm.layer.inputs[0], []).append(k)
    return tuple(tuple(g) for g in groups.values())


@dataclass(frozen=True, eq=False)
class Space:
    """The choices for a network: one of `widths` bits for weights and activations of each group.

    Parameters
    ----------
    choices : bits that the search may give; the layers that the sensitivity fixes keep theirs.

    Examples
    --------
    >>> from bfimna.network import zoo
    >>> from bfimna.search.sensitivity import hawq_sensitivity
    >>> s = Space(zoo.resnet18(), hawq_sensitivity(zoo.resnet18()), (4, 6))
    >>> s.widths, s.precision(s.uniform(0), "lowest").weight_bits[:3]
    ((4, 6, 8), (8, 4, 4))
    """

    network: Network
    sensitivity: Sensitivity
    choices: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.choices:
            raise BfimnaError("choices must name at least one width")
        widths = {whole_number("a choice of bits", b, 1, MAX_BITS) for b in self.choices}
        object.__setattr__(self, "choices", tuple(sorted(widths)))
        self.sensitivity.check(self.network)

    @cached_property
    def widths(self) -> tuple[int, ...]:
        """All bits that occur: the choices and the fixed ones, ascending."""
        return tuple(sorted({*self.choices, *self.sensitivity.fixed.values()}))

    @cached_property
    def groups(self) -> tuple[tuple[int, ...], ...]:
        """Positions in the network of the weighted layers that share a width."""
        return tied(self.network)

    @cached_property
    def group_of(self) -> dict[int, int]:
        """Return the group of each weighted layer."""
        return {layer: g for g, layers in enumerate(self.groups) for layer in layers}

    @cached_property
    def readers(self) -> dict[str, tuple[int, ...]]:
        """The groups whose width sets each layer's stored bits: those that read its tensor."""
        stored = storage(self.network)
        groups = {
            source: tuple(sorted({self.group_of[k] for k in stored.readers(source)}))
            for source in np.unique(stored.source).tolist()
        }
        pairs = zip(self.network.layers, stored.source.tolist(), strict=True)
        return {layer.name: groups[source] for layer, source in pairs}

    @cached_property
    def tensors(self) -> list[tuple[int, ...]]:
        """Sets of several groups that read one tensor: nodes of their own."""
        return sorted({r for r in self.readers.values() if len(r) > 1})

    def node(self, layer: str) -> int:
        """Return the node whose width a layer's tensor is stored at."""
        readers = self.readers[layer]
        return readers[0] if len(readers) == 1 else len(self.groups) + self.tensors.index(readers)

    @cached_property
    def pairs(self) -> list[tuple[int, int]]:
        """(group, node of its tensor) of every weighted layer whose tensor has another width."""
        names = self.network.gemm_names
        found = {(self.group_of[k], self.node(name)) for k, name in enumerate(names)}
        return sorted(pair for pair in found if pair[0] != pair[1])

    @cached_property
    def program(self) -> Program:
        """The integer program without limits."""
        table = self.sensitivity.table(self.network.gemm_names, self.widths)
        omega = np.array([table[list(group)].sum(axis=0) for group in self.groups])
        for g in range(len(self.groups)):
            omega[g, [bits not in self._allowed(g) for bits in self.widths]] = np.inf
        return Program(omega, self.tensors, self.pairs)

    def _allowed(self, group: int) -> Sequence[int]:
        names = [self.network.gemm_names[k] for k in self.groups[group]]
        fixed = {self.sensitivity.fixed[n] for n in names if n in self.sensitivity.fixed}
        if len(fixed) > 1:
            raise BfimnaError(f"layers {names} read one tensor but are fixed to {sorted(fixed)}")
        return sorted(fixed) or self.choices

    def by_group(self, by_layer: np.ndarray) -> np.ndarray:
        """Add a cost of each weighted layer and width, (layers, widths), up to (nodes, widths)."""
        nodes = np.zeros((self.program.nodes, len(self.widths)))
        for g, layers in enumerate(self.groups):
            nodes[g] = by_layer[list(layers)].sum(axis=0)
        return nodes

    def precision(self, choice: Choice, name: str) -> Precision:
        """Return a choice as bits per layer."""
        names = self.network.gemm_names
        bits = {
            names[k]: self.widths[width]
            for layers, width in zip(self.groups, choice, strict=True)
            for k in layers
        }
        return Precision.of(self.network, bits, name)

    def choice(self, bits: Mapping[str, int]) -> Choice:
        """Return bits by layer as a choice; those of a group's first layer count."""
        first = [self.network.gemm_names[layers[0]] for layers in self.groups]
        return np.array([self.widths.index(bits[name]) for name in first])

    def uniform(self, position: int) -> Choice:
        """Return the choice that gives every layer its lowest (0) or highest (-1) allowed width."""
        allowed = (self._allowed(g)[position] for g in range(len(self.groups)))
        return np.array([self.widths.index(bits) for bits in allowed])
