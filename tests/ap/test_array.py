"""The array itself: passes, threads, faults, wear, and the arguments that it refuses."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bfimna as bf
from bfimna.ap import programs
from bfimna.ap.addition import FULL_ADD
from bfimna.ap.array import Array
from bfimna.ap.lowering import LOOP_TABLES, lowered
from bfimna.ap.multiplication import CONTROLLED_ADD
from bfimna.ap.passes import Pass

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
    assert array.counts.cells_written == sum(lut.run(row)[2] for row in bits)


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
            for step in FULL_ADD.passes:
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
    array.run((Pass(((0, 1),), ((1, 1),)),))  # matches nowhere
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
        (lambda a: a.add_levels(FULL_ADD, [((0, 1, 2), 1)], range(4)), "row 2 of a group of 1"),
        (
            lambda a: Array(1, kind="1d").add_levels(FULL_ADD, [((0, 1, 2), 1)], range(4)),
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


def step_programs():
    """A program of each table that has a loop of its own, on the columns 0 to 3."""
    return {name: lut.at((2, 0, 3, 1)[: len(lut.columns)]) for name, lut in LOOP_TABLES.items()}


@pytest.mark.parametrize("name", LOOP_TABLES)
@pytest.mark.parametrize("groups", [1, 64, 100, 64 * 512 + 7])
def test_a_table_s_own_loop_is_its_passes_one_by_one(name, groups):
    """Against the loops that count wear, which know nothing of tables; every row of bits occurs."""
    fast, slow = Array(groups, columns=4, threads=1), Array(groups, columns=4, wear=True)
    program = step_programs()[name]
    (table,) = lowered(program).arrays.table
    assert list(LOOP_TABLES)[table] == name
    for array in (fast, slow):
        array.load(np.arange(groups) % 16, range(4))
        array.run((*program, *program))
    np.testing.assert_array_equal(fast.planes, slow.planes)
    assert (fast.counts, fast.tags_set) == (slow.counts, slow.tags_set)


def test_passes_of_tables_are_recognised_anywhere_in_a_program():
    clear, add = programs.clear((9,)), FULL_ADD.at((0, 4, 8))
    arrays = lowered((*clear, *add, *add[:3], *clear, *CONTROLLED_ADD.at((0, 1, 4, 8)))).arrays
    names = [list(LOOP_TABLES)[i] if i >= 0 else "" for i in arrays.table]
    assert names == ["", "full_add", "", "", "", "", "controlled_add"]
    assert arrays.first.tolist() == [0, 1, 5, 6, 7, 8, 9]


@settings(max_examples=25, deadline=None)
@given(st.integers(3, 40), st.integers(1, 200), st.integers(2, 9), st.integers(0, 99))
def test_vertical_mode_is_the_same_level_by_level(rows, groups, bits, seed):
    """All levels in one column after the other; or, with wear, all columns in a level."""
    words = np.random.default_rng(seed).integers(0, 1 << bits, (rows, groups))
    width = bits + 6
    arrays = [Array(groups, rows, width, threads=1, wear=wear) for wear in (False, True)]
    for array in (*arrays, Array(groups, rows, width, threads=2)):
        array.load(words, range(bits), clear=range(bits, width))
        left = programs.reduce(array, range(width))
        np.testing.assert_array_equal(array.read(range(width), rows=left).sum(0), words.sum(0))
        np.testing.assert_array_equal(array.planes, arrays[0].planes)
        assert (array.counts, array.tags_set) == (arrays[0].counts, arrays[0].tags_set)


def test_events_of_writes():
    """Rows that a write enables, and lines that it drives, tagged or not."""
    array = Array(6, columns=4)
    array.load(np.arange(6), range(3), clear=range(3, 4))
    assert (array.counts.lines_driven, array.counts.words_written) == (6, 0)
    array.run(programs.clear((3, 2)))  # enables all six
    one = array.counts
    assert (one.lines_driven, one.words_written, one.rows_matched) == (18, 6, 0)
    array.run((Pass(((0, 1),), ((1, 0), (2, 1), (3, 1))),))  # the odd ones: 1, 3, 5
    two = array.counts
    assert (two.lines_driven, two.words_written, two.rows_matched) == (36, 9, 3)
    assert two.cells_written - one.cells_written == 9


def test_events_of_the_hand_over():
    array = Array(1, rows=3, columns=4)
    array.load([[1], [1], [1]], range(2), clear=range(2, 4))
    before = array.counts
    array.add_levels(FULL_ADD, [((0, 1, 2), 1)], range(4))
    after = array.counts
    passes = sum(p.matches((1, 1, 1)) for p in FULL_ADD.passes)  # 1 + 1 + 1: none is needed
    assert after.rows_matched - before.rows_matched == passes + 1  # one carry
    assert after.words_written - before.words_written == passes + 4 + 1
    driven = sum(len(p.write) for p in FULL_ADD.passes)
    assert after.lines_driven - before.lines_driven == (driven + 2) * 4


def test_match_errors_of_any_two_runs_differ_and_threads_do_not_matter():
    faults = bf.ap.Faults(match_error=0.01)
    never = (Pass(((0, 1),), ((1, 1),)),)
    seen = {}
    for threads in (1, 2, 3):
        for number in (0, 1, 1 << 16):
            array = Array(200_000, 2, columns=2, faults=faults, threads=threads, number=number)
            for run in range(3):
                array.run(programs.clear((1,)))
                array.run(never)
                errors = array.planes[1].tobytes()
                assert seen.setdefault((number, run), errors) == errors
            array.add_levels(bf.ap.generate("ab", {(1, 0): (1, 1)}), [((0, 1), 1)], range(2))
            last = array.planes.tobytes()
            assert seen.setdefault((number, "vertical"), last) == last
    assert len(set(seen.values())) == len(seen)


def test_match_errors_of_neighbouring_blocks_are_not_shifted_copies():
    array = Array(64 * 512 * 4, columns=2, faults=bf.ap.Faults(match_error=0.3), threads=1)
    array.run((Pass(((0, 1),), ((1, 1),)),))
    bits = np.unpackbits(array.planes[1].view(np.uint8), bitorder="little").reshape(4, -1)
    for shift in (0, 1, 2, 512):
        same = (bits[0, shift : 30_000 + shift] == bits[1, :30_000]).mean()
        assert same == pytest.approx(0.7**2 + 0.3**2, abs=0.02)


def test_a_restarted_array_errs_as_at_its_start():
    array = Array(5000, columns=2, faults=bf.ap.Faults(match_error=0.1), number=7)
    never = (*programs.clear((1,)), Pass(((0, 1),), ((1, 1),)))
    array.run(never)
    first = array.planes.copy()
    array.run(never)
    assert (array.planes != first).any()
    array.restart(7)
    array.run(never)
    np.testing.assert_array_equal(array.planes, first)


def test_wear_of_runs_that_end_within_a_word():
    array = Array(6, columns=2, runs=3, wear=True)
    array.load(np.arange(6) % 2, range(1), clear=range(1, 2))
    array.run((Pass(((0, 1),), ((1, 1),)),))
    np.testing.assert_array_equal(array.wear[1, 0], 1 + np.arange(6) % 2)
    array.forget_wear()
    assert not array.wear.any()


def test_load_by_is_load_planes():
    words = np.random.default_rng(3).integers(0, 2**63, (4, 2, 2), dtype=np.uint64)
    for options in ({}, {"wear": True}, {"faults": bf.ap.Faults(stuck_at_1=0.1)}):
        one, two = (Array(100, 2, 6, **options) for _ in range(2))
        one.load_planes(words, range(1, 5), clear=range(5, 6))
        two.load_by(lambda planes: np.copyto(planes, words), range(1, 5), clear=range(5, 6))
        np.testing.assert_array_equal(one.planes, two.planes)
        assert one.counts == two.counts
        if "wear" in options:
            np.testing.assert_array_equal(one.wear, two.wear)


@pytest.mark.parametrize("bits", [1, 31, 62, 63, 64])
def test_words_of_up_to_64_columns(bits):
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    values = np.array([low, high, 0, -1 if bits > 1 else 0])
    array = Array(4, columns=bits)
    array.load(values, range(bits))
    np.testing.assert_array_equal(array.read(range(bits), signed=True)[0], values)


P = Pass


def vertical(array, rows, times, columns=range(4)):
    array.add_levels(FULL_ADD, [(rows, times)], columns)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda a: a.run(programs.clear((0,)), rows=4), "rows must be a whole number from 0 to 3"),
        (lambda a: a.run(programs.clear((0,)), rows=10**9), "rows must be"),
        (lambda a: a.run(programs.clear((0,)), rows=-1), "rows must be"),
        (lambda a: a.run(programs.clear((0,)), rows=1.5), "rows must be"),
        (lambda a: a.run([P(((-1, 0),), ((0, 1),))]), r"pass 0 .* \(column -1, bit 0\)"),
        (lambda a: a.run([P(((0, 2),), ((0, 1),))]), "bit 2"),
        (lambda a: a.run([P(((0, 1),), ((0.5, 1),))]), "column 0.5"),
        (lambda a: a.run([P(((0, 1),), ((10**12, 1),))]), "columns 0 to 1000000000000"),
        (lambda a: a.run(["add"]), "want a bfimna.ap.passes.Pass"),
        (lambda a: a.read(range(4), rows=4), "rows must be"),
        (lambda a: a.read(range(0, 8, 2)), "neighbours"),
        (lambda a: a.read(range(-2, 2)), "columns -2 to 1"),
        (lambda a: a.read((0, 1)), "range of at most 64"),
        (lambda a: a.read_planes(range(4), rows=-3), "rows must be"),
        (lambda a: a.load([1], range(4), rows=4), "rows must be"),
        (lambda a: a.load([1, 2], range(4)), r"shape \(2,\), want \(3, 100\)"),
        (lambda a: a.load([0.5], range(4)), "want an array of integers, not float64"),
        (lambda a: a.load([np.nan], range(4)), "want an array of integers"),
        (lambda a: a.load_planes(np.zeros((4, 4, 2)), range(4)), r"\(4, 4, 2\), want \(4 bits"),
        (lambda a: a.load_planes(np.zeros((4, 1, 1)), range(4)), "2 words"),
        (lambda a: a.load_planes(np.full((4, 1, 2), 0.5), range(4)), "must be uint64"),
        (lambda a: a.load([[1], [1, 2]], range(4)), "array of integers"),
        (lambda a: a.load([1], range(4), clear=[3]), "columns must be a range"),
        (lambda a: a.load_by(print, [1]), "columns must be a range"),
        (lambda a: a.run(None), "program must be a sequence"),
        (lambda a: a.add_levels(None, [((0, 1, 2), 1)], range(4)), "table must be a Lut"),
        (lambda a: a.add_levels(FULL_ADD, [1], range(4)), "want pairs"),
        (lambda a: a.move_rows(0, 1, [0], [1], []), "columns must be a range"),
        (lambda a: Array(2**40, columns=2**20), "an array of 1099511627776 × 1 × 1048576 cells"),
        (lambda a: Array(1, faults="x"), "faults must be Faults"),
        (lambda a: Array(1, wear="x"), "wear must be true or false"),
        (lambda a: a.load_planes(np.zeros((3, 1, 2)), range(4)), "4 bits"),
        (lambda a: a.load_by(print, range(8, 12)), "columns 8 to 11"),
        (lambda a: a.load_by(print, range(4), clear=range(9, 12)), "columns 9 to 11"),
        (lambda a: vertical(a, (0, 1, 3), 1), "row 3 of a group of 3 rows"),
        (lambda a: vertical(a, (0, 1, -1), 1), "first row must be"),
        (lambda a: vertical(a, (0, 1, 2), 2), "row 3 of a group"),
        (lambda a: vertical(a, (0, 1, 2), 0), "sets of rows must be"),
        (lambda a: vertical(a, (0, 1, 2), -5), "sets of rows must be"),
        (lambda a: vertical(a, (0, 1, 1), 1), "overlap"),
        (lambda a: vertical(a, (0, 1), 1), "2 rows for the names"),
        (lambda a: vertical(a, (0, 1, 2), 1, range(8, 12)), "columns 8 to 11"),
        (lambda a: a.move_rows(-1, 1, range(4), range(4), range(0)), "first row must be"),
        (lambda a: a.move_rows(2, 2, range(4), range(4), range(0)), "rows to move must be"),
        (lambda a: a.move_rows(0, 1, range(4), range(5), range(0)), "does not fit 5 columns"),
        (lambda a: a.move_rows(0, 1, range(4), range(8, 12), range(0)), "columns 8 to 11"),
        (lambda a: vertical(a, tuple(np.int8([0, 1, 127])), np.int8(1)), "row 127"),
        (
            lambda a: a.add_levels(
                FULL_ADD, [(tuple(np.uint8([0, 1, 255])), np.uint8(1))], range(4)
            ),
            "row 255",
        ),
        (lambda a: vertical(a, (0, 1, [2]), 1), "first row must be"),
        (lambda a: vertical(a, (0, 1, 10**5000), 1), "row an int too long to write"),
        (lambda a: a.run([P(None, ())]), "want pairs"),
        (lambda a: a.run([P(((0, 1), 2), ())]), "want pairs"),
        (lambda a: a.run([P(([0], [1]), ())]), "wants passes of pairs"),
        (lambda a: a.run([P(((10**5000, 1),), ())]), "column an int too long to write"),
        (lambda a: a.run([P(((0, 10**5000),), ())]), "bit an int too long to write"),
        (lambda a: a.load([1], range(10**30)), "at most 64 columns"),
        (lambda a: a.read_planes(range(10**9)), "columns 0 to 999999999 of"),
        (lambda a: a.read_planes(range(10**30)), "columns 0 to"),
        (lambda a: a.load_by(None, range(4)), "fill must be a function"),
        (lambda a: a.read(range(4), signed=np.array([])), "signed must be true or false"),
        (lambda a: Array(1, kind=np.array([])), "unknown AP kind"),
        (lambda a: Array(10**5000), "an array of an int too long to write × 1"),
        (lambda a: Array(0), "groups must be"),
        (lambda a: Array(10, runs=3), "no 3 runs of equal length"),
        (lambda a: Array(10, runs=0), "runs must be"),
        (lambda a: Array(10, threads=float("nan")), "threads must be"),
        (lambda a: Array(10, threads=-1), "threads must be"),
        (lambda a: Array(10, number=-1), "number must be"),
        (lambda a: Array(10, columns=65).read(range(65)), "at most 64"),
        (lambda a: Array(10, columns=64).read(range(64)), "unsigned word of 64"),
    ],
)
def test_invalid_arguments_are_refused_before_compiled_code(call, message):
    array = Array(100, rows=3, columns=10)
    array.load(np.arange(100) % 16, range(4))
    before, counts = array.planes.copy(), array.counts
    with pytest.raises(bf.BfimnaError, match=message):
        call(array)
    np.testing.assert_array_equal(array.planes, before)
    assert array.counts == counts
