"""Integer inference: widths of all integers, parameters of layers, and whether these fit.

Integer-only inference as HAWQ-V3 defines it (dyadic scales, no floating point), with three rules
that make it bit-fluid:

- Every tensor has a full-scale range, which a word of B bits divides into 2^B steps. A reader of
  fewer bits takes the top columns only: the range stays, nothing is rescaled.
- Tensors that a residual add ties together share one range (`ranges`), so the add is an add.
- A tensor that may be negative has a sign column more. A product takes it in excess form (sign
  column complemented) as an unsigned word; its zero point is folded into the bias.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bfimna.ap.bit_planes import COLUMNS
from bfimna.ap.counts import scale_bits
from bfimna.errors import BfimnaError, instance, whole_number, wrong_type
from bfimna.mapping.outputs import scaled_columns
from bfimna.mapping.steps import stored_words
from bfimna.mapping.storage import Storage, storage
from bfimna.network.bits import Bits
from bfimna.network.graph import Network
from bfimna.network.matmul import Matmul
from bfimna.network.precision import Precision
from bfimna.operators import OPERATORS, PRODUCTS
from bfimna.operators.addressing import check_index
from bfimna.operators.constants import Constants, check_constants, check_range, integers
from bfimna.operators.norm import RANGE_BITS
from bfimna.operators.words import Word

#: full-scale ranges of results whose steps are set by their kind
FIXED_RANGES = {"softmax": 1.0, "layernorm": 2.0**RANGE_BITS, "rmsnorm": 2.0**RANGE_BITS}


@dataclass(frozen=True)
class LayerParameters:
    """The integers of one matrix product.

    Parameters
    ----------
    weights : (output channels, input channels / groups, kernel height, kernel width); of a product
        of two activations there are none, (output channels, 0, 1, 1).
    bias : (output channels), in units of the sum, with the half step that rounds the result.
    multiplier : b, one per output channel; empty where the layer's sums are the network's output.
    shift : c; the sum becomes floor(sum · b / 2^c).
    """

    weights: np.ndarray
    bias: np.ndarray
    multiplier: np.ndarray
    shift: int

    def __post_init__(self) -> None:
        for name in ("weights", "bias", "multiplier"):
            object.__setattr__(self, name, integers(name, getattr(self, name)))
        object.__setattr__(self, "shift", whole_number("shift", self.shift, 0))


Parameters = Mapping[str, LayerParameters | Constants]


@dataclass(frozen=True)
class ProductFormat:
    """Widths of the integers of one matrix product.

    Attributes
    ----------
    left_bits, right_bits : of the weights or the left tensor, and of the activations that it reads.
    width : bits of a sum, with its sign: left bits + right bits + ⌈log2 k⌉.
    source, target : words of the right operand's tensor and of the result.
    keeps_sum : whether the sums are the network's output, so that nothing is scaled.
    """

    matmul: Matmul
    left_bits: int
    right_bits: int
    width: int
    source: Word
    target: Word
    keeps_sum: bool

    def sum_bounds(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the least and largest sum of each channel, or of all, without the bias."""
        if self.matmul.left.constant:
            return sum_bounds(weights, self.right_bits)
        left, sign = 2 ** (self.left_bits - 1), int(self.matmul.right.signed)
        low, high = -sign * 2 ** (self.right_bits - 1), 2 ** (self.right_bits - sign) - 1
        products = [a * b for a in (-left, left - 1) for b in (low, high)]
        ends = self.matmul.k * min(products), self.matmul.k * max(products)
        return np.array(ends[:1]), np.array(ends[1:])

    @property
    def weight_shape(self) -> tuple[int, ...]:
        """Shape of the weights, see `LayerParameters`."""
        product = self.matmul
        if not product.left.constant:
            return (product.output_shape[0], 0, 1, 1)
        inputs = product.input_shape[0] // product.groups
        return (product.output_shape[0], inputs, *product.layer.kernel)


@dataclass(frozen=True)
class IntegerFormat:
    """Widths of all integers of a network at one precision.

    Attributes
    ----------
    precision : its name.
    words : of each tensor, by layer.
    products : in the order of the network's matrix products.
    """

    network: Network
    precision: str
    words: dict[str, Word]
    products: tuple[ProductFormat, ...]

    @classmethod
    def from_storage(cls, stored: Storage, bits: Bits, precision: str) -> "IntegerFormat":
        """Return the widths at the bits of one precision."""
        words = stored_words(stored, stored.bits(bits))
        columns = bits.left.tolist(), bits.right.tolist(), stored.sum_bits(bits).tolist()
        products = tuple(
            ProductFormat(
                product, left, right, width, words[product.right.source],
                words[product.layer.name], keeps_sum,
            )
            for product, left, right, width, keeps_sum in zip(
                stored.network.matmuls, *columns, stored.keeps_sum.tolist(), strict=True
            )
        )  # fmt: skip
        return cls(stored.network, precision, words, products)


