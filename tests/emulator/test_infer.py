"""Whole networks on the emulator, against the NumPy oracle and the model's counts."""

import io
from contextlib import redirect_stderr
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from bfimna import BfimnaError, Chip, Precision, data
from bfimna.ap.events import Counts
from bfimna.ap.faults import Faults
from bfimna.ap.passes import Pass
from bfimna.emulator import digits
from bfimna.emulator.arrays import Emulator
from bfimna.emulator.infer import infer
from bfimna.emulator.quantise import random_images, synthetic
from bfimna.mapping.plan import plan
from bfimna.network.graph import Builder, Layer

from ..emulated import check_counts, compare
from ..networks import SMALL, everything, shrunk, zoo_of_kinds


@settings(max_examples=12, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(st.data())
def test_every_kind_of_layer_at_any_width(data):
    network, width = everything(), st.integers(3, 16)
    pairs = {name: data.draw(st.tuples(width, width)) for name in network.gemm_names}
    bits = Precision.of(network, pairs)
    compare(network, bits, data.draw(st.integers(1, 3)), data.draw(st.integers(0, 99)))


def test_wide_words_fit_72_columns():
    """A sum of 4608 products is scaled without its lowest columns; a mean over its own sum."""
    b = Builder("wide", (512, 3, 3))
    x = b.linear("fc", b.flatten(b.pool("mean", b.input, 3, 3, kind="avgpool")), 3)
    b.linear("last", x, 2)
    y = Builder("long", (4608, 1, 1))
    y.linear("last", y.linear("fc", y.input, 3), 2)
    for network in (b.network(), y.network()):
        precision = Precision.fixed(network, 16)
        report = compare(network, precision)
        check_counts(network, precision, report, Chip.limited(), 2)
    assert (
        plan(y.network(), Chip()).at(precision).phases["requantise"].counts.compares[0]
        == 4 * 35 * 17 + 4
    )  # 35 of 45 columns


def test_missing_columns_are_reported_before_the_scales_that_they_change():
    b = Builder("narrow", (4, 4, 4))
    b.linear("fc", b.flatten(b.relu(b.conv("conv", b.input, 3, 3))), 2)
    network, precision = b.network(), Precision.fixed(b.network(), 12)
    run = synthetic(network, precision), random_images(network, precision), precision
    with pytest.raises(BfimnaError, match="'conv' needs 51 columns in phase multiply"):
        infer(network, *run, chip=Chip(name="narrow", columns=30))


@pytest.mark.parametrize("bits", [2, 5, 8])
@pytest.mark.parametrize("chip", [Chip.limited(), SMALL], ids=lambda c: c.name)
def test_counts_are_the_model_s(bits, chip):
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
        assert report.counts == static.counts  # cells too: the previous image leaves no trace
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


def test_wear_is_counted_per_cell():
    network = digits.network()
    precision = Precision.fixed(network, 4)
    emulator = Emulator(wear=True, products=2**15)
    run = synthetic(network, precision), random_images(network, precision)
    _, report = infer(network, *run, precision, emulator=emulator)
    assert report.hottest_cell >= max(worn.max() for worn in report.hottest.values())
    columns = report.hottest["conv1", "products"]
    assert columns.max() < 2 * report.activity["conv1", "multiply"].counts.writes


def test_faults_change_results_and_no_faults_do_not():
    network = digits.network()
    precision = Precision.fixed(network, 6)
    run = synthetic(network, precision), random_images(network, precision, 4), precision
    exact, _ = infer(network, *run)
    faultless, _ = infer(network, *run, emulator=Emulator(faults=Faults(seed=3)))
    np.testing.assert_array_equal(exact, faultless)
    for faults in (Faults(stuck_at_1=1e-2), Faults(stuck_at_0=1e-2), Faults(match_error=1e-3)):
        wrong, report = infer(network, *run, emulator=Emulator(faults=faults))
        assert (wrong != exact).any()
        assert report.counts.compares == infer(network, *run)[1].counts.compares


def test_faults_of_another_type_are_refused_at_once():
    with pytest.raises(BfimnaError, match=r"faults must be a Faults, not 0.1 \(float\)"):
        Emulator(faults=0.1)


def test_match_errors_do_not_depend_on_the_threads():
    network = digits.network()
    precision = Precision.fixed(network, 4)
    run = synthetic(network, precision), random_images(network, precision, 4), precision
    runs = [
        infer(network, *run, emulator=Emulator(threads, Faults(match_error=1e-3), products=2**14))
        for threads in (1, 2, 3)
    ]
    for output, report in runs[1:]:
        np.testing.assert_array_equal(output, runs[0][0])
        assert report.counts == runs[0][1].counts


def test_no_two_uses_of_arrays_have_the_same_match_errors():
    emulator, results = Emulator(2, Faults(match_error=0.1)), []
    unmatched = Pass(((0, 1),), ((1, 1),))

    def errors(array):
        array.load_planes(np.zeros((2, 1, array.words), np.uint64), range(2))
        array.run((unmatched,))
        results.append(array.planes[1].tobytes())

    for _ in range(3):
        errors(emulator.array(1280, 1, 2))
        emulator.map(lambda k, _: errors(emulator.own_array(1280, 1, 2, 1, k)), range(4))
    assert len(set(results)) == len(results) == 15


def test_progress_names_each_layer_and_the_time_left():
    network = digits.network()
    precision = Precision.fixed(network, 2)
    run = synthetic(network, precision), random_images(network, precision), precision
    with redirect_stderr(io.StringIO()) as stderr:
        infer(network, *run, progress=True)
    lines = stderr.getvalue().splitlines()
    assert lines[0].split()[0] == "conv1"
    assert "100.0 %" in lines[-1]
    assert "~0 s left" in lines[-1]


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((1, 1, 8, 7), int), r"takes \(images"),
        (np.zeros((0, 1, 8, 8), int), r"takes \(images"),
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


