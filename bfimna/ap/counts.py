"""What each AP program costs, in closed form: cycles, and the events that take energy.

Two sets: `microcode`, what the bit-exact programs take (the emulator in `bfimna.ap` is their
oracle), and `published`, the closed forms of the literature where they differ. Model document,
section 1. Every function takes scalars or NumPy arrays (which broadcast) and counts one run; the
energy events are per row (per dot product for `reduce`): multiply by the rows with `over`.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Literal, get_args

import numpy as np

from bfimna.ap import tables
from bfimna.ap.lut import Lut
from bfimna.errors import unknown

Amount = int | float | np.ndarray
CountSet = Literal["microcode", "published"]
ApKind = Literal["1d", "2d", "2d-segmented"]
WIDEST = 64  # widest operand that the tables below cover: 16 + 16 bits and the growth of a sum


@dataclass(frozen=True)
class Counts:
    """Cycles and energy events of a program.

    The first five are cycles: every row takes part in the same cycle. The others are events that
    cost energy; programs give them per row.

    Attributes
    ----------
    compares : masked compares.
    writes : tagged writes of a key (the second half of a pass, flags, clears).
    loads : column loads, each row its own bit.
    reads : column reads.
    shifts : shifts of the column tags by one.
    compare_rows : match lines evaluated.
    key_cells : driven key columns × rows.
    cells_written : cells written by tagged writes (expected under uniformly random operand bits).
    cells_loaded, cells_read : cells loaded and read by column.
    tags_shifted : column tags shifted.
    """

    compares: Amount = 0
    writes: Amount = 0
    loads: Amount = 0
    reads: Amount = 0
    shifts: Amount = 0
    compare_rows: Amount = 0
    key_cells: Amount = 0
    cells_written: Amount = 0
    cells_loaded: Amount = 0
    cells_read: Amount = 0
    tags_shifted: Amount = 0

    @property
    def cycles(self) -> Amount:
        """Compares + writes + loads + reads + shifts."""
        return self.compares + self.writes + self.loads + self.reads + self.shifts

    def __add__(self, other: "Counts") -> "Counts":
        pairs = zip(self._amounts, other._amounts, strict=True)
        return Counts(*(b if _none(a) else a if _none(b) else a + b for a, b in pairs))

    def __mul__(self, times: Amount) -> "Counts":
        """Return the program run `times` times, one after the other."""
        return self.repeat(times, times)

    def over(self, rows: Amount) -> "Counts":
        """Return the program on `rows` rows at once: the same cycles, `rows` times the events."""
        return self.repeat(1, rows)

    def repeat(self, folds: Amount, rows: Amount) -> "Counts":
        """Return the program run in every fold, its events on `rows` rows over all folds.

        >>> load(8).repeat(folds=3, rows=1000).loads, load(8).repeat(3, 1000).cells_loaded
        (24, 8000)
        """
        amounts, n = self._amounts, len(CYCLES)
        cycles = (a if _none(a) else a * folds for a in amounts[:n])
        return Counts(*cycles, *(a if _none(a) else a * rows for a in amounts[n:]))

    @property
    def _amounts(self) -> tuple[Amount, ...]:
        return tuple(self.__dict__.values())


def _none(amount: Amount) -> bool:
    """Whether no event happens at all, so that no array need be made of it."""
    return type(amount) is int and amount == 0


EVENTS = tuple(f.name for f in fields(Counts))
CYCLES, ENERGY_EVENTS = EVENTS[:5], EVENTS[5:]


def check_set(counts: str) -> None:
    """Raise unless `counts` names one of the two sets."""
    if counts not in get_args(CountSet):
        raise unknown("counts", counts, get_args(CountSet))


def _tabulated(function: Callable[..., float]) -> Callable[..., Amount]:
    """Make a scalar function of bit widths accept arrays, computing each entry once."""
    table = np.full((WIDEST + 1,) * function.__code__.co_argcount, np.nan)

    def look_up(*widths: Amount) -> Amount:
        index = tuple(np.asarray(w, dtype=np.intp) for w in widths)
        found = table[index]
        if np.isnan(found).any():
            grid = np.broadcast_arrays(*index)
            for entry in {
                tuple(int(x) for x in e) for e in zip(*(g.flat for g in grid), strict=True)
            }:
                table[entry] = function(*entry)
            found = table[index]
        return found if found.ndim else float(found)

    look_up.__doc__ = function.__doc__
    return look_up


def _passes(lut: Lut, steps: Amount, cells: Amount) -> Counts:
    """Return `steps` runs of a pass table that write `cells` in all."""
    n = len(lut) * steps
    return Counts(
        compares=n,
        writes=n,
        compare_rows=n,
        key_cells=lut.key_columns * steps,
        cells_written=cells,
    )


# ---- words that every row holds for itself --------------------------------------------------


def load(bits: Amount) -> Counts:
    """Load a word in every row, one bit column a cycle."""
    return Counts(loads=bits, cells_loaded=bits)


def read(bits: Amount) -> Counts:
    """Read a word of every row, one bit column a cycle."""
    return Counts(reads=bits, cells_read=bits)


@_tabulated
def _add_cells(bits):  # type: ignore[no-untyped-def]
    cells, carry = 0.0, 0.0
    for _ in range(bits):
        written, (_, _, carry) = tables.FULL_ADD.expect(0.5, 0.5, carry)
        cells += written
    return cells


def add(bits: Amount) -> Counts:
    """Add in place, p += a, over `bits` columns; the carry column starts at 0.

    >>> add(8).cycles
    64
    """
    return _passes(tables.FULL_ADD, bits, _add_cells(bits))


@_tabulated
def _subtract_cells(bits):  # type: ignore[no-untyped-def]
    cells, borrow = 0.0, 0.0
    for _ in range(bits):
        written, (_, _, borrow) = tables.FULL_SUBTRACT.expect(0.5, 0.5, borrow)
        cells += written
    return cells


def subtract(bits: Amount) -> Counts:
    """Subtract in place, p -= a: the same passes with another table."""
    return _passes(tables.FULL_SUBTRACT, bits, _subtract_cells(bits))


@lru_cache
def _multiply_cells_of(bits: int) -> np.ndarray:
    """Cells written a row by multiplier widths 0 to WIDEST, with a `bits`-bit multiplicand.

    The product's bits depend on each other, so the passes are run on 32 768 rows of random bits
    (fixed seed; 64 rows a word): within 1 % of exhaustive enumeration. A partial product does not
    depend on later multiplier bits, so one run serves every multiplier width.
    """
    random = np.random.default_rng(bits)
    words = random.integers(0, 2**64, (WIDEST + bits, 512), dtype=np.uint64)
    control, operand = words[:WIDEST], words[WIDEST:]
    product = np.zeros((WIDEST + bits, 512), dtype=np.uint64)
    cells = np.zeros(WIDEST + 1)
    for j in range(WIDEST):
        cells[j + 1] = cells[j]
        for i in range(bits):
            columns = [control[j], operand[i], product[i + j], product[j + bits]]
            columns, written = tables.CONTROLLED_ADD.run_packed(columns)
            product[i + j], product[j + bits] = columns[2:]
            cells[j + 1] += written / (64 * 512)
    return cells


@_tabulated
def _multiply_cells(multiplier_bits, bits):  # type: ignore[no-untyped-def]
    return _multiply_cells_of(bits)[multiplier_bits]


def multiply(multiplier_bits: Amount, bits: Amount) -> Counts:
    """Multiply into product columns that start at 0; either operand may be signed.

    The carry of partial product j lives in product column j + `bits`, which is still 0. A signed
    multiplier takes a subtraction in the last partial product, of the same length.

    >>> multiply(8, 8).cycles
    512
    """
    cells = _multiply_cells(multiplier_bits, bits)
    return _passes(tables.CONTROLLED_ADD, multiplier_bits * bits, cells)


@_tabulated
def _maximum_cells(bits):  # type: ignore[no-untyped-def]
    cells, greater, less = 0.0, 0.0, 0.0
    for _ in range(bits):  # the flags exclude each other, so they are no independent columns
        open_cells, (_, _, won, lost) = tables.MAXIMUM.expect(0.5, 0.5, 0.0, 0.0)
        copy_cells, _ = tables.MAXIMUM.expect(0.5, 0.5, 1.0, 0.0)
        still_open = 1.0 - greater - less
        cells += still_open * open_cells + greater * copy_cells
        greater, less = greater + still_open * won, less + still_open * lost
    return cells + 2.0


def maximum(bits: Amount, counts: CountSet = "microcode") -> Counts:
    """Maximum of two words, in place: from the top bit down, after one write clears two flags.

    The published form is 8M + 2; with ternary keys three passes a bit do: 6M + 1.

    >>> maximum(8).cycles, maximum(8, "published").cycles
    (49, 66)
    """
    passes = _passes(tables.MAXIMUM, bits, _maximum_cells(bits)) + Counts(writes=1)
    if counts == "microcode":
        return passes
    extra = Counts(compares=bits, writes=bits + 1, compare_rows=bits, key_cells=4 * bits)
    return passes + extra


def relu(bits: Amount, counts: CountSet = "microcode") -> Counts:
    """ReLU: tag the rows whose sign is 1 and clear all their columns.

    On a resident word 2 cycles; the published form moves the word too, 4M + 1.

    >>> relu(8).cycles, relu(8, "published").cycles
    (2, 33)
    """
    if counts == "microcode":
        return Counts(compares=1, writes=1, compare_rows=1, key_cells=1, cells_written=0.5 * bits)
    steps = Counts(
        compares=bits, writes=bits + 1, compare_rows=bits, key_cells=bits, cells_written=0.5 * bits
    )
    return load(bits) + steps + read(bits)


def saturate(bits: Amount) -> Counts:
    """Clamp a signed word to a signed one of `bits` bits that is kept beside its upper columns.

    Raise a flag everywhere (1 write), lower it where all upper columns are 0 or all are 1 (2
    passes), then write the largest or the smallest value where it is still up (2 passes).
    """
    keys = 2.0 * bits + 4.0  # upper columns and sign twice, then flag and sign twice
    return Counts(
        compares=4, writes=5, compare_rows=4, key_cells=keys, cells_written=2.0 + 0.0 * bits
    )


def requantise(bits: Amount, scale_bits: Amount, out_bits: Amount) -> Counts:
    """Scale by b / 2^c, integers only: multiply by `scale_bits`-bit b, shift by columns, clamp."""
    return multiply(bits, scale_bits) + saturate(out_bits)


def scale_bits(out_bits: Amount) -> Amount:
    """Width of the dyadic multiplier b: keeps its rounding below half a step of the result."""
    return out_bits + 1


# ---- dot products: the rows of one group added up -------------------------------------------


def levels(words: Amount) -> Amount:
    """⌈log2 words⌉, exactly, for scalars and arrays.

    >>> [int(levels(n)) for n in (1, 2, 3, 4, 5, 4800)]
    [0, 1, 2, 2, 3, 13]
    """
    mantissa, exponent = np.frexp(np.asarray(words, dtype=float))
    return exponent - (mantissa == 0.5)


@lru_cache
def _column_step(lut: Lut) -> tuple[float, float]:
    """Cells that a vertical step writes a column, and the probability that it hands a carry on."""
    cells, after = lut.expect(*(0.5,) * len(lut.columns))
    carry = after[0] if lut is tables.HALF_ADD else after[2]
    return cells + 1.0 + carry, carry  # the carry row is cleared, then written where tagged


def _vertical(lut: Lut, columns: Amount, times: Amount) -> Counts:
    """One carry-save step on rows as keys, and the hand-over of its carries by one column."""
    cells, _ = _column_step(lut)
    return Counts(
        compares=len(lut) + 1,
        writes=len(lut) + 2,
        shifts=1,
        compare_rows=(len(lut) + 1) * columns * times,
        key_cells=(lut.key_columns + 1) * columns * times,
        cells_written=cells * columns * times,
        tags_shifted=columns * times,
    )


def reduce(
    words: Amount,
    bits: Amount,
    ap: ApKind = "2d-segmented",
    counts: CountSet = "microcode",
    groups: Amount = 1,
) -> Counts:
    """Add up each group of `words` rows of `bits`-bit words; events are per group.

    Segmented: ⌈log2 L⌉ levels whatever the groups. Unsegmented: one group after the other. On a 1D
    AP every word is moved beside its partner first. Microcode on a 2D AP leaves sum and carry.

    Parameters
    ----------
    words : L, rows of a group. `groups` : groups in the same array.
    """
    depth = levels(words)
    columns = bits + depth
    if ap == "1d":
        return _reduce_1d(words, bits, depth, groups)
    if counts == "published":
        steps = (depth if ap == "2d-segmented" else (words - 1) * groups) * (words > 1)
        one = _passes(tables.FULL_ADD, 1, 0.75)
        events = columns * (words - 1)
        return Counts(
            one.compares * steps,
            one.writes * steps,
            compare_rows=one.compare_rows * events,
            key_cells=one.key_cells * events,
            cells_written=one.cells_written * events,
        )
    pairs = words // 2 if ap == "2d-segmented" else np.minimum(words // 2, 1)
    singles = words - 2 * pairs
    joins = 2 * np.maximum(pairs - 1, 0) + singles * (words > 1)
    half = _vertical(tables.HALF_ADD, columns, pairs)
    full = _vertical(tables.FULL_ADD, columns, joins)
    if ap == "2d-segmented":
        halves, fulls = words > 1, 2 * np.maximum(depth - 1, 0)
    else:
        halves, fulls = (words > 1) * groups, np.maximum(words - 2, 0) * groups
    return _at(half, halves) + _at(full, fulls)


def _at(step: Counts, times: Amount) -> Counts:
    """Repeat a step's cycles only (its events are counted over all repetitions already)."""
    cycles = [getattr(step, f) * times for f in CYCLES]
    return Counts(*cycles, *(getattr(step, f) for f in ENERGY_EVENTS))


def _reduce_1d(words: Amount, bits: Amount, depth: Amount, groups: Amount) -> Counts:
    """Move each word beside its partner (read, load), then add; ⌈log2 L⌉ levels."""
    moved = words - 1
    growth = depth * (depth + 1) / 2  # Σ over levels of the bit that each one adds
    width = bits + depth
    steps = bits * depth + growth
    adds = _passes(tables.FULL_ADD, steps, 0.75 * width * moved)
    per_word = adds.key_cells / np.maximum(steps, 1)
    return Counts(
        compares=adds.compares,
        writes=adds.writes,
        reads=moved * groups,
        loads=moved * groups,
        compare_rows=4 * width * moved,
        key_cells=per_word * width * moved,
        cells_written=adds.cells_written,
        cells_loaded=width * moved,
        cells_read=width * moved,
    )


def sign_extend(bits: Amount) -> Counts:
    """Copy a word's sign into `bits` cleared columns above it: one pass (none where bits = 0)."""
    once = np.minimum(bits, 1)
    return Counts(once, once, compare_rows=once, key_cells=once, cells_written=0.5 * bits)
