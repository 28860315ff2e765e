"""Constants of operators: their shapes and ranges by hand, and random ones that reach both ends."""

import numpy as np
import pytest

from bfimna import BfimnaError
from bfimna.network.layer import Layer
from bfimna.operators import OPERATORS
from bfimna.operators.constants import Constants, check_constants, random_constants

BITS, CHANNELS = 5, 3  # words of 6 columns, multipliers of 6 bits
TABLE = np.zeros(64, int)


def check(kind, kernel=(1, 1), **fields):
    layer = Layer("y", kind, ("x",), kernel=kernel)
    rules = OPERATORS[kind].constants
    check_constants("layer 'y'", layer, rules, Constants(**fields), BITS, CHANNELS, 72)


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("scale", {"multiplier": [0, 63, 1], "shift": 5}),
        ("scale", {"multiplier": [63], "shift": 0}),
        ("bias", {"offset": [-32, 31, 0]}),
        ("lookup", {"table": TABLE - 32}),
        ("lookup", {"table": TABLE + 31}),
        ("hardsigmoid", {"multiplier": [1], "offset": [31]}),
        ("mul", {"product_multiplier": [63], "product_shift": 11}),
        # the sum of three squares of 6 columns has 14 of them
        ("lrn", {"multiplier": [63], "shift": 13, "table": TABLE, "product_multiplier": [1]}),
    ],
)
def test_constants_at_their_ends_are_taken(kind, fields):
    check(kind, (3, 1), **fields)


@pytest.mark.parametrize(
    ("kind", "fields", "message"),
    [
        ("scale", {"multiplier": [1, 2]}, r"multiplier of shape \(2,\), want 3 integers"),
        ("scale", {"multiplier": [[1]]}, r"multiplier of shape \(1, 1\), want 3 integers"),
        ("scale", {"multiplier": [64]}, "multiplier must be from 0 to 63, not 64"),
        ("scale", {"multiplier": [-1]}, "multiplier must be from 0 to 63, not -1"),
        ("scale", {"multiplier": [1], "shift": 6}, "shift must be from 0 to 5, not 6"),
        ("bias", {"offset": [-33]}, "offset must be from -32 to 31, not -33"),
        ("bias", {"offset": [32]}, "offset must be from -32 to 31, not 32"),
        ("lookup", {"table": TABLE[1:]}, r"table of shape \(63,\), want 64 integers"),
        ("lookup", {"table": [0]}, r"table of shape \(1,\), want 64 integers"),
        ("lookup", {"table": TABLE + 32}, "table must be from -32 to 31, not 32"),
        (
            "lrn",
            {"multiplier": [1], "table": TABLE - 1},
            "table must be from 0 to 31, not -1",
        ),
        ("mul", {"product_multiplier": [64]}, "product_multiplier must be from 0 to 63, not 64"),
        (
            "mul",
            {"product_multiplier": [1, 1, 1]},
            r"product_multiplier of shape \(3,\), want 1 integers",
        ),
        (
            "mul",
            {"product_multiplier": [1], "product_shift": 12},
            "product shift must be from 0 to 11, not 12",
        ),
        (
            "lrn",
            {"multiplier": [1], "shift": 14, "table": TABLE, "product_multiplier": [1]},
            "shift must be from 0 to 13, not 14",
        ),
    ],
)
def test_constants_beyond_their_ends_are_refused(kind, fields, message):
    with pytest.raises(BfimnaError, match=f"layer 'y': {message}"):
        check(kind, (3, 1), **fields)


def test_missing_constants_are_named():
    rules = OPERATORS["scale"].constants
    with pytest.raises(BfimnaError, match="y: no constants given; it takes multiplier"):
        check_constants("y", Layer("y", "scale", ("x",)), rules, None, BITS, CHANNELS, 72)


@pytest.mark.parametrize("kind", [k for k, o in OPERATORS.items() if o.constants.names])
def test_random_constants_fit_and_reach_both_ends(kind):
    """Scales from 1 to 2, of a leaky ReLU from a half to 1; offsets of half the range."""
    layer, rules = Layer("y", kind, ("x",), kernel=(3, 1)), OPERATORS[kind].constants
    random = np.random.default_rng(0)
    drawn = [random_constants(layer, rules, BITS, CHANNELS, random) for _ in range(400)]
    for own in drawn:
        check_constants("y", layer, rules, own, BITS, CHANNELS, 72)
    scales = np.concatenate([own.multiplier for own in drawn])
    half = 1 if rules.attenuates else 2
    assert (scales.min(), scales.max() + 1) == (16 * half, 32 * half)
    offsets = np.concatenate([own.offset for own in drawn])
    assert (offsets.min(), offsets.max() + 1) == (-16, 16)
    products = np.concatenate([own.product_multiplier for own in drawn])
    assert (products.min(), products.max() + 1) == (32, 64)
    if "table" in rules.names:
        tables = np.concatenate([own.table for own in drawn])
        assert (tables.min(), tables.max() + 1) == (-32 * rules.signed_table, 32)
