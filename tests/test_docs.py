"""The site: every column explained, the model's code named, and, slowly, the build itself."""

import csv
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

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
    sections = set(listing.SECTION.findall(model))
    assert set(listing.code_of_model()) == sections
    shown = listing.with_code(model)
    paths = [path for listed in listing.code_of_model().values() for path in listed]
    for path in paths:
        name = path.rpartition(".")[2]
        assert re.search(rf"^(def|class) {name}\b", shown, re.MULTILINE), path


class _Links(HTMLParser):
    """Collect a page's anchors, and what it refers to or loads."""

    def __init__(self):
        super().__init__()
        self.ids, self.links, self.loaded = set(), [], []

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.ids |= {given[key] for key in ("id", "name") if given.get(key)}
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        if tag in ("img", "script", "iframe") and given.get("src"):
            self.loaded.append(given["src"])
        if tag == "link" and given.get("rel") != "canonical" and given.get("href"):
            self.loaded.append(given["href"])


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Return the site, from notebooks as they are in git."""
    pytest.importorskip("myst_nb", reason="needs the extra 'docs'")
    folder = tmp_path_factory.mktemp("docs")
    none = folder / "none"
    command = [sys.executable, "docs/build.py", "--output", folder / "site", "--executed", none]
    done = subprocess.run(
        [str(part) for part in command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder / "site"


@pytest.mark.slow
def test_the_site_builds_without_a_warning_and_every_link_in_it_leads_somewhere(site):
    pages = {}
    for path in site.rglob("*.html"):
        pages[path] = _Links()
        pages[path].feed(path.read_text(encoding="utf-8"))
    for name in ("index", "figures", "validation", "columns", "knobs", "docs/model", "api/index"):
        assert site / f"{name}.html" in pages, name
    broken, outside = [], []
    for path, page in pages.items():
        for link in (*page.links, *page.loaded):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                if link in page.loaded and parts.scheme != "data":
                    outside.append(f"{path.name}: {link}")
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            fragment = unquote(parts.fragment)
            known = pages[target].ids if target in pages else ()
            if not target.exists() or (fragment and target in pages and fragment not in known):
                broken.append(f"{path.relative_to(site)}: {link}")
    assert not broken
    assert not outside, "the site loads what is not in it"
