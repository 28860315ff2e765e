"""JupyterLab, started for real: notebooks run, and a slider changes the number beside it."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

import bfimna as bf

ROOT = Path(__file__).parents[2]
PATIENCE_S = 180
#: no question about news; every cell in the page, also those that are out of sight
SETTINGS = {
    "apputils-extension/notification": '{"fetchNews": "false"}',
    "notebook-extension/tracker": '{"windowingMode": "none"}',
}
pytestmark = pytest.mark.slow


def _answers(url):
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except (urllib.error.URLError, OSError):
        return False


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Start JupyterLab on a copy of the project, on a free port; return its address."""
    pytest.importorskip("jupyterlab", reason="needs the extra 'lab'")
    folder = tmp_path_factory.mktemp("project")
    for name in ("bfimna", "data", "notebooks", "workflow", "examples"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for name, setting in SETTINGS.items():
        path = folder / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True)
        path.write_text(setting)
    settings = {f"JUPYTER_{kind}_DIR": str(folder / kind) for kind in ("CONFIG", "RUNTIME")}
    path = f"{sys.prefix}/bin{os.pathsep}{os.environ['PATH']}"
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1",
         f"--port={port}", "--ServerApp.port_retries=0", "--IdentityProvider.token=",
         "--LabApp.news_url=", "--LabApp.check_for_updates_class="
         "jupyterlab.NeverCheckForUpdate", f"--ServerApp.root_dir={folder}",
         f"--LabApp.workspaces_dir={folder / 'workspaces'}",
         f"--LabApp.user_settings_dir={folder / 'settings'}"],
        cwd=folder, env={**os.environ, **settings, "PATH": path, "PYTHONPATH": str(folder)},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        end = time.monotonic() + PATIENCE_S
        while not _answers(f"http://127.0.0.1:{port}/api"):
            assert server.poll() is None, "JupyterLab has ended"
            assert time.monotonic() < end, "JupyterLab does not answer"
            time.sleep(0.5)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(20)


def run_all(page, lab, notebook):
    """Open a notebook, wait for its kernel, run all of its cells, and wait for the last."""
    page.set_default_timeout(PATIENCE_S * 1000)
    page.goto(f"{lab}/doc/tree/notebooks/{notebook}.ipynb?reset")
    page.locator(".jp-Notebook").wait_for()
    # of a kernel that is there: JupyterLab asks for one if cells are run before
    idle = page.get_by_text(re.compile(r"\| Idle$")).first
    idle.wait_for()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    page.wait_for_function(
        "() => [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')]"
        ".every((prompt, n, all) => all.length && parseInt(prompt.textContent.slice(1)) > 0)"
    )
    idle.wait_for()
    errors = page.locator(".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.error']")
    assert errors.count() == 0
    assert page.outside == []


@pytest.mark.parametrize("notebook", ["simulate", "your_network"])
def test_a_notebook_runs_as_a_user_runs_it(lab, page, shot, notebook):
    run_all(page, lab, notebook)
    shown = page.locator(".jp-OutputArea :is(img, table)").first
    shown.wait_for()
    shown.scroll_into_view_if_needed()
    shot(f"jupyterlab-{notebook}")


def test_a_slider_of_explore_changes_the_energy(lab, page, shot):
    expect = pytest.importorskip("playwright.sync_api").expect
    run_all(page, lab, "explore")
    handle = page.locator(".widget-slider", has_text=re.compile(r"^bits")).first
    handle = handle.locator(".noUi-handle")
    handle.wait_for()
    totals = page.locator(".jp-OutputArea .widget-html").filter(has_text="energy").first
    picture = page.locator(".jp-OutputArea img.widget-image").first
    totals.get_by_text(_energy(8), exact=True).wait_for()
    before = picture.get_attribute("src")
    shot("explore-before")
    handle.focus()
    for _ in range(4):
        page.keyboard.press("ArrowLeft")
    totals.get_by_text(_energy(4), exact=True).wait_for()
    expect(picture).not_to_have_attribute("src", before)
    page.get_by_text(re.compile(r"\| Idle$")).first.wait_for()
    shot("explore-after")


def _energy(bits):
    return dict(bf.simulate("resnet18", bits, "LR", "sram-14nm-lstp").headline)[
        "energy per inference"
    ]
