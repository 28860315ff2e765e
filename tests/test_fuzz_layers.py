"""A seeded part of the campaign of networks of any sizes."""

from . import fuzz_layers


def test_networks_of_any_sizes_are_answered_or_refused():
    tally = fuzz_layers.campaign(400, seed=0)
    assert min(tally["answered"], tally["refused"]) > 40, tally
