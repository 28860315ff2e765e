"""Sweeps: the same in memory and on disk, resumed after a kill, one-line errors."""

import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import duckdb
import pandas as pd
import pytest

import bfimna as bf
from bfimna.cost import dataset
from bfimna.cost.grid import Part, grid
from bfimna.cost.sweep import part_columns

DOCS = Path(__file__).parents[2] / "docs" / "cluster.md"
NETS = [bf.zoo.alexnet(), bf.zoo.resnet18()]
BITS = [8, "w3a5", *(bf.Precision.mixed(net, 5, seed) for net in NETS for seed in range(70))]
SMALL = bf.Chip(name="small/1", clusters=16, rows=1200, overlap=True, weights="streamed")
ASKED = {
    "network": NETS,
    "precisions": BITS,
    "chips": ["LR", SMALL, bf.Chip(name="flat", ap_kind="1d")],
    "technologies": ["sram-14nm-lstp", "reram-14nm-lstp"],
    "batches": [1, 16],
    "counts": ["microcode", "published"],
    "supplies": [0.6, 0.8],
}
KEYS = ["network", "counts", "chip", "precision", "technology", "supply_v", "batch"]
FEW = {"network": "alexnet", "precisions": [4, 8], "chips": "LR", "technologies": "sram-14nm-lstp"}


def in_order(table):
    return table.sort_values(KEYS).reset_index(drop=True)


@pytest.fixture(scope="module")
def table():
    return bf.sweep(**ASKED)


def test_every_combination_stands_once(table):
    assert len(table) == 2 * 72 * 3 * 2 * 2 * 2 * 2
    assert not table.duplicated(KEYS).any()
    assert list(table)[: len(dataset.POINT_LABELS)] == list(dataset.POINT_LABELS)


def test_points_equal_simulations(table):
    for _, row in table.sample(60, random_state=0).iterrows():
        net = next(net for net in NETS if net.name == row.network)
        names = {p.name: p for p in BITS[2:] if p.layers == net.matmul_names}
        chip = {"LR": "LR", SMALL.name: SMALL}.get(row.chip, ASKED["chips"][2])
        tech = bf.load_technology(row.technology).at_supply(row.supply_v)
        report = bf.simulate(
            net, names.get(row.precision, row.precision), chip, tech, row.batch, row.counts
        )
        assert list(report.summary)[: len(row)] == list(row.index)
        for column, value in row.items():
            expected = report.summary[column]
            assert value == (pytest.approx(expected, rel=1e-12) if isinstance(expected, float)
                             else expected)  # fmt: skip


def test_idle_rows_and_other_links_are_priced_per_technology():
    """A price that technologies share is a number, any other an array."""
    plain = bf.load_technology("sram-14nm-lstp")
    links = replace(plain.interconnect, link_speed=2.0, dram_bytes_per_s=1e8)
    techs = [plain, replace(plain, name="leaky", idle_rows=0.5, interconnect=links)]
    together = bf.sweep(NETS[1], [4, 8], [SMALL], techs)
    alone = pd.concat([bf.sweep(NETS[1], [4, 8], [SMALL], tech) for tech in techs])
    pd.testing.assert_frame_equal(together, alone.reset_index(drop=True), check_exact=True)
    assert together.energy_j[2] > together.energy_j[0]


def test_streamed_equals_in_memory_to_the_last_bit(table, tmp_path, monkeypatch):
    monkeypatch.setattr(dataset.parts_by_path, "__defaults__", (300,))  # several parts each
    folder = bf.sweep(**ASKED, to=tmp_path / "points")
    assert len(list(folder.rglob("*.parquet"))) == 2 * 2 * 3 * 2
    read = bf.read_sweep(folder)
    assert list(read) == list(table)
    pd.testing.assert_frame_equal(in_order(read), in_order(table), check_exact=True)
    assert list(bf.read_sweep(folder, ["edp_js", "chip"])) == ["edp_js", "chip"]


