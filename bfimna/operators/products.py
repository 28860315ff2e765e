"""Operators that lower to matrix products: convolutions (by im2col) and linear layers.

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


OPERATORS = (
    Operator("conv", _conv_shape, signed=True),
    Operator("linear", _linear_shape, signed=True),
)
