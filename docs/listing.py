"""Markdown for the pages: tables, and sections of the model with their code."""

import csv
import inspect
import re
from collections.abc import Iterable, Sequence
from functools import reduce
from importlib import import_module
from math import isnan
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
HEADING = re.compile(r"^(#{2,4}) (?:(\d+)\. )?(.+)$", re.MULTILINE)


def rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file."""
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def table(header: Sequence[str], body: Iterable[Sequence[object]]) -> str:
    r"""Return a Markdown table; a NaN is an empty cell.

    >>> print(table(["a", "b"], [["x|y", float("nan")]]))
    | a | b |
    | --- | --- |
    | x\|y |  |
    """
    lines = [header, ["---"] * len(header), *body]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "" if isnan(value) else f"{value:.4g}"
    text = str(value)
    return re.sub(r"\s+", " ", text).replace("|", "\\|")


def named(path: str) -> Any:
    """Return the object of a dotted name: the longest prefix that is a module, then attributes."""
    parts = path.split(".")
    for n in range(len(parts) - 1, 0, -1):
        try:
            module = import_module(".".join(parts[:n]))
        except ModuleNotFoundError:
            continue
        return reduce(getattr, parts[n:], module)
    raise ModuleNotFoundError(path)


def code_of_model() -> dict[str, list[str]]:
    """Return the code that implements each section of the model: heading → dotted names.

    A numbered heading is named by its number, others by their text.
    """
    code: dict[str, list[str]] = {}
    for row in rows(HERE / "code_of_model.csv"):
        code.setdefault(row["section"], []).append(row["object"])
    return code


def with_code(model: str) -> str:
    """Return the model's text with the code that implements each section below it."""
    starts = list(HEADING.finditer(model))
    ends = [*(start.start() for start in starts[1:]), len(model)]
    text = model[: starts[0].start()]
    code = code_of_model()
    for start, end in zip(starts, ends, strict=True):
        text += model[start.start() : end].rstrip() + "\n\n"
        text += "".join(map(_source, code.get(start[2] or start[3], ()))) + "\n"
    return text


def _source(path: str) -> str:
    implementation = inspect.unwrap(named(path))
    lines = inspect.getsource(implementation).rstrip()
    summary = (inspect.getdoc(implementation) or "").splitlines()[0]
    return (
        f"::::{{admonition}} Code: `{path}`\n:collapsible: closed\n\n{summary}\n\n"
        f"```python\n{lines}\n```\n::::\n\n"
    )
