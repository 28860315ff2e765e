"""Softmax on an AP: cycles of its programs by bits and length, and its error against floats."""

import numpy as np
import pandas as pd

from bfimna.ap import counts as ap
from bfimna.ap.expectation import program_counts
from bfimna.ap.exponential import (
    polynomial_exponential,
    polynomial_exponential_values,
    shift_exponential,
    shift_exponential_values,
)
from bfimna.ap.group_maximum import distance_counts, search_columns_counts, search_rows_counts
from bfimna.operators.maxpool import rounds
from bfimna.operators.softmax import RANGE_BITS, Widths, widths
from reproduction.studies.arguments import checked
from reproduction.studies.oracle import softmax

BITS = range(4, 17)
LENGTHS = tuple(2**k for k in range(4, 14))
COLUMNS = 72
ROWS = 4800  # of an array: longer groups are split


@checked
def softmax_programs(length: int = 197, bits: int = 8) -> pd.DataFrame:
    """Cycles of the parts of a softmax, and the error of its results.

    Parameters
    ----------
    length : of the softmax where the bits vary.
    bits : of the words where the length varies.

    Returns
    -------
    Columns: sweep ("bits" or "length"), part, way, bits, length, cycles, error. The error is the
    largest difference to e^x or to a softmax of floats; only exponentials and softmaxes have one.
    """
    rows = []
    for b in BITS:
        rows += [("bits", "exponential", *one) for one in _exponentials(b, length)]
        rows += [("bits", "softmax", "three passes", b, length, *_softmax(b, length))]
    for n in LENGTHS:
        own = _widths(bits, n)
        searched = (search_rows_counts(own.score, n) + search_columns_counts(own.score, n)).cycles
        rows.append(("length", "maximum", "search", bits, n, float(searched), np.nan))
        rows.append(("length", "maximum", "tree", bits, n, _tree(int(own.score), n), np.nan))
        rows += [("length", "softmax", part, bits, n, cycles, np.nan)
                 for part, cycles in _parts(bits, n).items()]  # fmt: skip
    columns = ["sweep", "part", "way", "bits", "length", "cycles", "error"]
    return pd.DataFrame(rows, columns=columns)


def _widths(bits: int, length: int) -> Widths[np.ndarray]:
    return widths(np.array(bits), np.array(1), np.array(length), COLUMNS)


def _exponentials(bits: int, length: int) -> list[tuple[str, int, int, float, float]]:
    """Cycles and error of each way to the exponential of a distance of `bits` bits and a sign."""
    step = max(bits - RANGE_BITS, 0)
    unit, z = 1 << step, np.arange(2 ** (bits + 1))
    fraction = int(_widths(bits, length).fraction)
    exact = np.exp(-z / unit)
    found = [("look-up", float(ap.look_up(bits + 1).cycles), 2.0**-bits / 2)]
    for way, make, values, one in (
        ("shifts", shift_exponential, shift_exponential_values, 2.0**fraction * unit),
        ("polynomial", polynomial_exponential, polynomial_exponential_values, 0.0),
    ):
        if bits + 1 > 17 or (way == "polynomial" and unit < 2):
            continue
        own = make(bits + 1, unit, fraction)
        results = values(z, unit, fraction)
        cycles = program_counts(own.program, range(bits + 1)).cycles
        error = np.abs(results / (one or results.max()) - exact).max()
        found.append((way, float(cycles), float(error)))
    return [(way, bits, length, cycles, error) for way, cycles, error in found]


def _parts(bits: int, length: int) -> dict[str, float]:
    """Cycles of the parts of a softmax that fits one array, a fold of each."""
    own = _widths(bits, length)
    part = min(length, ROWS)
    search = (search_rows_counts(own.score, part) + search_columns_counts(own.score, part)).cycles
    exponential = program_counts(
        shift_exponential(int(own.score), 1 << int(own.step), int(own.fraction)).program,
        range(int(own.score)),
    ).cycles
    reduced = ap.reduce(part, own.total - ap.levels(part)).cycles
    sums = ap.add(own.total).cycles
    divided = ap.fraction(bits, *own.narrow).cycles
    distance = distance_counts(own.score).cycles
    moved = own.score + own.exponential + 2 * own.total + 3 * own.total
    moved = moved + own.narrow[0] + own.narrow[1] + bits
    named = {
        "maximum and distance": search + distance, "exponential": exponential,
        "sum": reduced + sums, "division": divided, "loads and reads": moved,
    }  # fmt: skip
    return {name: float(cycles) for name, cycles in named.items()}


def _tree(bits: int, length: int) -> float:
    """Cycles of the fewest of all trees of maxima, whose words are read and loaded per round."""

    def cycles(number: int) -> float:
        each = ap.maximum(bits).cycles
        return float(
            sum(bits * one.depth + each * (one.depth - 1) + bits for one in rounds(length, number))
        )

    return min(cycles(number) for number in range(1, int(ap.levels(length)) + 1))


def _softmax(bits: int, length: int) -> tuple[float, float]:
    """Cycles of a softmax, and its largest error on normally distributed scores."""
    random = np.random.default_rng(0)
    step = 2.0 ** -max(bits - RANGE_BITS, 0)
    limit = 2**bits
    scores = np.floor(random.normal(0, 2, (50, length, 1, 1)) / step).astype(np.int64)
    scores = scores.clip(-limit, limit - 1)
    exact = np.exp(scores * step)
    exact /= exact.sum(axis=1, keepdims=True)
    result = softmax(scores, bits, True, COLUMNS) / limit
    return sum(_parts(bits, length).values()), float(np.abs(result - exact).max())
