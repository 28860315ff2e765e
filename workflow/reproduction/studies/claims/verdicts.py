"""Rules that judge a claim, each of which may reject it.

A claimed ratio to a published figure is

- *reproduced* if ours is within 10 % of it, and at least 95 % of the samples are on its side of 1;
- *same direction* if at least 95 % of the samples are on its side of 1, but ours is further off;
- *undecided* if the 5 to 95 % interval of the samples contains it: the parameters' ranges are too
  wide for a verdict;
- *not reproduced* otherwise.

A claimed order holds in a sample if each of its steps exceeds a margin. It is *reproduced* if it
holds nominally and in at least 95 % of the samples, *undecided* if it holds nominally only, else
*not reproduced*. Samples are the Monte Carlo draws of `bfimna.cost.uncertainty`.
"""

from dataclasses import dataclass

import numpy as np

TOLERANCE = 0.10
MARGIN = 0.02
SURE = 0.95
REPRODUCED, SAME, UNDECIDED, NOT = "reproduced", "same direction", "undecided", "not reproduced"
COVERAGE = "coverage"
#: every verdict, from the best to the worst
VERDICTS = (REPRODUCED, SAME, UNDECIDED, COVERAGE, NOT)


@dataclass(frozen=True)
class Verdict:
    """A judged figure.

    Attributes
    ----------
    verdict : one of `VERDICTS`.
    ours : the nominal figure.
    low : 5th percentile of its samples.
    high : 95th percentile of its samples.
    probability : share of the samples in which the claim's direction or order holds.
    """

    verdict: str
    ours: float
    low: float
    high: float
    probability: float


def ratio(claimed: float, ours: float, draws: np.ndarray) -> Verdict:
    """Judge a claimed ratio by our nominal ratio and its samples.

    >>> sharp = np.full(100, 1.0)
    >>> [ratio(1.2, x, x * sharp).verdict for x in (1.15, 2.0, 0.8)]
    ['reproduced', 'same direction', 'not reproduced']
    >>> [ratio(1.02, x, np.linspace(0.6, 1.5, 100)).verdict for x in (0.85, 1.02)]
    ['undecided', 'undecided']
    """
    side = (draws > 1) == (claimed > 1)
    probability = float(side.mean())
    low, high = (float(x) for x in np.percentile(draws, (5, 95)))
    if probability >= SURE:
        verdict = REPRODUCED if abs(ours / claimed - 1) <= TOLERANCE else SAME
    elif low <= claimed <= high:
        verdict = UNDECIDED
    else:
        verdict = NOT
    return Verdict(verdict, float(ours), low, high, probability)


def order(ours: float, draws: np.ndarray, holds: bool, holds_in: np.ndarray) -> Verdict:
    """Judge a claimed order.

    Parameters
    ----------
    ours : the figure shown beside the verdict.
    draws : its samples, shape (draws,).
    holds : whether the order holds nominally, with the margin.
    holds_in : whether it holds in each sample, shape (draws,).

    >>> order(0.9, np.full(4, 0.9), True, np.array([True] * 4)).verdict
    'reproduced'
    >>> order(0.9, np.full(4, 0.9), True, np.array([True, False] * 2)).verdict
    'undecided'
    """
    probability = float(np.mean(holds_in))
    verdict = NOT if not holds else REPRODUCED if probability >= SURE else UNDECIDED
    low, high = (float(x) for x in np.percentile(draws, (5, 95)))
    return Verdict(verdict, float(ours), low, high, probability)


def both(first: Verdict, second: Verdict, together: float) -> Verdict:
    """Judge two claims on one technology: no better than the worse of them.

    Parameters
    ----------
    together : share of the samples in which both directions hold; the figure shown.
    """
    worse = max(first, second, key=lambda judged: VERDICTS.index(judged.verdict))
    return Verdict(worse.verdict, together, together, together, together)
