"""Digests of values and of code: they change when, and only when, the content does."""

import ast
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).resolve().parent
#: what no simulation depends on; every other room and module of the package is the model's
BEYOND_THE_MODEL = ("__main__.py", "characterise", "cli", "emulator", "plot", "search")


def digest(*parts: object) -> str:
    """Digest of texts, numbers, and lists, mappings and dataclasses of them.

    >>> digest({"a": [1, 2]}) == digest({"a": (1, 2)}), digest("1") == digest(1)
    (True, False)
    """
    return sha256(json.dumps(parts, sort_keys=True, default=_plain).encode()).hexdigest()[:16]


def code_digest(*paths: Path) -> str:
    """Digest of Python files, or all below a folder, without comments, docstrings and formatting.

    Parameters
    ----------
    paths : of files and folders; their own names count, and paths below a folder.
    """
    code = {
        (path.name, file.relative_to(path).as_posix()): _code(file)
        for path in paths
        for file in ([path] if path.is_file() else sorted(path.rglob("*.py")))
    }
    return digest(sorted(code.items()))


@lru_cache
def model_digest() -> str:
    """Digest of the code that a simulation's numbers depend on."""
    return code_digest(*(p for p in sorted(PACKAGE.iterdir()) if _is_model(p)))


def _is_model(path: Path) -> bool:
    return path.name not in BEYOND_THE_MODEL and (path.is_dir() or path.suffix == ".py")


def _code(path: Path) -> str:
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    holders = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(tree):
        if isinstance(node, holders) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    return ast.dump(tree)


def _plain(value: Any) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, Mapping):
        return dict(value)
    return repr(value)
