"""Matrix products on the AP: every product takes a row, every dot product a group of rows.

One operand is packed (64 of its rows or columns share a word), the other broadcast. The choice
changes only the emulator's speed. The arrays of all dot products run in lockstep, so
the cycles are those of one of them.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial, reduce
from typing import Any

import numpy as np

from bfimna.ap import programs
from bfimna.ap.addition import Adder
from bfimna.ap.arguments import check_result, operand, sign_pair, width_of
from bfimna.ap.arithmetic import Result, resolve_carries
from bfimna.ap.array import Array
from bfimna.ap.bit_planes import COLUMNS, pack, processors
from bfimna.ap.counts import levels
from bfimna.ap.events import CYCLES, ApKind, Counts
from bfimna.ap.faults import Faults
from bfimna.ap.lowering import ALL_ONES
from bfimna.ap.passes import Pass, cached_program
from bfimna.errors import BfimnaError, shown, whole_number

BATCH = 16384  # words of a column in one go: the working set stays in the last-level cache


@dataclass(frozen=True)
class Layout:
    """Column ranges of a dot product's rows.

    Where there are too few columns, the sum grows over the operands, which are then cleared first.
    """

    product: range
    total: range
    weights: range
    activations: range
    borrow: range
    signed: tuple[bool, bool]

    @property
    def multiply(self) -> programs.Program:
        """Multiply the operands of every row."""
        w, a, signed = self.weights, self.activations, self.signed
        if signed == (False, True):
            w, a, signed = a, w, (True, False)
        borrow = self.borrow.start if all(signed) else None
        return programs.multiply(w, a, self.product, signed, borrow)

    def extend(self, width: int) -> programs.Program:
        """Extend the products to `width` columns, and clear operands over which the sum grows."""
        growth = range(self.product.stop, self.total.stop)
        return _extend(growth, width, self.total.stop > self.weights.start, any(self.signed))


def product_layout(
    w_bits: int, a_bits: int, length: int, signed: tuple[bool, bool], columns: int = COLUMNS
) -> Layout:
    """Lay out weights × activations, `length` of them to a sum, in an array's columns."""
    bits, growth = w_bits + a_bits, int(levels(length))
    check_result("gemm", bits + growth, any(signed))
    operands = bits + int(all(signed))
    needed = bits + max(operands, growth)
    if needed > columns:
        raise BfimnaError(f"gemm needs {needed} columns; the array has {columns}")
    at = min(bits + growth, columns - operands)
    w, a = range(at, at + w_bits), range(at + w_bits, at + bits)
    borrow = range(a.stop, at + operands)
    return Layout(range(bits), range(bits + growth), w, a, borrow, signed)


@cached_program
def _extend(growth: range, width: int, overlap: bool, signed: bool) -> tuple[Pass, ...]:
    clear = programs.clear(growth) if overlap else ()
    extended = growth[: width - growth.start] if signed else range(0)
    return clear + programs.sign_extend(growth.start - 1, extended)


def multiply_rows(array: Array, layout: Layout) -> None:
    """Multiply the operands of every row, and extend the products' signs in the sum's columns.

    Over the whole sum; on a 1D AP over what a group does not grow by, since `reduce_1d` extends
    them level by level.
    """
    array.run(layout.multiply)
    grown = int(levels(array.rows)) if array.kind == "1d" else 0
    array.run(layout.extend(len(layout.total) - grown))


def add_up(array: Array, layout: Layout, adder: Adder = "four-pass") -> int:
    """Add up the products of every group, in the columns of their sum; return the rows left."""
    total = layout.total
    if array.kind != "1d":
        return programs.reduce(array, total, adder=adder)
    width = len(total) - int(levels(array.rows))
    carry, beside = total.stop, range(total.stop + 1, array.columns)
    signed = any(layout.signed)
    return programs.reduce_1d(array, total, beside, carry, width, signed, adder)


def _reduced(array: Array, layout: Layout, w: np.ndarray, a: np.ndarray) -> np.ndarray:
    """Multiply and reduce in an array; return the sum and carry rows: (bits, rows left, words).

    Parameters
    ----------
    w, a : the operands' bit planes, (bits, rows, words).
    """
    clear = range(layout.product.start, min(layout.total.stop, layout.weights.start))
    array.load_planes(w, layout.weights, clear)
    array.load_planes(a, layout.activations, layout.borrow)
    multiply_rows(array, layout)
    return array.read_planes(layout.total, rows=add_up(array, layout))


