"""Faults of an array: cells that are stuck, and match lines that err."""

from dataclasses import dataclass

import numpy as np

from bfimna.errors import BfimnaError, shown, whole_number


@dataclass(frozen=True)
class Faults:
    """Cells that are stuck, and match lines that err.

    Attributes
    ----------
    stuck_at_0 : fraction of the cells that are stuck at 0.
    stuck_at_1 : fraction of the cells that are stuck at 1.
    match_error : probability that a compare gives a row the wrong tag.
    seed : of the random choice of cells and errors.
    """

    stuck_at_0: float = 0.0
    stuck_at_1: float = 0.0
    match_error: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("stuck_at_0", "stuck_at_1", "match_error"):
            rate = getattr(self, name)
            if not isinstance(rate, int | float | np.number) or not 0.0 <= rate < 1.0:
                raise BfimnaError(f"{name} must lie in [0, 1), not {shown(rate)}")
        if self.stuck_at_0 + self.stuck_at_1 > 1.0:
            raise BfimnaError("stuck_at_0 and stuck_at_1 together exceed 1")
        object.__setattr__(self, "seed", whole_number("seed", self.seed, 0))

    def match_seed(self, number: int, run: int) -> np.uint64:
        """Return the seed of the match errors in one run of a program on one of several arrays.

        Every triple of seed, array and run gives a stream of its own.
        """
        sequence = np.random.SeedSequence((self.seed, number, run))
        return sequence.generate_state(1, np.uint64)[0]

    def draw(self, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """Return bit planes of the stuck cells and of their values; of shape (0, 0) if none are.

        Parameters
        ----------
        shape : columns and words of 64 rows.
        """
        if not self.stuck_at_0 + self.stuck_at_1:
            return np.zeros((0, 0), np.uint64), np.zeros((0, 0), np.uint64)
        random = np.random.default_rng(self.seed)
        stuck, value = np.empty(shape, np.uint64), np.empty(shape, np.uint64)
        for column in range(shape[0]):
            draw = random.random((shape[1], 64))
            faulty = draw < self.stuck_at_0 + self.stuck_at_1
            for planes, cells in ((stuck, faulty), (value, faulty & (draw >= self.stuck_at_0))):
                planes[column] = np.packbits(cells, axis=1, bitorder="little").view(np.uint64)[:, 0]
        return stuck, value
