"""Expected matches and cells: closed forms against every operand, run through the passes here.

The oracle runs a program's passes on packed bits and counts; it knows no program and no table.
"""

import itertools

import numpy as np
import pytest

import bfimna as bf
from bfimna.ap import counts as closed
from bfimna.ap import programs
from bfimna.ap.events import CYCLES, EVENTS, Counts

ALL = ~np.uint64(0)
SIGNS = tuple(itertools.product([False, True], repeat=2))


def every(*widths):
    """All combinations of words of these widths, as bit planes side by side; few are repeated."""
    total = sum(widths)
    index = np.arange(max(64, 1 << total))
    return [
        np.packbits((index >> bit & 1).astype(np.uint8), bitorder="little").view(np.uint64)
        for bit in range(total)
    ]


def run(program, planes, spare=0):
    """Events of a program per row, by running it; it starts with `spare` cleared columns more."""
    planes = [*planes, *(np.zeros_like(planes[0]) for _ in range(spare))]
    rows = planes[0].size * 64
    total = dict.fromkeys(EVENTS, 0)
    for step in program:
        tags = np.full(planes[0].shape, ALL)
        for column, bit in step.key:
            tags = tags & (planes[column] if bit else ~planes[column])
        tagged = int(np.bitwise_count(tags).sum()) / rows
        for column, bit in step.write:
            planes[column] = planes[column] | tags if bit else planes[column] & ~tags
        compared = bool(step.key)
        total["compares"] += compared
        total["compare_rows"] += compared
        total["rows_matched"] += tagged * compared
        total["key_cells"] += len(step.key)
        total["writes"] += 1
        total["words_written"] += tagged
        total["lines_driven"] += len(step.write)
        total["cells_written"] += tagged * len(step.write)
    return total


def assert_same(program, planes, form, spare=0, rel=1e-12):
    for event, amount in run(program, planes, spare).items():
        assert getattr(form, event) == pytest.approx(amount, rel=rel), event


def test_the_array_counts_what_the_oracle_counts():
    """So that one oracle here stands for both, and the array's counters are checked too."""
    planes = every(5, 5)
    program = programs.maximum(range(5), range(5, 10), 10, 11, True)
    array = bf.ap.Array(1024, columns=12)
    array.load_planes(np.stack(planes)[:, None], range(10))
    before = array.counts
    array.run(program)
    for event, amount in run(program, planes, 2).items():
        counted = getattr(array.counts, event) - getattr(before, event)
        per_row = 1 if event in CYCLES else 1024
        assert counted == pytest.approx(amount * per_row), event


def test_events_are_cycles_or_take_energy():
    assert closed.CYCLES == ("compares", "writes", "loads", "reads", "shifts")
    assert (*closed.CYCLES, *closed.ENERGY_EVENTS) == EVENTS


def test_counts_hold_the_events_that_occur():
    """An event left out reads as 0 and is no part of a sum; one of another name is an error."""
    loaded, written = Counts(loads=2, cells_loaded=6), Counts(writes=np.array([1, 0]))
    total = loaded + written
    assert list(total.amounts) == ["loads", "cells_loaded", "writes"]
    assert total.compares == 0
    np.testing.assert_array_equal(total.cycles, [3, 2])
    assert list(loaded.repeat(3, 5).amounts.items()) == [("loads", 6), ("cells_loaded", 30)]
    assert Counts(loads=0) == Counts()
    with pytest.raises(TypeError, match="no events: load"):
        Counts(load=2)
    with pytest.raises(AttributeError):
        loaded.loads = 3


@pytest.mark.parametrize("bits", [1, 2, 3, 5, 7])
def test_sums_and_maxima(bits):
    a, b, flags = range(bits), range(bits, 2 * bits), (2 * bits, 2 * bits + 1)
    planes = every(bits, bits)
    assert_same(programs.add(a, b, flags[0]), planes, closed.add(bits), 1)
    assert_same(programs.subtract(a, b, flags[0]), planes, closed.subtract(bits), 1)
    for signed in (False, True):
        program = programs.maximum(a, b, *flags, signed)
        assert_same(program, planes, closed.maximum(bits), 2)


@pytest.mark.parametrize("signed", SIGNS)
@pytest.mark.parametrize(("m", "n"), [(1, 1), (1, 6), (6, 1), (4, 4), (3, 7), (7, 3), (8, 8)])
def test_products_that_are_enumerated(m, n, signed):
    program = programs.multiply(
        range(m), range(m, m + n), range(m + n, 2 * (m + n)), signed, 2 * (m + n)
    )
    assert_same(program, every(m, n), closed.multiply(m, n, signed), m + n + 1)


