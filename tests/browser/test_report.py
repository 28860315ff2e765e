"""The report as a reader opens it: what it opens with, a caption, a table that is shown."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from reproduction.pages import commit

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow
TINY = ("--configfile", "workflow/config.tiny.yaml")


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """Return the report of a tiny reproduction in a copy of the project."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("bfimna", "data", "notebooks", "workflow"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "environment.yml", folder)
    path = f"{sys.prefix}/bin{os.pathsep}{os.environ['PATH']}"
    for more in ((), ("--report", "report.html")):
        done = subprocess.run(
            [sys.executable, "-m", "snakemake", "--cores", "2", *TINY, *more, "--", "report_all"],
            cwd=folder, env={**os.environ, "PATH": path, "PYTHONPATH": str(folder)},
            capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]
    return folder / "report.html"


def test_it_opens_with_title_abstract_config_and_commit(report, page, shot):
    page.goto(report.as_uri())
    page.get_by_role("heading", name="What a CNN costs").wait_for()
    text = page.locator("body").inner_text()
    for told in ("content-addressable", "networks: ['alexnet']", commit(report.parent)):
        assert told in text, told
    shot("report-opening")
    assert page.outside == []


def test_a_figure_s_table_is_shown_and_its_caption_says_what_it_shows(report, page, shot):
    page.goto(report.as_uri())
    page.get_by_text("06 State of the art", exact=True).first.click()
    row = page.locator("tr", has_text="state_of_the_art")
    row.locator("a").first.click()
    page.locator("img[src^='data:image/png']").wait_for()
    row.locator("a").last.click()
    page.get_by_text("Peak throughput and efficiency").first.wait_for()
    shot("report-figure")
    page.get_by_text("06 State of the art", exact=True).first.click()
    page.get_by_text("table", exact=True).first.click()
    page.locator("tr", has_text="state_of_the_art").locator("a").first.click()
    table = page.frame_locator("iframe").locator("table")
    table.wait_for()
    assert "throughput_gops" in table.inner_text()
    shot("report-table")
    assert page.outside == []
