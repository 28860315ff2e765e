"""The table behind the figure `attention`: parts add up to the report, and grow as they should."""

import pytest
from reproduction.studies.attention import PARTS, attention

import bfimna as bf
from bfimna import BfimnaError


def test_parts_add_up_to_the_report_and_attention_overtakes():
    table = attention("bert_base", [64, 1024], 8, "sram-14nm-lstp", "LR")
    assert list(table.part) == [*PARTS, *PARTS]
    whole = table.groupby("tokens")[["latency_s", "energy_j"]].sum()
    for tokens, row in whole.iterrows():
        report = bf.simulate(f"bert_base-{tokens}", 8, "LR", "sram-14nm-lstp")
        assert row.latency_s == pytest.approx(report.latency_s)
        assert row.energy_j == pytest.approx(report.energy_j)
    by_length = table.pivot_table("latency_share", "tokens", "part")
    assert by_length["scores and values"][1024] > 4 * by_length["scores and values"][64]
    assert by_length.sum(axis=1).to_numpy() == pytest.approx(1)


def test_lengths_and_networks_are_checked():
    for tokens, message in (([], "tokens is empty"), ([0], r"tokens\[0\]"), (8, "must be a list")):
        with pytest.raises(BfimnaError, match=message):
            attention("bert_base", tokens, 8, "sram-14nm-lstp", "LR")
    with pytest.raises(BfimnaError, match="unknown network 'resnet18-128'"):
        attention("resnet18", [128], 8, "sram-14nm-lstp", "LR")
