"""The emulator: arrays for a network's layers, and their activity by layer and phase."""

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
from bfimna.errors import instance, truth, whole_number

PRODUCTS = 2**20  # rows that a thread emulates at a time: many CAPs side by side, few calls
CACHED = 16  # arrays that each thread keeps for the next layer of the same shape


@dataclass
class Activity:
    """Activity of the arrays in one phase of one layer.

    Attributes
    ----------
    counts : cycles of all folds in sequence, events of all rows.
    tags_set : tags set by compares.
    """

    counts: Counts = field(default_factory=Counts)
    tags_set: int = 0


class Emulator:
    """Arrays that run any layer at any precision, one image or batch after the other.

    Parameters
    ----------
    threads : processor threads; 0 for all.
    faults : defects of every array.
    wear : count writes per cell.
    products : rows that a thread emulates at a time.
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
        self.faults = None if faults is None else instance("faults", faults, Faults)
        self.wear = truth("wear", wear)
        self.kind: ApKind = "2d-segmented"
        self.own_clears = False
        self.max_driven_keys: int | None = None  # of a pass
        self._pool = ThreadPoolExecutor(self.threads)
        self._lock, self._uses = threading.Lock(), 0
        self.arrays: dict[tuple, Array] = {}
        self.activity: dict[tuple[str, str], Activity] = {}
        self.hottest: dict[tuple[str, str], np.ndarray] = {}

    def begin(self, kind: ApKind = "2d-segmented", own_clears: bool = False) -> Counts:
        """Start the account of an inference; return what was done since the last one ended.

        Parameters
        ----------
        kind : of the arrays from now on.
        own_clears : whether what a load clears along takes a cycle of its own: `Counts.settled`.
        """
        self.kind, self.own_clears = kind, own_clears
        idle = [array.counts for array in self.arrays.values()]
        for array in self.arrays.values():
            array.counts = Counts()
        self.activity, self.hottest = {}, {}
        return sum(idle, Counts())

    def array(self, groups: int, rows: int, columns: int, side_by_side: int = 0) -> Array:
        """Return an array of this shape; its cells hold what its last use left in them."""
        self._uses += 1
        shape = groups, rows, columns, 1, side_by_side
        return self._array(shape, self.threads, self._uses << 32)

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

        Parameters
        ----------
        number : of this use within the call: it seeds the match errors, so that these do not depend
            on the threads.
        """
        shape = groups, rows, columns, runs, side_by_side
        return self._array(shape, 1, (self._uses << 32) + number)

    def _array(self, shape: tuple[int, int, int, int, int], threads: int, number: int) -> Array:
        caller, kind = threading.get_ident(), self.kind
        groups, rows, columns, runs, side_by_side = shape
        key = (caller, kind, threads, *shape)
        with self._lock:
            array = self.arrays.pop(key, None)  # and put back as the latest
            if array is None:
                array = Array(
                    groups, rows, columns, kind, runs=runs, threads=threads, faults=self.faults,
                    wear=self.wear, side_by_side=side_by_side,
                )  # fmt: skip
            self.arrays[key] = array
            own = [k for k in self.arrays if k[0] == caller]
            for k in own[:-CACHED]:
                if self.arrays[k].counts == Counts():  # all its activity has been booked
                    del self.arrays[k]
        array.max_driven_keys = self.max_driven_keys
        array.restart(number)
        return array

    def account(self, array: Array, layer: str, phase: str, folds: int, first: bool) -> None:
        """Book the array's activity since the last booking.

        Parameters
        ----------
        folds : times that the chip is filled; the cycles of one fold are booked for each.
        first : whether this is the first part of the layer. The other parts run beside it or in its
            folds, in the same cycles, so theirs are not booked.
        """
        done, array.counts = array.counts.settled(self.own_clears), Counts()
        done = done.repeat(folds if first else 0, 1)
        with self._lock:
            booked = self.activity.setdefault((layer, phase), Activity())
            booked.counts += done
            booked.tags_set += array.tags_set
        array.tags_set = 0

    def record_wear(self, array: Array, layer: str, stage: str, folds: int) -> None:
        """Record how often each column's most written cell was written in a part of a layer."""
        if self.wear:
            hottest = array.wear.max(axis=(1, 2)).astype(np.int64) * folds
            with self._lock:
                before = self.hottest.get((layer, stage), np.zeros_like(hottest))
                self.hottest[layer, stage] = np.maximum(before, hottest)
            array.forget_wear()

    def map(self, work: Callable[[int, Any], None], parts: Iterable[Any]) -> None:
        """Call work(number, part) for every part, each in the next free thread."""
        self._uses += 1
        parts = list(parts)
        list(self._pool.map(work, range(len(parts)), parts))

    def each(self, work: Callable[[int, int], None], rows: int) -> None:
        """Call work(lo, hi) on shares of the rows, one share per thread."""
        bounds = np.linspace(0, rows, min(self.threads, rows) + 1).astype(int)
        list(self._pool.map(work, bounds[:-1], bounds[1:]))
