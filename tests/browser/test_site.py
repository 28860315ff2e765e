"""The site as a reader opens it, from files: pages, a picture, the search."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    pytest.importorskip("myst_nb", reason="needs the extra 'docs'")
    folder = tmp_path_factory.mktemp("docs") / "site"
    command = [sys.executable, "docs/build.py", "--output", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("index", "What would my network"),
        ("figures", "Bit fluidity"),
        ("docs/model", "The associative processor"),
        ("validation", "Against the emulator"),
        ("columns", "Data dictionary"),
        ("knobs", "What can be set"),
        ("api/index", "simulate"),
        ("notebooks/bit_fluidity", "Bit fluidity"),
    ],
)
def test_a_page_shows_what_it_is_about_and_loads_nothing_from_elsewhere(
    site, page, shot, path, told
):
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto((site / f"{path}.html").as_uri())
    page.get_by_text(told).first.wait_for()
    pictures = page.locator("article img")
    for n in range(pictures.count()):
        assert pictures.nth(n).evaluate("image => image.complete && image.naturalWidth > 0")
    shot(f"site-{path.replace('/', '-')}")
    assert (errors, page.outside) == ([], [])


def test_the_search_finds_a_column(site, page, shot):
    page.goto((site / "search.html").as_uri() + "?q=edp_js")
    page.locator("ul.search li a", has_text="Data dictionary").wait_for()
    shot("site-search")


def test_the_code_of_a_formula_unfolds(site, page, shot):
    page.goto((site / "docs/model.html").as_uri())
    code = page.locator("details", has_text="Code: bfimna.ap.counts.multiply")
    line = code.get_by_text("return", exact=True).first
    assert not line.is_visible()
    code.locator("summary").click()
    line.wait_for()
    line.scroll_into_view_if_needed()
    shot("site-model-code")
