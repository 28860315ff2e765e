"""Element-wise operators: function on bit patterns, counts, and the words that they move."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

import bfimna as bf
from bfimna.ap import counts as ap
from bfimna.ap import programs
from bfimna.ap.array import Array
from bfimna.network.graph import Network
from bfimna.network.layer import ADDRESSING, KINDS, PRODUCTS, Layer
from bfimna.operators import OPERATORS, functions, word_programs

from ..close import close

#: program on a resident word, by kind
PROGRAMS = {
    "scale": word_programs.scale_counts,
    "bias": word_programs.bias_counts,
    "clip": word_programs.clip_counts,
    "lookup": ap.look_up,
    "leakyrelu": partial(functions.function_counts, functions.leaky_relu_counts),
    "hardsigmoid": partial(functions.function_counts, functions.hard_sigmoid_counts),
    "hardswish": partial(functions.function_counts, functions.hard_swish_counts),
}
TECHNOLOGY = bf.data.load_technology("sram-14nm-lstp")


def simulate(*layers, bits=7, **chip):
    image = Layer("x", "input", channels=16, size=(10, 10))
    net = Network("n", (image, Layer("c", "conv", ("x",), 16, (3, 3), padding=(1,) * 4), *layers))
    own = replace(bf.Chip.paper(), **chip)
    return bf.simulate(net, bf.Precision.fixed(net, bits), own, TECHNOLOGY)


def rows(report, name):
    return report.layers[report.layers.layer == name].set_index("phase")


def test_no_kind_is_silently_free():
    computing = {kind for kind, entry in OPERATORS.items() if entry.counts is not None}
    assert set(PRODUCTS) | computing | set(ADDRESSING) == set(KINDS)
    in_place = {kind for kind, entry in OPERATORS.items() if entry.in_place}
    assert in_place == {"relu", *PROGRAMS}


@pytest.mark.parametrize("function", [np.tanh, lambda x: 1 / (1 + np.exp(-x)), np.abs])
def test_look_up_computes_any_function_of_a_word(function):
    """The passes of the table are run on rows of an array and counted."""
    bits, n = 5, 4096
    codes = np.arange(2**bits) - 2 ** (bits - 1)
    results = np.clip(np.round(function(codes / 4) * 8), -16, 15).astype(int)
    array = Array(groups=n, columns=2 * bits)
    words = np.random.default_rng(0).integers(0, 2**bits, (2, n))
    array.load(words[0], range(bits))
    array.load(words[1], range(bits, 2 * bits))
    before = array.counts
    by_pattern = tuple(np.roll(results, 2 ** (bits - 1)).tolist())
    array.run(programs.look_up(range(bits), range(bits, 2 * bits), by_pattern))
    done = array.counts
    read = [array.read(range(k, k + bits), signed=True)[0] for k in (0, bits)]
    np.testing.assert_array_equal(read[1], results[read[0] + 16])
    counted = ap.look_up(bits)
    assert counted.compares == done.compares == done.writes == counted.writes
    assert counted.key_cells * n == done.key_cells
    assert counted.cells_written * n == done.cells_written - before.cells_written


@pytest.mark.parametrize("bits", range(2, 18))
@pytest.mark.parametrize("kind", ["leakyrelu", "hardsigmoid", "hardswish"])
def test_the_shorter_of_look_up_and_arithmetic_is_taken(kind, bits):
    b, copied = bits, 1 + 2 * bits  # a multiplier for the bits without the sign; clear, copy
    scaled = b + ap.requantise(bits, b, bits).cycles
    shifted = bits + 2 + ap.add(bits + 1).cycles + 6  # the sign once more; unsigned clamp
    rescaled = b + ap.requantise(2 * bits, b, bits).cycles
    product = 1 + ap.multiply(bits, bits, (True, True)).cycles + rescaled
    arithmetic = {
        "leakyrelu": copied + scaled + ap.maximum(bits).cycles,
        "hardsigmoid": scaled + shifted,
        "hardswish": copied + scaled + shifted + product,
    }[kind]
    counted = PROGRAMS[kind](bits)
    assert counted.cycles == min(arithmetic, 2 * 2**bits)
    many = PROGRAMS[kind](np.array([bits, 8]))
    assert many.cycles[0] == counted.cycles


@pytest.mark.parametrize("kind", PROGRAMS)
def test_word_in_its_row_moves_only_where_others_read_it_too(kind):
    alone = simulate(Layer("y", kind, ("c",)))
    shared = simulate(Layer("y", kind, ("c",)), Layer("z", "mul", ("y", "c")))
    away = simulate(Layer("j", "concat", ("c", "x")), Layer("y", kind, ("j",)))
    base = PROGRAMS[kind](8).cycles  # 7 stored bits and a sign
    out = 7 if kind == "hardsigmoid" else 8  # which is never negative
    cycles = ap.EVENTS[:5]
    total = [rows(r, "y").loc["elementwise", list(cycles)].sum() for r in (alone, shared, away)]
    assert total == [base, base + 8 + out, base + 8 + out]  # loaded and read
    assert "traffic" not in rows(alone, "y").index
    assert rows(shared, "y").loc["traffic", "bus_bits"] == 1600 * (8 + out)
    assert rows(away, "y").loc["traffic", "bus_bits"] == 3200 * (8 + out)


def test_product_of_two_tensors():
    whole = simulate(Layer("r", "relu", ("c",)), Layer("y", "mul", ("c", "r")))
    layers = (Layer("g", "avgpool", ("c",), kernel=(10, 10)), Layer("y", "mul", ("g", "c")))
    by_channel, copied = simulate(*layers), simulate(*layers, multicast=False)
    want = (
        ap.clear(17)
        + ap.multiply(8, 8, (True, True))
        + word_programs.rescale_counts(16, 8)
        + ap.read(8)
    )
    for report, loads in ((whole, 15), (by_channel, 16)):  # a ReLU leaves no sign
        row = rows(report, "y").loc["elementwise"]
        assert sum(row[event] for event in ap.EVENTS[:5]) == want.cycles + loads
        assert row.rows_active == 1600
        unsigned = 16 - loads  # a sign column each is cleared along with the load
        assert row.cells_written == pytest.approx(1600 * (want.cells_written + unsigned))
    moved = [rows(r, "y").loc["traffic", "bus_bits"] for r in (whole, by_channel, copied)]
    assert moved == [1600 * (8 + 7 + 8), 1616 * 8 + 1600 * 8, 3200 * 8 + 1600 * 8]


def test_local_response_normalisation():
    report = simulate(Layer("y", "lrn", ("c",), kernel=(5, 1)))
    m, s, total = 8, 16, 16 + 3  # word, square, sum of five squares
    want = (
        [
            ap.load(m),
            word_programs.copy_counts(m),
            ap.clear(s + 1),
            ap.multiply(m, m, (True, True)),
            ap.read(s),
        ]
        + [ap.load(s), ap.add(total)] * 4
        + [ap.load(m), ap.requantise(total, m, m), ap.look_up(m)]
        + [word_programs.product_counts(m), ap.read(m)]
    )
    row = rows(report, "y").loc["elementwise"]
    assert sum(row[event] for event in ap.EVENTS[:5]) == sum(w.cycles for w in want)
    # columns that a sum and its operand grow by: cleared with each load, and once; a carry each.
    # And the lowest columns of what is scaled, with a flag, as the constant of 8 bits is loaded
    cleared = 4 * (3 + 1) + 3 + (8 + 2)
    events = sum(want[1:], want[0]) + ap.clear_along(cleared)
    for event in ap.ENERGY_EVENTS:
        assert row[event] == pytest.approx(1600 * getattr(events, event)), event
    # in: the word and its square, twice as wide; out: the result and the square
    bus = rows(report, "y").loc["traffic", "bus_bits"]
    assert bus == 2 * 1600 * (8 + 16)


@pytest.mark.parametrize("neighbours", [1, 2, 4])
def test_squares_are_copied_to_each_neighbour_without_multicast(neighbours):
    normalise = Layer("y", "lrn", ("c",), kernel=(neighbours + 1, 1))
    bus = rows(simulate(normalise, multicast=False), "y").loc["traffic", "bus_bits"]
    assert bus == 1600 * (8 + 16 * neighbours) + 1600 * (8 + 16)


def test_addressing_costs_nothing_and_keeps_the_readers_bits():
    report = simulate(
        Layer("j", "concat", ("c", "c")),
        Layer("v", "view", ("j",), 3200, size=(1, 1)),
        Layer("fc", "linear", ("v",), 10),
    )
    assert set(report.layers.layer) == {"c", "fc"}
    assert report.live_bits.tolist() == [
        *(1600 * 7, 1600 * (7 + 8), 1600 * 8, 1600 * 8),  # a view, a concatenation: the same words
        1600 * 8 + 10 * (7 + 7 + 12),
    ]


def test_precisions_are_vectorised():
    net = bf.Network(
        "n",
        (
            Layer("x", "input", channels=4, size=(4, 4)),
            Layer("c", "conv", ("x",), 4),
            *(Layer(kind, kind, ("c",)) for kind in PROGRAMS),
            Layer("y", "mul", ("lookup", "clip")),
            Layer("l", "lrn", ("y",), kernel=(3, 1)),
            Layer("d", "conv", ("l",), 4),
        ),
    )
    many = [bf.Precision.fixed(net, b) for b in (1, 5, 8, 16)]
    table = bf.sweep(net, many, [bf.Chip.paper()], [TECHNOLOGY])
    for bits, latency in zip(many, table.latency_s, strict=True):
        one = bf.simulate(net, bits, bf.Chip.paper(), TECHNOLOGY)
        assert latency == close(one.latency_s)
