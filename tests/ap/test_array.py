"""The array itself: passes, threads, faults, wear, and what it refuses."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bfimna as bf
from bfimna.ap import programs, tables
from bfimna.ap.array import Array

WORDS = np.random.default_rng(0).integers(0, 16, (2, 5000))


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(
        st.tuples(*[st.integers(0, 1)] * 3), st.tuples(*[st.integers(0, 1)] * 3), max_size=8
    )
)
def test_tables_that_users_write(table):
    """Any table of three columns that can run in place does so on the array, row by row."""
    try:
        lut = bf.ap.generate("abc", table)
    except bf.BfimnaError as error:
        assert "circle" in str(error)  # noqa: PT017
        return
    rows = np.arange(8).repeat(9)
    array = Array(len(rows), columns=3)
    array.load(rows, range(3))
    array.run(lut.at((0, 1, 2)))
    bits = [tuple(r >> i & 1 for i in range(3)) for r in rows.tolist()]
    expected = [sum(b << i for i, b in enumerate(table.get(row, row))) for row in bits]
    np.testing.assert_array_equal(array.read(range(3))[0], expected)
    assert array.counts.cells_written == sum(lut.run(row)[1] for row in bits)


def added(threads=1, **options):
    array = Array(WORDS.shape[1], columns=10, threads=threads, **options)
    array.load(WORDS[0], range(4), clear=range(8, 9))
    array.load(WORDS[1], range(4, 8))
    array.run(programs.add(range(4), range(4, 8), carry=8))
    return array


def test_threads_change_nothing():
    one, two = (added(threads, faults=bf.ap.Faults(match_error=1e-3)) for threads in (1, 2))
    np.testing.assert_array_equal(one.planes, two.planes)
    assert (one.counts, one.tags_set) == (two.counts, two.tags_set)


def test_tags_are_those_of_the_table():
    array = added()
    by_row = 0
    for a, p in WORDS.T.tolist():
        carry = 0
        for i in range(4):
            row = (a >> i & 1, p >> i & 1, carry)
            for step in tables.FULL_ADD.passes:
                by_row += step.matches(row)
                row = step.rewrite(row) if step.matches(row) else row
            carry = row[2]
    assert array.tags_set == by_row


def test_wear_adds_up_to_the_cells_written_and_loaded():
    array = added(wear=True)
    assert array.wear.shape == (10, 1, 5000)
    assert array.wear.sum() == array.counts.cells_written + array.counts.cells_loaded
    assert not array.wear[9].any()
    with pytest.raises(bf.BfimnaError, match="wear=True"):
        _ = added().wear


def test_wear_of_vertical_mode():
    array = Array(70, rows=5, columns=8, wear=True)
    array.load(np.full((5, 70), 7), range(3), clear=range(3, 8))
    programs.reduce(array, range(8))
    assert array.wear.sum() == array.counts.cells_written + array.counts.cells_loaded


def test_stuck_cells_keep_their_value():
    faults = bf.ap.Faults(stuck_at_0=0.1, stuck_at_1=0.2, seed=3)
    array = Array(20_000, columns=4, faults=faults)
    array.load(np.zeros(20_000, int), range(4))
    ones = array.planes.copy()
    assert np.bitwise_count(ones).sum() / 80_000 == pytest.approx(0.2, rel=0.05)
    array.run(programs.clear(range(4)))
    np.testing.assert_array_equal(array.planes, ones)
    array.load(np.full(20_000, 15), range(4))
    assert np.bitwise_count(array.planes).sum() / 80_000 == pytest.approx(0.9, rel=0.02)


def test_match_lines_err_at_their_rate():
    array = Array(100_000, columns=2, faults=bf.ap.Faults(match_error=0.01))
    array.run((bf.ap.lut.Pass(((0, 1),), ((1, 1),)),))  # matches nowhere
    assert array.tags_set == pytest.approx(1000, rel=0.15)
    assert array.read(range(1, 2)).sum() == array.tags_set


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda a: a.run(programs.relu(range(8, 12))), "columns 8 to 11 of an array of 10 columns"),
        (lambda a: a.load([1], range(8, 12)), "columns 8 to 11"),
        (lambda a: a.load([16], range(4)), "values from 16 to 16 do not fit 4 bits"),
        (lambda a: programs.add(range(4), range(3, 7), 8), r"add: column ranges overlap in \[3\]"),
        (lambda a: programs.add(range(4), range(4, 7), 8), "want equal ones"),
        (lambda a: programs.multiply(range(2), range(2, 4), range(4, 7)), "give 4 columns, not 3"),
        (lambda a: programs.saturate(range(4), 4, 5), "no more than 4 bits"),
        (lambda a: a.add_rows(tables.FULL_ADD, (0, 1, 2), 1, range(4)), "row 2 of a group of 1"),
        (
            lambda a: Array(1, kind="1d").add_rows(tables.FULL_ADD, (0, 1, 2), 1, range(4)),
            "no vert",
        ),
        (lambda a: bf.ap.Faults(match_error=2), r"match_error must lie in \[0, 1\)"),
    ],
)
def test_errors_change_nothing(call, message):
    array = added()
    before, counts = array.planes.copy(), array.counts
    with pytest.raises(bf.BfimnaError, match=message):
        call(array)
    np.testing.assert_array_equal(array.planes, before)
    assert array.counts == counts
