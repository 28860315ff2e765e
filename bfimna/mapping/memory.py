"""What the MAPs hold of a network's tensors and weights, and what goes to DRAM and comes from it.

Tensors take the MAPs before weights do: a bit of a weight that stays saves one read of DRAM a
batch, a bit of a tensor a write and at least one read. Model document, section 3.
"""

from dataclasses import dataclass

import numpy as np

from bfimna.mapping.chip import Chip
from bfimna.mapping.lifetimes import Lifetimes, lifetimes
from bfimna.network.bits import Bits
from bfimna.network.graph import Network
from bfimna.operators.words import Words


@dataclass(frozen=True, eq=False)
class Residency:
    """What of a batch does not lie in the MAPs, in bits.

    Attributes
    ----------
    streamed : of each product's weights, shape (..., products).
    spilled : of each tensor, in the order of `Lifetimes`, shape (..., tensors).
    dram_bits : what each layer moves to and from DRAM, shape (..., layers).
    """

    streamed: np.ndarray
    spilled: np.ndarray
    dram_bits: np.ndarray


def residency(
    network: Network, chip: Chip, batch: int, bits: Bits, words: Words, index: np.ndarray
) -> Residency:
    """Return what of a batch lies in DRAM.

    Parameters
    ----------
    words : of each layer's tensor, shape (..., layers).
    index : position of each product's layer.
    """
    lives, room = lifetimes(network), float(chip.map_bits)
    sizes = (batch * lives.elements).astype(float) * words.read_bits[..., lives.layers]
    most = lives.live(sizes).max(axis=-1)
    dram, spilled = np.zeros(words.read_bits.shape), np.zeros_like(sizes)
    if chip.activations == "spilled":
        if np.any(most > room):
            spilled = sizes - held_tensors(lives, sizes, room)
            lives.written.add_to(dram, spilled)
            lives.read.add_to(dram, spilled)
        lives.brought.add_to(dram, sizes - spilled)
        lives.returned.add_to(dram, sizes - spilled)
    weights = np.array([product.weights for product in network.matmuls], dtype=float) * bits.left
    streamed = weights * (chip.weights == "streamed")
    if chip.weights == "auto":
        streamed = weights - held_weights(weights, np.maximum(room - most, 0.0))
    dram[..., index] += streamed
    return Residency(streamed, spilled, dram)


def held_tensors(lives: Lifetimes, sizes: np.ndarray, room: float) -> np.ndarray:
    """Return the bits of each tensor in the MAPs: each takes what is free when it is made.

    Tensors whose last reader has run are gone by then.
    """
    held, free = np.zeros_like(sizes), np.full(sizes.shape[:-1], room)
    for k, gone in enumerate(lives.gone):
        free = free + held[..., gone].sum(axis=-1)
        held[..., k] = np.minimum(sizes[..., k], free)
        free = free - held[..., k]
    return held


def most_room(lives: Lifetimes, low: np.ndarray, high: np.ndarray, room: float) -> np.ndarray:
    """Return the most that may be free when each tensor is made.

    Parameters
    ----------
    low, high : least and greatest bits of each tensor, shape (tensors,).
    """
    free = np.zeros(len(low))
    least, most = np.zeros(len(low)), np.zeros(len(low))
    at_least = at_most = room
    for k, gone in enumerate(lives.gone):
        at_most += least[gone].sum()
        at_least += most[gone].sum()
        free[k] = at_most
        least[k], most[k] = min(low[k], max(at_least, 0.0)), min(high[k], at_most)
        at_most -= least[k]
        at_least -= most[k]
    return free


def held_weights(sizes: np.ndarray, room: np.ndarray) -> np.ndarray:
    """Return the bits of each product's weights in the MAPs: they fill the room in order.

    >>> held_weights(np.array([30.0, 50.0, 40.0]), np.array(60.0)).tolist()
    [30.0, 30.0, 0.0]
    """
    before = np.cumsum(sizes, axis=-1) - sizes
    return np.clip(room[..., None] - before, 0.0, sizes)
