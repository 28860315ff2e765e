"""Clears along with loads: a cycle of their own or none, the same in model and emulator."""

from dataclasses import replace

import numpy as np
import pytest

import bfimna as bf

from .. import networks
from ..emulated import check_counts, compare

SMALL = replace(networks.SMALL, clears="own cycle")
CHIPS = {
    "segments": SMALL,
    "2d": replace(SMALL, ap_kind="2d"),
    "1d": replace(SMALL, ap_kind="1d"),
}


@pytest.mark.parametrize("bits", [3, 16])
@pytest.mark.parametrize("make", [networks.everything, networks.zoo_of_kinds])
@pytest.mark.parametrize("chip", CHIPS.values(), ids=CHIPS)
def test_the_emulator_takes_the_cycles_that_the_model_counts(chip, make, bits):
    network = make()
    precision = bf.Precision.fixed(network, bits if make is networks.everything else 3)
    report = compare(network, precision, images=2, chip=chip)
    check_counts(network, precision, report, chip, 2)


@pytest.mark.parametrize("bits", [8, 14])
def test_a_sum_of_squares_in_slices_clears_along_with_each_that_it_grows_in(bits):
    network = networks.chained("lrn", size=6).network()
    precision = bf.Precision.fixed(network, bits)
    report = compare(network, precision, images=2, chip=SMALL)
    check_counts(network, precision, report, SMALL, 2)


def test_each_load_that_clears_takes_a_cycle_more():
    """conv1.relu has no load; one fold's load clears once, `carry` twice, bias and scale once."""
    network = bf.zoo.resnet18()
    by_rule = [replace(bf.Chip.limited(), clears=rule) for rule in ("with load", "own cycle")]
    along, own = (bf.plan(network, chip).at(bf.Precision.fixed(network, 8)) for chip in by_rule)
    dense = {"carry": 2, "bias": 1, "requantise": 1}
    for phase, work in own.phases.items():
        more = work.counts.writes - along.phases[phase].counts.writes
        if phase == "load":
            assert more.tolist() == own.folds.tolist()
        elif phase in ("multiply", "reduce", "read", "relu"):
            assert not np.any(more)
        elif phase in dense:  # but fc, whose sums are the output
            assert more[:-1].tolist() == [dense[phase]] * 20
        words = work.counts.words_written - along.phases[phase].counts.words_written
        assert np.array_equal(words > 0, more > 0)
        cells = work.counts.cells_written, along.phases[phase].counts.cells_written
        assert np.array_equal(*cells)
