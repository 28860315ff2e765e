"""Notebooks: no outputs, one parameters cell, no functions, and each runs with its defaults."""

import ast
import pkgutil
import re
import sys
from importlib import import_module
from pathlib import Path

import nbformat
import pytest
from reproduction.dependencies import Dependencies
from reproduction.gallery import OWN, gallery

import bfimna

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
READS = Dependencies((ROOT / "bfimna", ROOT / "workflow/reproduction"), ROOT / "data")


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    return request.param, nbformat.read(request.param, as_version=4)


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_committed_without_outputs(notebook):
    _, nb = notebook
    assert all(not cell.outputs and cell.execution_count is None for cell in code(nb))


def test_one_parameters_cell_of_plain_assignments(notebook):
    _, nb = notebook
    tagged = [c for c in nb.cells if "parameters" in c.metadata.get("tags", [])]
    assert len(tagged) == 1
    for node in ast.parse(tagged[0].source).body:
        assert isinstance(node, ast.Assign | ast.AnnAssign)
        ast.literal_eval(node.value)


def test_defines_no_function_and_says_what_it_shows(notebook):
    _, nb = notebook
    for cell in code(nb):
        source = re.sub(r"^[%!].*$", "", cell.source, flags=re.MULTILINE)
        nodes = list(ast.walk(ast.parse(source)))
        assert not any(isinstance(n, ast.FunctionDef | ast.ClassDef) for n in nodes)
    assert nb.cells[0].cell_type == "markdown"
    assert nb.cells[0].source.startswith("# ")


#: numbers that a sentence states about a result: with a unit, a percent sign or a factor
STATED = re.compile(
    r"\d[\d.,]*\s?(%|percent|times|-?fold|×(?!\s?\d)|points?\b|[munpkMGT]?(s|J|W|V|OPS)\b|µ\w|mm²|years?|days?|pJ|fJ)"
)
SETTINGS = ("0.5 to 1.0 V",)  # what a notebook varies, not what it finds


def test_prose_states_no_number_that_no_run_computed(notebook):
    _, nb = notebook
    for cell in nb.cells:
        if cell.cell_type == "markdown":
            text = cell.source
            for setting in SETTINGS:
                text = text.replace(setting, "")
            found = [m.group() for m in STATED.finditer(text)]
            assert not found, f"{found} in {text[:60]!r}: compute it in a code cell (plot.narrate)"


@pytest.mark.parametrize(
    "text", ["a fifth, 20 %", "12.5 µs", "6 times", "2.1 × as fast", "40 TOPS"]
)
def test_numbers_in_prose_are_seen(text):
    assert STATED.search(text)


def test_every_parameter_says_what_it_may_be(notebook):
    _, nb = notebook
    (cell,) = [c for c in nb.cells if "parameters" in c.metadata.get("tags", [])]
    for node in ast.parse(cell.source).body:
        lines = cell.source.splitlines()[node.lineno - 1 : node.end_lineno]
        assert any("  # " in line for line in lines), f"{lines[0]}: no unit or choices"


def test_figures_answer_a_question(notebook):
    path, nb = notebook
    if path.stem not in ("ap_tutorial", "00_index"):
        assert "**Question.**" in nb.cells[0].source
        assert "**To change:**" in nb.cells[0].source
    if any("plot.save(" in cell.source for cell in nb.cells):
        assert any("**Answer.**" in cell.source for cell in code(nb))


@pytest.fixture(scope="module")
def modules():
    """Every module of the package by its file, imported: what still runs was called."""
    found = pkgutil.walk_packages(bfimna.__path__, "bfimna.")
    loaded = [import_module(m.name) for m in found if not m.name.endswith("__main__")]
    return {module.__file__: module.__name__ for module in loaded}


def test_the_index_lists_a_checkout_or_says_that_there_is_none(tmp_path, monkeypatch):
    monkeypatch.chdir(NOTEBOOKS[0].parent)
    shown = gallery().data
    assert [path.stem for path in NOTEBOOKS if f'href="{path.name}"' not in shown] == [OWN]
    monkeypatch.chdir(tmp_path)
    with pytest.raises(bfimna.BfimnaError, match="not in a checkout"):
        gallery()


def test_runs_alone_with_its_defaults(notebook, modules, tmp_path, monkeypatch):
    """In a plain interpreter: a kernel's start would say nothing more about the cells.

    Every function of the package that is called lies in a module that the workflow's analysis
    found: this is its oracle.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    path, nb = notebook
    called = set()

    def note(frame, event, arg):
        called.add(frame.f_code.co_filename)

    monkeypatch.chdir(NOTEBOOKS[0].parent if path.stem == OWN else tmp_path)  # it lists a checkout
    shown = {"__name__": "__main__", "display": lambda *_: None}
    before = sys.gettrace()
    sys.settrace(note)
    try:
        for cell in code(nb):
            exec(compile(cell.source, f"{path.name}", "exec"), shown)
    finally:
        sys.settrace(before)
    mpl.pyplot.close("all")
    ran = {modules[file] for file in called & modules.keys()}
    packages = {"bfimna", "bfimna.search"}  # their __getattr__ only pass names on
    assert ran - packages <= set(READS.modules(path))
    output = shown.get("output")
    if output is not None:
        written = list(tmp_path.rglob("*.csv"))
        assert written, "a notebook that names an output must write its table"
        assert not list(tmp_path.rglob("figures")), "playing never touches the figures"
