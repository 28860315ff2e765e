"""Benches on the project's own card; tests that simulate are skipped by name without ngspice."""

import shutil

import pytest

from bfimna import data
from bfimna.characterise import characterise, read_kit
from bfimna.characterise.decks import Bench
from bfimna.characterise.lines import timed
from bfimna.characterise.ngspice import Simulator

KITS = data.ROOT / "circuit" / "kits"


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    if shutil.which("ngspice") is None:
        pytest.skip("ngspice is not installed: apt-get install ngspice")
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="session")
def kit():
    return read_kit(KITS / "own.toml")


@pytest.fixture(scope="session")
def bench(cache, kit):
    """The kit's cell at its nominal condition."""
    return timed(Bench(kit, Simulator(cache), kit.card, kit.supply_v, 350.0))


@pytest.fixture(scope="session")
def own(cache, kit):
    return characterise(kit, cache)


@pytest.fixture(scope="session")
def resistive(cache):
    return characterise(KITS / "own-2t2r.toml", cache)
