"""Matrix products, to which convolutions, linear layers and products of activations lower."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod

from bfimna.network.layer import Layer
from bfimna.operators import PRODUCTS, WEIGHTED
from bfimna.operators.shapes import Shape


@dataclass(frozen=True)
class Operand:
    """One side of a matrix product.

    Attributes
    ----------
    source : the layer that computes the tensor, or that holds the constants.
    constant : whether it is the layer's own constants (weights).
    signed : whether it is read as a signed word. Weights read a tensor in excess form, unsigned;
        where both operands are tensors there is no constant that could take up the excess.
    """

    source: str
    constant: bool
    signed: bool


@dataclass(frozen=True)
class Matmul:
    """A product groups × (m × k) · (k × n), of one image.

    Attributes
    ----------
    layer : of the network.
    groups : independent products.
    m : rows of the left operand; output channels of a group.
    n : columns of the right operand; positions of an image, by im2col. Where several groups of the
        right tensor share one of the left, their columns stand side by side.
    k : length of a dot product.
    left, right : the operands; a convolution's weights are the left one.
    input_shape, output_shape : of the right operand's tensor and of the result.
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

    @classmethod
    def from_tensors(
        cls, layer: Layer, left: Shape, right: Shape, output_shape: Shape, signed: bool
    ) -> "Matmul":
        """Lower a product of two activations.

        The left operand is read as a signed word, whatever its tensor.

        Parameters
        ----------
        left, right : shapes (k, g, m) and (k, G, n) of the tensors.
        signed : whether the right tensor may be negative.
        """
        k, groups, m = left
        return cls(
            layer=layer,
            groups=groups,
            m=m,
            n=right[1] // groups * right[2],
            k=k,
            left=Operand(layer.inputs[0], constant=False, signed=True),
            right=Operand(layer.inputs[1], constant=False, signed=signed),
            input_shape=right,
            output_shape=output_shape,
        )

    def shared_positions(self, batch: int) -> int:
        """Return the positions of a batch that share a left operand: weights serve all images."""
        return self.n * batch if self.left.constant else self.n

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


def lowered(
    layers: Sequence[Layer], shapes: Mapping[str, Shape], signed: Mapping[str, bool]
) -> tuple[Matmul, ...]:
    """Return the products that a network's layers lower to, in order.

    Parameters
    ----------
    signed : whether each tensor may be negative.
    """
    products = []
    for layer in layers:
        before, result = [shapes[name] for name in layer.inputs], shapes[layer.name]
        if layer.kind in WEIGHTED:
            products.append(Matmul.from_layer(layer, before[0], result))
        elif layer.kind in PRODUCTS:
            left, right = before
            may_be_negative = signed[layer.inputs[1]]
            products.append(Matmul.from_tensors(layer, left, right, result, may_be_negative))
    return tuple(products)
