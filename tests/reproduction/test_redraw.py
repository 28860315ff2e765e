"""A figure drawn anew from its table: nothing computed, the same bytes each time."""

import shutil
from pathlib import Path

import pytest
import yaml
from reproduction import figure_table, redraw
from reproduction.studies import assumptions

from bfimna.tables import write_table

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path, monkeypatch):
    for folder in ("workflow", "notebooks"):
        (tmp_path / folder).mkdir()
    for name in ("workflow/figures.csv", "workflow/config.yaml", "workflow/Snakefile"):
        shutil.copy(ROOT / name, tmp_path / name)
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        shutil.copy(path, tmp_path / "notebooks")
    told = yaml.safe_load((ROOT / "workflow" / "config.yaml").read_text())
    table = assumptions.assumptions(told["networks"][:2], "int8", told["technologies"][0], draws=9)
    write_table(table, tmp_path / "figures" / "assumptions.csv")
    monkeypatch.chdir(tmp_path)

    def never(*_, **__):
        raise AssertionError("computed")

    monkeypatch.setattr("reproduction.studies.assumptions.assumptions", never)
    return tmp_path


def test_it_is_drawn_from_the_table_with_the_same_bytes_each_time(project):
    for into in ("a", "b"):
        arguments = ["--figure", "assumptions", "--style", "paper1", "--format", "pdf,svg,png"]
        assert redraw.main([*arguments, "--into", into]) == 0
    names = sorted(path.name for path in (project / "a").iterdir())
    suffixes = ("numbers.tex", "pdf", "png", "svg", "tex")
    assert names == [f"assumptions.{suffix}" for suffix in suffixes]
    for name in names:
        assert (project / "a" / name).read_bytes() == (project / "b" / name).read_bytes(), name
    assert sorted(p.name for p in (project / "figures").iterdir()) == ["assumptions.csv"]
    assert b"/FontFile2" in (project / "a" / "assumptions.pdf").read_bytes()  # Type 42: TrueType


@pytest.mark.parametrize(("arguments", "want"), [
    (["--figure", "nope"], "unknown figure 'nope'"),
    (["--figure", "batch"], "figures/batch.csv: no such table"),
    (["--figure", "assumptions", "--style", "glossy"], "unknown style"),
    (["--figure", "assumptions", "--format", "gif"], "unknown format"),
])  # fmt: skip
def test_errors_are_one_line(project, capsys, arguments, want):
    assert redraw.main(arguments) == 2
    told = capsys.readouterr().err
    assert want in told
    assert told.count("\n") == 1


def test_every_figure_of_the_workflow_writes_table_and_numbers():
    known = figure_table.read(ROOT / "workflow" / "figures.csv", ROOT / "notebooks")
    for figure in known.values():
        source = figure.notebook.read_text(encoding="utf-8")
        for call in ("tables.table_of(", "plot.save(", "plot.narrate(", "plot.show_table("):
            assert source.count(call) == 1, (figure.name, call)
