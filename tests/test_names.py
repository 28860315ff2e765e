"""Networks and precisions by name, as the workflow's config gives them: ours, or files."""

import pytest
from onnx_models import convolution, save
from test_onnx_bits import qonnx

import bfimna as bf
from bfimna import names as named
from bfimna.plot import style as plot
from bfimna.studies import points as results
from bfimna.workflow import config, runs

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


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"networks": ["resnet99"]}, "unknown network 'resnet99'; did you mean 'resnet50'"),
        ({"networks": ["none.onnx"]}, r"none\.onnx: no such file"),
        ({"networks": ["a b;c.onnx"]}, "want letters, digits"),
        ({"networks": ["alexnet"], "schemes": ["resnet18:own"]}, "'own' is for ONNX files"),
        ({"networks": ["alexnet"], "schemes": ["resnet18:none.yaml"]}, r"none\.yaml: no such file"),
        ({"networks": ["alexnet"], "schemes": ["resnet18:int17"]}, "from 1 to 16"),
    ],
)
def test_config_errors_are_one_line(given, reason, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(bf.BfimnaError, match=reason) as error:
        config.checked(ASKED | given)
    assert "\n" not in str(error.value)


def test_scalesim_by_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text("Layer,M,N,K,\nq,12,30,50,\n")
    assert named.load_network("t.csv").macs == 12 * 30 * 50
