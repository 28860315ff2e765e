"""Notebooks: no outputs, one parameters cell, no functions, and each runs with its defaults."""

import ast
import re
import sys
from pathlib import Path

import nbformat
import pytest
from reproduction import dependencies, figure_table
from reproduction.pages import INDEX, index_of_notebooks

import bfimna
from bfimna import data
from bfimna.digests import BEYOND_THE_MODEL, PACKAGE

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
FIGURES = figure_table.read(ROOT / "workflow" / "figures.csv", ROOT / "notebooks")
#: data that a digest of a technology's values covers
BY_VALUE = {"published/components.csv"} | {
    f"technologies/{name}.csv" for name in ("assumptions", "derived", "own")
}


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
def test_numbers_in_prose_are_detected(text):
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


def test_the_index_lists_a_checkout_or_says_that_there_is_none(tmp_path, monkeypatch):
    monkeypatch.chdir(NOTEBOOKS[0].parent)
    shown = index_of_notebooks().data
    assert [path.stem for path in NOTEBOOKS if f'href="{path.name}"' not in shown] == [INDEX]
    monkeypatch.chdir(tmp_path)
    with pytest.raises(bfimna.BfimnaError, match="not in a checkout"):
        index_of_notebooks()


@pytest.fixture
def reads(monkeypatch):
    """What code reads during a test: files of data/, technologies, and files of code."""
    files, technologies, code = set(), set(), set()
    technology_of, table_of_technologies = data._technology, data.technologies

    def load(name, *texts):
        technologies.add(name)
        return technology_of(name, *texts)

    def print_all():
        technologies.add("technologies")
        return table_of_technologies()

    monkeypatch.setattr(data, "_technology", load)
    monkeypatch.setattr(data, "technologies", print_all)
    _watchers.append(files)
    before = sys.gettrace()
    sys.settrace(lambda frame, event, arg: code.add(frame.f_code.co_filename))
    yield files, technologies, code
    sys.settrace(before)
    _watchers.remove(files)


_watchers = []


@sys.addaudithook
def _watch(event, arguments):
    if event == "open" and _watchers and isinstance(arguments[0], str | Path):
        path = Path(arguments[0])
        if path.is_relative_to(data.ROOT):
            _watchers[-1].add(path.relative_to(data.ROOT).as_posix())


def test_runs_alone_with_its_defaults_and_reads_what_the_workflow_digests(
    notebook, reads, tmp_path, monkeypatch
):
    """In a plain interpreter: a kernel's start would say nothing more about the cells."""
    import matplotlib.pyplot as plt

    plt.switch_backend("Agg")
    path, nb = notebook
    monkeypatch.chdir(
        NOTEBOOKS[0].parent if path.stem == INDEX else tmp_path
    )  # it lists a checkout
    names = {"__name__": "__main__", "display": lambda *_: None}
    for cell in code(nb):
        exec(compile(cell.source, f"{path.name}", "exec"), names)
        if path.stem == "simulate":
            names["picture"] = False  # as in the workflow
    plt.close("all")
    check_digested(path, *reads)
    output = names.get("output")
    if output is not None:
        written = list(tmp_path.rglob("*.csv"))
        assert written, "a notebook that names an output must write its table"
        assert not list(tmp_path.rglob("figures")), "playing never touches the figures"


def check_digested(path, files, technologies, code):
    """Fail if a notebook of the workflow has read more than its digests cover."""
    ours = {Path(file) for file in code if Path(file).is_relative_to(ROOT / "workflow")}
    ours |= {Path(file) for file in code if Path(file).is_relative_to(PACKAGE)}
    assert ours
    if path.stem == "simulate":
        beyond = [PACKAGE / name for name in BEYOND_THE_MODEL]
        assert not [f for f in ours if any(f.is_relative_to(b) for b in beyond)]
        assert all(file.is_relative_to(PACKAGE) for file in ours)
        bits = {"hawq_v3/bits.csv", "hawq_v3/tensors.csv"}  # digested by value
        assert files - BY_VALUE <= {*dependencies.SIMULATION_DATA, *bits}
    elif path.stem in FIGURES:
        rooms = (PACKAGE, *dependencies.FIGURE_ROOMS)
        assert all(any(file.is_relative_to(room) for room in rooms) for file in ours)
        declared = (*FIGURES[path.stem].data, *dependencies.SIMULATION_DATA)
        texts = dependencies.strings(dependencies.parameters(path))
        assert technologies <= {*declared, *texts}
        covered = {
            name for name in files for entry in declared if f"{name}/".startswith(f"{entry}/")
        }
        assert files - BY_VALUE <= covered