@pytest.mark.parametrize("signed", SIGNS)
@pytest.mark.parametrize(("m", "n"), [(10, 10), (15, 4), (4, 15)])
def test_products_that_are_sampled(m, n, signed):
    program = programs.multiply(
        range(m), range(m, m + n), range(m + n, 2 * (m + n)), signed, 2 * (m + n)
    )
    assert_same(program, every(m, n), closed.multiply(m, n, signed), m + n + 1, rel=0.004)


@pytest.mark.parametrize(("m", "n"), [(16, 16), (40, 9), (46, 17), (9, 40)])
def test_long_products_of_random_words(m, n):
    random = np.random.default_rng(7)
    planes = list(random.integers(0, 2**64, (m + n, 2048), dtype=np.uint64))
    program = programs.multiply(
        range(m), range(m, m + n), range(m + n, 2 * (m + n)), (True, True), 2 * (m + n)
    )
    assert_same(program, planes, closed.multiply(m, n, (True, True)), m + n + 1, rel=0.004)


def test_products_longer_than_a_processor_word():
    """Both ways the width is more than 64: a column more costs as much as the one before."""
    forms = [closed.multiply(m, 40, (True, True)).cells_written for m in (20, 24, 28, 32)]
    steps = np.diff(forms)
    assert steps == pytest.approx(np.full(3, steps[0]), rel=0.02)


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize(
    ("m", "n", "shift", "bits"), [(6, 3, 0, 4), (8, 5, 4, 4), (10, 6, 9, 6), (3, 6, 2, 5)]
)
def test_requantised_words(m, n, shift, bits, signed):
    """The product lies below and over the word, so the spare columns come first."""
    scale, word = range(n), range(2 * n + 1, 2 * n + 1 + m)
    planes = every(n, m)
    below = [np.zeros_like(planes[0])] * (n + 1)
    planes = [*planes[:n], *below, *planes[n:]]
    program = programs.requantise(word, scale, shift, bits, word.stop, signed)
    assert_same(program, planes, closed.requantise(m, n, bits, shift, signed), 1)


def test_requantised_without_a_shift_leaves_a_column_to_clamp():
    for m, n, bits in ((20, 9, 8), (24, 5, 4)):
        assert closed.requantise(m, n, bits) == closed.requantise(m, n, bits, m + n - bits - 1)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_words(bits):
    word = range(bits)
    planes = every(bits)
    assert_same(programs.relu(word), planes, closed.relu(bits))
    beside = range(bits, bits + 3)
    assert_same(programs.sign_extend(bits - 1, beside), planes, closed.sign_extend(3), 3)
    assert_same(programs.sign_extend(bits - 1, range(0)), planes, closed.sign_extend(0))
    copied = programs.copy(word, range(bits, 2 * bits))
    assert_same(copied, planes, closed.copy(bits), bits)
    assert_same(programs.clear(word), planes, closed.clear(bits))
    assert closed.clear(3, 5) == closed.clear(3) * 5
    results = tuple(k * 7 % (1 << bits) for k in range(1 << bits))
    looked_up = programs.look_up(word, range(bits, 2 * bits), results)
    assert_same(looked_up, planes, closed.look_up(bits), bits)


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize(("width", "bits"), [(8, 7), (8, 3), (9, 1)])
def test_saturated_words(width, bits, signed):
    program = programs.saturate(range(width), bits, width, signed)
    assert_same(program, every(width), closed.saturate(bits, width, signed), 1)
    assert closed.saturate(7) == closed.saturate(7, 8)


def test_look_up_and_copy_on_the_array():
    array = bf.ap.Array(256, columns=24)
    codes = np.arange(256)
    array.load(codes, range(8), clear=range(8, 16))
    array.run(programs.copy(range(8), range(8, 16)))
    array.run(programs.look_up(range(8), range(16, 24), tuple((255 - k) ^ 5 for k in range(256))))
    np.testing.assert_array_equal(array.read(range(8, 16))[0], codes)
    np.testing.assert_array_equal(array.read(range(16, 24))[0], (255 - codes) ^ 5)


