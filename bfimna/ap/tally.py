"""What an array counts when it loads, reads, runs programs and moves words.

`cells` are rows that take part, of all groups together.
"""

import numpy as np

from bfimna.ap.compiled import Compiled
from bfimna.ap.events import Counts


def loaded(columns: int, cleared: int, cells: int) -> Counts:
    """Count a load of columns, with others cleared in the same cycles."""
    return Counts(
        loads=columns,
        cells_loaded=columns * cells,
        cells_written=cleared * cells,
        lines_driven=cleared * cells,
    )


def read(columns: int, cells: int) -> Counts:
    """Count a read of columns."""
    return Counts(reads=columns, cells_read=columns * cells)


def moved(columns: int, cleared: int, cycles: int, words: int) -> Counts:
    """Count words that are read and loaded one by one, with columns cleared in the same load.

    Parameters
    ----------
    cycles : words of one array, of those that work at the same time.
    """
    return Counts(
        reads=cycles,
        loads=cycles,
        cells_read=words * columns,
        cells_loaded=words * columns,
        cells_written=words * cleared,
        lines_driven=words * cleared,
    )


def ran(own: Compiled, tagged: np.ndarray, cells: int) -> Counts:
    """Count a program in horizontal mode.

    Parameters
    ----------
    tagged : tags that each pass set, shape (passes,).
    """
    written, matched, enabled = (own.sums @ tagged).tolist()
    return Counts(
        compares=own.compares,
        writes=own.passes,
        compare_rows=own.compares * cells,
        key_cells=own.key_columns * cells,
        cells_written=written,
        rows_matched=matched,
        words_written=enabled,
        lines_driven=own.written_columns * cells,
    )


def ran_upright(own: Compiled, tagged: np.ndarray, again: int, cells: int) -> Counts:
    """Count a program in vertical mode, with the hand-over to the next column after each run.

    Handing on is: compare, shift the column tags, clear the row, write it.

    Parameters
    ----------
    tagged : tags that each pass set, then those of the hand-over's compare and of its last write.
    again : runs one after the other.
    cells : sets of rows in all runs, times columns.
    """
    passes, passed_on = own.passes, int(tagged[-1])
    written, _, enabled = (own.sums @ tagged[:-2]).tolist()
    return Counts(
        compares=(passes + 1) * again,
        writes=(passes + 2) * again,
        shifts=again,
        compare_rows=(passes + 1) * cells,
        key_cells=(own.key_columns + 1) * cells,
        cells_written=written + cells + passed_on,
        tags_shifted=cells,
        rows_matched=int(tagged[:-1].sum()),
        words_written=enabled + cells + passed_on,
        lines_driven=(own.written_columns + 2) * cells,
    )
