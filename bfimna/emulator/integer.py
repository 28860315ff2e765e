"""A whole network in integers: the word of each tensor, the parameters of each weighted layer.

Integer-only inference as HAWQ-V3 defines it (dyadic scaling, no floating point anywhere), with
three rules that make it bit-fluid:

- Every tensor has a full-scale range; a word of B bits divides it into 2^B steps. A reader that
  wants fewer bits reads the top columns only: the range stays, nothing is rescaled.
- Tensors that a residual add ties together share one range (`ranges`), so the add is an add.
- A tensor that no ReLU has made non-negative has a sign column more. Multiplying takes it in excess
  form (sign column complemented) as an unsigned word; its zero point is folded into the bias.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bfimna.ap.array import COLUMNS
from bfimna.ap.counts import scale_bits
from bfimna.errors import BfimnaError, whole_number, wrong_type
from bfimna.mapping.paper import scaled_columns
from bfimna.mapping.storage import storage
from bfimna.network.graph import GEMM, Network
from bfimna.network.matmul import Matmul
from bfimna.network.precision import Bits, Precision
from bfimna.operators import OPERATORS
from bfimna.operators.addressing import check_index
from bfimna.operators.constants import Constants, check_constants, check_range, integers
from bfimna.operators.words import Word


@dataclass(frozen=True)
class LayerParameters:
    """The integers of one weighted layer.

    Parameters
    ----------
    weights : (output channels, input channels / groups, kernel height, kernel width).
    bias : (output channels), in units of the sum; what makes the result round is in it already.
    multiplier : b, one an output channel; empty where the layer's sums are the network's output.
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


def ranges(network: Network) -> dict[str, str]:
    """Name, for each tensor, the first tensor that it shares its full-scale range with.

    ReLU, pooling and addressing keep the range; an add or a concatenation ties its operands.

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
        if layer.kind not in (*GEMM, "input"):
            group = sorted({first(name) for name in layer.inputs}, key=order.__getitem__)
            for name in (*group, layer.name):
                tied[name] = group[0]
    return {name: first(name) for name in tied}


def sum_bits(network: Network, precision: Precision) -> dict[str, int]:
    """Width of each weighted layer's sums, Mw + Ma + ⌈log2 j⌉, a signed word."""
    widths = storage(network).sum_bits(Bits.from_precision(network, precision))
    return dict(zip(network.gemm_names, widths.tolist(), strict=True))


def words(network: Network, precision: Precision) -> dict[str, Word]:
    """Return the word that each tensor is stored in; `bfimna.mapping.words` has the rule.

    >>> from bfimna.network import zoo
    >>> net = zoo.resnet18()
    >>> stored = words(net, Precision.fixed(net, 4))
    >>> stored["layer1.0.add"], stored["layer1.0.relu"].width, stored["fc"].width
    (Word(bits=4, signed=True), 4, 17)
    """
    stored = storage(network)
    bits = stored.bits(Bits.from_precision(network, precision)).tolist()
    return {
        layer.name: Word(*word)
        for layer, *word in zip(network.layers, bits, stored.signed.tolist(), strict=True)
    }


def full_sums(network: Network) -> set[str]:
    """Return the weighted layers whose sums are an output as they are: nothing scales them."""
    pairs = zip(network.gemm_names, storage(network).keeps_sum.tolist(), strict=True)
    return {name for name, summed in pairs if summed}


