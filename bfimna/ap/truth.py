"""Truth table → ordered list of compare/write passes.

An in-place truth table rewrites some columns of a row as a function of its columns. An AP runs it
as *passes*: compare a (ternary) key, write the tagged rows. Every row must be rewritten exactly
once, so a pass must not turn a row into a pattern that a later pass would change again: the passes
are sorted topologically, and a table that rewrites in a circle cannot be run in place.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import islice, product
from typing import Any

from bfimna.ap.passes import Lut, Pass, Row, all_rows
from bfimna.ap.sequences import shortest
from bfimna.errors import BfimnaError, shown

Table = Mapping[Row, Row] | Callable[..., Sequence[int]]

Weight = tuple[int, int, int]  # cells written, rows matched, key columns driven

# bounds of the search, for users' tables; the package's own take 30 steps and one list
SEARCH_BUDGET = 5_000  # steps of the search for covers of one size
MAX_ORDERS = 1_000  # lists of passes that are weighed
MAX_COLUMNS = 8
MAX_SEARCHED = 4  # columns, and passes, of a table with dead columns


def _cubes(rows: Mapping[Row, Row], width: int) -> list[Pass]:
    """Return every ternary key under which one write serves all rows, largest cubes first."""
    cubes = []
    for cube in product((None, 0, 1), repeat=width):
        key = tuple((c, bit) for c, bit in enumerate(cube) if bit is not None)
        inside = [r for r in rows if all(r[c] == bit for c, bit in key)]
        changed = [c for c in range(width) if any(rows[r][c] != r[c] for r in inside)]
        if changed and all(len({rows[r][c] for r in inside}) == 1 for c in changed):
            cubes.append(Pass(key, tuple((c, rows[inside[0]][c]) for c in changed)))
    return sorted(cubes, key=lambda p: (len(p.key), len(p.write), p.key))


def _orders(cover: Sequence[Pass], rows: Mapping[Row, Row]) -> Iterator[list[Pass]]:
    """Yield every order in which no rewritten row is changed by a later pass."""
    before = {  # pass → the others that would change its results, which must come first
        i: {
            k
            for k, other in enumerate(cover)
            for result in {rows[r] for r in rows if first.matches(r)}
            if i != k and other.matches(result) and other.rewrite(result) != result
        }
        for i, first in enumerate(cover)
    }

    def extend(done: list[int]) -> Iterator[list[Pass]]:
        if len(done) == len(cover):
            yield [cover[i] for i in done]
        for i, first in before.items():
            if i not in done and first <= set(done):
                yield from extend([*done, i])

    try:
        TopologicalSorter(before).prepare()
    except CycleError:
        return iter(())
    return extend([])


Served = Mapping[Pass, frozenset[Row]]  # cube → the rows to rewrite that it rewrites


def _covers(serves: Served, size: int) -> tuple[list[tuple[Pass, ...]], bool]:
    """Return the sets of `size` cubes that cover every row to rewrite; whether these are all."""
    most = max(len(served) for served in serves.values())
    covers: dict[frozenset[Pass], tuple[Pass, ...]] = {}
    budget = SEARCH_BUDGET

    def extend(chosen: tuple[Pass, ...], left: frozenset[Row]) -> None:
        nonlocal budget
        budget -= 1
        if not left:
            covers.setdefault(frozenset(chosen), chosen)
        elif len(left) <= most * (size - len(chosen)) and budget > 0:
            row = min(left)
            for cube, served in serves.items():
                if row in served:
                    extend((*chosen, cube), left - served)

    extend((), frozenset[Row]().union(*serves.values()))
    return list(covers.values()), budget > 0


def _least(cover: Sequence[Pass], serves: Served, unchanged: Sequence[Row]) -> Weight:
    """Return a lower bound of the weight of a cover's orders: rows to rewrite are tagged once."""
    idle = [sum(step.matches(row) for row in unchanged) for step in cover]
    todo = frozenset[Row]().union(*(serves[step] for step in cover))
    needed = [min(len(step.write) for step in cover if row in serves[step]) for row in todo]
    cells = sum(n * len(step.write) for n, step in zip(idle, cover, strict=True))
    return cells + sum(needed), sum(idle) + len(todo), sum(len(step.key) for step in cover)


def _weight(order: Sequence[Pass], rows: Mapping[Row, Row]) -> Weight:
    """Return cells written and passes matched over all rows, and driven key columns."""
    traces = [Lut((), tuple(order)).run(row) for row in rows]
    return (
        sum(cells for _, _, cells in traces),
        sum(matches for _, matches, _ in traces),
        sum(len(step.key) for step in order),
    )


def _search(cubes: Sequence[Pass], rows: Mapping[Row, Row]) -> list[Pass]:
    """Return, of the shortest lists of passes, the one that writes the fewest cells.

    All rows that occur count alike. Ties are broken by the fewest tagged rows, then the fewest
    driven key columns, then the order of the keys, so that the result is unique.
    """
    unchanged = [r for r in rows if rows[r] == r]
    serves = {
        cube: frozenset(r for r in rows if rows[r] != r and cube.matches(r)) for cube in cubes
    }
    for size in range(1, len(rows) + 1):
        covers, complete = _covers(serves, size)
        bounded = ((_least(cover, serves, unchanged), cover) for cover in covers)
        ranked = sorted(bounded, key=lambda pair: pair[0])
        lists = ((least, order) for least, cover in ranked for order in _orders(cover, rows))
        best: tuple[Weight, list[Pass]] | None = None
        for least, order in islice(lists, MAX_ORDERS):
            if best and least >= best[0]:
                break
            weight = _weight(order, rows)
            if not best or weight < best[0]:
                best = weight, order
        if best:
            return best[1]
        if not complete:
            break
    single = [Pass(tuple(enumerate(r)), _changes(r, rows[r])) for r in sorted(rows) if rows[r] != r]
    return next(_orders(single, rows))  # one pass per row: always possible without a cycle


