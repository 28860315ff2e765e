"""Every program on NumPy integers: NumPy is the oracle of results, the closed forms of counters."""

from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bfimna as bf
from bfimna.ap import counts as closed
from bfimna.ap import programs
from bfimna.ap.arithmetic import requantise
from bfimna.ap.events import EVENTS

WIDTHS = range(1, 17)
DATA = ("random", "zeros", "ones", "extremes")


def draw(data, bits, signed, shape, seed=0):
    """Integers of a width: random ones, or those that break adders."""
    random = np.random.default_rng((seed, bits))
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    if data == "random":
        return random.integers(low, high + 1, shape)
    if data == "extremes":
        return random.choice([low, high], shape)
    return np.full(shape, (0 if data == "zeros" else -1 if signed else high))


FOLLOW_DATA = ("cells_written", "rows_matched", "words_written")


def assert_counts(counted, expected):
    """Every counter but those that follow the data."""
    for event in EVENTS:
        if event not in FOLLOW_DATA:
            assert getattr(counted, event) == getattr(expected, event), event


@pytest.mark.parametrize("bits", WIDTHS)
@pytest.mark.parametrize("signed", [False, True])
def test_words_of_every_width(bits, signed):
    for data in DATA:
        a, b = draw(data, bits, signed, 131), draw("extremes", bits, signed, 131, 1)
        wide = bits + 1 if signed else bits
        for name, oracle in (("add", np.add), ("subtract", np.subtract)):
            result, counted = getattr(bf.ap, name)(a, b, bits, signed)
            np.testing.assert_array_equal(result, oracle(a, b))
            program = closed.load(2 * wide) + getattr(closed, name)(wide) + closed.read(bits + 1)
            program = program + closed.clear_along(1)
            assert_counts(counted, program.over(131))
        result, counted = bf.ap.maximum(a, b, bits, signed)
        np.testing.assert_array_equal(result, np.maximum(a, b))
        program = closed.load(2 * bits) + closed.maximum(bits) + closed.read(bits)
        assert_counts(counted, program.over(131))
        if signed:
            result, counted = bf.ap.relu(a, bits)
            np.testing.assert_array_equal(result, np.maximum(a, 0))
            program = closed.load(bits) + closed.relu(bits) + closed.read(bits)
            assert_counts(counted, program.over(131))


@pytest.mark.parametrize("a_bits", WIDTHS)
@pytest.mark.parametrize("signed", [(False, False), (True, False), (False, True), (True, True)])
def test_multiply_at_every_width(a_bits, signed):
    for data, b_bits in zip(DATA, (a_bits, 1, 16, 17 - a_bits), strict=True):
        a = draw(data, a_bits, signed[0], (7, 11))
        b = draw("extremes", b_bits, signed[1], (7, 11), 1)
        product, counted = bf.ap.multiply(a, b, a_bits, b_bits, signed)
        np.testing.assert_array_equal(product, a * b)
        m, n, signs = a_bits, b_bits, signed
        if signs == (False, True):
            m, n, signs = n, m, (True, False)
        program = closed.load(m + n) + closed.multiply(m, n, signs) + closed.read(m + n)
        program = program + closed.clear_along(m + n + signs[1])
        assert_counts(counted, program.over(77))


@settings(max_examples=60, deadline=None)
@given(
    widths=st.tuples(st.integers(1, 16), st.integers(1, 16)),
    signed=st.tuples(st.booleans(), st.booleans()),
    data=st.tuples(st.sampled_from(DATA), st.sampled_from(DATA)),
    rows=st.integers(1, 300),
    seed=st.integers(0, 2**16),
)
def test_multiply_property(widths, signed, data, rows, seed):
    a = draw(data[0], widths[0], signed[0], rows, seed)
    b = draw(data[1], widths[1], signed[1], rows, seed + 1)
    product, _ = bf.ap.multiply(a, b, *widths, signed)
    np.testing.assert_array_equal(product, a * b)