def sum_bounds(weights: np.ndarray, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """Least and largest sum of products with unsigned `bits`-bit activations, a channel."""
    flat = weights.reshape(len(weights), -1)
    top = 2**bits - 1
    low = np.minimum(flat, 0).sum(axis=1, dtype=np.int64) * top
    return low, np.maximum(flat, 0).sum(axis=1, dtype=np.int64) * top


def zero_point(word: Word, bits: int) -> int:
    """Return what a reader of `bits` bits sees for 0: half the range where the word is signed."""
    return 2 ** (bits - 1) if word.signed else 0


def folded_bias(layer: LayerParameters, word: Word, bits: int) -> np.ndarray:
    """Return the bias less what the input's zero point adds to each channel's sums."""
    flat = layer.weights.reshape(len(layer.weights), -1)
    return layer.bias - zero_point(word, bits) * flat.sum(axis=1, dtype=np.int64)


def check(
    network: Network, parameters: Parameters, precision: Precision, columns: int = COLUMNS
) -> None:
    """Raise unless the parameters are for this network at this precision.

    Every sum with its bias must fit the sum's columns, every weight its bits, every multiplier its;
    what a scale shifts out must be what an array's columns leave out of the sum, or more.
    """
    if not isinstance(network, Network):
        raise wrong_type("network", network, "a Network")
    if not isinstance(precision, Precision):
        raise wrong_type("precision", precision, "a Precision")
    if not isinstance(parameters, Mapping):
        raise wrong_type("parameters", parameters, "a mapping of layers to their integers")
    stored, sums = words(network, precision), sum_bits(network, precision)
    for layer in network.layers:
        if layer.ceil and layer.kind == "avgpool":
            raise BfimnaError(
                f"layer {layer.name!r}: average pooling with ceil has no integer form"
            )
        if layer.kind not in GEMM:
            where = f"layer {layer.name!r} of {network.name!r} ({layer.kind})"
            own, bits = parameters.get(layer.name), stored[layer.name].bits
            shape, rules = network.shapes[layer.name], OPERATORS[layer.kind].constants
            check_constants(where, layer, rules, own, bits, shape[0], columns)
            if isinstance(own, Constants) and own.index.size:
                check_index(where, own.index, network.shapes[layer.inputs[0]], shape)
    scaled = set(network.gemm_names) - full_sums(network)
    for gemm, (weight_bits, bits) in zip(network.gemms, precision.of_network(network), strict=True):
        name = gemm.layer.name
        where = f"layer {name!r} of {network.name!r} at {precision.name}"
        if name not in parameters:
            raise BfimnaError(f"{where}: no parameters given")
        own = parameters[name]
        if not isinstance(own, LayerParameters):
            raise BfimnaError(f"{where}: want LayerParameters, not {type(own).__name__}")
        _check_shapes(where, own, weight_shape(gemm), name in scaled)
        check_range(
            f"{where}: weights", own.weights, -(2 ** (weight_bits - 1)), 2 ** (weight_bits - 1)
        )
        bias = folded_bias(own, stored[gemm.layer.inputs[0]], bits)
        low, high = sum_bounds(own.weights, bits)
        limit = 2 ** (sums[name] - 1)
        check_range(f"{where}: sum with bias", np.array([low + bias, high + bias]), -limit, limit)
        if name in scaled:
            out = stored[name].bits
            width = int(scale_bits(out))
            check_range(f"{where}: multiplier", own.multiplier, 0, 2**width)
            dropped = sums[name] - int(scaled_columns(sums[name], out, columns))
            limit = sums[name] + width - out - 1
            check_range(f"{where}: shift", np.array(own.shift), dropped, limit)


def weight_shape(gemm: Matmul) -> tuple[int, ...]:
    """Return the shape of a layer's weights, see `LayerParameters`."""
    inputs = gemm.input_shape[0] // gemm.layer.groups
    return (gemm.output_shape[0], inputs, *gemm.layer.kernel)


def _check_shapes(
    where: str, own: LayerParameters, wanted: tuple[int, ...], is_scaled: bool
) -> None:
    """Raise unless there is every weight in its place, and one bias and multiplier per channel."""
    if own.weights.shape != wanted:
        raise BfimnaError(f"{where}: weights of shape {own.weights.shape}, want {wanted}")
    lengths = {"bias": wanted[0], "multiplier": wanted[0] if is_scaled else 0}
    for name, length in lengths.items():
        shape = getattr(own, name).shape
        if shape != (length,):
            raise BfimnaError(f"{where}: {name} of shape {shape}, want ({length},)")
