"""An array's cells as packed bit planes, 64 rows a word, on which compiled loops run programs.

No range is checked and no event counted here: `array` does both.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from types import ModuleType

import numpy as np

from bfimna.ap.faults import Faults
from bfimna.ap.lowering import ALL_ONES, LoweredProgram

COLUMNS = 72  # of an array: 16 + 16 bit operands, 32 bit product, carry and flags
ZERO = np.uint64(0)

RowSets = tuple[Sequence[int], int]  # first row for each of a table's names, number of such sets


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@lru_cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads)


@lru_cache
def _loops() -> tuple[ModuleType, ModuleType]:
    """Return the compiled loops; importing numba takes half a second, so only if they are used."""
    from bfimna.ap import faulty_kernels, kernels

    return kernels, faulty_kernels


def pack(values: np.ndarray, bits: int) -> np.ndarray:
    """Return the bit planes of integers (rows, n); bits above an integer's are its sign."""
    planes = np.empty((bits, len(values), -(-values.shape[1] // 64)), np.uint64)
    _loops()[0].pack(np.ascontiguousarray(values, np.int64), 0, planes)
    return planes


def unpack(planes: np.ndarray, n: int, signed: bool) -> np.ndarray:
    """Return the integers (rows, n) of bit planes; the top plane is a sign if `signed`."""
    numbers = np.empty((planes.shape[1], n), np.int64)
    _loops()[0].unpack(np.ascontiguousarray(planes), bool(signed), numbers)
    return numbers


class Cells:
    """The cells of an array, with their defects.

    Parameters
    ----------
    columns : of the array.
    rows : of a group.
    words : of such a row.
    last : groups in the last word of each run of `run` words; 0 if it is full.
    faults : defects, drawn from their seed.
    wear : whether the writes of each cell are counted.
    threads : processor threads that share the work.

    Attributes
    ----------
    planes : cells, (columns, rows · words).
    valid : groups that exist, (rows · words).
    stuck : planes, 1 where a cell is stuck; empty for cells without defects.
    stuck_value : planes of the values that these are stuck at.
    wear : writes of each cell, (columns, 64 · rows · words), or None.
    """

    def __init__(
        self,
        columns: int,
        rows: int,
        words: int,
        run: int,
        last: int,
        faults: Faults,
        wear: bool,
        threads: int,
    ) -> None:
        self.words, self.threads, self.faults = words, threads, faults
        shape = (columns, rows * words)
        self.planes = np.zeros(shape, np.uint64)
        self.valid = np.full(shape[1], ALL_ONES)
        self.ragged = bool(last)
        if last:
            self.valid[run - 1 :: run] = 2**last - 1
        self.wear = np.zeros((columns, 64 * shape[1]), np.uint32) if wear else None
        self.stuck, self.stuck_value = faults.draw(shape)
        if self.stuck.size:
            self.planes |= self.stuck_value & self.valid
        #: whether no cell or match line can fail, and writes per cell are not counted
        self.healthy = not (wear or self.stuck.size or faults.match_error)
        self.restart(0)

    def restart(self, number: int) -> None:
        """Draw match errors from here on as the array of this number does from its start."""
        self._number, self._run = number, 0

    def overwrite(
        self, columns: range, packed: np.ndarray | np.uint64, stop: int, start: int = 0
    ) -> None:
        """Overwrite words `start` to `stop` of columns with bits; stuck cells keep theirs."""
        where = slice(columns.start, columns.stop), slice(start, stop)
        if isinstance(packed, np.ndarray) and self.ragged:
            packed = packed & self.valid[start:stop]
        self.planes[where] = packed
        if self.stuck.size:
            stuck, value = self.stuck[where], self.stuck_value[where]
            self.planes[where] = self.planes[where] & ~stuck | value
        if self.wear is not None:
            self.wear[where[0], 64 * start : 64 * stop] += 1

    def run_program(self, program: LoweredProgram, stop: int) -> np.ndarray:
        """Run a program on words 0 to `stop` of its columns; return the tags of each pass."""
        kernels, faulty = _loops()
        execute = kernels.execute if self.healthy else faulty.execute
        cells, more = (self.planes.reshape(-1), self.valid), self._defects()
        lines = program.columns * self.planes.shape[1]

        def work(lo: int, hi: int) -> np.ndarray:
            scratch = np.empty(kernels.BLOCK, np.uint64)
            tagged = np.zeros(program.passes, np.int64)
            execute(*cells, lo, hi, lines, program.arrays, scratch, tagged, *more)
            return tagged

        return self._shared(work, stop)

    def run_levels(
        self, program: LoweredProgram, levels: tuple[RowSets, ...], columns: range
    ) -> np.ndarray:
        """Run vertical levels; return the tags of each pass, and of the hand-over, over all."""
        kernels, faulty = _loops()
        add_rows = kernels.add_rows if self.healthy else faulty.add_rows
        cells, more = (self.planes.reshape(-1), self.valid), self._defects()
        stride = self.planes.shape[1]
        first = np.array([[rows[c] for c in (*program.columns, -1)] for rows, _ in levels])
        lines = columns.start * stride + first * self.words
        words = np.array([times for _, times in levels]) * self.words
        across = stride, len(columns), program.arrays

        def work(lo: int, hi: int) -> np.ndarray:
            scratch = np.empty(kernels.BLOCK, np.uint64)
            tagged = np.zeros((len(levels), program.passes + 2), np.int64)
            stops = words if len(levels) > 1 else np.array([hi])
            starts = np.full(len(levels), lo)
            shifted = np.zeros((stops - starts).sum(), np.uint64)
            add_rows(*cells, starts, stops, lines, *across, shifted, scratch, tagged, *more)
            return tagged.sum(axis=0)

        return self._shared(work, int(words[0])) if len(levels) == 1 else work(0, 0)

    def fill_empty(self, column: int) -> int:
        """Write ones in a column of every group without a one in it; return how many these are."""
        lines = self.planes[column].reshape(-1, self.words)
        tags = ~np.bitwise_or.reduce(lines, axis=0) & self.valid[: self.words]
        if self.faults.match_error:
            self._run += 1
            random = np.random.default_rng(int(self.faults.match_seed(self._number, self._run)))
            errs = random.random((self.words, 64)) < self.faults.match_error
            flips = np.packbits(errs, axis=1, bitorder="little").view(np.uint64)[:, 0]
            tags = (tags ^ flips) & self.valid[: self.words]
        written = np.broadcast_to(tags, lines.shape).reshape(-1)
        if self.stuck.size:
            written = written & ~self.stuck[column]
        self.planes[column] |= written
        if self.wear is not None:
            bits = np.unpackbits(np.ascontiguousarray(written).view(np.uint8), bitorder="little")
            self.wear[column] += bits
        return int(np.bitwise_count(tags).sum())

    def _shared(self, work: Callable[[int, int], np.ndarray], stop: int) -> np.ndarray:
        """Sum work(lo, hi) over the threads' shares of the words."""
        block = _loops()[0].BLOCK
        share = -(-stop // (self.threads * block)) * block
        if share >= stop:
            return work(0, stop)
        starts = range(0, stop, share)
        stops = [min(lo + share, stop) for lo in starts]
        return np.sum(list(_pool(self.threads).map(work, starts, stops)), axis=0)

    def _defects(self) -> tuple:
        """Return what the loops for faulty cells take besides: defects and wear."""
        if self.healthy:
            return ()
        self._run += 1
        error = float(self.faults.match_error)
        seed = self.faults.match_seed(self._number, self._run) if error else ZERO
        wear = np.zeros(0, np.uint32) if self.wear is None else self.wear.reshape(-1)
        stuck, value = self.stuck.reshape(-1), self.stuck_value.reshape(-1)
        return _loops()[1].Defects(stuck, value, error, seed), wear
