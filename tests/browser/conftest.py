"""A browser: Debian's Chromium through Playwright; where either is missing, tests say so."""

import re
import subprocess
from functools import partial
from pathlib import Path

import pytest

FIND = Path(__file__).parent / "chromium.sh"
SHOTS = Path(__file__).parents[2] / "results" / "browser"
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


@pytest.fixture(scope="session")
def browser():
    """Return a headless browser; skipped by name where there is none."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs the extra 'browser'")
    found = subprocess.run([FIND], capture_output=True, text=True, check=False)
    if found.returncode:
        pytest.skip(found.stderr.strip())
    with sync_api.sync_playwright() as play:
        opened = play.chromium.launch(executable_path=found.stdout.strip(), args=list(FLAGS))
        yield opened
        opened.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Note on a test that it failed, so that its page is kept."""
    report = yield
    item.failed = getattr(item, "failed", False) or report.failed
    return report


@pytest.fixture
def page(browser, request):
    """Return a fresh page, whose requests that leave this machine are refused and kept.

    What it shows when a test fails is kept beside the screenshots.
    """
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    opened = context.new_page()
    opened.outside = []

    def guard(route):
        url = route.request.url
        if url.startswith(("http://127.0.0.1", "http://localhost", "file:", "data:", "blob:")):
            route.continue_()
        else:
            opened.outside.append(url)
            route.abort()

    context.route("**/*", guard)
    yield opened
    if request.node.failed:
        _keep(opened, f"failed-{request.node.name}")
    context.close()


@pytest.fixture
def shot(page):
    """Return a function that keeps a screenshot under results/browser/."""
    return partial(_keep, page)


def _keep(page, name):
    SHOTS.mkdir(parents=True, exist_ok=True)
    stem = re.sub(r"[^\w-]+", "-", name).strip("-")
    page.screenshot(path=SHOTS / f"{stem}.png")
