"""Maximum pooling in rounds: their number, cost, and the same rounds on the emulator."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from reproduction.studies.exactness import wrong_counts, wrong_tensors

import bfimna as bf
from bfimna.ap import counts as ap
from bfimna.emulator import infer
from bfimna.emulator.quantise import random_images, synthetic
from bfimna.mapping.plan import plan
from bfimna.network.bits import Bits
from bfimna.network.graph import Builder
from bfimna.operators.maxpool import rounds


def pooled(side, kind="maxpool", channels=4, relu=True):
    b = Builder("pooled", (2, side, side))
    x = b.conv("c", b.input, channels, 1)
    b.linear("fc", b.flatten(b.pool("p", b.relu(x) if relu else x, side, side, kind=kind)), 3)
    return b.network()


def pool(network, bits=8, counts="microcode", **chip):
    every = np.full(len(network.matmuls), bits)
    schedule = plan(network, bf.Chip(**chip)).at(Bits(every, every), counts)
    return schedule.phases["pool"].counts, schedule


@settings(deadline=None)
@given(st.integers(1, 10**6), st.integers(1, 12))
@example(5**5, 5)  # whose root, in floats, is above 5
def test_rounds_end_with_one_word(window, number):
    found = rounds(window, number)
    fan = next(f for f in range(1, window + 1) if f**number >= window)
    assert len(found) == number
    assert found[0].words == window
    assert found[-1].rows == 1
    for one, after in zip(found, [*found[1:], None], strict=True):
        assert one.depth <= fan
        assert after is None or one.rows == after.words


def test_by_hand():
    """7 × 7 words on a chip with room: two rounds of seven words a row."""
    counts, _ = pool(pooled(7), 5)
    load, step = ap.load(5), ap.maximum(5)
    assert counts.cycles == 2 * (load * 7 + step * 6 + ap.read(5)).cycles
    events = (load * 49 + step * 42 + ap.read(5) * 7) + (load * 7 + step * 6 + ap.read(5))
    for event in ap.ENERGY_EVENTS:
        assert getattr(counts, event) == pytest.approx(4 * getattr(events, event)), event


def test_what_a_round_leaves_crosses_the_bus_twice():
    moved = {}
    for counts in ("microcode", "published"):
        _, schedule = pool(pooled(7), 5, counts)
        moved[counts] = schedule.traffic.bus_bits[schedule.traffic.layers.tolist().index(3)]
    assert moved["microcode"] - moved["published"] == 2 * 4 * 7 * 5


@pytest.mark.parametrize(("side", "limit"), [(14, 1700), (112, 5000)])
def test_large_maxima_take_few_cycles(side, limit):
    counts, _ = pool(pooled(side))
    stream, _ = pool(pooled(side), counts="published")
    assert counts.cycles < limit
    assert stream.cycles > 50 * side**2


def test_no_row_is_free_for_a_round():
    """A full chip streams: rounds would fill it as often as they are quicker."""
    full, _ = pool(pooled(7, channels=4800), clusters=1, caps_per_cluster=1)
    assert full.loads == 49 * 8


@pytest.mark.parametrize("relu", [True, False])
@pytest.mark.parametrize("rows", [16, 4800])
@pytest.mark.parametrize(("side", "bits"), [(4, 3), (7, 8), (13, 1)])
def test_the_emulator_runs_the_same_rounds(side, bits, rows, relu):
    network = pooled(side, relu=relu)
    precision = bf.Precision.fixed(network, bits)
    chip = bf.Chip(rows=rows, clusters=2, caps_per_cluster=2)
    own, images = synthetic(network, precision, seed=side), random_images(network, precision, 2)
    outputs, report = infer(network, own, images, precision, chip=chip, keep=True)
    assert wrong_tensors(network, own, images, precision, outputs, report, chip) == []
    assert wrong_counts(network, precision, report, chip, 2) == []
