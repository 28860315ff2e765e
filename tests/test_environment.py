"""environment.yml, the lock file and pyproject.toml agree."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import environment
import lock
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

import bfimna

ROOT = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]
LOCK = (ROOT / "requirements.lock").read_text()
CONDA_NAMES = {"matplotlib": "matplotlib-base", "snakemake": "snakemake-minimal"}


def requirements(*extras):
    """Return name → specifier of the package with these extras, and the extras that they name."""
    texts = [*PROJECT["dependencies"]]
    for extra in extras:
        texts += PROJECT["optional-dependencies"][extra]
    specifiers = {}
    for requirement in map(Requirement, texts):
        if requirement.name == PROJECT["name"]:
            specifiers |= requirements(*requirement.extras)
        else:
            specifiers[requirement.name] = str(requirement.specifier)
    return specifiers


def test_environment_yml_has_the_same_dependencies():
    conda_file = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    conda = [Requirement(text) for text in conda_file if isinstance(text, str) and text != "pip"]
    in_conda = {r.name: str(r.specifier) for r in conda}
    assert in_conda.pop("python") == PROJECT["requires-python"]
    project = requirements("workflow", "lab")
    assert in_conda == {CONDA_NAMES.get(name, name): s for name, s in project.items()}
    assert {"pip": ["-e ."]} in conda_file


def test_the_package_alone_is_light():
    assert set(requirements()) == {"numpy", "scipy", "pandas", "matplotlib", "pyyaml"}


def test_licences_are_listed():
    listed = subprocess.run([sys.executable, ROOT / "workflow" / "licences.py"], text=True,
                          capture_output=True, check=True).stdout  # fmt: skip
    assert re.search(r"^numpy +\S+ +.*BSD", listed, re.M)
    assert re.search(r"^snakemake +\S+ +.*MIT", listed, re.M)


def pins(name):
    """Return name → versions of an environment in the lock file."""
    versions = {}
    for line in environment.select(LOCK, name).splitlines():
        if not line.startswith(" "):
            requirement = Requirement(line.removesuffix("\\"))
            versions.setdefault(requirement.name, []).append(str(requirement.specifier))
    return versions


@pytest.mark.parametrize("name", lock.ENVIRONMENTS)
def test_an_environment_is_pinned_exactly_with_hashes_for_every_package(name):
    for package in re.split(r"\n(?! )", environment.select(LOCK, name).strip()):
        first, *hashes = package.split(" \\\n    ")
        assert re.fullmatch(r"[a-z0-9-]+==[^,*= ]+( ; .+)?", first)
        assert hashes, first
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", digest) for digest in hashes)


@pytest.mark.parametrize("name", lock.ENVIRONMENTS)
def test_an_environment_holds_what_pyproject_asks_for(name):
    pinned, sources = pins(name), lock.ENVIRONMENTS[name]
    groups = [
        Requirement(r)
        for g in sources.get("--group", ())
        for r in PYPROJECT["dependency-groups"][g]
    ]
    asked = {r.name: str(r.specifier) for r in groups}
    if "--extra" in sources:
        asked |= requirements(*sources["--extra"])
    for package, specifier in asked.items():
        versions = [version.removeprefix("==") for version in pinned[package]]
        assert versions, package
        assert all(SpecifierSet(specifier).contains(version) for version in versions)


def test_a_package_stands_once_in_the_lock_for_all_environments_and_no_address():
    lines = [line for line in LOCK.splitlines() if line[:1].isalnum()]
    assert len(set(lines)) == len(lines) > 200
    assert "://" not in LOCK


def test_the_lock_of_the_pipeline_keeps_jupyterlab_and_uv_out():
    assert not {"jupyterlab", "rfc3987-syntax", "uv"} & set(pins("main"))
    assert set(pins("boot")) == {"uv", "setuptools"}


def test_an_environment_that_the_lock_lacks_is_named():
    with pytest.raises(SystemExit, match="no environment 'lib'"):
        environment.select(LOCK, "lib")


def test_the_citation_names_the_packages_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == bfimna.__version__
