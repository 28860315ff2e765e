"""Where tables are written."""

from pathlib import Path

import pandas as pd

from bfimna import tables


def test_interactive_output_goes_to_the_project_from_any_of_its_folders(tmp_path, monkeypatch):
    (tmp_path / "workflow").mkdir()
    (tmp_path / "workflow" / "Snakefile").touch()
    (tmp_path / "notebooks").mkdir()
    for folder in (tmp_path, tmp_path / "notebooks"):
        monkeypatch.chdir(folder)
        assert tables.place("results/interactive/x") == tmp_path / "results/interactive/x"
        assert tables.place("figures/x") == Path("figures/x")
        assert tables.place(tmp_path / "x") == tmp_path / "x"


def test_outside_a_project_it_writes_into_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table = pd.DataFrame({"a": [1.0 / 3]})
    assert tables.table_of(lambda: table, "results/interactive/x").a[0] == 0.3333333
    assert (tmp_path / "results/interactive/x.csv").read_text() == "a\n0.3333333\n"
    assert len(list(tmp_path.rglob("*.*"))) == 1  # nothing partial is left
