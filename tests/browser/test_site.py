"""The site, built without a warning, and as a reader opens it: links, pages, search, windows."""

import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Return the site; with the notebooks of the last run, if there was one."""
    pytest.importorskip("myst_nb", reason="needs the extra 'docs'")
    folder = tmp_path_factory.mktemp("docs") / "site"
    command = [sys.executable, "docs/build.py", "--output", str(folder)]
    if not (ROOT / "results" / "notebooks").is_dir():
        command += ["--executed", str(ROOT / "results" / "tiny" / "notebooks")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


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


def test_every_link_leads_somewhere_and_nothing_is_loaded_from_elsewhere(site):
    pages = {}
    for path in site.rglob("*.html"):
        pages[path] = _Links()
        pages[path].feed(path.read_text(encoding="utf-8"))
    for name in (
        "index",
        "figures",
        "validation",
        "columns",
        "settings",
        "docs/model",
        "api/index",
    ):
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


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("index", "What would my network"),
        ("figures", "How do bits set latency, energy"),
        ("docs/model", "The associative processor"),
        ("validation", "Against the emulator"),
        ("columns", "Data dictionary"),
        ("settings", "What can be set"),
        ("api/index", "simulate"),
        ("notebooks/bit_fluidity", "Where do they lie between INT4 and INT8"),
        ("notebooks/00_index", "What does one network cost?"),
        ("notebooks/simulate", "Answer."),
        ("notebooks/explore", "The sliders need a running kernel"),
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
    code = page.locator("details", has_text="Code: bfimna.ap.multiplication.multiply_counts")
    line = code.get_by_text("return", exact=True).first
    assert not line.is_visible()
    code.locator("summary").click()
    line.wait_for()
    line.scroll_into_view_if_needed()
    shot("site-model-code")


def test_formulas_are_set_by_the_browser_and_a_narrow_window_scrolls_no_page(site, page, shot):
    page.goto((site / "docs/model.html").as_uri())
    formulas = page.locator("div.math math")
    assert formulas.count() >= 8
    assert page.locator("merror").count() == 0
    fraction = formulas.first.bounding_box()
    assert fraction["height"] > 15  # set, not spelt out in a line of text
    for width, scheme in ((1400, "light"), (420, "dark")):
        page.set_viewport_size({"width": width, "height": 1000})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        formulas.nth(2).scroll_into_view_if_needed()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        shot(f"site-model-formulas-{scheme}")