def test_a_point_does_not_depend_on_the_rest_of_its_sweep(table):
    alone = bf.sweep(NETS[1], BITS[-3:], SMALL, "reram-14nm-lstp", 16, "published", 0.6)
    there = table.set_index(KEYS).sort_index()
    for row in alone.itertuples():
        key = tuple(getattr(row, name) for name in KEYS)
        assert there.loc[key, "edp_js"] == row.edp_js
        assert there.loc[key, "latency_s"] == row.latency_s


def test_bounds_are_those_of_a_report(tmp_path):
    asked = FEW | {"technologies": ["sram-14nm-lstp", "reram-14nm-lstp"]}
    table = bf.sweep(**asked, intervals=True)
    for _, row in table.iterrows():
        summary = bf.simulate("alexnet", row.precision, "LR", row.technology).summary
        for name in ("edp_js_low", "edp_js_high", "latency_s_low", "energy_j_high"):
            assert row[name] == pytest.approx(summary[name], rel=1e-12)
    read = bf.read_sweep(bf.sweep(**asked, intervals=True, to=tmp_path))
    pd.testing.assert_frame_equal(in_order(read), in_order(table), check_exact=True)
    assert not [name for name in bf.sweep(**asked) if name.endswith("_low")]


def computed(monkeypatch):
    """Note the parts that are computed."""
    parts, write_part = [], dataset.write_part

    def noted(path, part, compute):
        parts.append(path)
        write_part(path, part, compute)

    monkeypatch.setattr(dataset, "write_part", noted)
    return parts


def test_parts_are_computed_anew_only_if_an_input_changed(tmp_path, monkeypatch):
    parts = computed(monkeypatch)
    asked = FEW | {"counts": ["microcode", "published"]}
    bf.sweep(**asked, to=tmp_path)
    bf.sweep(**asked, to=tmp_path)
    assert len(parts) == 2
    tech = bf.load_technology("sram-14nm-lstp")
    bf.sweep(**asked | {"technologies": replace(tech, shift_s=2e-9)}, to=tmp_path)
    assert len(parts) == 4
    bf.sweep(**asked, to=tmp_path)
    parts[-1].write_bytes(parts[-1].read_bytes()[:-100])
    bf.sweep(**asked, to=tmp_path)
    assert len(parts) == 7
    assert parts[-1] == parts[-2]
    monkeypatch.setattr("bfimna.cost.grid.model_digest", lambda: "another")
    bf.sweep(**asked, to=tmp_path)
    assert len(parts) == 9


KILLED = """
import bfimna as bf
from bfimna.cost import dataset
dataset.parts_by_path.__defaults__ = (40,)
bits = [bf.Precision.mixed(bf.zoo.alexnet(), 5, seed) for seed in range(4000)]
print("go", flush=True)
bf.sweep("alexnet", bits, "LR", "sram-14nm-lstp", to={folder!r})
"""


