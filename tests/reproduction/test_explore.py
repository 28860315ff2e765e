"""Explore without a browser: widgets, the picture that follows, and the config that is saved."""

import io
import os
import shutil
from pathlib import Path

import matplotlib as mpl
import numpy as np
import onnx
import pytest
import yaml
from matplotlib.image import imread
from reproduction import config
from reproduction.explore.choice import Choice, network_of, stages
from reproduction.explore.panel import Panel, roofline
from reproduction.runs import runs

from bfimna import BfimnaError
from bfimna.network import zoo

from ..clean import assert_clean

mpl.use("Agg")
ROOT = Path(__file__).parents[2]
DEFAULT = yaml.safe_load((ROOT / "workflow" / "config.yaml").read_text())
INCEPTION = Path(onnx.__file__).parent / "backend/test/data/light/light_inception_v1.onnx"
CHOICES = [
    Choice(),
    Choice("alexnet", (8, 4, 2, 8), "reram-14nm-lstp", 0.7, 16, 32, 1200, 4, "streamed"),
]


@pytest.mark.parametrize("choice", CHOICES)
def test_the_saved_config_is_one_that_the_workflow_runs_and_gives_the_same(choice, tmp_path):
    path = choice.save(tmp_path)
    config.check_file(path)
    found = runs(config.checked({**DEFAULT, **yaml.safe_load(path.read_text())}))
    # where bits differ by stage, there is one more run at one width to compare with
    run = found[-1]
    assert len(found) == 1 + (len(choice.bits) > 1)
    from reproduction.studies import points

    same = points.run(**run.parameters)
    assert same.edp_js == choice.report().edp_js
    assert same.precision.weight_bits == choice.precision().weight_bits


def test_stages_part_every_network_in_order():
    for name in zoo.CNNS:
        net = zoo.load(name)
        parts = stages(net)
        assert [layer for part in parts for layer in part] == list(net.matmul_names)
        assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_a_picture_that_was_moved_is_the_one_drawn_new():
    moved, new = Panel(), Panel()
    moved.show(CHOICES[1].report())
    moved.png()
    moved.show(CHOICES[0].report())
    new.show(CHOICES[0].report())
    one, other = (imread(io.BytesIO(panel.png())) for panel in (moved, new))
    assert np.array_equal(one, other)


def test_a_change_draws_anew_only_the_part_whose_limits_it_moves(monkeypatch):
    panel, drawn = Panel(), []
    for name in ("layers", "phases", "roof"):
        ax = getattr(panel, name)
        monkeypatch.setattr(
            ax, "draw", lambda renderer, n=name, draw=ax.draw: drawn.append(n) or draw(renderer)
        )
    panel.show(CHOICES[0].report())
    panel.png()
    assert set(drawn) == {"layers", "phases", "roof"}
    for bits, want in ((7, []), (1, ["roof"]), (8, []), (1, [])):
        drawn.clear()
        panel.show(Choice(bits=(bits,)).report())
        panel.png()
        assert drawn == want, bits


@pytest.mark.parametrize("network", [*zoo.CNNS, str(INCEPTION)])
def test_no_text_of_the_panel_overlaps_or_leaves_it(network, tmp_path):
    panel = Panel()
    report = Choice(network=network).report()
    panel.show(report)
    assert_clean(panel.figure)
    panel.save(str(tmp_path / "explore.pdf"), report)
    assert (tmp_path / "explore.pdf").stat().st_size > 10_000


def test_a_file_is_read_once_for_as_long_as_it_is_the_same(tmp_path):
    path = tmp_path / "mine.onnx"
    shutil.copy(ROOT / "examples" / "model.onnx", path)
    first = network_of(str(path))
    assert network_of(str(path)) is first
    os.utime(path, ns=(1, 1))
    assert network_of(str(path)) is not first
    path.unlink()
    with pytest.raises(BfimnaError, match=r"mine\.onnx"):
        network_of(str(path))


def test_the_roofline_bounds_every_layer():
    for choice in CHOICES:
        (x, y), whole, slope, ceiling = roofline(choice.report())
        assert (y <= slope * x * (1 + 1e-9)).all()
        assert (y <= ceiling).all()
        assert whole[1] <= slope * whole[0]


widgets = pytest.importorskip("ipywidgets", reason="the extra lab is not installed")


@pytest.fixture
def explorer(tmp_path):
    from reproduction.explore.widgets import Explorer

    return Explorer(folder=tmp_path)


@pytest.mark.parametrize(("control", "value"), [
    ("network", "alexnet"), ("bits", 4), ("technology", "reram-14nm-lstp"), ("supply_v", 0.65),
    ("clusters", 16), ("caps_per_cluster", 32), ("rows", 1200), ("batch", 16),
    ("weights", "streamed"),
])  # fmt: skip
def test_every_control_changes_totals_and_picture(explorer, control, value):
    totals, picture = explorer.totals.value, explorer.picture.value
    explorer.controls[control].value = value
    assert explorer.totals.value != totals
    assert explorer.picture.value != picture


def test_bits_by_stage_and_the_button(explorer, tmp_path):
    explorer.controls["by_stage"].value = True
    before = explorer.totals.value
    explorer.controls["bits_2"].value = 2
    assert explorer.totals.value != before
    assert explorer.choice.bits == (8, 2, 8, 8)
    explorer.button.click()
    assert "snakemake --configfile" in explorer.saved.value
    assert {p.name for p in tmp_path.iterdir()} == {
        "config.yaml", "explore.pdf", "resnet18-bits.yaml"
    }  # fmt: skip


def test_an_unknown_network_is_told_and_the_picture_stays(explorer):
    picture = explorer.picture.value
    explorer.controls["network"].value = "<b>nope"
    assert "unknown network" in explorer.totals.value
    assert "<b>nope" not in explorer.totals.value
    assert explorer.picture.value == picture
    explorer.button.click()
    assert "unknown network" in explorer.saved.value


def test_bits_by_stage_need_a_file():
    with pytest.raises(BfimnaError, match="need a file"):
        CHOICES[1].config()


@pytest.fixture
def in_notebooks(tmp_path, monkeypatch):
    """A project whose notebooks' folder is the working directory, as in JupyterLab."""
    for folder in ("workflow", "notebooks", "examples"):
        (tmp_path / folder).mkdir()
    (tmp_path / "workflow" / "Snakefile").touch()
    shutil.copy(ROOT / "examples" / "model.onnx", tmp_path / "examples")
    shutil.copy(ROOT / "data" / "technologies" / "derived.csv", tmp_path / "mine.csv")
    monkeypatch.chdir(tmp_path / "notebooks")
    return tmp_path


def test_paths_count_from_the_projects_root(in_notebooks, monkeypatch):
    choice = Choice("examples/model.onnx", (8, 4), "mine.csv:sram-14nm-lstp")
    before = choice.report()
    assert before.network.name == "examples/model.onnx"
    path = choice.save("results/interactive/explore")
    assert path == in_notebooks / "results/interactive/explore/config.yaml"
    saved = yaml.safe_load(path.read_text())
    bits = "results/interactive/explore/model-bits.yaml"
    assert saved["schemes"] == [f"examples/model.onnx:{bits}"]
    monkeypatch.chdir(in_notebooks)  # where Snakemake runs
    run = runs(config.checked({**DEFAULT, **saved}))[-1]
    from reproduction.studies import points

    assert points.run(**run.parameters).edp_js == before.edp_js
    with pytest.raises(BfimnaError, match=r"none\.onnx: no such file"):
        network_of("none.onnx")
