"""The rules that judge a claim, and how often they err."""

import numpy as np
import pytest
from reproduction.studies.claims import budgets, verdicts


def test_a_ratio_that_the_ranges_leave_open_is_not_reproduced_however_close():
    """52 % of the draws above 1 agree with a claimed 1.02, but show no direction."""
    claimed, wide = np.array([1.02]), np.linspace(0.5, 1.54, 1001)[None]
    judged = verdicts.judge(claimed, wide)
    assert (judged.agrees, judged.direction, judged.verdict) == (True, "open", "undecided")
    assert judged.probability == pytest.approx(0.52, abs=0.01)
    narrow = 1.03 + 0.04 * (wide - 1.02)
    assert verdicts.judge(claimed, narrow).verdict == "reproduced"


def test_agreement_and_direction_are_two_questions():
    claimed = np.array([1.2])
    spread = np.linspace(0.95, 1.05, 101)[None]
    found = {x: verdicts.judge(claimed, x * spread) for x in (0.8, 1.2, 2.0)}
    assert [j.agrees for j in found.values()] == [False, True, False]
    assert [j.direction for j in found.values()] == ["contrary", "certain", "certain"]


def test_both_claims_need_the_same_samples():
    """Each ratio's interval holds its claim, but never at the same time."""
    t = np.linspace(0.6, 1.6, 101)
    traded = np.array([t, 1 / t])
    claimed = np.array([1.3, 1.3])
    assert all(verdicts.judge(claimed[[k]], traded[[k]]).agrees for k in (0, 1))
    assert verdicts.judge(claimed, traded).verdict == "not reproduced"


def test_the_most_favourable_design_decides():
    claimed, spread = np.array([1.2]), np.linspace(0.9, 1.1, 101)[None]
    best, judged = verdicts.most_favourable(claimed, [x * spread for x in (0.5, 1.25, 2.0, 1.21)])
    assert (best, judged.verdict) == (3, "reproduced")


def test_power_falls_as_intervals_grow():
    random, claimed = np.random.default_rng(0), np.array([1.2])
    found = [
        verdicts.power(claimed, [np.exp(random.normal(0, width, (1, 5000)))], 0)
        for width in (0.01, 0.05, 0.5)
    ]
    assert min(found[0].true_reproduced, found[1].true_reproduced) > 0.8
    assert found[2].true_reproduced < 0.1
    assert found[0].false_rejected == found[1].false_rejected == 1
    assert found[2].false_rejected < 0.6
    # by construction, about 90 % of the studies of a true claim agree with it
    assert all(0.8 < p.true_kept <= 1 for p in found)


def test_power_of_an_order():
    drawn = {s: np.full(500, x) for s, x in zip(budgets.SCHEMES, (4, 3, 2, 1.5, 1), strict=True)}
    for rule, _ in budgets.ORDERS.values():
        assert budgets.power(rule, drawn) == verdicts.Power(1, 1, 1)
    noise = np.exp(np.random.default_rng(0).normal(0, 0.5, (5, 500)))
    blurred = {s: x * noise[k] for k, (s, x) in enumerate(drawn.items())}
    assert budgets.power(budgets.falls, blurred).true_reproduced < 0.2