def integer_format(network: Network, precision: Precision) -> IntegerFormat:
    """Return the widths of a network's integers; `bfimna.mapping.storage` has the rule.

    >>> from bfimna.network import zoo
    >>> net = zoo.resnet18()
    >>> words = integer_format(net, Precision.fixed(net, 4)).words
    >>> words["layer1.0.add"], words["layer1.0.relu"].width, words["fc"].width
    (Word(bits=4, signed=True), 4, 17)
    """
    instance("network", network, Network)
    instance("precision", precision, Precision)
    bits = Bits.from_precision(network, precision)
    return IntegerFormat.from_storage(storage(network), bits, precision.name)


def ranges(network: Network) -> dict[str, str]:
    """Name, for each tensor, the first tensor that it shares its full-scale range with.

    ReLU, pooling and addressing keep the range; an add or a concatenation ties its operands.
    Products have ranges of their own; those of `FIXED_RANGES` are set by their kind.

    >>> from bfimna.network import zoo
    >>> ranges(zoo.resnet18())["layer1.1.relu"]
    'conv1'
    """
    tied: dict[str, str] = {}

    def first(name: str) -> str:
        while tied[name] != name:
            name = tied[name]
        return name

    order = {layer.name: k for k, layer in enumerate(network.layers)}
    for layer in network.layers:
        tied[layer.name] = layer.name
        if layer.kind not in (*PRODUCTS, *FIXED_RANGES, "input"):
            group = sorted({first(name) for name in layer.inputs}, key=order.__getitem__)
            for name in (*group, layer.name):
                tied[name] = group[0]
    return {name: first(name) for name in tied}


def sum_bounds(weights: np.ndarray, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """Return each channel's least and largest sum of products with unsigned `bits`-bit words."""
    flat = weights.reshape(len(weights), -1)
    top = 2**bits - 1
    low = np.minimum(flat, 0).sum(axis=1, dtype=np.int64) * top
    return low, np.maximum(flat, 0).sum(axis=1, dtype=np.int64) * top


def zero_point(word: Word, bits: int) -> int:
    """Return what a reader of `bits` bits sees for 0: half the range where the word is signed."""
    return 2 ** (bits - 1) if word.signed else 0


def zero_sums(weights: np.ndarray, word: Word, bits: int) -> np.ndarray:
    """Return what the zero point of its input adds to each channel's sums."""
    flat = weights.reshape(len(weights), -1)
    return zero_point(word, bits) * flat.sum(axis=1, dtype=np.int64)


def check(form: IntegerFormat, parameters: Parameters, columns: int = COLUMNS) -> None:
    """Raise unless parameters have these widths and every sum, scale and index is in range.

    Every sum with its bias must fit its columns. A scale must shift out at least the columns of the
    sum that an array of `columns` columns has no room for.
    """
    if not isinstance(parameters, Mapping):
        raise wrong_type("parameters", parameters, "a mapping of layers to their integers")
    network = form.network
    for layer in network.layers:
        if layer.ceil and layer.kind == "avgpool":
            raise BfimnaError(
                f"layer {layer.name!r}: average pooling with ceil has no integer form"
            )
        if layer.kind not in PRODUCTS:
            where = f"layer {layer.name!r} of {network.name!r} ({layer.kind})"
            own, bits = parameters.get(layer.name), form.words[layer.name].bits
            shape, rules = network.shapes[layer.name], OPERATORS[layer.kind].constants
            check_constants(where, layer, rules, own, bits, shape[0], columns)
            if isinstance(own, Constants) and own.index.size:
                check_index(where, own.index, network.shapes[layer.inputs[0]], shape)
    for product in form.products:
        name = product.matmul.layer.name
        where = f"layer {name!r} of {network.name!r} at {form.precision}"
        if name not in parameters:
            raise BfimnaError(f"{where}: no parameters given")
        own = instance(f"{where}: parameters", parameters[name], LayerParameters)
        _check_product(where, product, own, columns)


def _check_product(where: str, product: ProductFormat, own: LayerParameters, columns: int) -> None:
    """Raise unless the parameters of a weighted layer fit its widths."""
    weights, width = product.weight_shape, product.width
    scales = (0,) if product.keeps_sum else weights[:1]
    shapes = {"weights": weights, "bias": weights[:1], "multiplier": scales}
    for name, shape in shapes.items():
        if getattr(own, name).shape != shape:
            raise BfimnaError(f"{where}: {name} of shape {getattr(own, name).shape}, want {shape}")
    limit = 2 ** (product.left_bits - 1)
    check_range(f"{where}: weights", own.weights, -limit, limit)
    bias = own.bias - zero_sums(own.weights, product.source, product.right_bits)
    low, high = product.sum_bounds(own.weights)
    limit = 2 ** (width - 1)
    check_range(f"{where}: sum with bias", np.array([low + bias, high + bias]), -limit, limit)
    if not product.keeps_sum:
        out = product.target.bits
        m = int(scale_bits(out))
        check_range(f"{where}: multiplier", own.multiplier, 0, 2**m)
        dropped = width - int(scaled_columns(width, out, columns))
        check_range(f"{where}: shift", np.array(own.shift), dropped, width + m - out - 1)
