"""Arrays that stand ready for a network's layers, and what they have done, by layer and phase."""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bfimna.ap.array import Array
from bfimna.ap.bit_planes import processors
from bfimna.ap.events import ApKind, Counts
from bfimna.ap.faults import Faults
from bfimna.errors import truth, whole_number

PRODUCTS = 2**20  # rows that a thread emulates at a time: many CAPs side by side, few calls
KEPT = 16  # arrays that each thread keeps for the next layer of the same shape


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
    threads : processor threads; 0 for all.
    faults : defects of every array.
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
        self.threads = whole_number("threads", threads, 0) or processors()
        self.products = whole_number("products", products, 1)
        self.faults, self.wear = faults, truth("wear", wear)
        self.kind: ApKind = "2d-segmented"
        self._pool = ThreadPoolExecutor(self.threads)
        self._lock, self._handed_out = threading.Lock(), 0
        self.arrays: dict[tuple, Array] = {}
        self.activity: dict[tuple[str, str], Activity] = {}
        self.hottest: dict[tuple[str, str], np.ndarray] = {}

    def begin(self, kind: ApKind = "2d-segmented") -> Counts:
        """Start a new account; return what the arrays have done since the last one ended.

        Parameters
        ----------
        kind : of the arrays from here on.
        """
        self.kind = kind
        idle = [array.counts for array in self.arrays.values()]
        for array in self.arrays.values():
            array.counts = Counts()
        self.activity, self.hottest = {}, {}
        return sum(idle, Counts())

    def array(self, groups: int, rows: int, columns: int, side_by_side: int = 0) -> Array:
        """Return the array of this many groups of rows, with whatever its cells hold by now."""
        self._handed_out += 1
        shape = groups, rows, columns, 1, side_by_side
        return self._array(shape, self.threads, self._handed_out << 32)

    def own_array(
        self,
        groups: int,
        rows: int,
        columns: int,
        runs: int,
        number: int,
        side_by_side: int = 0,
    ) -> Array:
        """Return an array for the calling thread alone, within a call of `map`.

        The number, not the thread, says which match errors it has: one for each use in that call.
        """
        shape = groups, rows, columns, runs, side_by_side
        return self._array(shape, 1, (self._handed_out << 32) + number)

    def _array(self, shape: tuple[int, int, int, int, int], threads: int, number: int) -> Array:
        caller, kind = threading.get_ident(), self.kind
        groups, rows, columns, runs, side_by_side = shape
        key = (caller, kind, threads, *shape)
        with self._lock:
            found = self.arrays.pop(key, None)  # to be put back as the latest
            if found is None:
                found = Array(
                    groups, rows, columns, kind, runs=runs, threads=threads, faults=self.faults,
                    wear=self.wear, side_by_side=side_by_side,
                )  # fmt: skip
            self.arrays[key] = found
            own = [k for k in self.arrays if k[0] == caller]
            for k in own[:-KEPT]:
                if self.arrays[k].counts == Counts():  # else what it did is yet to be booked
                    del self.arrays[k]
        found.restart(number)
        return found

    def account(self, array: Array, layer: str, phase: str, folds: int, first: bool) -> None:
        """Book what the array has done since the last booking.

        Parameters
        ----------
        folds : times that the chip is filled; the cycles of one filling are booked as often.
        first : whether this is the first part of the layer: the others run beside it or in its
            folds, so they take the same cycles, which are booked once.
        """
        done, array.counts = array.counts, Counts()
        done = done.repeat(folds if first else 0, 1)
        with self._lock:
            booked = self.activity.setdefault((layer, phase), Activity())
            booked.counts += done
            booked.tags_set += array.tags_set
        array.tags_set = 0

    def record_wear(self, array: Array, layer: str, stage: str, folds: int) -> None:
        """Note how often each column's most written cell was written in a part of a layer."""
        if self.wear:
            hottest = array.wear.max(axis=(1, 2)).astype(np.int64) * folds
            with self._lock:
                before = self.hottest.get((layer, stage), np.zeros_like(hottest))
                self.hottest[layer, stage] = np.maximum(before, hottest)
            array.forget_wear()

    def map(self, work: Callable[[int, Any], None], parts: Iterable[Any]) -> None:
        """Call work(number, part) for every part, each in the next free thread."""
        self._handed_out += 1
        parts = list(parts)
        list(self._pool.map(work, range(len(parts)), parts))

    def each(self, work: Callable[[int, int], None], rows: int) -> None:
        """Call work(lo, hi) on shares of the rows, one share a thread."""
        bounds = np.linspace(0, rows, min(self.threads, rows) + 1).astype(int)
        list(self._pool.map(work, bounds[:-1], bounds[1:]))
