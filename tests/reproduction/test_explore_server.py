"""The explorer's server answers its user alone: a token, and no Host but this machine."""

import os
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = "/voila/render/explore.ipynb"
PATIENCE_S = 60


def folder_of_voila():
    """Return the folder of commands of an environment with the extra lab, or None."""
    places = (ROOT / ".venv-lab/bin", Path(sys.executable).parent)
    return next((place for place in places if (place / "voila").is_file()), None)


@pytest.fixture
def address(tmp_path):
    """Address of the server that `make explore` starts, whose token is "secret"."""
    commands = folder_of_voila()
    if commands is None:
        pytest.skip("the extra lab is not installed")
    listed = subprocess.run(["make", "-n", "explore"], cwd=ROOT, capture_output=True, text=True,
                            check=True).stdout  # fmt: skip
    _, *options = shlex.split(listed.strip().splitlines()[-1])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = {f"JUPYTER_{kind}_DIR": str(tmp_path) for kind in ("CONFIG", "DATA", "RUNTIME")}
    server = subprocess.Popen(
        [commands / "jupyter", *options, "--no-browser", "--allow-root", f"--port={port}"],
        cwd=ROOT, env={**os.environ, **own, "JUPYTER_TOKEN": "secret"},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    begin = time.monotonic()
    while status(f"http://127.0.0.1:{port}/api") is None:
        assert server.poll() is None, "the server has ended"
        assert time.monotonic() - begin < PATIENCE_S, "the server does not answer"
        time.sleep(0.3)
    yield f"http://127.0.0.1:{port}"
    os.killpg(server.pid, signal.SIGKILL)  # and the page's kernel
    server.wait()


def status(url, **headers):
    """Return the code of an answer, and where it leads; None if nothing answers."""
    request = urllib.request.Request(url, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return answer.status, answer.url
    except urllib.error.HTTPError as error:
        return error.code, error.url
    except urllib.error.URLError:
        return None


def test_a_foreign_host_and_a_user_without_the_token_are_refused(address):
    code, place = status(f"{address}{PAGE}")
    assert (code, "/login" in place) == (200, True)
    assert status(f"{address}{PAGE}?token=secret", Host="evil.example")[0] == 403
    code, place = status(f"{address}{PAGE}?token=secret")
    assert (code, "/login" in place) == (200, False)