@settings(max_examples=60, deadline=None)
@given(
    length=st.integers(1, 70),
    groups=st.integers(1, 130),
    bits=st.integers(1, 16),
    signed=st.booleans(),
    kind=st.sampled_from(["1d", "2d", "2d-segmented"]),
    data=st.sampled_from(DATA),
)
def test_reduce(length, groups, bits, signed, kind, data):
    a = draw(data, bits, signed, (length, groups), length)
    sums, counted = bf.ap.reduce(a, bits, signed, kind)
    np.testing.assert_array_equal(sums, a.sum(axis=0))
    growth = closed.levels(length)
    width = bits + growth
    cleared = 2 * width + 1 if kind == "1d" else width  # the columns that hold no loaded bit
    program = (closed.load(bits) + closed.clear_along(cleared - bits)).over(length * groups)
    if signed and kind != "1d":  # there each level extends the signs
        program = program + closed.sign_extend(growth).over(length * groups)
    program = program + closed.reduce(length, bits, kind, groups=groups, signed=signed).over(groups)
    program = program + closed.read(width).over((1 if kind == "1d" else min(length, 2)) * groups)
    if kind != "1d":
        words = min(length, 2)
        program = program + (closed.load(width) * words).over(groups)
        program = (
            program
            + ((closed.add(width) + closed.clear_along(1)) * (words - 1)).over(groups)
            + closed.read(width).over(groups)
        )
    assert_counts(counted, program)


@settings(max_examples=60, deadline=None)
@given(
    a_bits=st.integers(4, 24),
    scale=st.integers(1, 511),
    bits=st.integers(1, 8),
    signed=st.booleans(),
    data=st.sampled_from(DATA),
    position=st.floats(0, 1),
)
def test_requantise(a_bits, scale, bits, signed, data, position):
    a = draw(data, a_bits, True, 99)
    n = scale.bit_length()
    room = a_bits + n - bits - 1
    if room < 0:
        with pytest.raises(bf.BfimnaError, match="shift"):
            requantise(a, scale, 0, bits, a_bits, signed)
        return
    shift = round(position * room)
    result, counted = requantise(a, scale, shift, bits, a_bits, signed)
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    np.testing.assert_array_equal(result, np.clip((a * scale) >> shift, low, high))
    program = closed.requantise(a_bits, n, bits, shift, signed)
    program = closed.load(a_bits + n) + program + closed.read(bits) + closed.clear_along(n + 2)
    assert_counts(counted, program.over(99))


@pytest.mark.parametrize("kind", ["2d", "2d-segmented"])
def test_reduction_of_random_words(kind):
    """Words that fill all columns: all sum and carry bits but the lowest are as good as random."""
    length, bits = 64, 16
    a = draw("random", bits, True, (length, 512))
    array = bf.ap.Array(512, length, kind=kind)
    array.load(a, range(bits))
    programs.reduce(array, range(bits))
    expected = closed.reduce(length, bits - closed.levels(length), kind, groups=512)
    counted = array.counts
    for event in FOLLOW_DATA:
        assert getattr(counted, event) / 512 == pytest.approx(getattr(expected, event), rel=0.06)
    assert counted.lines_driven == expected.lines_driven * 512


def test_1d_reduction_of_random_words():
    """The sum of random words: its bits are as good as random, but for each level's top one."""
    a = draw("random", 16, False, (64, 512))
    _, counted = bf.ap.reduce(a, 16, kind="1d")
    expected = closed.reduce(64, 16, "1d")
    assert counted.rows_matched / 512 == pytest.approx(expected.rows_matched, rel=0.1)
    cleared = 64 * (2 * 22 + 1 - 16)  # along with the load
    assert counted.cells_written / 512 - cleared == pytest.approx(expected.cells_written, rel=0.1)


