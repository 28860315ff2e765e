"""Layer norm and RMS norm: exact on the emulator, counted as the plan prices, close to floats."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reproduction.studies.oracle import norm

from bfimna import BfimnaError, Chip, Precision
from bfimna.mapping.plan import plan
from bfimna.operators.norm import widths

from ..emulated import check_counts, compare
from ..networks import SMALL, chained

NORMS = pytest.mark.parametrize("kind", ["layernorm", "rmsnorm"])


@settings(deadline=None, max_examples=40)
@given(
    st.sampled_from(["layernorm", "rmsnorm"]), st.integers(3, 100), st.integers(4, 16),
    st.booleans(), st.sampled_from([Chip.limited(), SMALL]),
    st.sampled_from(["2d", "2d-segmented"]),
)  # fmt: skip
def test_groups_of_any_size_at_any_width(kind, length, bits, signed, chip, ap_kind):
    """On 40 rows longer groups are split, and several groups share an array."""
    before = () if signed else ("relu",)
    network = chained(*before, kind, size=length, image=(3, 3, 3)).network()
    precision = Precision.fixed(network, bits)
    chip = replace(chip, ap_kind=ap_kind)
    report = compare(network, precision, chip=chip)
    check_counts(network, precision, report, chip, 2)


@NORMS
def test_groups_that_need_no_reduction(kind):
    network = chained(kind, size=2, image=(3, 5, 5)).network()
    precision = Precision.fixed(network, 6)
    report = compare(network, precision, images=3)
    check_counts(network, precision, report, Chip.limited(), 3)


@NORMS
def test_scale_and_bias_follow_in_place(kind):
    """A model's gamma and beta: layers of their own on the word that the norm leaves."""
    network = chained(kind, "scale", "bias", size=12).network()
    precision = Precision.fixed(network, 8)
    report = compare(network, precision)
    check_counts(network, precision, report, Chip.limited(), 2)
    assert plan(network, Chip.limited()).storage.in_place[-2:].all()


@NORMS
@pytest.mark.parametrize(("bits", "steps"), [(4, 1.7), (8, 1.7), (12, 1.7)])
def test_values_are_near_a_norm_of_floats(kind, bits, steps):
    """Within two steps of the result, for words that fill half of their range."""
    random = np.random.default_rng(0)
    deviation = 2.0 ** (bits - 2)
    x = np.round(random.normal(0.3 * deviation, deviation, (30, 768, 1, 1))).astype(int)
    x = x.clip(-(2**bits), 2**bits - 1)
    centred = x - x.mean(1, keepdims=True) if kind == "layernorm" else x
    exact = centred / np.sqrt((centred**2).mean(1, keepdims=True))
    result = norm(SimpleNamespace(kind=kind), x, bits, True, 72)
    error = np.abs(result - (exact * 2.0 ** (bits - 3)).clip(-(2**bits), 2**bits - 1))
    assert np.quantile(error, 0.99) < steps


@NORMS
def test_equal_words_give_zeros_and_no_division_by_zero(kind):
    layer = SimpleNamespace(kind=kind)
    for value in (0, 5, -7):
        result = norm(layer, np.full((2, 9, 1, 1), value), 8, True, 72)
        assert (result == (0 if kind == "layernorm" or not value else result[0, 0])).all()


def test_long_words_are_squared_without_their_lowest_columns():
    lengths = np.array(768)
    drop = [int(widths(np.array(b), np.array(1), lengths, 72).dropped) for b in (8, 12, 16)]
    assert drop == [0, 1, 5]


@NORMS
def test_what_does_not_fit_is_refused_by_name(kind):
    network = chained(kind, size=64).network()
    with pytest.raises(BfimnaError, match=rf"'0.{kind}' needs .* columns in phase elementwise"):
        plan(network, Chip(name="narrow", columns=36)).at(Precision.fixed(network, 8))
    schedule = plan(network, Chip(ap_kind="1d")).at(Precision.fixed(network, 8))
    with pytest.raises(BfimnaError, match=rf"'0.{kind}': a {kind} needs a vertical mode"):
        _ = schedule.phases
