"""The words that layers work on: their bits and sign columns, as arrays and one by one."""

from dataclasses import dataclass

import numpy as np

MAX_BITS = 16  # of a word, without its sign column
SIGN = 1  # a word that may be negative takes a sign column more


@dataclass(frozen=True)
class Words:
    """The stored words of several layers' tensors, arrays of shape (..., layers).

    `bfimna.mapping.storage` has the rule that sets them.

    Attributes
    ----------
    bits : of the words, without sign columns.
    read_bits : columns of the result that are read, with its sign column if it has one.
    """

    bits: np.ndarray
    read_bits: np.ndarray

    def at(self, index: np.ndarray) -> "Words":
        """Return those of the layers at these positions."""
        return Words(self.bits[..., index], self.read_bits[..., index])


@dataclass(frozen=True)
class Word:
    """How a tensor is stored.

    Parameters
    ----------
    bits : steps of the full-scale range, as a power of two; no sign.
    signed : one sign column more.
    """

    bits: int
    signed: bool

    @property
    def width(self) -> int:
        """Columns that the word takes."""
        return self.bits + self.signed

    @property
    def low(self) -> int:
        """Smallest value."""
        return -(2**self.bits) if self.signed else 0

    @property
    def high(self) -> int:
        """Largest value."""
        return 2**self.bits - 1
