"""What each mapping would cost in each layer: the terms that a choice per layer adds up.

A layer's latency and energy depend on its own mapping alone: what its tensors' words are, what
streams from DRAM and what lies in which memory is decided by the widths. So every mapping is priced
once over the whole network, and a choice costs the sum over the layers of what they chose.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bfimna.cost.limits import costs
from bfimna.errors import BfimnaError
from bfimna.mapping.chip import Chip
from bfimna.mapping.mapping import Mapping
from bfimna.mapping.plan import Plan, plan
from bfimna.network.bits import Bits
from bfimna.network.graph import Network
from bfimna.technology.technology import Technology


@dataclass(frozen=True, eq=False)
class MappingCosts:
    """Costs of a batch by mapping and layer, at one precision or many.

    Attributes
    ----------
    mappings : those that the chip has the hardware for.
    refused : the name of each other one, and the reason.
    products : position in the network of each product's layer.
    seconds, joules : of shape (mappings, ..., layers); infinite where a product does not fit the
        arrays. Layers without products cost what they do by the mapping's adder, the default's of a
        choice by layer.
    """

    mappings: tuple[Mapping, ...]
    refused: tuple[tuple[str, str], ...]
    products: np.ndarray
    seconds: np.ndarray
    joules: np.ndarray


def mapping_costs(
    network: Network,
    bits: Bits,
    chip: Chip,
    technology: Technology,
    mappings: Sequence[Mapping],
    batch: int = 1,
) -> MappingCosts:
    """Price every mapping in every layer.

    Parameters
    ----------
    bits : widths, of shape (..., products).
    chip : with its clusters; one that the network sizes (IR) would differ by mapping.
    mappings : the candidates.

    Raises
    ------
    BfimnaError
        If the first mapping cannot be placed at all, or no mapping fits a layer: what the first one
        needs and the chip has.
    """
    plans, refused = _plans(network, chip, mappings, batch)
    fits = np.stack([one.fits(bits) for one in plans])
    if not fits.any(axis=0).all():
        plans[0].at(bits)  # raises: says which layer needs how many columns
    points = bits.left.shape[:-1]
    shape = (len(plans), *points, len(network.layers))
    seconds, joules = np.full(shape, np.inf), np.full(shape, np.inf)
    for k in range(len(plans)):
        stand_in = np.where(fits[k], k, fits.argmax(axis=0))
        for at, choice in _choices(stand_in):
            mixed = by_number(network, [one.mapping for one in plans], choice, k)
            schedule = plan(network, chip, mixed, batch).at(_some(bits, at))
            times, energies = costs(schedule, technology, len(network.layers))
            seconds[k][at], joules[k][at] = times.sum(axis=-1), energies.sum(axis=-1)
    index = plans[0].storage.index
    for cost in (seconds, joules):
        cost[..., index] = np.where(fits, cost[..., index], np.inf)
    return MappingCosts(tuple(one.mapping for one in plans), refused, index, seconds, joules)


def _plans(
    network: Network, chip: Chip, mappings: Sequence[Mapping], batch: int
) -> tuple[list[Plan], tuple[tuple[str, str], ...]]:
    """Place a network by each mapping that the chip has the hardware for; name the others."""
    plans, refused = [plan(network, chip, mappings[0], batch)], []
    for mapping in mappings[1:]:
        try:
            plans.append(plan(network, chip, mapping, batch))
        except BfimnaError as reason:
            refused.append((mapping.name, str(reason)))
    return plans, tuple(refused)


def _choices(chosen: np.ndarray) -> Iterator[tuple[tuple[np.ndarray, ...], list[int]]]:
    """Yield the points of each choice that occurs, as an index of them, and the choice.

    Parameters
    ----------
    chosen : number of each product's mapping, shape (..., products).
    """
    flat = chosen.reshape(-1, chosen.shape[-1])
    for choice in np.unique(flat, axis=0):
        at = np.flatnonzero((flat == choice).all(axis=1))
        yield np.unravel_index(at, chosen.shape[:-1]) if chosen.ndim > 1 else (), choice.tolist()


def _some(bits: Bits, at: tuple[np.ndarray, ...]) -> Bits:
    """Return the widths of some points; of the only one there is for an empty index."""
    tensors = None if bits.tensors is None else bits.tensors[at]
    return Bits(bits.left[at], bits.right[at], tensors)


def by_number(
    network: Network,
    mappings: Sequence[Mapping],
    choice: Sequence[int],
    default: int,
    name: str | None = None,
) -> Mapping:
    """Return the mapping of a choice, of each product the number of its mapping.

    Parameters
    ----------
    default : number of the one whose adder layers without products take.
    """
    layers = {k: mappings[c] for k, c in zip(network.matmul_names, choice, strict=True)}
    return Mapping.by_layer(mappings[default], layers, name)
