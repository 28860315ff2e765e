"""Cycles of the AP's programs: the table behind the figure `programs`."""

import numpy as np
import pandas as pd

from bfimna.ap import counts as ap
from bfimna.network.precision import MAX_BITS
from reproduction.studies.arguments import checked

#: with the adder of each; the literature's closed forms are of the paper's adder
VARIANTS: tuple[tuple[ap.CountSet, ap.Adder], ...] = (
    ("published", "four-pass"),
    ("microcode", "four-pass"),
    ("microcode", "three-pass"),
)
KINDS: tuple[ap.ApKind, ...] = ("1d", "2d", "2d-segmented")


@checked
def programs(words: int = 576, bits: int = 8) -> pd.DataFrame:
    """Cycles of every AP program against bits (at `words`), and of reductions against words.

    Of the programs without a sum, only the addition has both adders.

    Columns: sweep ("bits" or "words"), program, ap, counts, adder, bits, words, cycles.
    """
    rows = []

    def add(sweep: str, program: str, kind: str, m: int, length: int, cycles: ap.Amount) -> None:
        rows.append((sweep, program, kind, which, adder, m, length, float(cycles)))

    for which, adder in VARIANTS:
        for m in range(1, MAX_BITS + 1):
            moved = ap.load(2 * m)
            same = {
                "add": moved + ap.add(m, adder) + ap.read(m + 1),
                "multiply": moved + ap.multiply(m, m) + ap.read(2 * m),
                "ReLU": ap.relu(m, which),
                "maximum": moved + ap.maximum(m, which) + ap.read(m),
                "requantise": ap.requantise(2 * m + ap.levels(words), ap.scale_bits(m), m),
            }
            for name, program in same.items():
                if adder == "four-pass" or name == "add":
                    add("bits", name, "any", m, 1, program.cycles)
            for kind in KINDS:
                dot = _dot_product(words, m, kind, which, adder)
                add("bits", "dot product", kind, m, words, dot.cycles)
        for length in 2 ** np.arange(1, 13):
            for kind in KINDS:
                reduced = ap.reduce(int(length), 2 * bits, kind, which, adder=adder)
                add("words", "reduce", kind, bits, int(length), reduced.cycles)
    columns = ["sweep", "program", "ap", "counts", "adder", "bits", "words", "cycles"]
    return pd.DataFrame(rows, columns=columns)


def _dot_product(
    words: int, m: int, kind: ap.ApKind, which: ap.CountSet, adder: ap.Adder
) -> ap.Counts:
    """Load, multiply, reduce, resolve carries, read: one dot product of `words` m-bit products."""
    total = 2 * m + ap.levels(words)
    program = ap.load(2 * m) + ap.multiply(m, m) + ap.reduce(words, 2 * m, kind, which, adder=adder)
    if which == "microcode" and kind != "1d":
        program = program + ap.add(total, adder)
    return program + ap.read(total)
