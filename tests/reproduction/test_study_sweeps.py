"""What a sweep's picture shows: the same from parts as from the whole, by its definition."""

import numpy as np
import pandas as pd
import pytest
from reproduction.studies.sweeps import shown

import bfimna as bf
from bfimna.cost import dataset
from bfimna.cost.dataset import read_parts
from bfimna.search.pareto import pareto_front

NETS = [bf.zoo.alexnet(), bf.zoo.resnet18()]
BITS = [bf.Precision.mixed(net, mean, k) for net in NETS for mean in (3, 5) for k in range(6)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dataset.parts_by_path, "__defaults__", (12,))
        return bf.sweep(
            NETS, BITS, ["LR", "IR"], "sram-14nm-lstp", [1, 8], supplies=[0.6, 0.7, 0.8],
            to=tmp_path_factory.mktemp("points"),
        )  # fmt: skip


def test_parts_are_the_sweep(folder):
    parts = list(read_parts(folder, ["network", "edp_js"]))
    assert len(parts) > 10
    whole = bf.read_sweep(folder, ["network", "edp_js"])
    pd.testing.assert_frame_equal(pd.concat(parts, ignore_index=True), whole)
    with pytest.raises(bf.BfimnaError, match="no dataset of a sweep"):
        next(read_parts(folder / "none"))


def test_fronts_are_what_no_point_beats(folder):
    whole = bf.read_sweep(folder)
    seen = shown(read_parts(folder), 20)
    assert seen.points == len(whole)
    wanted = set()
    for _, rows in whole.groupby(["network", whole.mean_bits.round()]):
        some = rows[["latency_s", "energy_j"]].to_numpy()
        wanted |= {tuple(point) for point in some[pareto_front(some)]}
    assert set(zip(seen.front.latency_s, seen.front.energy_j, strict=True)) == wanted
    assert len(seen.front) == len(wanted)
    twice = shown([*read_parts(folder), *read_parts(folder)], 20)
    assert len(twice.front) == len(wanted)  # of equal points one
    for row in seen.best.itertuples():
        assert row.edp_js == whole[whole.network == row.network].edp_js.min()
    assert seen.best.network.tolist() == ["alexnet", "resnet18"]


def test_the_cloud_is_a_sample_of_every_part(folder):
    whole = bf.read_sweep(folder)
    seen = shown(read_parts(folder), 100)
    assert seen.cloud.network.value_counts().to_dict() == {"alexnet": 100, "resnet18": 100}
    assert not seen.cloud.duplicated(["network", "precision", "chip", "supply_v", "batch"]).any()
    for key in ("chip", "supply_v", "batch", "precision"):
        assert set(seen.cloud[key]) == set(whole[key])
    assert np.array_equal(seen.cloud.index, shown(read_parts(folder), 100).cloud.index)
    assert len(shown(read_parts(folder), 10**6).cloud) == len(whole)
