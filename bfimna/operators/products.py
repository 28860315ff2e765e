"""Operators that lower to matrix products: convolutions (by im2col), linear layers, and matmul.

What a product costs and how it is emulated is the mapping's: `bfimna.mapping.paper`.
"""

from collections.abc import Sequence

from bfimna.errors import BfimnaError
from bfimna.operators.operator import Operator
from bfimna.operators.shapes import LayerFields, Shape, image_shape, windowed_shape


def _conv_shape(layer: LayerFields, shapes: Sequence[Shape]) -> Shape:
    channels, *_ = image_shape(layer, shapes)
    if channels % layer.groups or layer.channels % layer.groups:
        raise BfimnaError(
            f"layer {layer.name!r}: {channels} → {layer.channels} channels cannot be split "
            f"into {layer.groups} groups"
        )
    return windowed_shape(layer, shapes)


def _linear_shape(layer: LayerFields, shapes: Sequence[Shape]) -> Shape:
    _, *extent = image_shape(layer, shapes)
    if extent != [1, 1]:
        raise BfimnaError(f"layer {layer.name!r} is linear on {shapes[0]}: flatten it first")
    return (layer.channels, 1, 1)


def _matmul_shape(layer: LayerFields, shapes: Sequence[Shape]) -> Shape:
    """Shape rule of a product of two activations: (k, g, m) and (k, G, n) give (m, G, n).

    Each of the g left groups serves G / g right ones, as in attention with grouped queries.
    """
    left, right = shapes
    if len(left) != 3 or len(right) != 3 or left[0] != right[0]:
        raise BfimnaError(
            f"layer {layer.name!r} (matmul) takes tensors of (k, g, m) and (k, G, n), not "
            f"{left} and {right}"
        )
    if right[1] % left[1]:
        raise BfimnaError(
            f"layer {layer.name!r}: {right[1]} groups of {right} cannot be split among the "
            f"{left[1]} of {left}"
        )
    return (left[2], right[1], right[2])


OPERATORS = (
    Operator("conv", _conv_shape, signed=True),
    Operator("linear", _linear_shape, signed=True),
    Operator("matmul", _matmul_shape, inputs=2, signed=True),
)
