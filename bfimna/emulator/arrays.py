"""Arrays that stand ready for a network's layers, and what they have done, by layer and phase."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, fields

import numpy as np

from bfimna.ap.array import Array, processors
from bfimna.ap.events import CYCLES, Counts
from bfimna.ap.faults import Faults

PRODUCTS = 2**21  # rows emulated at a time: many CAPs side by side, few calls, still cached


@dataclass
class Activity:
    """What the arrays did in one phase of one layer.

    Attributes
    ----------
    counts : cycles of all folds one after the other, events of all rows.
    tags_set : tags that compares have set.
    """

    counts: Counts = field(default_factory=Counts)
    tags_set: int = 0


class Emulator:
    """Arrays that serve any layer at any precision, one image or batch after the other.

    Parameters
    ----------
    threads : processor threads; 0 for all. faults : defects of every array.
    wear : count writes per cell.
    products : rows that are emulated at a time.
    """

    def __init__(
        self,
        threads: int = 0,
        faults: Faults | None = None,
        wear: bool = False,
        products: int = PRODUCTS,
    ) -> None:
        self.threads = threads or processors()
        self.faults, self.wear, self.products = faults, wear, products
        self._pool = ThreadPoolExecutor(self.threads)
        self.arrays: dict[tuple[int, int, int], Array] = {}
        self.activity: dict[tuple[str, str], Activity] = {}
        self.hottest: dict[tuple[str, str], np.ndarray] = {}

    def begin(self) -> Counts:
        """Start a new account; return what the arrays have done since the last one ended."""
        idle = [array.counts for array in self.arrays.values()]
        for array in self.arrays.values():
            array.counts = Counts()
        self.activity, self.hottest = {}, {}
        return sum(idle, Counts())

    def array(self, groups: int, rows: int, columns: int) -> Array:
        """Return the array of this many groups of rows, with whatever its cells hold by now."""
        key = (groups, rows, columns)
        if key not in self.arrays:
            self.arrays[key] = Array(
                groups, rows, columns, threads=self.threads, faults=self.faults, wear=self.wear
            )
        return self.arrays[key]

    def account(self, array: Array, layer: str, phase: str, folds: int, first: bool) -> None:
        """Book what the array has done since the last booking.

        Parameters
        ----------
        folds : times that the chip is filled; the cycles of one filling are booked as often.
        first : whether this is the first part of the layer: the others run beside it or in its
            folds, so they take the same cycles, which are booked once.
        """
        done, array.counts = array.counts, Counts()
        booked = self.activity.setdefault((layer, phase), Activity())
        times = folds if first else 0
        booked.counts += Counts(
            *(getattr(done, f.name) * (times if f.name in CYCLES else 1) for f in fields(done))
        )
        booked.tags_set += array.tags_set
        array.tags_set = 0

    def retire(self, array: Array, layer: str, stage: str, folds: int) -> None:
        """Note how often each column's most written cell was written in a part of a layer."""
        if self.wear:
            worn = array.wear
            hottest = worn.max(axis=(1, 2)).astype(np.int64) * folds
            before = self.hottest.get((layer, stage), np.zeros_like(hottest))
            self.hottest[layer, stage] = np.maximum(before, hottest)
            worn[:] = 0

    def each(self, work: Callable[[int, int], None], rows: int) -> None:
        """Call work(lo, hi) on shares of the rows, one share a thread."""
        bounds = np.linspace(0, rows, min(self.threads, rows) + 1).astype(int)
        list(self._pool.map(work, bounds[:-1], bounds[1:]))
