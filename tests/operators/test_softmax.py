"""Softmax over channels: exact on the emulator, counted as the plan prices it, close to floats."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reproduction.studies.oracle import softmax

from bfimna import BfimnaError, Chip, Precision
from bfimna.mapping.plan import plan
from bfimna.operators.softmax import widths

from ..emulated import check_counts, compare
from ..networks import SMALL, chained


@settings(deadline=None, max_examples=25)
@given(
    st.integers(2, 100), st.integers(4, 16), st.booleans(),
    st.sampled_from([Chip.limited(), SMALL]), st.sampled_from(["2d", "2d-segmented"]),
)  # fmt: skip
def test_groups_of_any_size_at_any_width(length, bits, signed, chip, kind):
    """On 40 rows longer groups are split, and several groups share an array."""
    before = () if signed else ("relu",)
    network = chained(*before, "softmax", size=length, image=(3, 3, 3)).network()
    precision = Precision.fixed(network, bits)
    chip = replace(chip, ap_kind=kind)
    report = compare(network, precision, chip=chip)
    check_counts(network, precision, report, chip, 2)


def test_a_softmax_at_one_bit_and_of_one_word():
    for size, bits in ((1, 8), (4, 1), (4, 2)):
        network = chained("softmax", size=size).network()
        precision = Precision.fixed(network, bits)
        plan(network, Chip.limited()).at(precision)


@pytest.mark.parametrize(("bits", "error"), [(4, 0.08), (6, 0.03), (8, 0.02), (12, 0.015)])
def test_values_are_near_a_softmax_of_floats(bits, error):
    random = np.random.default_rng(0)
    scores = random.normal(0, 2, (50, 197, 1, 1)).clip(-7.9, 7.9)
    step = 2.0 ** -(bits - 3)
    x = np.floor(scores / step).astype(int)
    exact = np.exp(x * step) / np.exp(x * step).sum(1, keepdims=True)
    assert np.abs(softmax(x, bits, True, 72) / 2**bits - exact).max() < error


def test_few_columns_leave_out_low_bits_before_they_refuse():
    assert widths(np.array(8), np.array(1), np.array(197), 72).dropped == 0
    network = chained("softmax", size=64).network()
    precision = Precision.fixed(network, 8)
    chip = Chip(name="narrow", columns=48)
    report = compare(network, precision, chip=chip)
    check_counts(network, precision, report, chip, 2)
    long = chained("softmax", size=2**12).network()
    with pytest.raises(BfimnaError, match=r"'0.softmax' needs .* columns in phase elementwise"):
        plan(long, Chip(name="narrow", columns=38)).at(Precision.fixed(long, 8))


def test_a_1d_ap_is_refused_by_name():
    network = chained("softmax").network()
    schedule = plan(network, Chip(ap_kind="1d")).at(Precision.fixed(network, 8))
    with pytest.raises(BfimnaError, match=r"'0.softmax': a softmax needs a vertical mode"):
        _ = schedule.phases