@pytest.mark.parametrize(
    "form",
    [
        closed.load,
        closed.read,
        closed.add,
        closed.subtract,
        closed.maximum,
        closed.relu,
        closed.saturate,
        closed.sign_extend,
        closed.copy,
        closed.clear,
        closed.clear_along,
        closed.look_up,
        lambda b: closed.maximum(b, "published"),
        lambda b: closed.relu(b, "published"),
        lambda b: closed.multiply(b, 4, (True, True)),
        lambda b: closed.multiply(5, b),
        lambda b: closed.requantise(b + 8, 5, 4),
        lambda b: closed.reduce(9, b),
        lambda b: closed.reduce(9, b, "1d", signed=True),
        lambda b: closed.reduce(9, b, "2d", groups=3),
        lambda b: closed.reduce(b, 8),
        lambda b: closed.reduce(b, 8, "1d"),
    ],
)
def test_arrays_of_widths_give_what_each_width_gives(form):
    widths = np.array([[1, 5], [3, 8]])
    many = form(widths)
    for at in np.ndindex(widths.shape):
        one = form(int(widths[at]))
        for event, amount in many.amounts.items():
            value = np.broadcast_to(amount, widths.shape)[at]
            assert value == pytest.approx(getattr(one, event)), event


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: closed.add(65), "a word of 65 bits: programs take 0 to 64"),
        (lambda: closed.maximum(np.array([3, -1])), "a word of -1 bits"),
        (lambda: closed.multiply(8, 49), "a word of 49 bits: programs take 0 to 48"),
    ],
)
def test_widths_out_of_range_are_refused(call, message):
    with pytest.raises(bf.BfimnaError, match=message):
        call()


def test_no_words_cost_nothing():
    assert closed.multiply(0, 8).cells_written == closed.multiply(8, 0).rows_matched == 0


@pytest.mark.parametrize("bits", [1, 4, 16])
def test_published_forms(bits):
    """Cycles as printed, and events of the passes that they are made of."""
    maximum, relu = closed.maximum(bits, "published"), closed.relu(bits, "published")
    assert (maximum.cycles, maximum.compares, maximum.writes) == (
        8 * bits + 2,
        4 * bits,
        4 * bits + 2,
    )
    assert maximum.compare_rows == maximum.compares
    own = closed.maximum(bits)
    for event in ("cells_written", "rows_matched", "words_written"):
        assert getattr(maximum, event) == getattr(own, event)
    assert maximum.key_cells == own.key_cells + 4 * bits
    assert maximum.lines_driven == own.lines_driven + bits + 2
    assert (relu.cycles, relu.compares, relu.writes) == (4 * bits + 1, bits, bits + 1)
    assert (relu.loads, relu.reads, relu.cells_loaded, relu.cells_read) == (bits,) * 4
    assert (relu.compare_rows, relu.key_cells, relu.lines_driven) == (bits, bits, bits + 1)
    assert relu.cells_written == relu.rows_matched == relu.words_written == bits / 2


@pytest.mark.parametrize(
    ("words", "kind", "groups", "adds"),
    [
        (1, "2d", 3, 0),
        (2, "2d", 1, 1),
        (9, "2d", 3, 24),
        (9, "2d-segmented", 3, 4),
        (1, "2d-segmented", 2, 0),
    ],
)
def test_published_reduction(words, kind, groups, adds):
    """8 (L - 1) for one group after the other, 8 ⌈log2 L⌉ with segments; one add of random bits."""
    form = closed.reduce(words, 6, kind, "published", groups)
    columns = (6 + closed.levels(words)) * (words - 1)
    assert (form.cycles, form.compares, form.writes) == (8 * adds, 4 * adds, 4 * adds)
    assert form.compare_rows == 4 * columns
    assert form.key_cells == 12 * columns
    assert form.lines_driven == 6 * columns
    assert (form.cells_written, form.rows_matched) == (0.75 * columns, 0.5 * columns)
    assert form.words_written == form.rows_matched


def test_random_step_of_a_reduction():
    """By hand: half of the columns match, three quarters of a cell each; half have a carry."""
    form, columns = closed.reduce(3, 6), 6 + 2
    assert form.rows_matched == pytest.approx(columns * (0.5 + 0.5))
    assert form.words_written == pytest.approx(columns * (0.5 + 1) + 0.5 * (columns - 1))
    assert form.cells_written == pytest.approx(columns * (0.75 + 1) + 0.5 * (columns - 1))
    assert form.lines_driven == columns * (6 + 2)