def test_two_inputs_are_given_by_name():
    b = Builder("two", (1, 2, 2))
    b.append(Layer("other", "input", channels=1, size=(2, 2)))
    b.add("sum", b.conv("c", b.input, 1, 1), "other")
    network = b.network()
    precision = Precision.fixed(network, 4)
    report = compare(network, precision)
    check_counts(network, precision, report, Chip.limited(), 2)
    own, x = synthetic(network, precision), random_images(network, precision)
    with pytest.raises(BfimnaError, match="has the inputs input, other: give images by name"):
        infer(network, own, x["input"], precision)
    with pytest.raises(BfimnaError, match="must have the same number"):
        infer(network, own, {**x, "other": np.zeros((3, 1, 2, 2), int)}, precision)


@pytest.mark.parametrize("kind", ["1d", "2d"])
@pytest.mark.parametrize("network", [everything(), zoo_of_kinds()], ids=lambda n: n.name)
@pytest.mark.parametrize("chip", [Chip.limited(), SMALL], ids=lambda c: c.name)
def test_aps_without_segments_or_vertical_mode(network, chip, kind):
    """On small chips with several dot products in an array, and some split over several."""
    pairs = {name: (2 + k % 4, 3 + k % 3) for k, name in enumerate(network.gemm_names)}
    precision, chip = Precision.of(network, pairs), replace(chip, ap_kind=kind)
    report = compare(network, precision, 2, chip=chip)
    check_counts(network, precision, report, chip, 2)
    shifts = sum(a.counts.shifts for a in report.activity.values())
    assert shifts == 0 if kind == "1d" else shifts > 0


def test_sums_without_room_for_a_copy_are_moved_in_slices():
    """16 + 16 bits and 7 columns of growth: 39 columns, and 32 beside them."""
    b = Builder("wide", (100, 1, 1))
    b.linear("last", b.linear("fc", b.input, 3), 2)
    network, chip = b.network(), Chip(name="1D", ap_kind="1d")
    precision = Precision.fixed(network, 16)
    report = compare(network, precision, chip=chip)
    check_counts(network, precision, report, chip, 2)
    assert report.activity["fc", "reduce"].counts.reads == 2 * 99


def test_arrays_of_another_kind_are_not_reused():
    network, emulator = digits.network(), Emulator()
    precision = Precision.fixed(network, 2)
    run = synthetic(network, precision), random_images(network, precision), precision
    for kind in ("2d-segmented", "1d", "2d", "2d-segmented"):
        _, report = infer(network, *run, chip=Chip(ap_kind=kind), emulator=emulator)
        check_counts(network, precision, report, Chip(ap_kind=kind), 1)


def test_dot_products_of_one_and_two_rows():
    b = Builder("thin", (1, 4, 4))
    b.linear("fc", b.flatten(b.relu(b.conv("two", b.relu(b.conv("one", b.input, 2, 1)), 3, 1))), 2)
    network = b.network()
    precision = Precision.fixed(network, 5)
    report = compare(network, precision, 2)
    check_counts(network, precision, report, Chip.limited(), 2)
