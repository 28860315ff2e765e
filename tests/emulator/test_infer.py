"""Whole networks on the emulator, against the NumPy reference and the placement's counts."""

import io
from contextlib import redirect_stderr

import numpy as np
import pytest
import reference
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from networks import everything, shrunk

from bfimna import BfimnaError, Chip, Precision, data
from bfimna.ap.events import EVENTS, Counts
from bfimna.ap.faults import Faults
from bfimna.chip.placement import place
from bfimna.emulator import digits
from bfimna.emulator.arrays import Emulator
from bfimna.emulator.infer import infer
from bfimna.emulator.quantise import random_images, synthetic
from bfimna.network.graph import Builder
from bfimna.network.precision import as_arrays

SMALL = Chip(name="small", clusters=2, caps_per_cluster=3, rows=40)


def compare(network, precision, images=2, seed=0, **options):
    parameters = synthetic(network, precision, seed)
    x = random_images(network, precision, images, seed)
    output, report = infer(network, parameters, x, precision, keep=True, **options)
    wanted = reference.infer(network, parameters, x, precision)
    for name, tensor in report.tensors.items():
        np.testing.assert_array_equal(tensor, wanted[name], err_msg=name)
    last = wanted[network.layers[-1].name]
    np.testing.assert_array_equal(output, last.reshape(output.shape))
    assert np.unique(last).size > 1  # the network has not died on the way
    return report


def check_counts(network, precision, report, chip, images):
    """Cycles and events of every layer and phase are the placement's; cells follow the data."""
    w, a = as_arrays(network, [precision])
    placed = place(network, w[0], a[0], chip, images)
    seen = set()
    for phase, work in placed.phases.items():
        for k in np.flatnonzero(work.rows):
            name = network.layers[work.layers[k]].name
            counted = report.activity[name, phase].counts
            seen.add((name, phase))
            for event in EVENTS:
                if event == "cells_written" or (event, phase) == ("key_cells", "requantise"):
                    continue  # the data's; and the shift's, which the placement does not know
                wanted = np.broadcast_to(getattr(work.counts, event), work.rows.shape)[k]
                assert getattr(counted, event) == wanted, (name, phase, event)
    assert seen == set(report.activity)


