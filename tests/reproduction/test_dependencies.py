"""What a notebook depends on: derived from its code, noticed by content."""

import json
import os
import re
import shutil
from pathlib import Path

import pytest
from reproduction.dependencies import Dependencies, cells, parameters

from bfimna import BfimnaError

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

PACKAGE = {
    "__init__": "from pkg import eager\nfrom pkg.eager import thing\n"
    "_LAZY = {'late': 'pkg.late'}\n"
    "def __getattr__(name):\n    return import_module(_LAZY[name])\n",
    "eager": "from pkg import data\ndef thing():\n    return data.table('x')\n",
    "late": "def f():\n    from pkg.inner import deep\n    return deep\n",
    "inner/__init__": "from pkg.inner.deep import one\n_OF = ('two',)\n"
    "def __getattr__(name):\n    return getattr(import_module('pkg.other'), name)\n",
    "inner/deep": "one = 1\n",
    "inner/side": "x = 1\n",
    "noisy/__init__": "import sys\nsys.path.append('x')\n",
    "noisy/quiet": "y = 1\n",
    "other": "two = 2\n",
    "data": "def table(name):\n    return _read('a/' + name)\n"
    "def one():\n    return _read('a/one.csv')\n"
    "def two():\n    return NAME\nNAME = 'a/two.csv'\n"
    "def folder():\n    return open(ROOT / 'b')\n"
    "def _read(name):\n    return name\n",
    "unused": "z = 1\n",
}


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.setattr("reproduction.dependencies.DATA", "pkg.data")
    for name, text in PACKAGE.items():
        path = tmp_path / "pkg" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for name in ("a/one.csv", "a/two.csv", "b/three.npz", "b/README.md"):
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / name).write_text(name)
    return tmp_path


def written(project, *sources):
    path = project / "n.ipynb"
    kinds = [{"cell_type": "code", "metadata": {}, "outputs": [], "source": s} for s in sources]
    path.write_text(json.dumps({"cells": kinds}))
    return path


def reads(project):
    return Dependencies((project / "pkg",), project / "data")


@pytest.mark.parametrize(
    ("source", "modules"),
    [
        ("import pkg", ""),
        ("import pkg as p\np.thing()", "data eager"),
        ("from pkg import thing", "data eager"),
        ("import pkg\npkg.late.f()", "late inner.deep"),
        ("from pkg import late", "late"),
        ("from pkg import late\ngetattr(late, 'f')", "late inner.deep"),
        ("from pkg.inner import one", "inner.deep"),
        ("from pkg import inner\ninner.two", "other"),
        ("import pkg.inner.side", "inner.side"),
        ("def f():\n    from pkg import other\n    return other.two", ""),
        ("def f():\n    from pkg import other\n    return other.two\nf()", "other"),
        ("class C:\n    def m(self):\n        import pkg.other\nC().m()", "other"),
        ("class C:\n    def _repr_html_(self):\n        import pkg.other", "other"),
        ("@wrap\ndef f():\n    import pkg.other", "other"),
        ("from pkg.noisy import quiet", "noisy noisy.quiet"),
        ("from importlib import import_module\nimport_module('pkg.other')", "other"),
        ("import pkg\ngetattr(pkg, 'x')", " data eager late"),
        ("from pkg.other import *", "other"),
        ("import numpy as pkg\npkg.thing()", ""),
        ("%matplotlib inline\n!ls\nfrom pkg import other", "other"),
    ],
)
def test_modules_that_code_reaches(project, source, modules):
    found = reads(project).modules(written(project, source))
    wanted = ["pkg" + (f".{m}" if m else "") for m in modules.split(" ")] if modules else []
    assert found == sorted(wanted)


@pytest.mark.parametrize(
    ("source", "files"),
    [
        ("from pkg import data\ndata.one()", ["a/one.csv"]),
        ("from pkg.data import two\ntwo()", ["a/two.csv"]),
        ("from pkg import data\ndata.folder()", ["b/three.npz"]),
        ("from pkg import data\ngetattr(data, 'x')", ["a/one.csv", "a/two.csv", "b/three.npz"]),
        ("from pkg import other", []),
    ],
)
def test_data_files_that_code_reads(project, source, files):
    assert reads(project).files(written(project, source)) == files
    assert reads(project).files(written(project, source), keyed=("one", "two", "folder")) in (
        [], ["a/two.csv"],  # a constant of the module, that getattr could find
    )  # fmt: skip


