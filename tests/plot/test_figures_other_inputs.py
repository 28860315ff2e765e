"""Every figure with other inputs: no crash, no text over another or outside, looks that differ."""

import contextlib
import io
import shutil
from pathlib import Path

import matplotlib as mpl
import onnx
import pytest
from reproduction.dependencies import cells

from bfimna import data, plot
from bfimna.plot import publish, style

from ..clean import assert_clean

mpl.use("Agg")
ROOT = Path(__file__).parents[2]
LIGHT = Path(onnx.__file__).parent / "backend/test/data/light"


@pytest.fixture(scope="module")
def mine(tmp_path_factory):
    """A network from a file with a long name, and two technologies that no style knows."""
    folder = tmp_path_factory.mktemp("mine")
    network = folder / "a_network_of_mine_with_a_long_name.onnx"
    shutil.copy(LIGHT / "light_squeezenet.onnx", network)
    table = data.technologies()
    rows = table[table.technology == "reram-14nm-lstp"]
    names = ("my-own-cell-with-a-long-name", "another-cell")
    for name in names:
        rows.assign(technology=name).to_csv(folder / f"{name}.csv", index=False)
    return str(network), [f"{folder / name}.csv:{name}" for name in names]


def drawn(notebook, folder, monkeypatch, **told):
    """Run a notebook's cells up to the saved figure; return its figure as saved."""
    monkeypatch.setattr(style.plt, "show", lambda: None)
    monkeypatch.setattr(plot, "save", lambda fig, _: plot.tidy(fig))
    names = {"__name__": "__main__"}
    with contextlib.redirect_stdout(io.StringIO()):
        for kind, source, tagged in cells(ROOT / "notebooks" / f"{notebook}.ipynb"):
            if kind == "code":
                exec(compile(source, notebook, "exec"), names)
                if tagged:
                    assert told.keys() <= names.keys()
                    names.update(told, output=str(folder / notebook))
            if "plot.narrate(" in source:
                break
    return names["fig"]


ZOO = ["alexnet", "vgg16", "resnet18", "resnet50"]
SRAM, RERAM = "sram-14nm-lstp", "reram-14nm-lstp"
GRID = {"clusters": [16, 64], "caps_per_cluster": [64], "rows": [4800]}
ONE_ARRAY = {"name": "one-array", "clusters": 1, "caps_per_cluster": 1, "maps_per_cluster": 1}
#: notebook → what keeps its study short, and what it takes: networks, technologies, a chip
FIGURES = {
    "batch": ({}, "networks chip"),
    "assumptions": ({}, "networks chip"),
    "mapping": ({"precisions": ["int2"]}, "networks chip"),
    "bounds": ({"precisions": ["int2"], "hardware": {}}, "networks chip"),
    "capacity": ({"precisions": ["int3", "int8"]}, "networks chip"),
    "uncertainty": ({"samples": 8}, "networks chip"),
    "breakdown": ({"detailed": "alexnet"}, "networks technologies chip"),
    "cells": ({}, "networks technologies"),
    "design_space": ({"seeds": 1}, "networks technologies"),
    "state_of_the_art": ({}, "networks technologies"),
    "chips": (GRID, "networks technologies"),
    "supply": ({"network": "alexnet"}, "technologies chip"),
    "claims": ({}, "technologies"),
    "pareto": ({"networks": ["resnet18"], "points": {"4, 8": 2}}, "technologies"),
    "bit_fluidity": ({"networks": ["resnet18"]}, "technologies"),
    "fluidity_measured": ({}, "technologies"),
}
SHAPES = [
    (name, networks, technologies)
    for name, (_, takes) in FIGURES.items()
    for networks in ((False, True) if "networks" in takes else (False,))
    for technologies in ((False, True) if "technologies" in takes else (False,))
]


def _named(shape):
    return f"{shape[0]}-{'5' if shape[1] else '1'}x{'4' if shape[2] else '1'}"


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES, ids=_named)
def test_no_text_overlaps_or_leaves_the_figure(shape, mine, tmp_path, monkeypatch):
    (network, technologies), (notebook, many, several) = mine, shape
    short, takes = FIGURES[notebook]
    told = dict(short)
    if "networks" in takes:
        told["networks"] = [*ZOO, network] if many else [network]
    if "technologies" in takes:
        told["technologies"] = [SRAM, RERAM, *technologies] if several else technologies[:1]
    if "chip" in takes and not (many or several):
        told["chip"] = ONE_ARRAY
    assert_clean_and_close(drawn(notebook, tmp_path, monkeypatch, **told))


#: notebook → inputs that are not its defaults
OTHERS = {
    "your_network": {"network": "examples/model.onnx", "chip": ONE_ARRAY, "precision": "w4a8"},
    "mappings_seen": {"mappings": ["fused", "carry-save-2-side-by-side"], "bits": 3, "size": 3},
    "mapping_layers": {"network": "alexnet", "precision": "w4a8", "hardware": {}},
    "programs": {"words": 7, "bits": 1},
    "hawq_reproduced": {"networks": ["resnet50_v1"]},
    "dynamic": {"network": "resnet50_v1", "seeds": [7], "inferences": 20, "battery": 3},
    "endurance": {"precisions": ["int8"], "frames_per_s": 1.0},
    "faults": {"precisions": ["int2", "int8"], "rates": [1e-5, 1e-3], "every": 120},
    "digits_search": {"points": 2, "drawn": 2},
}


@pytest.mark.slow
@pytest.mark.parametrize("notebook", OTHERS)
def test_figures_without_networks_survive_other_inputs(notebook, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert_clean_and_close(drawn(notebook, tmp_path, monkeypatch, **OTHERS[notebook]))


def assert_clean_and_close(fig):
    try:
        assert_clean(fig)
    finally:
        mpl.pyplot.close("all")


def test_the_check_sees_an_overlap_and_a_text_outside():
    fig, ax = plot.figure(1, 2.0)
    ax.text(0.5, 0.5, "one")
    ax.text(0.52, 0.5, "other")
    with pytest.raises(AssertionError, match="'one' over 'other'"):
        assert_clean(fig)
    fig, ax = plot.figure(1, 2.0)
    ax.text(1.2, 0.5, "far too long to stand here", clip_on=False).set_in_layout(False)
    with pytest.raises(AssertionError, match="leaves the figure"):
        assert_clean(fig)
    mpl.pyplot.close("all")


def test_unknown_technologies_and_many_networks_all_look_different():
    names = [SRAM, RERAM, "mine", "yours", "theirs", "ours"]
    looks = list(plot.styles_of(names).values())
    assert len({colour for colour, _ in looks}) == len({m for _, m in looks}) == len(names)
    several = [plot.look(n) for n in range(8)]
    assert len({look["color"] for look in several}) == len({x["marker"] for x in several}) == 8
    assert len({tuple(plot.look(n).items()) for n in range(24)}) == 24


@pytest.mark.parametrize("name", publish.STYLES)
def test_labels_of_points_and_legends_fit_in_every_style(name):
    with plot.publication(name):
        fig, axes = plot.figure(2, 2.5, 1, 3)
        for n, ax in enumerate(axes):
            for k in range(6):
                ax.plot([k / 50 + n], [1.0], **plot.look(k), label=f"series number {k}")
                plot.label_point(ax, f"point {k}", (k / 50 + n, 1.0))
            ax.set(title="a title that is longer than a panel", xlabel="what it is over")
            ax.margins(0.3)
        plot.legend_below(fig, *plot.unique_entries(axes))
        plot.letter(axes)
        plot.tidy(fig)
        assert_clean(fig)
    mpl.pyplot.close("all")
