"""Widths as arrays over a network, so that one plan prices one precision or ten thousand."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bfimna.network.graph import Network
from bfimna.network.precision import Precision


@dataclass(frozen=True, eq=False)
class Bits:
    """Widths as integer arrays over a network, of one precision or many.

    Attributes
    ----------
    left : of each product's left operand (weights), shape (..., products).
    right : of each product's right operand (activations), shape (..., products).
    tensors : own widths of tensors, shape (..., layers), 0 where readers decide; None if no tensor
        has its own.
    """

    left: np.ndarray
    right: np.ndarray
    tensors: np.ndarray | None = None

    @classmethod
    def from_precisions(cls, network: Network, precisions: Sequence[Precision]) -> "Bits":
        """Stack precisions along the first axis."""
        pairs = np.array([p.of_network(network) for p in precisions], dtype=np.int64)
        pairs = pairs.reshape(len(precisions), len(network.matmuls), 2)
        if not any(p.tensor_bits for p in precisions):
            return cls(pairs[..., 0], pairs[..., 1])
        position = {name: k for k, name in enumerate(network.shapes)}
        own = np.zeros((len(precisions), len(position)), dtype=np.int64)
        for row, precision in zip(own, precisions, strict=True):
            for layer, width in precision.tensor_bits:
                row[position[layer]] = width
        return cls(pairs[..., 0], pairs[..., 1], own)

    @classmethod
    def from_precision(cls, network: Network, precision: Precision) -> "Bits":
        """Return the widths of one precision, without a leading axis."""
        many = cls.from_precisions(network, [precision])
        own = None if many.tensors is None else many.tensors[0]
        return cls(many.left[0], many.right[0], own)