def test_a_killed_sweep_is_resumed(tmp_path, monkeypatch):
    run = subprocess.Popen([sys.executable, "-c", KILLED.format(folder=str(tmp_path))])
    deadline = time.monotonic() + 60
    while len(list(tmp_path.rglob("part-*.parquet"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.005)
    run.send_signal(signal.SIGKILL)
    assert run.wait() == -signal.SIGKILL, "it was over before it was killed"
    there = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("part-*.parquet")}
    assert 3 <= len(there) < 100
    parts = computed(monkeypatch)
    monkeypatch.setattr(dataset.parts_by_path, "__defaults__", (40,))
    bits = [bf.Precision.mixed(NETS[0], 5, seed) for seed in range(4000)]
    bf.sweep("alexnet", bits, "LR", "sram-14nm-lstp", to=tmp_path)
    assert len(parts) == 100 - len(there)
    assert all(path.stat().st_mtime_ns == then for path, then in there.items())
    table = bf.sweep("alexnet", bits, "LR", "sram-14nm-lstp")
    pd.testing.assert_frame_equal(bf.read_sweep(tmp_path), table, check_exact=True)


def test_memory_is_bounded_by_a_part():
    asked = grid(NETS, BITS, ["LR"], "sram-14nm-lstp", [1, 4, 16])
    parts = list(dataset.parts_by_path(asked, Path("x"), 50).values())
    assert max(part.points for part in parts) <= 50
    assert sum(part.points for part in parts) == asked.points
    assert {len(part_columns(part)["edp_js"]) for part in parts} == {part.points for part in parts}


def test_duckdb_answers_the_query_of_the_docs(tmp_path):
    (query,) = re.findall("```sql\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    folder = bf.sweep(**FEW | {"network": NETS}, supplies=[0.6, 0.8], to=tmp_path)
    rows = duckdb.sql(query.replace("results/sweeps/example", str(folder))).df()
    table = bf.read_sweep(folder).query("latency_s <= 1e-3").sort_values("energy_j")
    best = table.groupby(["network", "mean_bits"]).first().reset_index()
    assert len(rows) == len(best) == 4
    assert rows.network.tolist() == best.network.tolist()
    assert rows.bits.tolist() == best.mean_bits.tolist()
    assert rows.energy_j.tolist() == best.energy_j.tolist()
    assert rows.supply_v.tolist() == best.supply_v.tolist()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"network": []}, "at least one"),
        ({"network": ["alexnet", "resnet81"]}, "unknown network 'resnet81'"),
        ({"precisions": []}, "at least one precision"),
        ({"network": NETS, "precisions": [BITS[2]]}, "for each network a precision"),
        ({"precisions": [BITS[-1]]}, "is for other layers than 'alexnet' has"),
        ({"supplies": []}, "at least one"),
        ({"supplies": [0.2]}, "no transistor switches"),
        ({"supplies": ["much"]}, "supply must be a voltage in V, not 'much'"),
        ({"batches": [0]}, "batch must be a whole number"),
        ({"counts": ["microcode", "micro"]}, "unknown counts 'micro'"),
        ({"intervals": 1}, "intervals must be true or false"),
        ({"chips": ["LR", "LR"]}, "two chips of a sweep on disk are named 'LR'"),
        ({"network": ["alexnet"] * 2}, "two networks of a sweep on disk are named 'alexnet'"),
        ({"to": "file"}, "cannot be written"),
        ({"to": 7}, "to must be a folder, not 7"),
    ],
)
def test_bad_input_is_refused_in_one_line(changed, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(bf.BfimnaError, match=message) as error:
        bf.sweep(**{**FEW, "to": "points", **changed})
    assert "\n" not in str(error.value)
    assert not list(tmp_path.rglob("*.parquet"))


def test_a_folder_of_another_sweep_is_left_alone(tmp_path):
    bf.sweep(**FEW | {"network": ["alexnet", "vgg16"]}, to=tmp_path)
    before = bf.read_sweep(tmp_path)
    with pytest.raises(bf.BfimnaError, match="1 parts of another sweep, such as network=vgg16/"):
        bf.sweep(**FEW, to=tmp_path)
    pd.testing.assert_frame_equal(bf.read_sweep(tmp_path), before)


def test_a_folder_without_a_sweep_is_refused(tmp_path):
    with pytest.raises(bf.BfimnaError, match="no dataset of a sweep"):
        bf.read_sweep(tmp_path)
    bf.sweep(**FEW, to=tmp_path)
    with pytest.raises(bf.BfimnaError, match="unknown column of a sweep 'edp'; did you mean"):
        bf.read_sweep(tmp_path, ["edp"])
    next(tmp_path.rglob("*.parquet")).write_bytes(b"PAR1 and no more")
    with pytest.raises(bf.BfimnaError, match=str(tmp_path)):
        bf.read_sweep(tmp_path)


def test_widths_of_tensors_tell_two_precisions_of_one_name_apart():
    net = bf.zoo.resnet18()
    plain = bf.Precision.fixed(net, 4)
    wide = replace(plain, tensor_bits=(("maxpool", 16),))
    parts = [
        Part(net, "microcode", bf.Chip.limited(), 0, (bits,), (1,), (), False)
        for bits in (plain, wide, replace(plain))
    ]
    assert parts[0].digest != parts[1].digest
    assert parts[0].digest == parts[2].digest
