"""The programs of the AP: sequences of passes over column ranges, made from the generated tables.

A program is data. A range of columns is a word, its first column the lowest bit. Carry, borrow and
flag columns and a product's columns must hold 0 when a program starts, unless it says that it
clears them. The model document's section 1 lists what each costs; `counts` has the closed forms,
which the tests hold against what `array` counts.
"""

from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache, wraps

from bfimna.ap import tables
from bfimna.ap.array import Array
from bfimna.ap.lut import Lut, Pass
from bfimna.errors import BfimnaError


class Program(tuple[Pass, ...]):
    """A sequence of passes that computes its hash once: arrays look up its compiled form by it."""

    @cached_property
    def _hash(self) -> int:
        return super().__hash__()

    def __hash__(self) -> int:
        return self._hash


def _program(make: Callable[..., tuple[Pass, ...]]) -> Callable[..., Program]:
    """Make each program once, as a `Program`."""
    return lru_cache(wraps(make)(lambda *words, **options: Program(make(*words, **options))))


def _check(what: str, *ranges: Sequence[int], equal: bool = False) -> None:
    """Raise unless the column ranges are disjoint (and of one length, if `equal`)."""
    columns = [c for r in ranges for c in r]
    if len(set(columns)) < len(columns):
        twice = sorted({c for c in columns if columns.count(c) > 1})
        raise BfimnaError(f"{what}: column ranges overlap in {twice}")
    if equal and len({len(r) for r in ranges}) > 1:
        raise BfimnaError(f"{what}: words of {[len(r) for r in ranges]} columns, want equal ones")


def clear(columns: Sequence[int]) -> tuple[Pass, ...]:
    """Clear columns in every row: one write."""
    return (Pass((), tuple((c, 0) for c in columns)),)


def _ripple(lut: Lut, a: range, p: range, carry: int) -> tuple[Pass, ...]:
    return tuple(step for columns in zip(a, p, strict=True) for step in lut.at((*columns, carry)))


@_program
def add(a: range, p: range, carry: int) -> tuple[Pass, ...]:
    """Add in place, p += a, from the lowest bit up; the carry out stays in `carry`.

    >>> len(add(range(0, 8), range(8, 16), carry=16))
    32
    """
    _check("add", a, p, (carry,))
    _check("add", a, p, equal=True)
    return _ripple(tables.FULL_ADD, a, p, carry)


@_program
def subtract(a: range, p: range, borrow: int) -> tuple[Pass, ...]:
    """Subtract in place, p -= a; the borrow out stays (the sign, if the words are unsigned)."""
    _check("subtract", a, p, (borrow,))
    _check("subtract", a, p, equal=True)
    return _ripple(tables.FULL_SUBTRACT, a, p, borrow)


def _partial(lut: Lut, control: int, a: range, p: range, carry: int) -> tuple[Pass, ...]:
    """Run p += a (or -=) in the rows where the control bit is 1."""
    return tuple(step for i, k in zip(a, p, strict=True) for step in lut.at((control, i, k, carry)))


@_program
def multiply(
    multiplier: range,
    a: range,
    product: range,
    signed: tuple[bool, bool] = (False, False),
    borrow: int | None = None,
) -> tuple[Pass, ...]:
    """Multiply, product := multiplier · a, one partial product a multiplier bit.

    The carry of partial product j lives in product column j + len(a), which is still 0. A signed
    multiplier's last partial product is subtracted. A signed a is taken as unsigned, which is
    2^len(a) · multiplier too much where its sign is 1: that is subtracted at the end from the upper
    product columns, controlled by the sign, with a borrow column of its own.

    Parameters
    ----------
    signed : whether the multiplier is signed, and whether a is.
    borrow : a column that starts at 0, needed for a signed a.
    """
    spare = () if borrow is None else (borrow,)
    _check("multiply", multiplier, a, product, spare)
    m, n = len(multiplier), len(a)
    if len(product) != m + n:
        raise BfimnaError(f"multiply: {m} × {n} bits give {m + n} columns, not {len(product)}")
    if signed[1] and borrow is None:
        raise BfimnaError("multiply: a signed multiplicand needs a borrow column")
    steps: tuple[Pass, ...] = ()
    for j, control in enumerate(multiplier):
        negative = signed[0] and j == m - 1
        lut = tables.CONTROLLED_SUBTRACT if negative else tables.CONTROLLED_ADD
        steps += _partial(lut, control, a, product[j : j + n], product[j + n])
    if signed[1]:
        assert borrow is not None
        steps += _partial(tables.CONTROLLED_SUBTRACT, a[-1], multiplier, product[n:], borrow)
    return steps


