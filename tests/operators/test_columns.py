"""The columns that each kind of layer takes, counted by hand; arrays one column too narrow."""

from dataclasses import replace

import numpy as np
import pytest

from bfimna import BfimnaError, Chip
from bfimna.mapping.plan import plan
from bfimna.network.bits import Bits
from bfimna.network.graph import Builder, Layer
from bfimna.operators import OPERATORS

from ..networks import chained


def needed(kind, bits, *before):
    network = chained(*before, kind).network()
    return np.asarray(OPERATORS[kind].columns(batch_of(network, kind), np.array([bits]))).item()


def batch_of(network, kind):
    batches = plan(network, Chip.limited()).batches
    return next(batch for operator, batch in batches if operator.kind == kind)


@pytest.mark.parametrize(
    ("kind", "bits", "by_hand"),
    [  # words of 8 columns, 7 bits and a sign
        ("relu", 7, 8),
        ("scale", 7, 8 + 9 + 8 + 1),  # word, product below it and a carry, constant, flag
        ("bias", 7, 9 + 8 + 1 + 1),  # word in a column more, constant, carry, flag
        ("clip", 7, 8 + 1),
        ("lookup", 7, 8 + 8),
        ("leakyrelu", 7, 8 + 8),  # looked up
        ("leakyrelu", 8, 9 * 4 + 2),  # computed: a copy beside what scaling takes
        ("hardsigmoid", 15, 16 * 3 + 2),
        ("hardswish", 15, 16 * 4 + 2),
        ("maxpool", 7, 8 + 8 + 2),
        ("avgpool", 7, 10 + 10 + 1),  # of 2 × 2: two columns of growth
        ("lrn", 7, 8 * 4 + 2),
    ],
)
def test_columns_of_a_kind_by_hand(kind, bits, by_hand):
    assert needed(kind, bits) == by_hand


def test_sums_of_two_words_and_products_by_hand():
    b = Builder("two", (4, 3, 3))
    x = b.conv("c", b.input, 4, 1)
    b.append(Layer("product", "mul", (b.add("sum", x, b.input), x)))
    network = b.network()
    # two words of 8 columns, each sign twice; a carry and a flag
    add, multiplied = (
        OPERATORS[kind].columns(batch_of(network, kind), np.array([7])) for kind in ("add", "mul")
    )
    assert add.tolist() == [9 + 9 + 2]
    # two words, their product of 16 columns, a carry and a flag
    assert multiplied.tolist() == [8 + 8 + 16 + 2]


def test_an_array_of_just_the_columns_that_are_needed_is_enough():
    """One product of 8 × 8 bits: operands, product, carry and two flags."""
    b = Builder("fc", (1, 1, 1))
    b.linear("fc", b.input, 1)
    eight, exact = np.array([8]), replace(Chip.limited(), columns=16 + 16 + 3)
    assert plan(b.network(), exact).at(Bits(eight, eight)).folds.tolist() == [1]
    with pytest.raises(BfimnaError, match="'fc' needs 35 columns in phase multiply"):
        plan(b.network(), replace(exact, columns=34)).at(Bits(eight, eight))


def test_the_columns_of_a_narrow_weights_requantisation_decide():
    """1-bit weights, 16-bit words: 2 of the sum, and twice 17 and 16 + 3 to scale it."""
    b = Builder("two", (1, 2, 2))
    b.conv("last", b.conv("first", b.input, 1, 1), 1, 1)
    bits = Bits(np.array([1, 1]), np.array([16, 16]))
    exact = replace(Chip.limited(), columns=2 + 2 * 17 + 16 + 3)
    assert plan(b.network(), exact).at(bits).folds.tolist() == [1, 1]
    with pytest.raises(BfimnaError, match="'first' needs 55 columns in phase requantise"):
        plan(b.network(), replace(exact, columns=exact.columns - 1)).at(bits)