@pytest.mark.parametrize(("length", "bits", "signed"), [(3, 3, True), (9, 4, False), (8, 5, True)])
@pytest.mark.parametrize("beside", [1, 2, 5])
def test_1d_reduction_in_slices(length, bits, signed, beside):
    """Without room beside the words for whole ones, they are moved and added in slices."""
    a = draw("extremes", bits, signed, (length, 70))
    width = bits + int(closed.levels(length))
    array = bf.ap.Array(70, length, columns=width + 1 + beside, kind="1d")
    array.load(a, range(bits), clear=range(bits, width + 1))
    loaded, columns = array.counts, range(width + 1, width + 1 + beside)
    programs.reduce_1d(array, range(width), columns, width, bits, signed)
    form = closed.reduce(length, bits, "1d", groups=70, signed=signed, beside=beside)
    assert_counts(array.counts, loaded + form.over(70))
    np.testing.assert_array_equal(array.read(range(width), signed, rows=1)[0], a.sum(axis=0))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bf.ap.multiply([300], [1]), "300 does not fit 8 unsigned bits"),
        (lambda: bf.ap.multiply([-1], [1]), "negative, but the program is unsigned"),
        (lambda: bf.ap.add([1.5], [1]), "integers, not float64"),
        (lambda: bf.ap.add([200], [1], signed=True), r"does not fit 8 signed bits \(-128 to 127\)"),
        (lambda: bf.ap.multiply([1], [1], 20, 20), "multiply needs 80 columns; the array has 72"),
        (lambda: bf.ap.add([1, 2], [1, 2, 3]), r"shapes \(2,\) and \(3,\)"),
        (lambda: bf.ap.add([], [], 8), "no (elements|whole)|want an array of integers"),
        (lambda: bf.ap.multiply([1], [1], a_bits=0), "bits of a must be a whole number"),
        (lambda: bf.ap.reduce([[1]], kind="3d"), "unknown AP kind '3d'"),
        (lambda: bf.ap.gemm([[1, 2]], [[1]]), "want .i, j. and .j, u."),
        (lambda: bf.ap.gemm([[1]], [[1]], rows=0), "rows must be a whole number of at least 1"),
        (lambda: bf.ap.gemm([[1]], [[1]], threads=float("nan")), "threads must be a whole number"),
        (lambda: bf.ap.gemm([[1]], [[1]], threads=-1), "threads must be a whole number"),
        (lambda: bf.ap.gemm([[1]], [[1]], faults=0.1), "faults must be a bf.ap.Faults or None"),
        (lambda: bf.ap.gemm([[1]], [[1]], signed=(1, 0)), "true or false, or a pair of these"),
        (lambda: bf.ap.multiply([1], [1], signed=(True,)), "true or false, or a pair of these"),
        (lambda: bf.ap.add([1], [1], signed=None), "a: signed must be true or false, not None"),
        (lambda: bf.ap.requantise([1], 3, 0, bits=40), "24 bits times 2 leave no shift that gives"),
        (lambda: bf.ap.requantise([1], 3, -1), "shift must be a whole number from 0 to 17"),
        (lambda: bf.ap.requantise([1], 3, 0, bits=0), "bits must be a whole number"),
        (lambda: bf.ap.reduce([[1], [1]], 63), "a result of 64 unsigned bits; integers hold 63"),
        (lambda: bf.ap.reduce([[1], [1]], 64, True), "a result of 65 signed bits"),
        (lambda: bf.ap.gemm([[1] * 2**17], [[1]] * 2**17, 24, 24), "gemm: a result of 65 signed"),
        (lambda: bf.ap.reduce([[1], [1]], 60, kind="1d"), "reduce needs 123 columns"),
        (lambda: bf.ap.multiply([[1], [1, 2]], 1), r"a: want .* not \[\[1\], \[1, 2\]\]"),
        (lambda: bf.ap.add(1, [[1], [1, 2]]), "b: want an array of integers, not"),
        (lambda: bf.ap.reduce([[1], [1, 2]]), "a: want an array of integers, not"),
        (lambda: bf.ap.gemm([[1], [1, 2]], [[1]]), "weights: want an array of integers, not"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(bf.BfimnaError, match=message):
        call()


@pytest.mark.parametrize("kind", [np.uint64, np.int8, bool])
def test_integers_of_any_type(kind):
    a, b = np.array([[0, 1], [1, 1]]), np.array([[1, 0], [1, 1]])
    other = a.astype(kind), b.astype(kind)
    np.testing.assert_array_equal(bf.ap.gemm(*other)[0], a @ b)
    np.testing.assert_array_equal(bf.ap.multiply(*other)[0], a * b)
    np.testing.assert_array_equal(bf.ap.subtract(*other)[0], a - b)
    np.testing.assert_array_equal(bf.ap.requantise(*other, 0, a_bits=2, bits=2)[0], a * b)


def test_widest_sums_are_right():
    """The last widths that fit: a column more is refused above."""
    top = (1 << 62) - 1
    np.testing.assert_array_equal(bf.ap.reduce([[top], [top]], 62)[0], [2 * top])
    np.testing.assert_array_equal(
        bf.ap.reduce([[-top - 1], [-top - 1]], 63, True)[0], [-2 * top - 2]
    )
    np.testing.assert_array_equal(bf.ap.relu([-(2**63), 2**63 - 1], 64)[0], [0, 2**63 - 1])


def test_shapes_are_kept():
    a = np.arange(24).reshape(2, 3, 4)
    product, counted = bf.ap.multiply(a, 3)
    np.testing.assert_array_equal(product, a * 3)
    assert counted.cells_read == prod(a.shape) * 16
    sums, _ = bf.ap.reduce(a)
    np.testing.assert_array_equal(sums, a.sum(axis=0))
