"""Operators that move and compute nothing: stored words read in another order.

A concatenation and a view (reshape, transpose, pad, slice, upsample) cost nothing of their own:
their parts lie in the MAPs already, and who reads them addresses them in the other order, which the
MAPs, read word by word, allow. Producers of a concatenation scale to its common step.
"""

from collections.abc import Sequence
from math import prod

import numpy as np

from bfimna.errors import BfimnaError
from bfimna.operators.constants import Constants, check_range
from bfimna.operators.operator import Operator, Tensor
from bfimna.operators.shapes import LayerFields, Shape


def _declared_shape(layer: LayerFields, shapes: Sequence[Shape]) -> Shape:
    return (layer.channels, *layer.size)


def _flat_shape(layer: LayerFields, shapes: Sequence[Shape]) -> Shape:
    return (prod(shapes[0]), 1, 1)


def _joined_shape(layer: LayerFields, shapes: Sequence[Shape]) -> Shape:
    if len({shape[1:] for shape in shapes}) > 1:
        raise BfimnaError(f"layer {layer.name!r} joins tensors of different sizes: {shapes}")
    return (sum(shape[0] for shape in shapes), *shapes[0][1:])


def address(kind: str, constants: object, inputs: list[Tensor], shape: Shape) -> Tensor:
    """Read stored words in another order: a concatenation, a flatten or a view."""
    if kind == "concat":
        return np.concatenate(inputs, axis=1)
    x = inputs[0].reshape(len(inputs[0]), -1)
    if isinstance(constants, Constants):
        zeros = np.zeros((len(x), 1), dtype=x.dtype)  # for index -1
        x = np.concatenate([x, zeros], axis=1)[:, constants.index]
    return x.reshape(len(x), *shape)


def check_index(where: str, index: np.ndarray, source: Shape, result: Shape) -> None:
    """Raise unless a view's index names an element of its input, or a 0, for each of its own."""
    if index.shape != (prod(result),):
        raise BfimnaError(f"{where}: index of shape {index.shape}, want ({prod(result)},)")
    check_range(f"{where}: index", index, -1, prod(source))


OPERATORS = (
    Operator("input", _declared_shape, inputs=0),
    Operator("flatten", _flat_shape),
    Operator("concat", _joined_shape, inputs=None),
    Operator("view", _declared_shape),
)
