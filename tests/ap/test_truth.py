"""Pass lists: every list of passes as the oracle for two columns, every cover for longer ones."""

import heapq
import itertools

import numpy as np
import pytest

import bfimna as bf
from bfimna.ap.addition import FULL_ADD, FULL_SUBTRACT
from bfimna.ap.comparison import MAXIMUM, MAXIMUM_SIGN, MAXIMUM_TOP
from bfimna.ap.passes import Lut, Pass

ROWS = tuple(itertools.product((0, 1), repeat=2))


def weight(passes, rows):
    """Passes, cells written and rows tagged, run row by row."""
    cells = tagged = 0
    for row in rows:
        for step in passes:
            if all(row[c] == bit for c, bit in step.key):
                cells, tagged = cells + len(step.write), tagged + 1
                row = tuple(dict(step.write).get(c, bit) for c, bit in enumerate(row))
    return len(passes), cells, tagged


def cheapest():
    """The least weight of any list of passes on two columns, by its results for the four rows.

    Dijkstra's search over all functions of two bits, with every key and every write.
    """
    parts = [
        tuple((c, bit) for c, bit in enumerate(cube) if bit is not None)
        for cube in itertools.product((None, 0, 1), repeat=2)
    ]
    steps = [Pass(key, write) for key in parts for write in parts if write]
    least = {ROWS: (0, 0, 0)}
    heap = [((0, 0, 0), ROWS)]
    while heap:
        cost, state = heapq.heappop(heap)
        if cost > least[state] or cost[0] == 4:
            continue
        for step in steps:
            tags = [step.matches(row) for row in state]
            new = tuple(step.rewrite(r) if t else r for r, t in zip(state, tags, strict=True))
            dearer = (
                cost[0] + 1,
                cost[1] + sum(tags) * len(step.write),
                cost[2] + sum(tags),
            )
            if new not in least or dearer < least[new]:
                least[new] = dearer
                heapq.heappush(heap, (dearer, new))
    return least


def test_no_list_of_passes_on_two_columns_is_better():
    """Fewest passes, then fewest cells, then fewest tags, among all lists that there are."""
    checked = 0
    for results, best in cheapest().items():
        try:
            lut = bf.ap.generate("ab", dict(zip(ROWS, results, strict=True)))
        except bf.BfimnaError as error:
            assert "circle" in str(error)  # noqa: PT017
            continue
        assert weight(lut.passes, ROWS) == best
        checked += 1
    assert checked == 125  # of the 256 functions of two bits, those without a circle


def covers(lut, reachable):
    """Every list of as many passes that computes the table with one write per row."""
    results = {row: lut.run(row)[0] for row in reachable}
    width = len(lut.columns)
    cubes = []
    for cube in itertools.product((None, 0, 1), repeat=width):
        key = tuple((c, bit) for c, bit in enumerate(cube) if bit is not None)
        inside = [row for row in reachable if all(row[c] == bit for c, bit in key)]
        changed = [c for c in range(width) if any(results[r][c] != r[c] for r in inside)]
        if changed and all(len({results[r][c] for r in inside}) == 1 for c in changed):
            cubes.append(Pass(key, tuple((c, results[inside[0]][c]) for c in changed)))
    todo = [row for row in reachable if results[row] != row]
    for chosen in itertools.combinations(cubes, len(lut)):
        if all(any(step.matches(row) for step in chosen) for row in todo):
            for order in itertools.permutations(chosen):
                if all(Lut(lut.columns, order).run(row)[0] == results[row] for row in todo):
                    yield order


@pytest.mark.parametrize(
    ("lut", "reached"),
    [
        (FULL_ADD, lambda row: True),
        (FULL_SUBTRACT, lambda row: True),
        (MAXIMUM, lambda row: row[2:] != (1, 1)),
        (MAXIMUM_TOP, lambda row: row[2:] == (0, 0)),
        (MAXIMUM_SIGN, lambda row: row[2:] == (0, 0)),
    ],
)
def test_no_cover_of_equal_length_writes_less(lut, reached):
    rows = [r for r in itertools.product((0, 1), repeat=len(lut.columns)) if reached(r)]
    own = (*weight(lut.passes, rows), lut.key_columns)
    keys = [
        (*weight(order, rows), sum(len(step.key) for step in order)) for order in covers(lut, rows)
    ]
    assert own == min(keys)
    assert len(keys) > 1 or len(lut) == 2