def _changes(row: Row, result: Row) -> tuple[tuple[int, int], ...]:
    return tuple(
        (c, new) for c, (old, new) in enumerate(zip(row, result, strict=True)) if old != new
    )


def generate(
    columns: Sequence[str],
    table: Table,
    unreachable: Iterable[Row] = (),
    dead: Iterable[str] = (),
) -> Lut:
    """Generate the ordered passes of an in-place truth table.

    Parameters
    ----------
    columns : names of the columns that the table reads and rewrites.
    table : mapping from a row's bits to its new bits (rows left out stay as they are), or a
        function of the bits that returns the new bits.
    unreachable : rows that never occur; the passes may do anything to them.
    dead : columns of which nothing is read afterwards, so that the passes may leave anything there.
        Then the shortest of all lists of passes is searched (`bfimna.ap.sequences`), which takes
        tables of at most 4 columns and 4 passes.

    Raises
    ------
    BfimnaError
        If the table is malformed or wider than 8 columns, or rewrites in a circle (which is named);
        with dead columns, if it is wider than 4 columns or no list of 4 passes computes it.

    Examples
    --------
    >>> print(generate("apc", lambda a, p, c: (a, a ^ p ^ c, a & p | a & c | p & c)))
    a p c
    001 → p:=1 c:=0
    011 → p:=0
    110 → p:=0 c:=1
    100 → p:=1
    >>> print(generate("apc", lambda a, p, c: (a, a ^ p ^ c, a & p | a & c | p & c), dead="a"))
    a p c
    0-1 → a:=1 c:=0
    110 → p:=0 c:=1
    1-0 → p:=1
    """
    names = tuple(columns) if isinstance(columns, Sequence) else ()
    named = {name for name in names if isinstance(name, str)}
    if not 0 < len(named) == len(names) <= MAX_COLUMNS:
        raise BfimnaError(
            f"a truth table over {shown(columns)}: want 1 to {MAX_COLUMNS} names, once each"
        )
    if not isinstance(unreachable, Iterable):
        raise BfimnaError(f"unreachable rows must be a sequence of rows, not {shown(unreachable)}")
    skipped = {_bits(row, len(names), row) for row in unreachable}
    rows = {r: r for r in all_rows(len(names)) if r not in skipped}
    rows |= {r: new for r, new in _rewritten(names, table, rows).items() if r in rows}
    if lost := _dead_columns(names, dead):
        return Lut(names, _shortest(names, rows, lost))
    todo = frozenset(r for r, result in rows.items() if r != result)
    try:
        list(TopologicalSorter({r: {rows[r]} & todo for r in todo}).static_order())
    except CycleError as error:
        circle = " → ".join("".join(map(str, row)) for row in error.args[1])
        raise BfimnaError(
            f"truth table over ({', '.join(names)}) rewrites in a circle, {circle}: "
            "it cannot be run in place; write the result to a spare column"
        ) from None
    return Lut(names, tuple(_search(_cubes(rows, len(names)), rows)) if todo else ())


def _dead_columns(names: tuple[str, ...], dead: Any) -> tuple[int, ...]:
    """Return the positions of the columns that may be left in any state."""
    lost = set(dead) if isinstance(dead, Iterable) else {None}
    if not lost < set(names):
        raise BfimnaError(f"dead columns {shown(dead)}: want some, not all, of {', '.join(names)}")
    return tuple(c for c, name in enumerate(names) if name in lost)


def _shortest(
    names: tuple[str, ...], rows: dict[Row, Row], dead: tuple[int, ...]
) -> tuple[Pass, ...]:
    """Return the shortest list of passes of a table some of whose columns are dead."""
    if len(names) > MAX_SEARCHED:
        raise BfimnaError(
            f"a truth table over ({', '.join(names)}) with dead columns: want at most "
            f"{MAX_SEARCHED} columns"
        )
    passes = shortest(rows, dead, most=MAX_SEARCHED).passes
    if passes is None:
        raise BfimnaError(
            f"truth table over ({', '.join(names)}): no list of up to {MAX_SEARCHED} passes "
            "computes it in place; write the result to a spare column"
        )
    return passes


def _rewritten(names: tuple[str, ...], table: Any, rows: Iterable[Row]) -> dict[Row, Row]:
    """Return a table's rows with their results, all of them bits."""
    if isinstance(table, Mapping):
        results = dict(table)
    elif callable(table):
        try:
            results = {row: table(*row) for row in rows}
        except Exception as error:  # of the user's own function
            raise BfimnaError(
                f"the function of a truth table over ({', '.join(names)}) fails: {error!r}"
            ) from error
    else:
        raise BfimnaError(f"a truth table is a function or a mapping, not {type(table).__name__}")
    width = len(names)
    return {
        _bits(row, width, row, new): _bits(new, width, row, new) for row, new in results.items()
    }


def _bits(row: Any, width: int, *entry: Any) -> Row:
    """Return a row of so many bits as integers, or raise and name the table's entry."""
    try:
        bits = tuple(row)
        if len(bits) == width and set(bits) <= {0, 1}:
            return tuple(int(bit) for bit in bits)
    except TypeError:  # no sequence, or its entries cannot be compared
        pass
    row = " → ".join(map(shown, entry))
    raise BfimnaError(f"truth table row {row}: want {width} bits of 0 or 1")
