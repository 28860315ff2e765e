"""Digests of code: changed by what a file does, and by nothing else."""

import shutil
from pathlib import Path

import pytest

import bfimna
from bfimna import digests

PACKAGE = Path(bfimna.__file__).parent


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A copy of the package, which `model_digest` reads."""
    ignore = shutil.ignore_patterns("__pycache__", "_data")
    shutil.copytree(PACKAGE, tmp_path / "bfimna", ignore=ignore)
    monkeypatch.setattr(digests, "PACKAGE", tmp_path / "bfimna")
    return tmp_path / "bfimna"


def test_comments_docstrings_and_formatting_change_no_digest(tmp_path):
    path = tmp_path / "a.py"
    path.write_text('def f(x):\n    """Return it."""\n    return x + 1\n')
    before = digests.code_digest(path)
    path.write_text('"""A module."""\n\n\ndef f(x):\n    # more\n    return (x+1)\n')
    assert digests.code_digest(path) == before
    path.write_text("def f(x):\n    return x + 2\n")
    assert digests.code_digest(path) != before


def test_a_renamed_and_a_new_file_change_a_folders_digest(tmp_path):
    (tmp_path / "a.py").write_text("x = 1\n")
    before = digests.code_digest(tmp_path)
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    renamed = digests.code_digest(tmp_path)
    (tmp_path / "c.py").write_text("")
    assert len({before, renamed, digests.code_digest(tmp_path)}) == 3


def test_the_models_digest_covers_every_room_but_those_beyond_the_model(copy):
    before = digests.model_digest.__wrapped__()
    assert before == digests.model_digest()
    for path in sorted(copy.iterdir()):
        file = path / "__init__.py" if path.is_dir() else path
        if file.suffix != ".py" or not file.is_file():  # a room that moved may leave its folder
            continue
        text = file.read_text()
        file.write_text(text + "\nmore = 1\n")
        changed = digests.model_digest.__wrapped__() != before
        assert changed is (path.name not in digests.BEYOND_THE_MODEL), path.name
        file.write_text(text)
    assert all((copy / name).exists() for name in digests.BEYOND_THE_MODEL)


def test_a_new_room_belongs_to_the_model(copy):
    before = digests.model_digest.__wrapped__()
    (copy / "operators").mkdir(exist_ok=True)
    (copy / "operators" / "another.py").write_text("x = 1\n")
    assert digests.model_digest.__wrapped__() != before
