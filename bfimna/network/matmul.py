"""Matrix products, to which convolutions and linear layers lower."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod

from bfimna.network.layer import Layer
from bfimna.operators import PRODUCTS
from bfimna.operators.shapes import Shape


@dataclass(frozen=True)
class Operand:
    """One side of a matrix product.

    Attributes
    ----------
    source : the layer that computes the tensor, or that holds the constants.
    constant : whether it is the layer's own constants (weights).
    signed : whether it is read as a signed word; tensors are read in excess form, unsigned.
    """

    source: str
    constant: bool
    signed: bool


@dataclass(frozen=True)
class Matmul:
    """A product groups × (m × k) · (k × n), of one image.

    Attributes
    ----------
    layer : the convolution or linear layer.
    groups : independent products.
    m : rows of the left operand; output channels of a group.
    n : columns of the right operand; positions of an image, by im2col.
    k : length of a dot product.
    left, right : the operands; a convolution's weights are the left one.
    input_shape, output_shape : of the layer's tensors.
    """

    layer: Layer
    groups: int
    m: int
    n: int
    k: int
    left: Operand
    right: Operand
    input_shape: Shape
    output_shape: Shape

    @classmethod
    def from_layer(cls, layer: Layer, input_shape: Shape, output_shape: Shape) -> "Matmul":
        """Lower a convolution or linear layer: weights times im2col of its input."""
        channels, height, width = output_shape
        return cls(
            layer=layer,
            groups=layer.groups,
            m=channels // layer.groups,
            n=height * width,
            k=input_shape[0] // layer.groups * prod(layer.kernel),
            left=Operand(layer.name, constant=True, signed=True),
            right=Operand(layer.inputs[0], constant=False, signed=False),
            input_shape=input_shape,
            output_shape=output_shape,
        )

    @cached_property
    def dot_products(self) -> int:
        """Elements of the result, of one image."""
        return self.groups * self.m * self.n

    @property
    def weights(self) -> int:
        """Number of constants, without biases."""
        return self.groups * self.m * self.k * self.left.constant

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one image."""
        return self.dot_products * self.k


def lowered(layers: Sequence[Layer], shapes: Mapping[str, Shape]) -> tuple[Matmul, ...]:
    """Return the products that convolutions and linear layers lower to, in order."""
    return tuple(
        Matmul.from_layer(layer, shapes[layer.inputs[0]], shapes[layer.name])
        for layer in layers
        if layer.kind in PRODUCTS
    )
