"""Every figure of the workflow in a narrow and a wide style, from its stored table: readable."""

from pathlib import Path

import matplotlib as mpl
import pytest
from reproduction import figure_table, redraw

from bfimna import plot
from bfimna.plot import publish

from ..clean import assert_clean

mpl.use("Agg")
ROOT = Path(__file__).parents[2]
KNOWN = figure_table.read(ROOT / "workflow" / "figures.csv", ROOT / "notebooks")
CONFIG = redraw.settings.yaml.safe_load((ROOT / "workflow" / "config.yaml").read_text())


@pytest.mark.slow
@pytest.mark.parametrize("style", [name for name in publish.STYLES if name != "paper2"])
@pytest.mark.parametrize("name", KNOWN)
def test_no_text_overlaps_or_leaves_a_published_figure(name, style, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    drawn = []

    def check(fig, output):
        plot.tidy(fig)
        assert_clean(fig)
        drawn.append(output)

    monkeypatch.setattr(plot, "save", check)
    with plot.publication(style, ["png"]):
        redraw.redraw(
            KNOWN[name].notebook, ROOT / "figures", tmp_path / name, KNOWN[name].parameters(CONFIG)
        )
    assert drawn == [str(tmp_path / name)]