def test_maximum_keeps_its_unwritten_cells():
    """The list of least key columns clears b where it is 0 already, and raises a flag twice."""
    assert str(MAXIMUM).splitlines()[1:] == [
        "0100 → v:=1",
        "011- → b:=0",
        "10-0 → b:=1 u:=1",
    ]


def test_tables_are_the_same_in_every_run():
    rows = list(itertools.product((0, 1), repeat=3))
    adder = {row: (row[0], sum(row) % 2, int(sum(row) > 1)) for row in rows}
    shuffled = [dict(reversed(adder.items())), dict(sorted(adder.items(), key=lambda r: r[1]))]
    assert {str(bf.ap.generate("apc", table)) for table in shuffled} == {str(FULL_ADD)}


def test_large_tables_end():
    """A user's table of many rows: the search is bounded, and its list of passes is right."""
    rows = list(itertools.product((0, 1), repeat=6))
    turned = {row: row[1:] + row[:1] for row in rows}
    down = {row: tuple(bit & row[0] for bit in row) for row in rows}
    with pytest.raises(bf.BfimnaError, match="circle"):
        bf.ap.generate("abcdef", turned)
    lut = bf.ap.generate("abcdef", down)
    assert all(lut.run(row)[0] == down[row] for row in rows)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bf.ap.generate("", {}), "1 to 8 names, once each"),
        (lambda: bf.ap.generate("abcdefghi", {}), "1 to 8 names, once each"),
        (lambda: bf.ap.generate("aa", {}), "1 to 8 names, once each"),
        (lambda: bf.ap.generate("ab", 7), "a function or a mapping, not int"),
        (lambda: bf.ap.generate("ab", {(0, 2): (0, 0)}), "want 2 bits of 0 or 1"),
        (lambda: bf.ap.generate(None, {}), "truth table over None: want 1 to 8 names"),
        (lambda: bf.ap.generate(5, {}), "truth table over 5: want 1 to 8 names"),
        (lambda: bf.ap.generate([[1], [2]], {}), r"over \[\[1\], \[2\]\]: want 1 to 8 names"),
        (lambda: bf.ap.generate((1, 2), {(0, 1): (0, 0)}), r"over \(1, 2\): want 1 to 8 names"),
        (lambda: bf.ap.generate("ab", {1: (0, 1)}), r"row 1 → \(0, 1\): want 2 bits"),
        (lambda: bf.ap.generate("ab", {(0, 1): 1}), r"row \(0, 1\) → 1: want 2 bits"),
        (lambda: bf.ap.generate("ab", {(0, 1): ([0], [1])}), "want 2 bits of 0 or 1"),
        (lambda: bf.ap.generate("ab", lambda a, b: None), r"row \(0, 0\) → None: want 2 bits"),
        (lambda: bf.ap.generate("ab", lambda a, b: np.eye(2)), "want 2 bits of 0 or 1"),
        (lambda: bf.ap.generate("ab", lambda a: (a,)), r"over \(a, b\) fails: TypeError.*2 were"),
        (lambda: bf.ap.generate("ab", lambda a, b: 1 // 0), "fails: ZeroDivisionError"),
        (lambda: bf.ap.generate("ab", {}, 5), "unreachable rows must be a sequence of rows, not 5"),
        (lambda: bf.ap.generate("ab", {}, [(7, 0)]), r"row \(7, 0\): want 2 bits"),
        (lambda: bf.ap.generate("ab", {}, [[[0], 1]]), r"row \[\[0\], 1\]: want 2 bits"),
    ],
)
def test_invalid_tables_are_refused(call, message):
    with pytest.raises(bf.BfimnaError, match=message):
        call()