@settings(max_examples=12, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(st.data())
def test_every_kind_of_layer_at_any_width(data):
    network, width = everything(), st.integers(3, 16)
    pairs = {name: data.draw(st.tuples(width, width)) for name in network.gemm_names}
    bits = Precision.of(network, pairs)
    compare(network, bits, data.draw(st.integers(1, 3)), data.draw(st.integers(0, 99)))


@pytest.mark.parametrize("bits", [2, 5, 8])
@pytest.mark.parametrize("chip", [Chip.limited(), SMALL], ids=lambda c: c.name)
def test_counts_are_the_placement_s(bits, chip):
    network = digits.network()
    mixed = {"block.conv1": (bits, 3), "conv2": (3, bits + 1)}
    precision = Precision.of(network, mixed, default=bits)
    report = compare(network, precision, 3, chip=chip)  # SMALL: folds, and dot products that split
    check_counts(network, precision, report, chip, 3)


@pytest.mark.parametrize("scheme", ["int8", "int4", "hawq_v3/latency-medium"])
def test_resnet18_on_small_images(scheme):
    network = shrunk("resnet18", 32)
    named = data.load_precision(data_network("resnet18"), scheme)
    precision = Precision(scheme, network.gemm_names, named.weight_bits, named.activation_bits)
    report = compare(network, precision, 1)
    check_counts(network, precision, report, Chip.limited(), 1)


def data_network(name):
    from bfimna.network import zoo

    return zoo.load(name)


def test_threads_and_chunks_change_nothing():
    network = digits.network()
    precision = Precision.fixed(network, 3)
    one = compare(network, precision, 5, emulator=Emulator(1, products=4096))
    two = compare(network, precision, 5, emulator=Emulator(2))
    assert one.counts == two.counts
    assert {k: a.tags_set for k, a in one.activity.items()} == {
        k: a.tags_set for k, a in two.activity.items()
    }


def test_a_stream_of_precisions_equals_static_runs_and_switches_for_free():
    network, emulator = digits.network(), Emulator()
    for k, bits in enumerate((8, 2, 5, 8, 16, 3)):
        precision = Precision.fixed(network, bits)
        parameters = synthetic(network, precision)
        x = random_images(network, precision, 1, seed=k)
        output, report = infer(network, parameters, x, precision, emulator=emulator)
        alone, static = infer(network, parameters, x, precision)
        np.testing.assert_array_equal(output, alone)
        assert report.counts == static.counts  # cells too: nothing of the image before is left
        assert report.switching == Counts()


def test_work_between_inferences_would_be_counted_as_switching():
    network, emulator = digits.network(), Emulator()
    precision = Precision.fixed(network, 2)
    run = synthetic(network, precision), random_images(network, precision)
    infer(network, *run, precision, emulator=emulator)
    array = next(iter(emulator.arrays.values()))
    array.load(0, range(8))
    _, report = infer(network, *run, precision, emulator=emulator)
    assert report.switching.cycles == 8


def test_wear_is_counted_a_cell():
    network = digits.network()
    precision = Precision.fixed(network, 4)
    emulator = Emulator(wear=True, products=2**15)
    run = synthetic(network, precision), random_images(network, precision)
    _, report = infer(network, *run, precision, emulator=emulator)
    assert report.hottest_cell >= max(worn.max() for worn in report.hottest.values())
    columns = report.hottest["conv1", "products"]
    assert columns.max() < 2 * report.activity["conv1", "multiply"].counts.writes


def test_faults_change_results_and_none_do_not():
    network = digits.network()
    precision = Precision.fixed(network, 6)
    run = synthetic(network, precision), random_images(network, precision, 4), precision
    right, _ = infer(network, *run)
    none, _ = infer(network, *run, emulator=Emulator(faults=Faults(seed=3)))
    np.testing.assert_array_equal(right, none)
    for faults in (Faults(stuck_at_1=1e-2), Faults(stuck_at_0=1e-2), Faults(match_error=1e-3)):
        wrong, report = infer(network, *run, emulator=Emulator(faults=faults))
        assert (wrong != right).any()
        assert report.counts.compares == infer(network, *run)[1].counts.compares


def test_progress_names_each_layer_and_the_time_left():
    network = digits.network()
    precision = Precision.fixed(network, 2)
    run = synthetic(network, precision), random_images(network, precision), precision
    with redirect_stderr(io.StringIO()) as said:
        infer(network, *run, progress=True)
    lines = said.getvalue().splitlines()
    assert lines[0].split()[0] == "conv1"
    assert "100.0 %" in lines[-1]
    assert "~0 s left" in lines[-1]


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((1, 1, 8, 7), int), "wants"),
        (np.zeros((0, 1, 8, 8), int), "wants"),
        (np.full((1, 1, 8, 8), 16), "from 0 to 15"),
        (np.full((1, 1, 8, 8), -1), "from 0 to 15"),
        (np.zeros((1, 1, 8, 8)), "integers"),
    ],
)
def test_bad_images(images, message):
    network = digits.network()
    precision = Precision.fixed(network, 4)
    with pytest.raises(BfimnaError, match=message):
        infer(network, synthetic(network, precision), images, precision)


def test_only_segmented_aps():
    network = digits.network()
    precision = Precision.fixed(network, 4)
    run = synthetic(network, precision), random_images(network, precision), precision
    with pytest.raises(BfimnaError, match="2d-segmented"):
        infer(network, *run, chip=Chip(ap_kind="1d"))


def test_dot_products_of_one_and_two_rows():
    b = Builder("thin", (1, 4, 4))
    b.linear("fc", b.flatten(b.relu(b.conv("two", b.relu(b.conv("one", b.input, 2, 1)), 3, 1))), 2)
    network = b.network()
    precision = Precision.fixed(network, 5)
    report = compare(network, precision, 2)
    check_counts(network, precision, report, Chip.limited(), 2)
