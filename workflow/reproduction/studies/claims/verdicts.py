"""Rules that judge a claim, each of which may reject it, and how often each rule errs.

Samples are the Monte Carlo draws of `bfimna.cost.uncertainty`. A claim of *ratios* to published
figures names no technology and no supply, so it is judged by the design most favourable to it, in
two separate questions:

- *agreement*: do the samples contain the claimed value? In at least 5 % of them every ratio is as
  high as claimed or higher, and in at least 5 % as low or lower. For one ratio, the 5 to 95 %
  interval contains the claimed value.
- *direction*: the share of the samples in which every ratio exceeds 1. It is *certain* from 95 %
  on, *contrary* up to 5 %, *open* between.

It is *reproduced* if the claimed value agrees and the direction is certain, in the *same direction*
if the direction is certain and the value differs, *undecided* if the value agrees and the direction
is open, else *not reproduced*.

A claimed *order* must hold on every design, each of its steps by more than a margin. It is
*reproduced* if it holds nominally and in at least 95 % of the samples, *undecided* if nominally
only, else *not reproduced*.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan

import numpy as np

MARGIN = 0.02
SURE, TAIL = 0.95, 0.05
REPRODUCED, SAME, UNDECIDED, NOT = "reproduced", "same direction", "undecided", "not reproduced"
COVERAGE = "coverage"
#: every verdict, from the best to the worst
VERDICTS = (REPRODUCED, SAME, UNDECIDED, COVERAGE, NOT)
CERTAIN, OPEN, CONTRARY = "certain", "open", "contrary"
#: of the power: simulated studies, samples of each, and how far below the claim a false one lies
STUDIES, SAMPLES, FALSE = 200, 1000, 0.5


@dataclass(frozen=True)
class Power:
    """How often a rule is right, from studies simulated on our own intervals.

    Attributes
    ----------
    true_reproduced : share of the studies of a true claim with the verdict *reproduced*.
    true_kept : the same of all verdicts but *not reproduced*.
    false_rejected : share of the studies of a false claim that are *not reproduced*.
    """

    true_reproduced: float = nan
    true_kept: float = nan
    false_rejected: float = nan


@dataclass(frozen=True)
class Judged:
    """The samples of one design, judged against claimed ratios.

    Attributes
    ----------
    agreement : share of the samples beyond the claimed values, on the side with fewer.
    probability : share of the samples in which every ratio exceeds 1.
    """

    agreement: float
    probability: float

    @property
    def agrees(self) -> bool:
        """Whether the samples contain the claimed values."""
        return self.agreement >= TAIL

    @property
    def direction(self) -> str:
        """Whether the ratios exceed 1: certain, open or contrary."""
        if self.probability >= SURE:
            return CERTAIN
        return CONTRARY if self.probability <= 1 - SURE else OPEN

    @property
    def verdict(self) -> str:
        """The verdict by agreement and direction."""
        if self.direction == CERTAIN:
            return REPRODUCED if self.agrees else SAME
        return UNDECIDED if self.agrees and self.direction == OPEN else NOT


def judge(claimed: np.ndarray, draws: np.ndarray) -> Judged:
    """Judge one design.

    Parameters
    ----------
    claimed : ratios, shape (ratios,).
    draws : samples of ours, shape (ratios, draws).

    Examples
    --------
    >>> claimed, spread = np.array([1.2]), np.linspace(0.9, 1.1, 100)[None]
    >>> [judge(claimed, x * spread).verdict for x in (1.2, 2.0, 1.1, 0.8)]
    ['reproduced', 'same direction', 'reproduced', 'not reproduced']
    """
    above = np.all(draws >= claimed[:, None], axis=0).mean()
    below = np.all(draws <= claimed[:, None], axis=0).mean()
    direction = np.all(draws > 1, axis=0).mean()
    return Judged(float(min(above, below)), float(direction))


def most_favourable(claimed: np.ndarray, designs: Sequence[np.ndarray]) -> tuple[int, Judged]:
    """Return the position of the design with the best verdict, the nearest to the claim first."""
    judged = [judge(claimed, draws) for draws in designs]
    best = min(
        range(len(judged)),
        key=lambda n: (
            VERDICTS.index(judged[n].verdict), -judged[n].agreement, -judged[n].probability,
        ),
    )  # fmt: skip
    return best, judged[best]


def power(claimed: np.ndarray, designs: Sequence[np.ndarray], shown: int, seed: int = 0) -> Power:
    """Simulate how often the whole rule, search over designs included, errs.

    In each study the design `shown` truly reaches the claimed ratios (or `FALSE` times these). The
    study's figures miss the truth as one of that design's own samples misses its median, all
    designs by the same factors, and its samples spread about its figures as ours do.

    Parameters
    ----------
    designs : samples of each, shape (ratios, draws).
    """
    some = np.random.default_rng(seed).integers(0, designs[shown].shape[1], (2, SAMPLES))
    samples = [draws[:, some[0]] for draws in designs]
    median = np.median(designs[shown], axis=1)
    errors = designs[shown][:, some[1][:STUDIES]] / median[:, None]
    verdicts = {}
    for truth in (1.0, FALSE):
        factors = truth * (claimed / median)[:, None] * errors
        verdicts[truth] = np.array([
            most_favourable(claimed, [draws * factor[:, None] for draws in samples])[1].verdict
            for factor in factors.T
        ])  # fmt: skip
    return Power(
        true_reproduced=float((verdicts[1.0] == REPRODUCED).mean()),
        true_kept=float((verdicts[1.0] != NOT).mean()),
        false_rejected=float((verdicts[FALSE] == NOT).mean()),
    )


def order(holds: bool, holds_in: np.ndarray) -> str:
    """Judge a claimed order on one design.

    Parameters
    ----------
    holds : whether the order holds nominally, with the margin.
    holds_in : whether it holds in each sample, shape (draws,).

    >>> order(True, np.array([True] * 4)), order(True, np.array([True, False] * 2))
    ('reproduced', 'undecided')
    """
    if not holds:
        return NOT
    return REPRODUCED if float(np.mean(holds_in)) >= SURE else UNDECIDED


@dataclass(frozen=True)
class Verdict:
    """A judged claim, as a row of the table of claims.

    Attributes
    ----------
    verdict : one of `VERDICTS`.
    reason : the figures behind it.
    quantity : what `ours` is.
    claimed : its value as claimed; NaN where the paper states none.
    ours : the nominal figure of the design shown.
    low, high : 5th and 95th percentile of its samples; NaN where it has none.
    agreement : whether the samples contain the claimed value; empty where none is claimed.
    direction : certain, open or contrary; empty where no direction is claimed.
    probability : share of the samples in which the claim's direction or order holds.
    technology, supply_v : the design shown; empty and NaN where it is every one.
    power : how often the rule is right; NaN where the rule has no samples.
    """

    verdict: str
    reason: str
    quantity: str
    ours: float
    claimed: float = nan
    low: float = nan
    high: float = nan
    agreement: str = ""
    direction: str = ""
    probability: float = nan
    technology: str = ""
    supply_v: float = nan
    power: Power = Power()
