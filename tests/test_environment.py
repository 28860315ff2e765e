"""environment.yml, the lock files and pyproject.toml say the same."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import lock
import pytest
import yaml
from packaging.requirements import Requirement

import bfimna

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CONDA_NAMES = {"matplotlib": "matplotlib-base", "snakemake": "snakemake-minimal"}


def wanted(*groups):
    extras = PROJECT["optional-dependencies"]
    texts = [*PROJECT["dependencies"], *(t for group in groups for t in extras[group])]
    found = [Requirement(text) for text in texts]
    return {CONDA_NAMES.get(r.name, r.name): str(r.specifier) for r in found}


def test_environment_yml_has_the_same_dependencies():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    conda = [Requirement(text) for text in environment if isinstance(text, str) and text != "pip"]
    ours = {r.name: str(r.specifier) for r in conda}
    assert ours.pop("python") == PROJECT["requires-python"]
    assert ours == wanted("lab")
    assert {"pip": ["-e ."]} in environment


def lines_of(text):
    """Return a lock file's requirements, without hashes and comments."""
    lines = (line.strip().removesuffix("\\").strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith(("#", "--hash="))]


def test_a_lock_may_have_hashes():
    hashes = " \\\n    --hash=sha256:00 \\\n    --hash=sha256:11\n"
    text = f"# made by uv\na==1 ; sys_platform == 'darwin'{hashes}b==2\n    # via a\n"
    assert lines_of(text) == ["a==1 ; sys_platform == 'darwin'", "b==2"]


def test_licences_are_listed():
    told = subprocess.run([sys.executable, ROOT / "workflow" / "licences.py"], text=True,
                          capture_output=True, check=True).stdout  # fmt: skip
    assert re.search(r"^numpy +\S+ +.*BSD", told, re.M)
    assert re.search(r"^snakemake +\S+ +.*MIT", told, re.M)


@pytest.mark.parametrize(("file", "groups"), lock.LOCKS.items())
def test_locks_are_exact_complete_and_without_addresses(file, groups):
    text = (ROOT / file).read_text()
    pinned = [Requirement(line) for line in lines_of(text)]
    assert all(re.fullmatch(r"==[^,*]+", str(r.specifier)) for r in pinned)
    assert "://" not in text
    versions = {}
    for requirement in pinned:
        versions.setdefault(requirement.name, []).append(str(requirement.specifier)[2:])
    for name, specifier in wanted(*groups).items():
        name = {v: k for k, v in CONDA_NAMES.items()}.get(name, name)
        assert name in versions, name
        assert all(Requirement(f"x{specifier}").specifier.contains(v) for v in versions[name])


def test_the_pipelines_lock_keeps_jupyterlab_out():
    assert "jupyterlab==" not in (ROOT / "requirements.lock").read_text()
    assert "rfc3987-syntax==" not in (ROOT / "requirements.lock").read_text()


def test_the_citation_names_the_packages_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == bfimna.__version__