def gemm(
    weights: Any,
    activations: Any,
    w_bits: int = 8,
    a_bits: int = 8,
    signed: tuple[bool, bool] = (True, False),
    kind: ApKind = "2d-segmented",
    rows: int = 4800,
    faults: Faults | None = None,
    threads: int = 0,
) -> Result:
    """Multiply matrices: weights (i, j) times activations (j, u) → (i, u).

    Parameters
    ----------
    signed : whether the weights are, and whether the activations are.
    kind : of the AP.
    rows : of an array; longer dot products are split, and the parts added.
    faults : of every array.
    threads : processor threads; 0 for all.

    Returns
    -------
    The product and the counts: load, multiply, reduce, read, and the resolution of carries.

    Examples
    --------
    >>> product, counts = gemm([[1, -2]], [[3, 4], [5, 6]])
    >>> product
    array([[-7, -8]])
    """
    w_bits, a_bits = width_of("weights", w_bits), width_of("activations", a_bits)
    signed = sign_pair(signed)
    rows, threads = whole_number("rows", rows, 1), whole_number("threads", threads, 0)
    if faults is not None and not isinstance(faults, Faults):
        raise BfimnaError(f"faults must be a bf.ap.Faults or None, not {shown(faults)}")
    w = operand("weights", weights, w_bits, signed[0])
    a = operand("activations", activations, a_bits, signed[1])
    if w.ndim != 2 or a.ndim != 2 or w.shape[1] != a.shape[0]:
        raise BfimnaError(
            f"gemm: weights {w.shape} and activations {a.shape}, want (i, j) and (j, u)"
        )
    layout = product_layout(w_bits, a_bits, w.shape[1], signed)
    by_weights = _waste(len(w)) < _waste(a.shape[1])  # 64 rows of which operand share a word
    if by_weights:
        planes, scalars, scalar_bits = pack(w.T, w_bits), a.T, a_bits
    else:
        planes, scalars, scalar_bits = pack(a, a_bits), w, w_bits
    parts = _parts(w.shape[1], rows)
    at_once = max(1, BATCH // (planes.shape[2] * len(parts[0])))
    run, all_products = w.size * a.shape[1] // scalars.size, len(w) * a.shape[1]
    make = partial(Array, kind=kind, threads=1, faults=faults, side_by_side=all_products)

    def multiply_some(start: int) -> Result:
        values = scalars[start : start + at_once]
        left, total = [], Counts()
        for part in parts:
            array = make(len(values) * run, len(part), runs=len(values), number=start)
            here = slice(part.start, part.stop)
            many = np.tile(planes[:, here], (1, 1, len(values)))
            one = _repeat(values[:, here], scalar_bits, planes.shape[2])
            left.append(_reduced(array, layout, *((many, one) if by_weights else (one, many))))
            total = _in_lockstep(total, array.counts)
        sums, counts = resolve_carries(left, array, any(signed))
        return sums.reshape(len(values), run), total + counts

    with ThreadPoolExecutor(threads or processors()) as pool:
        results = list(pool.map(multiply_some, range(0, len(scalars), at_once)))
    product = np.concatenate([sums for sums, _ in results])
    total = reduce(_in_lockstep, (counts for _, counts in results))
    return np.ascontiguousarray(product.T if by_weights else product), total


def _waste(length: int) -> float:
    """Return bits of the words that hold a row of so many, per bit that is used."""
    return -(-length // 64) * 64 / length


def _parts(length: int, rows: int) -> list[range]:
    """Split a dot product evenly over as many arrays as it needs."""
    count = -(-length // rows)
    part = -(-length // count)
    return [range(at, min(at + part, length)) for at in range(0, length, part)]


def _in_lockstep(a: Counts, b: Counts) -> Counts:
    """Add up the counts of arrays that run in lockstep: all events, the cycles of the longer."""
    both = a + b
    longer = a if a.cycles > b.cycles else b
    longest = {event: getattr(longer, event) for event in CYCLES}
    return Counts(**{**both.amounts, **longest})


def _repeat(values: np.ndarray, bits: int, words: int) -> np.ndarray:
    """Return bit planes (bits, j, scalars × words): each scalar in all 64 rows of its words."""
    one = (values.T[None] >> np.arange(bits)[:, None, None]) & 1
    return np.repeat(np.where(one, ALL_ONES, np.uint64(0)), words, axis=2)
