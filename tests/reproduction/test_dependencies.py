"""What a result depends on, noticed by content: code, cells, parameters and data files."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from reproduction import dependencies, figure_table
from reproduction.dependencies import cells, data_digest, parameters

from bfimna import BfimnaError, data
from bfimna.digests import BEYOND_THE_MODEL, PACKAGE, code_digest

ROOT = Path(__file__).parents[2]
FIGURES = figure_table.read(ROOT / "workflow" / "figures.csv", ROOT / "notebooks")
CONFIG = {
    "networks": ["alexnet"], "technologies": ["sram-14nm-lstp"], "chips": ["LR"],
    "figures": "figures", "results": "results",
}  # fmt: skip


def edit(path, old, new):
    """Change a file without its date, as rsync or a restored backup would."""
    stat, text = path.stat(), path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def test_cells_are_sources_without_outputs(tmp_path):
    notebook = tmp_path / "programs.ipynb"
    shutil.copy(ROOT / "notebooks" / "programs.ipynb", notebook)
    before, stored = cells(notebook), json.loads(notebook.read_text())
    stored["cells"][2] |= {"outputs": ["a picture"], "execution_count": 3}
    stored["metadata"] = {"kernelspec": "another"}
    notebook.write_text(json.dumps(stored, indent=2))
    assert cells(notebook) == before
    stored["cells"][2]["source"] = "x = 2"
    notebook.write_text(json.dumps(stored))
    assert cells(notebook) != before


@pytest.mark.parametrize("text", ["{}", "[]", "no JSON"])
def test_a_file_that_is_no_notebook_is_an_error(tmp_path, text):
    (tmp_path / "n.ipynb").write_text(text)
    with pytest.raises(BfimnaError, match="is no notebook"):
        cells(tmp_path / "n.ipynb")


def test_parameters_are_assignments_of_literals(tmp_path):
    assert parameters(ROOT / "notebooks/dynamic.ipynb")["seeds"] == [0, 1, 2, 3, 4]
    tags = {"cell_type": "code", "metadata": {"tags": ["parameters"]}}
    for source in ("x = 1 +", "x = f(1)"):
        (tmp_path / "n.ipynb").write_text(json.dumps({"cells": [tags | {"source": source}]}))
        with pytest.raises(BfimnaError, match=r"n\.ipynb, cell of parameters"):
            parameters(tmp_path / "n.ipynb")


def test_data_files_count_by_content_and_folders_by_all_their_files(tmp_path):
    for name in ("a/one.csv", "a/two.csv", "b/three.npz", "a/README.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)

    def digests():
        dependencies.file_digest.cache_clear()
        names = (["a"], ["a/one.csv"], ["b", "a/two.csv"])
        return [data_digest(some, tmp_path) for some in names]

    before = digests()
    edit(tmp_path / "a/README.md", "a", "another")
    assert digests() == before
    edit(tmp_path / "a/two.csv", "two", "too")
    assert [one != other for one, other in zip(before, digests(), strict=True)] == [
        True, False, True,
    ]  # fmt: skip
    with pytest.raises(BfimnaError, match="no such data file or folder"):
        data_digest(["c"], tmp_path)


@pytest.mark.parametrize(
    ("name", "technology", "changes"),
    [
        ("supply", "sram-14nm-lstp", True),  # by its parameters
        ("supply", "reram-14nm-lstp", False),
        ("assumptions", "sram-14nm-hp", True),  # as the table of figures declares
        ("programs", "sram-14nm-lstp", False),
    ],
)
def test_a_figure_depends_on_the_technologies_that_it_uses(monkeypatch, name, technology, changes):
    before = FIGURES[name].digest(CONFIG)
    digest_of = figure_table.technology_digest
    monkeypatch.setattr(
        figure_table, "technology_digest", lambda t: "new" if t == technology else digest_of(t)
    )
    assert (FIGURES[name].digest(CONFIG) != before) is changes


@pytest.mark.parametrize("changed", ["figures_code_digest", "cells"])
def test_a_figure_depends_on_code_and_its_notebook(monkeypatch, changed):
    before = FIGURES["programs"].digest(CONFIG)
    monkeypatch.setattr(dependencies, changed, lambda *_: ())
    monkeypatch.setattr(dependencies, "parameters", lambda _: {"output": "", "words": 576})
    assert FIGURES["programs"].digest(CONFIG) != before


def test_a_figure_depends_on_the_data_that_the_table_declares(monkeypatch):
    names = {name: set(figure.data) for name, figure in FIGURES.items()}
    assert names["bit_fluidity"] == {"hawq_v3"}
    before = {name: figure.digest(CONFIG) for name, figure in FIGURES.items()}
    digest_of = dependencies.file_digest
    changed = data.ROOT / "hawq_v3" / "bits.csv"
    monkeypatch.setattr(
        dependencies, "file_digest", lambda path: "new" if path == changed else digest_of(path)
    )
    after = {name for name, figure in FIGURES.items() if before[name] != figure.digest(CONFIG)}
    assert after == {name for name in names if "hawq_v3" in names[name]}


@pytest.mark.parametrize("changed", ["bfimna/emulator/infer.py", "studies/realistic.py"])
def test_an_emulation_depends_on_the_emulator_and_its_study(tmp_path, changed):
    copies = []
    for path in dependencies.EMULATION:
        copies.append(tmp_path / path.relative_to(ROOT))
        copies[-1].parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(path, copies[-1]) if path.is_dir() else shutil.copy(path, copies[-1])
    before = code_digest(*copies)
    assert before == code_digest(*dependencies.EMULATION)
    (file,) = (p for p in tmp_path.rglob("*.py") if p.as_posix().endswith(changed))
    file.write_text(file.read_text() + "\nmore = 1\n")
    assert code_digest(*copies) != before
    assert PACKAGE in dependencies.EMULATION[0].parents


def test_an_emulation_loads_no_other_code():
    """In a Python of its own: modules that other tests load do not count."""
    code = (
        "import sys; import reproduction.studies.emulated; "
        "print(*(m.__file__ for m in list(sys.modules.values()) if getattr(m, '__file__', None)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    files = [Path(file) for file in run.stdout.split()]
    ours = [
        f for f in files if f.is_relative_to(dependencies.HERE) and f.parent != dependencies.HERE
    ]
    assert ours
    assert [f for f in ours if f not in dependencies.EMULATION] == []
    beyond = [PACKAGE / name for name in BEYOND_THE_MODEL if name != "emulator"]
    assert not [f for f in files if any(f.is_relative_to(path) for path in beyond)]
