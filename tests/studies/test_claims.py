"""The claims' verdicts follow from figures by the stated rules."""

import pytest

from bfimna import data
from bfimna.studies import claims


@pytest.fixture(scope="module")
def table():
    return claims.check(["sram-14nm-lstp", "reram-14nm-lstp", "sram-published-fit"])


def test_every_claim_is_checked_for_every_technology(table):
    assert len(table) == len(claims.TEXTS) * 3
    assert list(dict.fromkeys(table.claim)) == list(claims.TEXTS)


def test_ratios_and_verdicts_are_those_of_the_figures(table):
    ratios = table[table.claim.isin(claims.RATIOS)]
    for row in ratios.itertuples():
        assert row.ratio == pytest.approx(row.ours / row.claimed)
        assert row.verdict == claims.verdict_of_ratio(row.claimed, row.ours)


def test_the_fitted_technology_reproduces_what_it_was_fitted_to(table):
    fitted = table[(table.technology == "sram-published-fit") & table.claim.isin(claims.RATIOS)]
    # 41 654 / 40 907 = 1.018 and 170 / 142.9 = 1.190: "2 %" and "20 %"
    assert fitted.ours.to_list() == pytest.approx([1.018, 1.190], abs=2e-3)


def test_slow_writes_keep_reram_from_the_claims(table):
    reram = table[(table.technology == "reram-14nm-lstp") & table.claim.isin(claims.RATIOS)]
    assert (reram.verdict == "not reproduced").all()


def test_published_accuracies_are_joined_by_scheme():
    from bfimna.studies import points as results

    points = results.points("", ["resnet18"], data.hawq_schemes("resnet18"), ["sram-14nm-lstp"])
    joined = claims.with_published(points).set_index("scheme")
    assert joined.loc["latency-low", "top1_percent"] == 68.56
    assert joined.loc["int8", "edp_rel"] == 1
