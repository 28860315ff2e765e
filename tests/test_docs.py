"""The site: every column explained, the model's code named; tests/browser builds it."""

import csv
import re
from pathlib import Path

import pytest

import bfimna as bf
from bfimna.display import unit_of

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
FIGURES = ROOT / "figures"


def rows(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def dictionary():
    return rows(DOCS / "columns.csv")


@pytest.fixture(scope="module")
def tables():
    """Return the columns of every table: the committed ones, and those of a run."""
    found = {}
    for path in sorted(FIGURES.glob("*.csv")):
        with open(path, encoding="utf-8", newline="") as file:
            found[path.stem] = set(next(csv.reader(file)))
    report = bf.simulate("alexnet", 8, "LR", "sram-14nm-lstp")
    return {**found, "summary": set(report.summary), "layers": set(report.layers)}


def test_every_column_is_explained(dictionary, tables):
    general = {row["column"] for row in dictionary if not row["tables"]}
    special = {(name, row["column"]) for row in dictionary for name in row["tables"].split()}
    missing = [
        f"{name}: {column}"
        for name, columns in tables.items()
        for column in sorted(columns)
        if column not in general and (name, column) not in special
    ]
    assert not missing, f"columns without a row in docs/columns.csv: {missing}"


def test_nothing_is_explained_that_does_not_exist(dictionary, tables):
    known = {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")}
    waited = known - set(tables)  # figures that are not drawn yet
    everywhere = set().union(*tables.values())
    stale = []
    for row in dictionary:
        named = row["tables"].split()
        if named:
            stale += [
                f"{name}: {row['column']}"
                for name in named
                if name not in waited and row["column"] not in tables.get(name, ())
            ]
        elif row["column"] not in everywhere:
            stale.append(row["column"])
    assert not stale, f"rows of docs/columns.csv for columns that no table has: {stale}"


def test_the_dictionary_says_one_thing_once_with_the_unit_of_the_name(dictionary):
    keys = [(row["column"], name) for row in dictionary for name in row["tables"].split() or [""]]
    assert len(keys) == len(set(keys))
    for row in dictionary:
        assert row["meaning"], row
        name = row["column"]
        if name.endswith(("_s", "_j", "_js", "_v", "_m2")) and "_per_" not in name:
            assert row["unit"] == ("J·s" if name.endswith("_js") else unit_of(name)), row


def test_every_section_of_the_model_has_its_code(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS))
    import listing

    model = (DOCS / "model.md").read_text(encoding="utf-8")
    code, with_code, section = listing.code_of_model(), set(), None
    for _, number, title in listing.HEADING.findall(model):
        section = number or section
        if (number or title) in code:
            with_code |= {section, number or title}
    assert set(code) <= with_code, "code of headings that the model does not have"
    assert {number for _, number, _ in listing.HEADING.findall(model) if number} <= with_code
    shown = listing.with_code(model)
    paths = [path for listed in code.values() for path in listed]
    for path in paths:
        name = path.rpartition(".")[2]
        assert re.search(rf"^(def|class) {name}\b", shown, re.MULTILINE), path
