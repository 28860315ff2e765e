"""Networks, precisions, chips and technologies by name, file or object."""

import pytest
from reproduction import config, runs
from reproduction.studies import points as results

import bfimna as bf
from bfimna import names as named
from bfimna.plot import style as plot

from .onnx.onnx_models import convolution, save
from .onnx.test_onnx_bits import qonnx

ASKED = {
    "bits": [4], "schemes": [], "technologies": ["sram-14nm-lstp"], "chips": ["LR"],
    "figures": "figures", "results": "results",
}  # fmt: skip


@pytest.fixture
def model(tmp_path, monkeypatch):
    """Return the name of a model of its own bits, relative to the working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    save(tmp_path / "models/mine.onnx", *qonnx())
    return "models/mine.onnx"


def test_file_goes_the_same_way_as_a_zoo_network(model):
    report = results.run(model, "own", "sram-14nm-lstp", "LR")
    assert (report.summary["network"], report.summary["precision"]) == (model, "own")
    assert report.precision["c_node"] == (4, 6)
    assert plot.title_of(model) == "mine"
    assert results.run("alexnet", "int4", "sram-14nm-lstp", "LR").network is bf.zoo.alexnet()


def test_config_takes_files(model, tmp_path):
    (tmp_path / "mine.yaml").write_text("c*: [2, 3]\n")
    schemes = [f"{model}:own", f"{model}:mine.yaml", "alexnet:w4a8"]
    asked = config.checked(ASKED | {"networks": ["resnet18", model], "schemes": schemes})
    assert [run.folder.rpartition("/")[0] for run in runs.runs(asked)] == [
        "resnet18/int4", "mine/int4", "mine/own", "mine/mine", "alexnet/w4a8",
    ]  # fmt: skip
    assert results.run(model, "mine.yaml", "sram-14nm-lstp", "LR").precision["c_node"] == (2, 3)


def test_changed_bits_in_a_file_change_the_digest(model, tmp_path):
    before = runs.precision_digest(model, "own")
    save(tmp_path / model, *qonnx(w_bits=2))
    runs.precision_digest.cache_clear()
    assert runs.precision_digest(model, "own") != before


def test_two_files_of_one_stem_are_refused(model, tmp_path):
    conv, w = convolution()
    save(tmp_path / "mine.onnx", [conv], [w])
    with pytest.raises(bf.BfimnaError, match="share the name 'mine'"):
        config.checked(ASKED | {"networks": [model, "mine.onnx"]})


# a list of 9⁹ elements in 300 bytes, should anything write it out
BOMB = (
    "[&a0 [x]" + "".join(f", &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)) + "]"
)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"networks": ["resnet99"]}, "unknown network 'resnet99'; did you mean 'resnet50'"),
        ({"networks": ["none.onnx"]}, r"none\.onnx: no such file"),
        ({"networks": ["a b;c.onnx"]}, "want letters, digits"),
        ({"networks": ["alexnet"], "schemes": ["resnet18:own"]}, "'own' is for ONNX files"),
        ({"networks": ["alexnet"], "schemes": ["resnet18:none.yaml"]}, r"none\.yaml: no such file"),
        ({"networks": ["alexnet"], "schemes": ["resnet18:int17"]}, "from 1 to 16"),
    ],
)
def test_config_errors_are_one_line(settings, reason, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(bf.BfimnaError, match=reason) as error:
        config.checked(ASKED | settings)
    assert "\n" not in str(error.value)


def test_scalesim_by_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text("Layer,M,N,K,\nq,12,30,50,\n")
    assert named.load_network("t.csv").macs == 12 * 30 * 50


NET = bf.zoo.alexnet()
INT8 = bf.Precision.fixed(NET, 8)
SRAM = bf.data.load_technology("sram-14nm-lstp")


@pytest.mark.parametrize(
    ("asked", "same"),
    [
        (("alexnet", 8, "LR", "sram-14nm-lstp"), (NET, INT8, bf.Chip.limited(), SRAM)),
        ((NET, "int8", "IR", SRAM), (NET, INT8, bf.Chip.unlimited(), SRAM)),
        (("alexnet", (4, 8), "LR", SRAM),
         (NET, bf.Precision.fixed(NET, weights=4, activations=8), bf.Chip.limited(), SRAM)),
        (("alexnet", dict.fromkeys(NET.matmul_names, 8), {"name": "few", "rows": 1200}, SRAM),
         (NET, INT8, bf.Chip(name="few", rows=1200), SRAM)),
    ],
)  # fmt: skip
def test_names_and_objects_give_equal_results(asked, same):
    ours, theirs = bf.simulate(*asked), bf.simulate(*same)
    assert (ours.chip, ours.times.tolist()) == (theirs.chip, theirs.times.tolist())


def test_published_bits_by_name():
    report = bf.simulate("resnet18", "hawq_v3/latency-low", "LR", "sram-14nm-lstp")
    assert report.precision["layer2.0.conv1"] == report.precision.of_network(report.network)[5]
    assert report.precision.name == "hawq_v3/latency-low"


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (("resnet19", 8, "LR", SRAM), "unknown network 'resnet19'; did you mean 'resnet18'"),
        ((7, 8, "LR", SRAM), "network must be a Network, a name or a file, not 7"),
        ((None, 8, "LR", SRAM), "network must be"),
        (("alexnet", 17, "LR", SRAM), "from 1 to 16, not 17"),
        (("alexnet", None, "LR", SRAM), "precision must be a Precision"),
        (("alexnet", (8, 8, 8), "LR", SRAM), "one width or"),
        (("alexnet", "int", "LR", SRAM), "unknown precision of alexnet 'int'.*int<bits>"),
        (("vgg16", INT8, "LR", SRAM), "is for other layers than 'vgg16' has"),
        (("alexnet", 8, "lr", SRAM), "unknown chip 'lr'.*Known: .*IR, LR"),
        (("alexnet", 8, 64, SRAM), "chip must be a Chip"),
        (("alexnet", 8, {"rows": 1200}, SRAM), "needs a name"),
        (("alexnet", 8, {"name": "a b"}, SRAM), "needs a name of letters"),
        (("alexnet", 8, {"name": "x", "row": 3}, SRAM), "unknown field of a chip 'row'"),
        (("alexnet", 8, {"name": "IR"}, SRAM), "has other fields than IR has"),
        (("alexnet", 8, "LR", "sram"), "unknown technology 'sram'.*Known: .*sram-14nm-lstp"),
        (("alexnet", 8, "LR", None), "technology must be a Technology, a name or"),
        (("alexnet", 8, "LR", "mine.csv"), "want <path>.csv:<name> of one in it"),
        (("alexnet", 8, "LR", "none.csv:x"), "none.csv: no such file"),
        (("alexnet", 8, "LR", SRAM, "2"), "batch must be a whole number"),
        (("alexnet", 8, "LR", SRAM, 1, ["published"]), "unknown counts"),
    ],
)
def test_unknown_names_are_refused_in_one_line(asked, message):
    with pytest.raises(bf.BfimnaError, match=message) as error:
        bf.simulate(*asked)
    assert "\n" not in str(error.value)


def test_a_precision_of_another_network_is_not_loaded():
    assert bf.load_precision("alexnet", INT8) is INT8
    with pytest.raises(bf.BfimnaError, match="is for other layers than 'vgg16' has"):
        bf.load_precision("vgg16", INT8)


def test_sweep_and_peak_take_names_too():
    table = bf.sweep("alexnet", [8, "w4a8"], ["LR", {"name": "few", "rows": 1200}],
                     "sram-14nm-lstp", 2)  # fmt: skip
    assert list(zip(table.precision, table.chip, table.batch, strict=True)) == [
        ("int8", "LR", 2), ("w4a8", "LR", 2), ("int8", "few", 2), ("w4a8", "few", 2),
    ]  # fmt: skip
    assert bf.peak(8, "LR", "sram-14nm-lstp") == bf.peak(8, bf.Chip.limited(), SRAM)
    for wrong in ({"chips": "L"}, {"technologies": None}, {"batches": 2.5}, {"precisions": []}):
        asked = {"precisions": 8, "chips": "LR", "technologies": SRAM, **wrong}
        with pytest.raises(bf.BfimnaError):
            bf.sweep("alexnet", **asked)


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("c.yaml", "rows: 1200\nclock_hz: 1e9\n", None),
        ("c.json", '{"name": "c", "rows": 1200}', None),
        ("c.yml", "rows: 1200\nrows: 2400\n", "line 2: 'rows' is given twice, first on 1"),
        ("c.json", '{"rows": 1200, "rows": 2400}', "line 1: 'rows' is given twice, first on 1"),
        ("c.yaml", f"rows: {BOMB}\n", "rows must be a whole number"),
        ("c.yaml", "row: 1200\n", "unknown field of .*c.yaml.* 'row'; did you mean 'rows'"),
        ("c.yaml", "rows: 12.5\n", "rows must be a whole number"),
        ("c.yaml", "clock_hz: fast\n", "clock_hz must be a number, not 'fast'"),
        ("c.yaml", "- rows\n", "want a mapping"),
        ("c.yaml", "", "want a mapping"),
        ("c.yaml", "rows: [1200\n", "c.yaml line 2: not valid YAML"),
        ("c.yaml", "rows: !!python/object:os.system 1\n", "not valid YAML"),
        ("c.yaml", "\xff", "not UTF-8"),
        ("c.yaml", "name: LR\nrows: 3\n", "named 'LR' has other fields"),
        ("missing", "", "missing.yaml: no such file"),
    ],
)
def test_a_chip_from_a_file(file, text, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / file).write_bytes(text.encode("latin-1"))
    name = "missing.yaml" if file == "missing" else file
    if message is None:
        assert bf.load_chip(name) == bf.Chip(name="c", rows=1200)
        return
    with pytest.raises(bf.BfimnaError, match=message) as error:
        bf.load_chip(name)
    assert "\n" not in str(error.value)


def test_a_technology_of_a_users_table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table = bf.data.technologies()
    mine = table[table.technology == "reram-14nm-lstp"].assign(technology="mine")
    mine.to_csv("cells.csv", index=False)
    report = bf.simulate("alexnet", 8, "LR", "cells.csv:mine")
    assert report.technology.name == "cells.csv:mine"  # as a network bears its path
    assert report.energy_j == bf.simulate("alexnet", 8, "LR", "reram-14nm-lstp").energy_j
    with pytest.raises(bf.BfimnaError, match=r"unknown technology in cells\.csv 'yours'"):
        bf.simulate("alexnet", 8, "LR", "cells.csv:yours")


def test_paths_with_spaces_are_for_path_objects(model, tmp_path):
    odd = (tmp_path / model).rename(tmp_path / "my model.onnx")
    assert bf.load_network(odd).macs > 0
    assert bf.load_precision(odd, "own")["c_node"] == (4, 6)
    with pytest.raises(bf.BfimnaError, match=r"want letters, digits.*pathlib\.Path"):
        bf.load_network("my model.onnx")
