"""Figures and tables on disk: whole, deterministic, and of a paper's width."""

import itertools

import matplotlib as mpl
import pandas as pd
import pytest

from bfimna import BfimnaError, tables
from bfimna.plot import style as plot

mpl.use("Agg")


def draw(output):
    fig, ax = plot.figure(1, 2.0)
    ax.plot([1, 2], [3, 4])
    plot.save(fig, output)


def test_the_same_figure_gives_the_same_bytes(tmp_path, capsys):
    draw(tmp_path / "a")
    draw(tmp_path / "b")
    for suffix in (".pdf", ".png"):
        first, second = ((tmp_path / f"{n}{suffix}").read_bytes() for n in "ab")
        assert first == second
    assert "wrote" in capsys.readouterr().out
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.pdf", "a.png", "b.pdf", "b.png"]


@pytest.mark.parametrize(("columns", "width"), [(1, 3.5), (2, 7.16)])
def test_widths_are_those_of_a_two_column_paper(columns, width):
    fig, _ = plot.figure(columns, 2.0)
    assert fig.get_size_inches()[0] == width
    assert mpl.rcParams["font.size"] == 8
    mpl.pyplot.close(fig)


def test_another_width_is_refused():
    with pytest.raises(BfimnaError, match="1 or 2 columns wide, not 3"):
        plot.figure(3, 2.0)


def test_a_table_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    table = pd.DataFrame({"x": [1.23456789012]})
    path = tables.write_table(table, tmp_path / "t.csv")
    assert path.read_text() == "x\n1.234568\n"

    def full_disk(*_, **__):
        raise OSError("no space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_csv", full_disk)
    with pytest.raises(OSError, match="no space"):
        tables.write_table(table * 2, path)
    assert path.read_text() == "x\n1.234568\n"


def test_every_colour_of_a_stack_differs_from_its_neighbours_in_lightness_or_hatch():
    from bfimna.cost.formulas import ALL_PHASES

    def look(phase):
        r, g, b = mpl.colors.to_rgb(plot.PHASE_COLOURS[phase])
        return 0.3 * r + 0.59 * g + 0.11 * b, plot.PHASE_HATCHES[phase]

    for one, other in itertools.pairwise(ALL_PHASES):
        (light, hatch), (light2, hatch2) = look(one), look(other)
        assert abs(light - light2) > 0.12 or hatch != hatch2, (one, other)