@_program
def scale_up(multiplier: range, a: range) -> tuple[Pass, ...]:
    """Multiply a signed word by an unsigned a, into its own columns and the len(a) + 1 below it.

    A multiplier bit is used once, so its column is free for the growing product one step later,
    after a write that clears it. This is how a long word is scaled in few columns.
    """
    n = len(a)
    product = range(multiplier.start - n - 1, multiplier.stop - 1)
    _check("scale_up", product[: n + 1], multiplier, a)
    steps: tuple[Pass, ...] = ()
    for j, control in enumerate(multiplier):
        top = j == len(multiplier) - 1
        lut = tables.CONTROLLED_SUBTRACT if top else tables.CONTROLLED_ADD
        carry = product[j + n]
        steps += clear((carry,)) if j else ()
        steps += _partial(lut, control, a, product[j : j + n], carry)
    return steps


@_program
def maximum(a: range, b: range, won: int, lost: int, signed: bool = False) -> tuple[Pass, ...]:
    """Maximum in place, b := max(a, b), from the top bit down; clears its two flags first.

    The top column needs a pass less, no flag being up yet. If it is a sign, a 0 there makes a word
    the greater.
    """
    _check("maximum", a, b, (won, lost))
    _check("maximum", a, b, equal=True)
    lut = tables.MAXIMUM_SIGN if signed else tables.MAXIMUM_TOP
    steps = clear((won, lost))
    for i, k in reversed(tuple(zip(a, b, strict=True))):
        steps += lut.at((i, k, won, lost))
        lut = tables.MAXIMUM
    return steps


@_program
def relu(word: range) -> tuple[Pass, ...]:
    """Clear the words whose top bit, the sign, is 1.

    >>> len(relu(range(8)))
    1
    """
    return (Pass(((word[-1], 1),), tuple((c, 0) for c in word)),)


@_program
def sign_extend(sign: int, columns: range) -> tuple[Pass, ...]:
    """Copy the sign into cleared columns above it."""
    _check("sign_extend", (sign,), columns)
    return (Pass(((sign, 1),), tuple((c, 1) for c in columns)),) if len(columns) else ()


@_program
def saturate(word: range, bits: int, flag: int, signed: bool = True) -> tuple[Pass, ...]:
    """Clamp a signed word to `bits` bits, in its lowest columns; the others are left as they are.

    Raise the flag where the upper columns say that the word fits, then write the largest or the
    smallest value where it is still down. An unsigned result has one such pattern less: a negative
    word becomes 0, so that it is the ReLU too.
    """
    _check("saturate", word, (flag,))
    low, upper = word[:bits], word[bits - 1 if signed else bits :]
    if len(word) <= bits:
        raise BfimnaError(f"saturate: a word of {len(word)} columns has no more than {bits} bits")
    fits = [Pass(tuple((c, bit) for c in upper), ((flag, 1),)) for bit in (0, 1)[: 1 + signed]]
    top = word[-1]
    sign = low[-1] if signed else -1
    large = tuple((c, int(c != sign)) for c in low)
    small = tuple((c, int(c == sign)) for c in low)
    return (*fits, Pass(((flag, 0), (top, 0)), large), Pass(((flag, 0), (top, 1)), small))


@_program
def requantise(
    word: range, scale: range, shift: int, bits: int, flag: int, signed: bool = True
) -> tuple[Pass, ...]:
    """Scale a signed word by integers only: clamp(⌊word · scale / 2^shift⌋) to `bits` bits.

    The result starts `shift` columns above the product, which lies as in `scale_up`. Rounding to
    nearest needs no step of its own: half a step of the result, 2^(shift-1) / scale, belongs into
    the bias that was added to the word.

    Parameters
    ----------
    signed : whether the result is signed.
    """
    product = range(word.start - len(scale) - 1, word.stop - 1)
    _check("requantise", product[: len(scale) + 1], word, scale, (flag,))
    return scale_up(word, scale) + saturate(product[shift:], bits, flag, signed)


# ---- vertical: rows of a group ---------------------------------------------------------------


def reduce(array: Array, columns: range, rows: int = 0) -> int:
    """Add up the first `rows` rows (0: all) of every group, in place; return the rows left over.

    Three rows become two: a full adder over rows, then its carries move one column on. Two rows are
    a sum and a carry already, so they need no step; they are added once, with `add`, beside all
    other results. With segments a third of the rows left are added in each step, until two are left
    (Wallace's tree); without, one row after the other.
    """
    left, levels = rows or array.rows, []
    while left > 2:
        times = left // 3 if array.kind == "2d-segmented" else 1
        levels.append(((left - times, 0, times), times))
        left -= times
    array.add_levels(tables.FULL_ADD, levels, columns)
    return left


def reduce_1d(array: Array, word: range, beside: range, carry: int, bits: int, signed: bool) -> int:
    """Add up the rows of every group without a vertical mode; return the rows left over: 1.

    Each level moves half of the words beside the others and adds. Unsigned words grow by a column a
    level; signed ones, extended over all of `word` beforehand, are added in full width, because an
    addition leaves the sign columns above it stale.
    """
    left, width = array.rows, bits
    while left > 1:
        pairs, width = left // 2, len(word) if signed else width + 1
        source, target = word[:width], beside[:width]
        array.move_rows(left - pairs, pairs, source, target, range(carry, carry + 1))
        array.run(add(target, source, carry), rows=pairs)
        left -= pairs
    return left
