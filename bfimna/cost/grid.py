"""Grid of a sweep: its points, checked, and the parts that it is computed in."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np

from bfimna.ap.counts import CountSet, check_count_set
from bfimna.digests import digest, model_digest
from bfimna.errors import BfimnaError, truth, whole_number
from bfimna.mapping.chip import MOST_IMAGES, Chip
from bfimna.names import load_chip, load_network, load_precision, load_technology
from bfimna.network.graph import Network
from bfimna.network.precision import Precision
from bfimna.technology.technology import Technology


@dataclass(frozen=True)
class Part:
    """Points of a sweep that share network, count set and chip: a file of the dataset.

    Attributes
    ----------
    number : position of the part among those of the same network, count set and chip.
    intervals : whether the points have columns ``_low`` and ``_high``.
    """

    network: Network
    counts: CountSet
    chip: Chip
    number: int
    precisions: tuple[Precision, ...]
    batches: tuple[int, ...]
    technologies: tuple[Technology, ...]
    intervals: bool

    @property
    def points(self) -> int:
        """Number of points."""
        return len(self.precisions) * len(self.batches) * len(self.technologies)

    @property
    def digest(self) -> str:
        """Digest of all that its points depend on: values, and the model's code."""
        bits = [(p.name, p.weight_bits, p.activation_bits, p.tensor_bits) for p in self.precisions]
        return digest(
            _network_digest(self.network), self.counts, self.chip, bits, self.batches,
            self.technologies, self.intervals, model_digest(),
        )  # fmt: skip


@lru_cache(maxsize=64)
def _network_digest(network: Network) -> str:
    return digest(network.name, network.layers)


@dataclass(frozen=True)
class Grid:
    """Points of a sweep: each network with its precisions × all the rest."""

    networks: tuple[tuple[Network, tuple[Precision, ...]], ...]
    chips: tuple[Chip, ...]
    technologies: tuple[Technology, ...]
    batches: tuple[int, ...]
    counts: tuple[CountSet, ...]
    intervals: bool = False

    @property
    def points(self) -> int:
        """Number of points."""
        each = len(self.chips) * len(self.technologies) * len(self.batches) * len(self.counts)
        return each * sum(len(bits) for _, bits in self.networks)

    def parts(self, precisions: int) -> Iterator[Part]:
        """Yield the grid in parts of so many precisions."""
        for (network, bits), counts in product(self.networks, self.counts):
            for number, start in enumerate(range(0, len(bits), precisions)):
                some = bits[start : start + precisions]
                for chip in self.chips:
                    yield Part(network, counts, chip, number, some, self.batches,
                               self.technologies, self.intervals)  # fmt: skip


def grid(
    networks: Any,
    precisions: Any,
    chips: Any,
    technologies: Any,
    batches: Any = (1,),
    counts: Any = ("microcode",),
    supplies: Any = None,
    intervals: bool = False,
) -> Grid:
    """Check the arguments of `sweep`, and load what they name."""
    nets = [load_network(network) for network in listed(networks)]
    bits, sets = listed(precisions), listed(counts)
    techs = [load_technology(t) for t in listed(technologies)]
    if supplies is not None:
        techs = [tech.at_supply(v) for tech in techs for v in listed(supplies)]
    for count_set in sets:
        check_count_set(count_set)
    combinations = Grid(
        tuple((net, _precisions(net, bits, nets)) for net in nets),
        tuple(load_chip(chip) for chip in listed(chips)),
        tuple(techs),
        tuple(whole_number("batch", b, 1, MOST_IMAGES) for b in listed(batches)),
        tuple(sets),
        truth("intervals", intervals),
    )
    if not (combinations.points and all(bits for _, bits in combinations.networks)):
        raise BfimnaError(
            "a sweep needs at least one precision, chip, technology, supply, batch, count set and "
            "network, and for each network a precision that fits it"
        )
    return combinations


def _precisions(
    network: Network, precisions: list[Any], networks: list[Network]
) -> tuple[Precision, ...]:
    """Return a network's precisions: a `Precision` belongs to the networks with its layers."""
    layers = {net.matmul_names for net in networks}
    return tuple(
        load_precision(network, p)
        for p in precisions
        if not isinstance(p, Precision)
        or p.layers == network.matmul_names
        or p.layers not in layers
    )


def listed(values: Any) -> list[Any]:
    """Return values as a list; one alone (a name, mapping or number) as a list of one.

    >>> listed("alexnet"), listed((1, 2))
    (['alexnet'], [1, 2])
    """
    if isinstance(values, str | Mapping) or not isinstance(values, Iterable):
        return [values]
    if isinstance(values, np.ndarray) and not values.ndim:
        return [values.item()]
    return list(values)
