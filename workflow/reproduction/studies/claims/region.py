"""The inverse question: the time and energy of a pass that would make both claims true.

A pass is a compare and the write that follows it. Of the peak's program the passes are what the
width multiplies; loads, reads and leakage cost what a technology makes them cost.
"""

from dataclasses import dataclass

import numpy as np

from bfimna.ap import counts as ap
from bfimna.cost import formulas
from bfimna.technology.technology import Technology
from reproduction.studies.claims.designs import PAPER
from reproduction.studies.claims.peaks import OPERATIONS, Design, targets

POINTS = 25  # of a region's edge
FASTEST_S = 5e-11  # its left end: far below the pass of any technology


@dataclass(frozen=True)
class Pass:
    """Cost of an average pass of the peak's program on one row.

    Attributes
    ----------
    seconds : of a compare and the write that follows.
    joules : of one row, without leakage.
    """

    seconds: float
    joules: float


@dataclass(frozen=True)
class Rest:
    """Cost of the rest of the peak's program: loads and reads on one row, and leakage.

    Attributes
    ----------
    seconds, joules : of all loads and reads.
    watts : leakage, by row.
    """

    seconds: float = 0.0
    joules: float = 0.0
    watts: float = 0.0


def passes(bits: int) -> ap.Counts:
    """Return the counts of the peak's passes, on one row."""
    return ap.multiply(bits, bits) + ap.add(bits)


def taken_apart(technology: Technology) -> tuple[Pass, Rest]:
    """Return a technology's pass, and the rest of its peak's program."""
    bits = targets()[0].bits
    computing, moving = passes(bits), ap.load(2 * bits) + ap.read(2 * bits)
    number = float(computing.compares)

    def cost(counts: ap.Counts) -> tuple[float, float]:
        joules = formulas.energy(counts.over(PAPER.product_rows), technology, PAPER)
        seconds = formulas.latency(counts, technology, PAPER)
        return float(seconds), float(joules) / PAPER.product_rows

    seconds, joules = cost(computing)
    leaked = float(formulas.leakage_power(PAPER, technology)) / PAPER.product_rows
    return Pass(seconds / number, joules / number), Rest(*cost(moving), leaked)


def edge(rest: Rest) -> tuple[np.ndarray, np.ndarray]:
    """Return the edge of the region in which both claims hold: a pass's seconds and most joules.

    The last point is the longest pass; beyond it no energy helps. Empty where loads, reads and
    leakage alone take more than the claims allow.
    """
    throughput, efficiency = targets()
    number = float(passes(throughput.bits).compares)
    allowed_s = OPERATIONS * PAPER.product_rows / (throughput.ratio * throughput.figure)
    allowed_j = OPERATIONS / (efficiency.ratio * efficiency.figure)
    longest = (allowed_s - rest.seconds) / number
    if longest <= 0:
        return np.empty(0), np.empty(0)
    seconds = np.geomspace(min(FASTEST_S, longest), longest, POINTS)
    leaked = rest.watts * (number * seconds + rest.seconds)
    joules = (allowed_j - rest.joules - leaked) / number
    return seconds[joules > 0], joules[joules > 0]


def shortfall(design: Design) -> float:
    """Return the factor by which a design's weaker rate misses its claim; at most 1 if both hold.

    >>> import numpy as np
    >>> from bfimna.names import load_technology
    >>> from reproduction.studies.claims.peaks import designs
    >>> fitted = designs([load_technology("sram-published-fit")])
    >>> round(min(shortfall(design) for design in fitted), 2)
    1.01
    """
    claimed = np.array([target.ratio for target in targets()])
    return float((claimed / design.ratios).max())
