"""The studies behind figures, on a chip of one's own."""

import pytest
from reproduction.studies import design_space, traffic, uncertainty

NETWORK, SRAM = "examples/model.onnx", "sram-14nm-lstp"
MINE = {"name": "mine", "clusters": 4, "weights": "streamed", "overlap": True}


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch, pytestconfig):
    monkeypatch.chdir(pytestconfig.rootpath)


def test_traffic_starts_from_the_chip_as_it_is_and_leaves_out_what_it_has():
    table = traffic.traffic([NETWORK], "int8", SRAM, MINE)
    assert list(table.variant) == ["multicast, streamed, overlapped", "no multicast"]
    table = traffic.traffic([NETWORK], "int8", SRAM)
    assert len(table) == 4
    assert table.variant[0] == "multicast, resident"
    assert set(table.chip) == {"LR"}


def test_every_study_names_the_chip_and_gives_other_figures_on_it():
    for study in (
        lambda chip: design_space.batches([NETWORK], "int8", SRAM, chip).latency_s,
        lambda chip: design_space.supply(NETWORK, "int8", [SRAM], chip).latency_s,
        lambda chip: uncertainty.uncertain([NETWORK], "int8", SRAM, 8, chip).nominal.dropna(),
    ):
        assert (study(MINE).to_numpy() > study("LR").to_numpy()).any()
    assert set(uncertainty.uncertain([NETWORK], "int8", SRAM, 8, MINE).chip) == {"mine"}
