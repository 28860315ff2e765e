"""The shortest list of passes, by exhaustive search over every list.

Unlike the lists of `truth`, a row may be rewritten several times on its way, and columns may be
*dead*: what they hold afterwards does not matter. The search goes forward over what a list of
passes can still tell apart. Rows that have become equal must want the same result, which leaves
few states, so that it is complete for tables of three columns, and of four up to three passes or
so.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from bfimna.ap.passes import Pass, Row
from bfimna.errors import BfimnaError

MOST_STATES = 20_000  # kept at a time: tables of four columns have fewer after three passes

Weight = tuple[int, int, int]  # cells written, rows matched, key columns driven
#: a pattern of the columns → the result that its rows want, and how many rows there are
State = dict[int, tuple[int, int]]


@dataclass(frozen=True)
class _Step:
    """A pass as masks over a pattern, of which column k is bit k."""

    key: int
    match: int
    write: int
    value: int

    def matches(self, pattern: int) -> bool:
        return pattern & self.key == self.match

    def as_pass(self, width: int) -> Pass:
        columns = range(width)
        return Pass(
            tuple((c, self.match >> c & 1) for c in columns if self.key >> c & 1),
            tuple((c, self.value >> c & 1) for c in columns if self.write >> c & 1),
        )


@dataclass(frozen=True)
class Search:
    """What is known of a table's shortest list of passes.

    Attributes
    ----------
    passes : the list that writes the fewest cells among the shortest; None if there is none of as
        many passes as were tried.
    states : distinct states that were gone through.
    """

    passes: tuple[Pass, ...] | None
    states: int


def shortest(results: dict[Row, Row], dead: Sequence[int] = (), most: int = 3) -> Search:
    """Search every list of up to `most` passes for the shortest that computes a table in place.

    Of the shortest lists it is the one that writes the fewest cells over all rows of the table;
    then the one that tags the fewest rows, then drives the fewest key columns.

    Parameters
    ----------
    results : each row that occurs with its result.
    dead : positions of columns whose result does not matter.
    most : passes.

    Raises
    ------
    BfimnaError
        If the search has more states than it keeps.

    Examples
    --------
    >>> copy = {(a, b): (a, a) for a in (0, 1) for b in (0, 1)}
    >>> len(shortest(copy).passes), shortest(copy, most=1).passes
    (2, None)
    """
    width = len(next(iter(results)))
    live = sum(1 << c for c in range(width) if c not in dead)
    state: State = {_pattern(row): (_pattern(new) & live, 1) for row, new in results.items()}
    if all(pattern & live == want for pattern, (want, _) in state.items()):
        return Search((), 1)
    cubes = list(_cubes(width))
    level: Level = {_frozen(state): ((0, 0, 0), ())}
    states = 1
    for length in range(1, most + 1):
        last = _best_last(level, cubes, live)
        if last is not None:
            return Search(tuple(step.as_pass(width) for step in last), states)
        if length < most:
            level = _next_level(level, cubes)
            states += len(level)
    return Search(None, states)


Path = tuple[Weight, tuple[_Step, ...]]
Level = dict[frozenset[tuple[int, tuple[int, int]]], Path]


def _pattern(row: Row) -> int:
    return sum(bit << c for c, bit in enumerate(row))


def _frozen(state: State) -> frozenset[tuple[int, tuple[int, int]]]:
    return frozenset(state.items())


def _cubes(width: int) -> Iterator[tuple[int, int]]:
    """Yield the mask and bits of every ternary pattern, those that name fewest columns first."""
    cubes = product((None, 0, 1), repeat=width)
    for cube in sorted(cubes, key=lambda cube: sum(bit is not None for bit in cube)):
        named = [(c, bit) for c, bit in enumerate(cube) if bit is not None]
        yield sum(1 << c for c, _ in named), sum(bit << c for c, bit in named)


def _next_level(level: Level, cubes: list[tuple[int, int]]) -> Level:
    """Return every state that one more pass leads to, each with its lightest list of passes."""
    after: Level = {}
    for frozen, path in level.items():
        state = dict(frozen)
        for key, match in cubes:
            inside = [pattern for pattern in state if pattern & key == match]
            if not inside:
                continue
            for write, value in cubes[1:]:
                step = _Step(key, match, write, value)
                new = _rewritten(state, step)
                if new is not None:
                    _keep(after, new, _longer(path, step, sum(state[p][1] for p in inside)))
        if len(after) > MOST_STATES:
            raise BfimnaError(f"the search for passes has more than {MOST_STATES} states")
    return after


def _rewritten(state: State, step: _Step) -> State | None:
    """Return the state after a pass; None if rows of different results have become equal."""
    new: State = {}
    keep, changed = ~step.write, False
    for pattern, (want, count) in state.items():
        at = pattern
        if pattern & step.key == step.match:
            at = pattern & keep | step.value
            changed = changed or at != pattern
        before = new.get(at)
        if before is None:
            new[at] = want, count
        elif before[0] == want:
            new[at] = want, before[1] + count
        else:
            return None
    return new if changed else None


def _longer(path: Path, step: _Step, rows: int) -> Path:
    """Return a list of passes with one more, which tags so many rows of the table."""
    (cells, tagged, keys), steps = path
    weight = cells + rows * step.write.bit_count(), tagged + rows, keys + step.key.bit_count()
    return weight, (*steps, step)


def _keep(level: Level, state: State, path: Path) -> None:
    frozen = _frozen(state)
    if frozen not in level or path[0] < level[frozen][0]:
        level[frozen] = path


def _best_last(level: Level, cubes: list[tuple[int, int]], live: int) -> tuple[_Step, ...] | None:
    """Return the lightest list that one more pass completes, or None if it completes none.

    That pass writes what the rows in its key lack, and no row outside may lack anything.
    """
    best: Path | None = None
    for frozen, path in level.items():
        state = dict(frozen)
        lacking = {pattern for pattern, (want, _) in state.items() if pattern & live != want}
        for key, match in cubes:
            inside = [pattern for pattern in state if pattern & key == match]
            if not lacking <= set(inside):
                continue
            write = 0
            for pattern in inside:
                write |= (pattern & live) ^ state[pattern][0]
            wants = {state[pattern][0] & write for pattern in inside}
            if len(wants) == 1:
                step = _Step(key, match, write, wants.pop())
                whole = _longer(path, step, sum(state[p][1] for p in inside))
                if best is None or whole[0] < best[0]:
                    best = whole
    return None if best is None else best[1]
