"""What a plan counts at the edges: parts, folds, traffic and widest sums, by hand."""

from dataclasses import replace

import numpy as np
import pytest

import bfimna as bf
from bfimna.ap import counts as ap
from bfimna.network.graph import Builder, Layer, Network

from ..networks import chained, placed


def linear(features, outputs=1):
    b = Builder("fc", (features, 1, 1))
    b.linear("fc", b.input, outputs)
    return b.network()


@pytest.mark.parametrize(("products", "rows"), [(10, 2), (11, 3)])
def test_parts_of_unequal_length_add_up_their_own_rows_only(products, rows):
    """10 products on arrays of 4 rows: parts of 4, 4 and 2 rows; of 11, the last has 3."""
    work = placed(linear(products), rows=4).phases["reduce"].counts
    whole, last = (ap.reduce(n, 20 - ap.levels(n)) for n in (4, rows))
    assert float(work.tags_shifted[0]) == 2 * whole.tags_shifted + last.tags_shifted
    assert float(work.cycles[0]) == whole.cycles


def test_parts_of_equal_length_all_add_up_their_rows():
    """3 sums of 8 products on arrays of 4 rows: 6 parts of 4 rows, each in an array of its own."""
    work = placed(linear(8, 3), rows=4).phases["reduce"].counts
    part = ap.reduce(4, 19 - 2)  # of sums of 16 + 3 columns
    assert float(work.tags_shifted[0]) == 6 * part.tags_shifted


def test_a_part_of_one_row_leaves_no_carry():
    """5 products on arrays of 4 rows: parts of 3 and 2; on 2 rows: 2, 2 and 1, which leave 5."""
    schedule = placed(linear(5), rows=2)
    total = 16 + 3
    assert float(schedule.phases["carry"].counts.loads[0]) == 5 * total
    assert float(schedule.phases["read"].counts.cells_read[0]) == 5 * total + total
    assert float(schedule.traffic.bus_bits[0]) == 2 * 5 * 8 + 5 * total + total


@pytest.mark.parametrize(("kind", "event"), [("2d", "shifts"), ("1d", "reads")])
def test_an_array_adds_up_the_dot_products_that_it_holds(kind, event):
    """One of 16 words; and 65 of them, spread over 64 arrays that would hold 300 each."""
    want = getattr(ap.reduce(16, 16, kind, groups=1), event)
    one = placed(linear(16), ap_kind=kind).phases["reduce"].counts
    assert float(getattr(one, event)[0]) == want
    two = placed(linear(16, 65), ap_kind=kind, clusters=1).phases["reduce"].counts
    assert float(getattr(two, event)[0]) == 2 * want


def test_a_window_that_leaves_pixels_out_does_not_move_them():
    for kernel, stride, pixels in ((1, 2, 16), (2, 3, 36)):
        b = Builder("p", (4, 8, 8))
        b.pool("pool", b.relu(b.conv("c", b.input, 4, 1)), kernel, stride)
        bits = placed(b.network(), 5).traffic
        word = 5
        results = 16 if kernel == 1 else 9
        at = int(np.flatnonzero(bits.layers == 3)[0])
        assert float(bits.bus_bits[at]) == 4 * word * (pixels + results)


def test_operands_cross_the_mesh_and_results_the_bus_alone():
    """2 sums of 5 products on 9 clusters, whose mean distance is ⅔ (3 - ⅓) hops."""
    chip = {"multicast": False, "clusters": 9, "ap_kind": "1d"}
    moved = placed(linear(5, 2), **chip).traffic
    operands, results = 2 * 5 * (8 + 8), 2 * (19 + 19)  # sums of 16 + 3 bits, out and as a result
    assert float(moved.mesh_bit_hops[0]) == pytest.approx(operands * 16 / 9)
    assert float(moved.bus_bits[0]) == operands + results


def test_pooling_at_the_end_takes_scaled_words():
    """2 × 2 words after the last convolution, at 4 bits."""
    b = Builder("tail", (2, 8, 8))
    b.pool("most", b.relu(b.conv("last", b.input, 3, 1)), 2, 2)
    schedule = placed(b.network(), 4)
    assert float(schedule.phases["pool"].counts.loads[0]) == 4 * 4
    assert float(schedule.phases["requantise"].counts.compares[0]) > 0


def test_a_sum_that_is_too_wide_says_so():
    layer = Layer("c", "conv", ("x",), 1, (2**17, 2**17))
    source = Layer("x", "input", channels=1, size=(2**17, 2**17))
    with pytest.raises(bf.BfimnaError, match="'c' adds up more than 1073741824 words"):
        Network("huge", (source, layer))
    most = replace(layer, kernel=(2**15, 2**15))
    widest = Network("most", (replace(source, size=(2**15, 2**15)), most))
    assert float(placed(widest, 16).phases["read"].counts.reads[0]) > 0


def test_what_a_cache_returns_cannot_be_written():
    network = chained("relu", "maxpool").network()
    technology = bf.data.load_technology("sram-14nm-lstp")
    report = bf.simulate(network, bf.Precision.fixed(network, 4), bf.Chip.limited(), technology)
    p = report.schedule
    arrays = [p.folds, p.layers, p.utilisation, p.traffic.bus_bits, p.traffic.layers]
    for work in p.phases.values():
        arrays += [a for a in work.counts.amounts.values() if isinstance(a, np.ndarray)]
        arrays += [work.layers, work.rows]
    for array in arrays:
        with pytest.raises(ValueError, match="read-only"):
            array[..., 0] = 99
