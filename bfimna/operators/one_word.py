"""Operators of one word, in place where the layer before left it; and the simplest, ReLU.

Each element of a result takes a row of its own; words have B bits and a sign column, M = B + 1
columns. A layer of one word takes it where the layer before left it, if no other layer reads that
word; else it loads the word and reads its own.
"""

from collections.abc import Callable

import numpy as np

from bfimna.ap import counts as ap
from bfimna.ap import programs
from bfimna.ap.counts import Amount, Counts, CountSet
from bfimna.ap.rows import Columns, Rows
from bfimna.operators import word_programs
from bfimna.operators.constants import NO_CONSTANTS, ConstantRules
from bfimna.operators.operator import (
    LayerBatch,
    Machine,
    Moved,
    Operator,
    Program,
    Step,
    Tensor,
    packed,
)
from bfimna.operators.shapes import same_shape
from bfimna.operators.words import SIGN, Words

# ---- words in and out ------------------------------------------------------------------------


def load_counts(x: LayerBatch, words: Words) -> Counts:
    """Load every input's word; the sign column of one without a sign is cleared along with it."""
    signs = x.signs.sum(axis=0)
    unsigned = len(x.signs) - signs
    return ap.load(words.bits * len(x.signs) + signs) + ap.clear_along(1) * unsigned


def in_and_out_counts(x: LayerBatch, words: Words) -> Counts:
    """Load a word and read the result, where the word is not taken in place."""
    return (load_counts(x, words) + ap.read(words.read_bits)) * (1.0 - x.in_place)


def moved_once(x: LayerBatch, words: Words, multicast: bool, counts: CountSet) -> Moved:
    """Every input once with multicast, else once per row that takes it; the result once."""
    taken = np.zeros_like(words.bits, dtype=float)
    for elements, sign in zip(x.sources, x.signs, strict=True):
        taken += (elements if multicast else x.elements) * (words.bits + sign)
    return taken, x.elements * words.read_bits


def moved_unless_in_place(x: LayerBatch, words: Words, multicast: bool, counts: CountSet) -> Moved:
    """Move nothing where a layer takes its word in place."""
    taken, returned = moved_once(x, words, multicast, counts)
    return taken * ~x.in_place, returned * ~x.in_place


def broadcast_operands(step: Step, inputs: list[Tensor]) -> list[Tensor]:
    """Return the inputs in the result's shape: one factor a channel serves all its elements."""
    shape = (len(inputs[0]), *step.shape)
    return [np.broadcast_to(x, shape) for x in inputs]


def word_columns(words: int, more: int) -> Callable[[LayerBatch, np.ndarray], np.ndarray]:
    """So many words of M columns side by side, and some columns for carries and flags."""
    return lambda x, bits: words * (bits + SIGN) + more


def word_keys(bits: np.ndarray) -> np.ndarray:
    """Key columns of a look-up's passes: the whole word."""
    return bits + SIGN


# ---- operators -------------------------------------------------------------------------------


def one_word(
    kind: str,
    counts: Callable[[Amount], Counts],
    run: Callable[[Rows, Step], Columns],
    columns: Callable[[LayerBatch, np.ndarray], np.ndarray],
    constants: ConstantRules,
    signed: bool | None = None,
) -> Operator:
    """Return an operator that takes one word, in place where the layer before left it."""

    @packed
    def all_counts(x: LayerBatch, words: Words, count_set: CountSet) -> Counts:
        return counts(words.bits + SIGN) + in_and_out_counts(x, words)

    return in_place(kind, all_counts, run, columns, constants, signed)


def in_place(
    kind: str,
    counts: Program,
    run: Callable[[Rows, Step], Columns],
    columns: Callable[[LayerBatch, np.ndarray], np.ndarray],
    constants: ConstantRules,
    signed: bool | None,
    phase: str = "elementwise",
) -> Operator:
    """Return an operator that takes one word, from the counts of a batch of its layers."""

    def on_rows(
        machine: Machine, rows: Rows, step: Step, operands: list[Tensor], first: bool
    ) -> None:
        if operands:
            rows.word = word_programs.load(rows, operands[0], step.sources[0])
        rows.word = run(rows, step)

    return Operator(
        kind, same_shape, phase=phase, counts=counts, columns=columns,
        moved=moved_unless_in_place, operands=broadcast_operands, run=on_rows, signed=signed,
        in_place=True, constants=constants,
    )  # fmt: skip


@packed
def _relu_counts(x: LayerBatch, words: Words, counts: CountSet) -> Counts:
    """Clear negative words; the published form moves the word, in place or not."""
    program = ap.relu(words.bits + SIGN, counts)
    return program if counts == "published" else program + in_and_out_counts(x, words)


def _relu(rows: Rows, step: Step) -> Columns:
    rows.run(programs.relu(rows.word))
    return rows.word


OPERATORS = (
    in_place("relu", _relu_counts, _relu, word_columns(1, 0), NO_CONSTANTS, False, "relu"),
)
