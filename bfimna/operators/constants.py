"""Integers that a layer without products takes beside its tensors: rules, check, random draw."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bfimna.ap.counts import scale_bits
from bfimna.errors import BfimnaError, shown, whole_number
from bfimna.operators.shapes import LayerFields

NOTHING = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class Constants:
    """The integers of a layer; words have B bits and a sign, M = B + 1 columns.

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


@dataclass(frozen=True)
class ConstantRules:
    """Which constants a kind takes.

    Attributes
    ----------
    names : of the arrays in `Constants`.
    per_channel : whether multiplier and offset may have one value per channel.
    signed_table : whether results in the table may be negative.
    attenuates : whether the multiplier is drawn below a half.
    scaled : columns of the word that is scaled and the lowest of them that are left out, by layer,
        bits and columns of the array; None for a word of M columns.
    """

    names: tuple[str, ...] = ()
    per_channel: bool = False
    signed_table: bool = True
    attenuates: bool = False
    scaled: Callable[[LayerFields, int, int], tuple[int, int]] | None = None


NO_CONSTANTS = ConstantRules()


def integers(what: str, values: Any) -> np.ndarray:
    """Return an array of signed integers; raise for any other numbers: nothing is rounded.

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


def of_rows(values: np.ndarray, channel: np.ndarray) -> np.ndarray:
    """Return each row's constant: its channel's, or the one for all."""
    return values if len(values) == 1 else values[channel]


def check_constants(
    where: str, layer: LayerFields, rules: ConstantRules, constants: object, bits: int,
    channels: int, array_columns: int,
) -> None:  # fmt: skip
    """Raise unless a layer's constants are complete and fit words of `bits` bits.

    What a scale shifts out must be what an array's columns leave out of a sum, or more.
    """
    if rules.names and not isinstance(constants, Constants):
        raise BfimnaError(f"{where}: no constants given; it takes {', '.join(rules.names)}")
    if not isinstance(constants, Constants):
        return
    columns, m = bits + 1, int(scale_bits(bits))
    word = (-(2**bits), 2**bits)
    limits = {
        "multiplier": (0, 2**m),
        "product_multiplier": (0, 2**m),
        "offset": word,
        "table": word if rules.signed_table else (0, 2**bits),
    }
    for name in rules.names:
        values = getattr(constants, name)
        more = (channels,) if rules.per_channel else ()
        sizes = (2**columns,) if name == "table" else (1, *more)
        if values.ndim != 1 or len(values) not in sizes:
            raise BfimnaError(f"{where}: {name} of shape {values.shape}, want {sizes[-1]} integers")
        check_range(f"{where}: {name}", values, *limits[name])
    total, dropped = rules.scaled(layer, bits, array_columns) if rules.scaled else (columns, 0)
    if "multiplier" in rules.names:
        shift = np.array([constants.shift])
        check_range(f"{where}: shift", shift, dropped, total + m - columns)
    if "product_multiplier" in rules.names:
        shift = np.array([constants.product_shift])
        check_range(f"{where}: product shift", shift, 0, columns + m)


def check_range(what: str, values: np.ndarray, low: int, stop: int) -> None:
    """Raise unless all integers are from `low` to `stop` - 1."""
    if not values.size:
        return
    smallest, largest = int(values.min()), int(values.max())
    if smallest < low or largest >= stop:
        wrong = smallest if smallest < low else largest
        raise BfimnaError(f"{what} must be from {low} to {stop - 1}, not {wrong}")


def random_constants(
    layer: LayerFields, rules: ConstantRules, bits: int, channels: int, random: np.random.Generator
) -> Constants:
    """Draw constants that fit, so that every branch is run.

    Scales are about 1 (of what attenuates, less); products and squares come back to the range.
    """
    m = int(scale_bits(bits))
    top = 2 ** (m - 1) if rules.attenuates else 2**m
    size = channels if rules.per_channel else 1
    low = -(2**bits) if rules.signed_table else 0
    table = random.integers(low, 2**bits, 2 ** (bits + 1))
    more = rules.scaled(layer, bits, 2**20)[0] - (bits + 1) if rules.scaled else 0
    return Constants(
        multiplier=random.integers(top // 2, top, size),
        shift=m - 1 + (more - 1 if more else 0),
        offset=random.integers(-(2 ** (bits - 1)), 2 ** (bits - 1), size),
        table=table if "table" in rules.names else NOTHING,
        product_multiplier=random.integers(2 ** (m - 1), 2**m, 1),
        product_shift=m + bits - 2,
    )
