"""Every operator on the emulator: exact, counted as the plan prices it, in as many columns."""

import pytest

from bfimna import BfimnaError, Chip, Precision
from bfimna.emulator.infer import infer
from bfimna.emulator.quantise import random_images
from bfimna.mapping.plan import plan
from bfimna.network.graph import Builder, Layer

from ..emulated import check_counts, compare, drawn
from ..networks import ONE_WORD, SMALL, chained, everything, zoo_of_kinds


@pytest.mark.parametrize("network", [everything(), zoo_of_kinds()], ids=lambda n: n.name)
@pytest.mark.parametrize("chip", [Chip.limited(), SMALL], ids=lambda c: c.name)
def test_every_kind_of_layer_is_exact_and_counted(network, chip):
    pairs = {name: (2 + k % 4, 3 + k % 3) for k, name in enumerate(network.matmul_names)}
    precision = Precision.by_layer(network, pairs)
    report = compare(network, precision, 2, chip=chip)
    check_counts(network, precision, report, chip, 2)


@pytest.mark.parametrize(
    "end",
    [*ONE_WORD, "lrn", "softmax", "layernorm", "rmsnorm", "maxpool", "avgpool", "view", "flatten"],
)
@pytest.mark.parametrize("before", ["", "relu", "maxpool", "hardsigmoid"])
def test_networks_end_in_any_kind(end, before):
    network = chained(*filter(None, (before, end))).network()
    precision = Precision.fixed(network, 4)
    report = compare(network, precision)
    check_counts(network, precision, report, Chip.limited(), 2)


@pytest.mark.parametrize("bits", [9, 13, 16])
@pytest.mark.parametrize("kind", ["leakyrelu", "hardsigmoid", "hardswish", "mul", "scale", "bias"])
def test_arithmetic_of_wide_words(kind, bits):
    """Where a look-up would take longer than arithmetic; in 72 columns up to 16 bits."""
    b = chained() if kind == "mul" else chained(kind)
    if kind == "mul":
        b.append(Layer("last", "mul", ("conv", "conv")))
    network = b.network()
    precision = Precision.fixed(network, bits)
    report = compare(network, precision)
    check_counts(network, precision, report, Chip.limited(), 2)


@pytest.mark.parametrize(
    ("kinds", "bits", "columns", "told"),
    [
        ((), (8, 8), 34, "'conv' needs 35 columns in phase multiply"),
        (("hardswish",), (2, 12), 53, "'0.hardswish' needs 54 columns in phase elementwise"),
    ],
)
def test_model_and_emulator_refuse_the_same_narrow_arrays(kinds, bits, columns, told):
    network = chained(*kinds).network()
    precision = Precision.by_layer(network, {"conv": bits})
    enough = columns + 1
    for wide in (columns, enough):
        chip = Chip(name="narrow", columns=wide)
        run = drawn(network, precision), random_images(network, precision), precision
        placing = lambda: plan(network, chip).at(precision)  # noqa: B023, E731
        if wide < enough:
            with pytest.raises(BfimnaError, match=told):
                placing()
            with pytest.raises(BfimnaError, match=told):
                infer(network, *run, chip=chip)
        else:
            placing()
            infer(network, *run, chip=chip)


def test_squares_are_scaled_without_their_lowest_columns():
    network = chained("lrn").network()
    chip = Chip(name="narrow", columns=50)
    precision = Precision.fixed(network, 9)
    report = compare(network, precision, chip=chip)
    check_counts(network, precision, report, chip, 2)


def test_squares_of_bright_pixels_are_added_in_slices():
    """22 columns of a sum beside 11 leave slices of 17 on 50: squares of 18 bits take two."""
    b = Builder("bright", (5, 3, 3))
    b.conv("last", b.append(Layer("lrn", "lrn", (b.input,), kernel=(5, 1))), 1, 1)
    chip = Chip(name="narrow", columns=50)
    report = compare(b.network(), Precision.fixed(b.network(), 9), chip=chip)
    check_counts(b.network(), Precision.fixed(b.network(), 9), report, chip, 2)
