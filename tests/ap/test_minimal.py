"""Which programs take the fewest passes: an exhaustive search over all lists of passes."""

import numpy as np
import pytest

import bfimna as bf
from bfimna.ap import counts as ap
from bfimna.ap import programs
from bfimna.ap.addition import ADDERS, add_bits, subtract_bits
from bfimna.ap.comparison import maximum_bits, sign_bits
from bfimna.ap.multiplication import CONTROLLED_ADD, CONTROLLED_SUBTRACT
from bfimna.ap.passes import Lut, all_rows
from bfimna.ap.sequences import shortest


def table(function, width, unreachable=()):
    """Return every row that occurs with its result."""
    return {row: tuple(function(*row)) for row in all_rows(width) if row not in unreachable}


FLAGS = [(a, b, *f) for a in (0, 1) for b in (0, 1) for f in ((0, 1), (1, 0), (1, 1))]
BOTH_FLAGS = [(a, b, 1, 1) for a in (0, 1) for b in (0, 1)]
NO_CARRY = [(0, a, p, 1) for a in (0, 1) for p in (0, 1)]


def controlled(step):
    return lambda b, *apc: (b, *step(*apc)) if b else (b, *apc)


#: name: table, dead columns, passes of the shortest list, passes that the package takes
TABLES = {
    "add, operand kept": (table(add_bits, 3), (), 4, len(ADDERS["four-pass"])),
    "add, operand dead": (table(add_bits, 3), (0,), 3, len(ADDERS["three-pass"])),
    "subtract, operand kept": (table(subtract_bits, 3), (), 4, 4),
    "maximum, operand kept": (table(maximum_bits, 4, BOTH_FLAGS), (), 3, 3),
    "maximum, operand dead": (table(maximum_bits, 4, BOTH_FLAGS), (0,), 3, 3),
    "maximum, top column": (table(maximum_bits, 4, FLAGS), (0,), 2, 2),
    "maximum, sign column": (table(sign_bits, 4, FLAGS), (0,), 2, 2),
    "controlled add": (table(controlled(add_bits), 4, NO_CARRY), (), 4, len(CONTROLLED_ADD)),
    "controlled subtract": (
        table(controlled(subtract_bits), 4, NO_CARRY), (), 4, len(CONTROLLED_SUBTRACT),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
def test_no_shorter_list_of_passes_exists(name):
    rows, dead, minimal, taken = TABLES[name]
    assert shortest(rows, dead, most=minimal - 1).passes is None
    assert taken == minimal


@pytest.mark.parametrize("name", [name for name in TABLES if not name.startswith("controlled")])
def test_the_shortest_list_computes_the_table(name):
    rows, dead, minimal, _ = TABLES[name]
    found = shortest(rows, dead, most=minimal).passes
    assert found is not None
    assert len(found) == minimal
    for row, result in rows.items():
        after, *_ = Lut((), found).run(row)
        assert [b for c, b in enumerate(after) if c not in dead] == [
            b for c, b in enumerate(result) if c not in dead
        ]


@pytest.mark.parametrize(("columns", "minimal"), [(2, 2), (3, 2)])
def test_a_clamp_by_one_column_is_not_minimal(columns, minimal):
    # a signed word of one column more than its result: two passes suffice, `saturate` takes four
    def clamped(*row):
        word = row[:columns]
        value = sum(bit << i for i, bit in enumerate(word)) - (word[-1] << columns)
        half = 1 << columns - 2
        return tuple(min(max(value, -half), half - 1) >> i & 1 for i in range(columns)) + row[-1:]

    rows = {row: clamped(*row) for row in all_rows(columns + 1) if not row[-1]}
    dead = (columns - 1, columns)  # the top column, and the flag
    assert shortest(rows, dead, most=minimal - 1).passes is None
    assert len(shortest(rows, dead, most=minimal).passes) == minimal
    assert len(programs.saturate(range(columns), columns - 1, columns)) == 4


def test_the_three_pass_adder_adds_and_loses_its_operand():
    a, b = np.divmod(np.arange(256), 16)
    array = bf.ap.Array(groups=256, columns=9)
    array.load([a], range(4), clear=range(8, 9))
    array.load([b], range(4, 8))
    before = array.counts
    array.run(programs.add(range(4), range(4, 8), 8, "three-pass"))
    counted = array.counts.cycles - before.cycles
    assert counted == ap.add(4, "three-pass").cycles == 24
    assert np.array_equal(array.read(range(4, 9))[0], a + b)
    assert not np.array_equal(array.read(range(4))[0], a)
    matches = (array.counts.rows_matched - before.rows_matched) / 256
    assert matches == ap.add(4, "three-pass").rows_matched


@pytest.mark.parametrize("bits", [1, 4, 8])
def test_the_three_pass_adder_reduces_rows(bits):
    values = np.random.default_rng(bits).integers(0, 2**bits, (7, 64))
    for adder, level in (("four-pass", 12), ("three-pass", 10)):
        array = bf.ap.Array(groups=64, rows=7)
        array.load(values, range(bits), clear=range(bits, bits + 3))
        before = array.counts.cycles
        assert programs.reduce(array, range(bits + 3), adder=adder) == 2
        assert array.counts.cycles - before == level * 4
        assert ap.reduce(7, bits, adder=adder).cycles == level * 4
        sums = array.read(range(bits + 3), rows=2).sum(axis=0)
        assert np.array_equal(sums % 2 ** (bits + 3), values.sum(axis=0))


def test_rows_from_a_first_one_on_are_reduced():
    values = np.arange(5 * 64).reshape(5, 64)
    array = bf.ap.Array(groups=64, rows=5)
    array.load(values, range(12))
    assert programs.reduce(array, range(12), 4, first=1) == 2
    after = array.read(range(12))
    assert np.array_equal(after[0], values[0])
    assert np.array_equal(after[1] + after[2], values[1:].sum(axis=0))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bf.ap.generate("abcde", add_bits, dead="a"), "function of a truth table"),
        (lambda: bf.ap.generate("apc", add_bits, dead="x"), "want some, not all, of a, p, c"),
        (lambda: bf.ap.generate("apc", add_bits, dead="apc"), "want some, not all, of a, p, c"),
        (lambda: bf.ap.generate("apc", add_bits, dead=3), "dead columns 3"),
        (
            lambda: bf.ap.generate("abcde", lambda *row: row, dead="a"),
            "with dead columns: want at most 4 columns",
        ),
        (
            lambda: bf.ap.generate("abc", lambda a, b, c: (a, 1 - b, 1 - c), dead="a"),
            "no list of up to 4 passes computes it in place",
        ),
        (
            lambda: bf.ap.generate("abcd", lambda a, b, c, d: (a, c, d, b), dead="a"),
            "more than 20000 states",
        ),
        (lambda: bf.Mapping.paper("two-pass"), "two-pass"),
    ],
)
def test_what_has_no_such_list_is_refused(call, message):
    with pytest.raises(bf.BfimnaError, match=message):
        call()
