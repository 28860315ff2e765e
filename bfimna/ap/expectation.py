"""What a program is expected to do to a row of random operand bits: matches and cells written.

Up to 14 operand columns every row is enumerated; beyond, 2^14 rows drawn once and for all stand for
them, within 1 %.
"""

from collections.abc import Sequence

import numpy as np

from bfimna.ap.events import Amount, Counts
from bfimna.ap.passes import Pass

ENUMERATED_COLUMNS = 14


def expected_tags(program: Sequence[Pass], operands: Sequence[int]) -> tuple[float, float]:
    """Return the expected matches and the cells that they write, of passes with a key.

    Parameters
    ----------
    operands : columns of random bits; all others start at 0.

    Examples
    --------
    >>> from bfimna.ap import programs
    >>> expected_tags(programs.copy(range(4), range(4, 8)), range(4))
    (2.0, 2.0)
    """
    planes = dict(zip(operands, _rows(len(operands)), strict=True))
    zero = np.zeros_like(next(iter(planes.values())))
    matches = cells = 0
    for step in program:
        tags = ~zero
        for column, bit in step.key:
            plane = planes.get(column, zero)
            tags = tags & (plane if bit else ~plane)
        if step.key:
            tagged = int(np.bitwise_count(tags).sum())
            matches, cells = matches + tagged, cells + tagged * len(step.write)
        for column, bit in step.write:
            plane = planes.get(column, zero)
            planes[column] = plane | tags if bit else plane & ~tags
    rows = 8 * zero.nbytes
    return matches / rows, cells / rows


def _rows(columns: int) -> np.ndarray:
    """Return bit planes of rows, (columns, words): every pattern of few columns, else a sample."""
    if columns > ENUMERATED_COLUMNS:
        random = np.random.default_rng(0)
        return random.integers(0, 2**64, (columns, 2**ENUMERATED_COLUMNS // 64), dtype=np.uint64)
    patterns = np.arange(max(2**columns, 64), dtype=np.uint32)  # a whole word: patterns repeat
    bits = (patterns >> np.arange(columns)[:, None]) & 1
    return np.packbits(bits.astype(np.uint8), axis=1, bitorder="little").view(np.uint64)


def with_tags(counts: Counts, tags: Amount, cells: Amount) -> Counts:
    """Add what passes are expected to match and to write to their other counts."""
    return counts + Counts(rows_matched=tags, words_written=tags, cells_written=cells)


def program_counts(program: Sequence[Pass], operands: Sequence[int]) -> Counts:
    """Count a program's cycles, keys and lines, and what it is expected to match and to write.

    Parameters
    ----------
    operands : columns of random bits; all others start at 0.
    """
    keyed = [step for step in program if step.key]
    tags, cells = expected_tags(program, operands)
    always = [step for step in program if not step.key]
    return Counts(
        compares=len(keyed),
        writes=len(program),
        compare_rows=len(keyed),
        key_cells=sum(len(step.key) for step in keyed),
        cells_written=cells + sum(len(step.write) for step in always),
        rows_matched=tags,
        words_written=tags + len(always),
        lines_driven=sum(len(step.write) for step in program),
    )