def test_only_what_can_change_a_result_changes_the_digest(project):
    notebook = written(project, "from pkg.late import f", "x = 1")
    before = reads(project).digest(notebook)
    stored = json.loads(notebook.read_text())
    stored["cells"][0] |= {"outputs": ["drawn"], "execution_count": 3}
    stored["metadata"] = {"kernelspec": "another"}
    notebook.write_text(json.dumps(stored, indent=2))
    late = project / "pkg" / "late.py"
    late.write_text('"""Says more."""\n\n# a comment\n' + late.read_text())
    (project / "pkg" / "unused.py").write_text("z = 2\n")
    (project / "data" / "a" / "one.csv").write_text("changed")
    assert reads(project).digest(notebook) == before

    old = late.stat()
    late.write_text(late.read_text().replace("return deep", "return 2 * deep"))
    os.utime(late, ns=(old.st_atime_ns, old.st_mtime_ns))  # as rsync restores it
    after = reads(project).digest(notebook)
    assert after != before
    stored["cells"][1]["source"] = "x = 2"
    notebook.write_text(json.dumps(stored))
    assert reads(project).digest(notebook) != after


def test_what_is_no_notebook_is_told(project):
    (project / "n.ipynb").write_text("{}")
    with pytest.raises(BfimnaError, match="is no notebook"):
        cells(project / "n.ipynb")
    with pytest.raises(BfimnaError, match=r"n\.ipynb, line 1 of its code"):
        reads(project).digest(written(project, "1 +"))


def test_parameters_are_read():
    assert parameters(ROOT / "notebooks/dynamic.ipynb")["seeds"] == [0, 1, 2, 3, 4]


#: a module → notebooks that reach it, and some that do not
CHANGES = {
    "onnx/translation": ({"simulate", "your_network", "batch"}, set()),
    "cost/formulas": ({"simulate", "claims"}, {"programs", "ap_tutorial"}),
    "ap/kernels": ({"ap_tutorial", "faults"}, {"simulate", "programs", "pareto"}),
    "search/solver": ({"pareto", "hawq_reproduced", "claims"}, {"simulate", "faults", "batch"}),
    "emulator/unweighted": ({"faults", "data_energy"}, {"simulate", "pareto", "supply"}),
    "../workflow/reproduction/circuit/derivation": (
        {"technology"},
        {"simulate", "claims", "state_of_the_art"},
    ),
    "plot/passes": ({"ap_tutorial"}, {"batch", "simulate"}),
    "plot/style": ({"batch", "claims", "your_network", "simulate"}, {"00_index"}),
    "studies/points": ({"simulate", "breakdown", "bit_fluidity"}, {"batch", "claims"}),
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    for name in ("bfimna", "data"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.fixture(scope="module")
def before(copy):
    return digests(copy, NOTEBOOKS)


def digests(folder, notebooks):
    found = reads_of(folder)
    return {path.stem: found.digest(path) for path in notebooks}


@pytest.mark.parametrize("module", CHANGES)
def test_a_changed_function_changes_the_notebooks_that_reach_it(copy, before, module):
    does, does_not = CHANGES[module]
    path = copy / "bfimna" / f"{module}.py"
    text = path.read_text()
    changed = re.sub(r"\n( +)return ", r"\n\1(0 or 0)\n\1return ", text, count=1)
    assert changed != text
    path.write_text(changed)
    after = digests(copy, [p for p in NOTEBOOKS if p.stem in does | does_not])
    path.write_text(text)
    assert {name for name in after if before[name] != after[name]} == does


def test_what_would_draw_does_not_count_where_nothing_is_drawn(copy):
    simulate, path = ROOT / "notebooks" / "simulate.ipynb", copy / "bfimna" / "plot" / "style.py"
    before = {draws: digest_of(copy, simulate, draws) for draws in (False, True)}
    text = path.read_text()
    path.write_text(f"{text}\nprint()\n")
    after = {draws: digest_of(copy, simulate, draws) for draws in (False, True)}
    path.write_text(text)
    assert before[False] == after[False]
    assert before[True] != after[True]


def reads_of(folder):
    packages = folder / "bfimna", folder / "workflow/reproduction"
    return Dependencies(packages, folder / "data")


def digest_of(folder, notebook, draws):
    return Dependencies(
        (folder / "bfimna", folder / "workflow/reproduction"), folder / "data"
    ).digest(notebook, draws=draws)
