"""Points: stored or simulated, the same table; fronts and sample of a sweep, by definition."""

import numpy as np
import pandas as pd
import pytest
from reproduction.studies import points
from reproduction.studies.points import extract

import bfimna as bf
from bfimna.cost import dataset
from bfimna.cost.dataset import read_parts
from bfimna.search.pareto import pareto_front
from bfimna.tables import write_table

NETS = [bf.zoo.alexnet(), bf.zoo.resnet18()]
BITS = [bf.Precision.mixed(net, mean, k) for net in NETS for mean in (3, 5) for k in range(6)]
ASKED = (["alexnet"], ["int4", "int8"], ["sram-14nm-lstp"])


def test_stored_and_simulated_points_are_one_table(tmp_path):
    simulated = points.points("", *ASKED)
    others = [
        points.run("alexnet", "int4", "sram-14nm-lstp", "LR", supply_v=0.6).summary,
        points.run("alexnet", "int4", "sram-14nm-lstp", "LR", batch=4).summary,
        points.run("alexnet", "int4", "sram-14nm-lstp", "LR", counts="published").summary,
        points.run("alexnet", "int4", "sram-14nm-lstp", "IR").summary,
    ]
    stored = pd.concat([pd.DataFrame(others), simulated])
    path = write_table(stored, tmp_path / "summary.csv")
    for table in (path, write_table(stored.iloc[:-1], tmp_path / "less.csv")):
        found = points.points(str(table), *ASKED)
        assert list(found.columns) == list(simulated.columns)
        pd.testing.assert_frame_equal(found, simulated, rtol=1e-6, check_dtype=False)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"summary '.*: No such file or directory; want results/summary\.csv"),
        ("network,precision\n1,2\n", "has no column 'technology': want results/summary.csv"),
        ("", "No columns to parse from file"),
    ],
)
def test_a_summary_that_is_none_is_one_line(content, message, tmp_path):
    path = tmp_path / ("none.csv" if content is None else "some.csv")
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(bf.BfimnaError, match=message) as raised:
        points.points(str(path), *ASKED)
    assert "\n" not in str(raised.value)


def test_what_a_run_varies_reaches_the_simulation():
    run = points.run("alexnet", "int4", "sram-14nm-lstp", {"name": "small", "clusters": 16},
                     supply_v=0.6, batch=2, counts="published")  # fmt: skip
    assert run.chip.clusters == 16
    assert run.technology.supply_v == pytest.approx(0.6)
    assert (run.batch, run.counts) == (2, "published")


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


def test_fronts_are_pareto_fronts(folder):
    whole = bf.read_sweep(folder)
    seen = extract(read_parts(folder), 20)
    assert seen.points == len(whole)
    expected = set()
    for _, rows in whole.groupby(["network", whole.mean_bits.round()]):
        some = rows[["latency_s", "energy_j"]].to_numpy()
        expected |= {tuple(point) for point in some[pareto_front(some)]}
    assert set(zip(seen.front.latency_s, seen.front.energy_j, strict=True)) == expected
    assert len(seen.front) == len(expected)
    twice = extract([*read_parts(folder), *read_parts(folder)], 20)
    assert len(twice.front) == len(expected)  # of equal points one
    for row in seen.best.itertuples():
        assert row.edp_js == whole[whole.network == row.network].edp_js.min()
    assert seen.best.network.tolist() == ["alexnet", "resnet18"]


def test_the_cloud_is_a_sample_of_every_part(folder):
    whole = bf.read_sweep(folder)
    seen = extract(read_parts(folder), 100)
    assert seen.cloud.network.value_counts().to_dict() == {"alexnet": 100, "resnet18": 100}
    assert not seen.cloud.duplicated(["network", "precision", "chip", "supply_v", "batch"]).any()
    for key in ("chip", "supply_v", "batch", "precision"):
        assert set(seen.cloud[key]) == set(whole[key])
    assert np.array_equal(seen.cloud.index, extract(read_parts(folder), 100).cloud.index)
    assert len(extract(read_parts(folder), 10**6).cloud) == len(whole)
