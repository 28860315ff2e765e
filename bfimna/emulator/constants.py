"""What layers without weights take beside their tensors: constants, drawn or checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from bfimna.ap.counts import levels, scale_bits
from bfimna.errors import BfimnaError, shown, whole_number
from bfimna.mapping.resident import squares_scaled
from bfimna.network.graph import Network
from bfimna.network.layer import Layer

NOTHING = np.zeros(0, dtype=np.int64)
#: constants that a kind takes
TAKES: dict[str, tuple[str, ...]] = {
    "scale": ("multiplier",),
    "bias": ("offset",),
    "lookup": ("table",),
    "leakyrelu": ("multiplier",),
    "hardsigmoid": ("multiplier", "offset"),
    "hardswish": ("multiplier", "offset", "product_multiplier"),
    "mul": ("product_multiplier",),
    "lrn": ("multiplier", "table", "product_multiplier"),
}

PER_CHANNEL = ("scale", "bias")  # kinds that may take one constant per channel


@dataclass(frozen=True)
class Constants:
    """The integers of a layer without weights; words have B bits and a sign, M = B + 1 columns.

    Parameters
    ----------
    multiplier : b of a scale b / 2^shift, of M bits: one for all, or (of a scale) one per channel.
    offset : added to the word, a signed one of M columns; likewise.
    table : results by operand, for operands from -2^B to 2^B - 1.
    product_multiplier, product_shift : b and c of what brings a product of two words back.
    index : of a view that is no reshape: flat position of each element in its input, -1 for a 0.
    """

    multiplier: np.ndarray = field(default_factory=lambda: NOTHING)
    shift: int = 0
    offset: np.ndarray = field(default_factory=lambda: NOTHING)
    table: np.ndarray = field(default_factory=lambda: NOTHING)
    product_multiplier: np.ndarray = field(default_factory=lambda: NOTHING)
    product_shift: int = 0
    index: np.ndarray = field(default_factory=lambda: NOTHING)

    def __post_init__(self) -> None:
        for name in ("multiplier", "offset", "table", "product_multiplier", "index"):
            object.__setattr__(self, name, integers(name, getattr(self, name)))
        for name in ("shift", "product_shift"):
            object.__setattr__(self, name, whole_number(name, getattr(self, name), 0))


def integers(what: str, values: Any) -> np.ndarray:
    """Return an array of signed integers, or raise if `values` are none: nothing is rounded.

    >>> integers("bias", [1, 2]), integers("bias", 0.5)
    Traceback (most recent call last):
    bfimna.errors.BfimnaError: bias must be integers, not float64
    """
    try:
        array = np.asarray(values)
    except ValueError:
        raise BfimnaError(f"{what} must be an array of integers, not {shown(values)}") from None
    if not array.size and array.dtype.kind == "f":  # an empty list
        return array.astype(np.int64)
    if array.dtype.kind not in "iu":
        raise BfimnaError(f"{what} must be integers, not {array.dtype}")
    if array.dtype.kind == "u":
        if array.size and int(array.max()) >= 2**63:
            raise BfimnaError(f"{what} must be below 2^63, not {array.max()}")
        return array.astype(np.int64)
    return array


def of_channels(values: np.ndarray, channel: np.ndarray) -> np.ndarray:
    """Return each row's constant: its channel's, or the one for all."""
    return values if len(values) == 1 else values[channel]


def check(network: Network, layer: Layer, own: object, bits: int, array_columns: int) -> None:
    """Raise unless a layer's constants are all there and fit words of `bits` bits.

    What a scale shifts out must be what an array's columns leave out of a sum, or more.
    """
    where = f"layer {layer.name!r} of {network.name!r} ({layer.kind})"
    wanted = TAKES.get(layer.kind, ())
    if wanted and not isinstance(own, Constants):
        raise BfimnaError(f"{where}: no constants given; it takes {', '.join(wanted)}")
    if not isinstance(own, Constants):
        return
    if own.index.size:
        _check_index(network, layer, own.index, where)
    channels, columns = network.shapes[layer.name][0], bits + 1
    m = int(scale_bits(bits))
    word = (-(2**bits), 2**bits)
    limits = {
        "multiplier": (0, 2**m),
        "product_multiplier": (0, 2**m),
        "offset": word,
        "table": (0, 2**bits) if layer.kind == "lrn" else word,  # a power is not negative
    }
    for name in wanted:
        values = getattr(own, name)
        more = (channels,) if layer.kind in PER_CHANNEL else ()
        sizes = (2**columns,) if name == "table" else (1, *more)
        if values.ndim != 1 or len(values) not in sizes:
            raise BfimnaError(f"{where}: {name} of shape {values.shape}, want {sizes[-1]} integers")
        _within(f"{where}: {name}", values, *limits[name])
    total, dropped = columns, 0
    if layer.kind == "lrn":
        total = 2 * columns + int(levels(layer.kernel[0]))
        dropped = total - int(squares_scaled(columns, layer.kernel[0], array_columns))
    if "multiplier" in wanted:
        _within(f"{where}: shift", np.array([own.shift]), dropped, total + m - columns)
    if "product_multiplier" in wanted:
        _within(f"{where}: product shift", np.array([own.product_shift]), 0, columns + m)


def _check_index(network: Network, layer: Layer, index: np.ndarray, where: str) -> None:
    elements = prod(network.shapes[layer.name])
    if index.shape != (elements,):
        raise BfimnaError(f"{where}: index of shape {index.shape}, want ({elements},)")
    _within(f"{where}: index", index, -1, prod(network.shapes[layer.inputs[0]]))


def _within(what: str, values: np.ndarray, low: int, stop: int) -> None:
    smallest, largest = int(values.min(initial=low)), int(values.max(initial=low))
    if smallest < low or largest >= stop:
        wrong = smallest if smallest < low else largest
        raise BfimnaError(f"{what} must be from {low} to {stop - 1}, not {wrong}")


def draw(network: Network, bits: Mapping[str, int], seed: int) -> dict[str, Constants]:
    """Draw constants of every layer that takes some: any that fit, so that every branch is run."""
    found = {}
    for k, layer in enumerate(network.layers):
        if layer.kind in TAKES:
            random = np.random.default_rng([seed, k])
            found[layer.name] = _drawn(network, layer, bits[layer.name], random)
    return found


def _drawn(network: Network, layer: Layer, b: int, random: np.random.Generator) -> Constants:
    """Scale by about 1 (a leaky ReLU by less); bring products and squares back to the range."""
    m, channels = int(scale_bits(b)), network.shapes[layer.name][0]
    top = 2**m if layer.kind != "leakyrelu" else 2 ** (m - 1)
    size = channels if layer.kind in PER_CHANNEL else 1
    low = 0 if layer.kind == "lrn" else -(2**b)
    table = random.integers(low, 2**b, 2 ** (b + 1))
    squares = b + int(levels(layer.kernel[0])) if layer.kind == "lrn" else 0
    return Constants(
        multiplier=random.integers(top // 2, top, size),
        shift=m - 1 + squares,
        offset=random.integers(-(2 ** (b - 1)), 2 ** (b - 1), size),
        table=table if "table" in TAKES[layer.kind] else NOTHING,
        product_multiplier=random.integers(2 ** (m - 1), 2**m, 1),
        product_shift=m + b - 2,
    )
