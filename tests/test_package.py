"""What a user installs: the wheel built from the sdist, and an editable checkout, from any folder.

Each lives in an environment of its own that sees this one's dependencies and nothing else of it.
"""

import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.slow

LOOK = """
import json, pathlib
import bfimna as bf
zoo = bf.zoo.load("alexnet").name
images = bf.digits.images(bf.digits.precision("int4"))
edp = bf.simulate("resnet18", "hawq_v3/latency-low", "LR", "sram-14nm-lstp").edp_js
package = pathlib.Path(bf.__file__).parent
print(json.dumps([str(package), str(bf.data.ROOT), bf.__version__, zoo, len(images), edp]))
"""


def run(*command, cwd):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=clean, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def build(target, project, output):
    run(sys.executable, "-m", "hatchling", "build", "-t", target, "-d", output, cwd=project)
    (built,) = output.iterdir()
    return built


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """Return the sdist's content, in a folder named as the package, in an otherwise empty one."""
    sdist = build("sdist", ROOT, tmp_path_factory.mktemp("sdist"))
    around = tmp_path_factory.mktemp("around")
    with tarfile.open(sdist) as archive:
        archive.extractall(around, filter="data")
    (unpacked,) = around.iterdir()
    return unpacked.rename(around / "bfimna")


@pytest.fixture(scope="module", params=["wheel", "editable"])
def installed(request, clone, tmp_path_factory):
    """Return the folder of an environment's commands, and how the package came into it."""
    home = tmp_path_factory.mktemp(request.param)
    venv.create(home, with_pip=True, symlinks=os.name != "nt")
    python = home / "bin" / "python"
    paths = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=home)
    ours = {sysconfig.get_path(kind) for kind in ("purelib", "platlib")}
    # a path in a .pth file brings its packages, and not the .pth files (editable installs) there
    Path(paths.strip(), "zz_dependencies.pth").write_text("\n".join(sorted(ours)) + "\n")
    if request.param == "wheel":
        what = [build("wheel", clone, tmp_path_factory.mktemp("wheels"))]
    else:
        what = ["--no-build-isolation", "--editable", clone]
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run(*pip, "--no-deps", "--no-index", *what, cwd=home)
    return home / "bin", request.param


def test_it_works_from_any_folder_also_beside_a_clone_of_its_name(installed, clone, tmp_path):
    commands, how = installed
    for folder in (tmp_path, clone.parent):
        package, data, version, zoo, images, edp = json.loads(
            run(commands / "python", "-c", LOOK, cwd=folder)
        )
        home = commands.parent if how == "wheel" else clone
        assert Path(package).is_relative_to(home)
        assert Path(data) == (Path(package) / "_data" if how == "wheel" else clone / "data")
        assert (version, zoo, images > 0, edp > 0) == ("0.2.0", "alexnet", True, True)


def test_its_command_reads_the_users_files_from_the_current_folder(installed, tmp_path):
    commands, _ = installed
    (tmp_path / "mine.yaml").write_text("'*': 3\n")
    (tmp_path / "small.json").write_text('{"clusters": 16}')
    asked = ["alexnet", "--bits", "mine.yaml", "--chip", "small.json", "--json"]
    for command in ([commands / "bfimna"], [commands / "python", "-m", "bfimna"]):
        row = json.loads(run(*command, "simulate", *asked, cwd=tmp_path))
        assert (row["mean_bits"], row["chip"]) == (3.0, "small")


def test_the_sdist_holds_what_a_reproduction_needs(clone):
    for name in ("Makefile", "requirements.lock", "workflow/Snakefile", "notebooks", "tests"):
        assert (clone / name).exists(), name
    assert not (clone / "results").exists()
