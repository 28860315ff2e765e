"""Pages generated from tables and docstrings: figures, columns, settings, the API."""

import re
from collections.abc import Iterable
from dataclasses import fields
from inspect import getdoc, isclass, isfunction, ismodule
from pathlib import Path

import yaml
from listing import HERE, ROOT, rows, table
from reproduction.pages import answer, opening

import bfimna as bf


def figures(executed: Path) -> str:
    """Return the page of figures: each with its finding and its sources."""
    text = [
        "# Figures",
        "Each with what it shows in the run that drew it. `make reproduce` draws them.",
    ]
    group = ""
    for row in rows(ROOT / "workflow" / "figures.csv"):
        name = row["figure"]
        if row["group"] != group:
            group = row["group"]
            text.append(f"## {group.lstrip('0123456789 ')}")
        title, _ = opening(ROOT / "notebooks" / f"{name}.ipynb")
        text.append(f"({name})=\n### {title}")
        if (ROOT / "figures" / f"{name}.png").is_file():
            text.append(f"![{row['caption']}](figures/{name}.png)")
        else:
            text.append("*Not drawn yet: `make reproduce` draws it.*")
        text += [answer(executed / f"{name}.ipynb"), row["caption"], _sources(name)]
    return "\n\n".join(part for part in text if part) + "\n"


def _sources(name: str) -> str:
    links = [f"[notebook](notebooks/{name}.ipynb)"]
    links += [
        f"{{download}}`{suffix.upper()} <figures/{name}.{suffix}>`"
        for suffix in ("csv", "pdf", "tex")
        if (ROOT / "figures" / f"{name}.{suffix}").is_file()
    ]
    return " · ".join(links)


def columns() -> str:
    """Return the data dictionary."""
    body = [
        [f"`{row['column']}`", row["unit"], row["meaning"], row["tables"] or "all others"]
        for row in sorted(rows(HERE / "columns.csv"), key=lambda r: (r["column"], r["tables"]))
    ]
    preface = (
        "Every column of every table: those behind the figures (`figures/*.csv`), the summary of "
        "all simulations (`results/summary.csv`), and `layers.csv` of each. Where a column means "
        "something else in some tables, they are named. Numbers have seven significant digits, "
        "units are SI unless the name says otherwise, an empty cell is unknown or does not apply."
    )
    heading = ["column", "unit", "meaning", "tables"]
    return f"# Data dictionary\n\n{preface}\n\n{table(heading, body)}\n"


def settings() -> str:
    """Return the page of what can be set: config, chip, technologies."""
    schema = yaml.safe_load((ROOT / "workflow" / "config.schema.yaml").read_text(encoding="utf-8"))
    config = yaml.safe_load((ROOT / "workflow" / "config.yaml").read_text(encoding="utf-8"))
    of_config = [
        [f"`{key}`", kind["description"], f"`{config[key]}`" if key in config else ""]
        for key, kind in schema["properties"].items()
    ]
    described = _described(bf.Chip)
    of_chip = [
        [f"`{field.name}`", described[field.name], f"`{field.default!r}`"]
        for field in fields(bf.Chip)
    ]
    techs = [bf.load_technology(name) for name in bf.data.technology_names()]
    of_technology = [
        [f"`{field.name}`", _described(bf.Technology).get(field.name, ""),
         *(getattr(tech, field.name) for tech in techs)]
        for field in fields(bf.Technology)
        if isinstance(getattr(techs[0], field.name), int | float)
    ]  # fmt: skip
    return "\n\n".join([
        "# What can be set",
        "## The workflow's config",
        "Keys of `workflow/config.yaml`; see [an example of your own files](examples/README.md).",
        table(["key", "what", "default"], of_config),
        "## A chip",
        "Fields of `bf.Chip`, of a chip's file and of `chips` in the config; defaults are LR's.",
        table(["field", "what", "LR"], of_chip),
        "## A technology",
        "Nominal values in SI units, as the model reads them. Ranges and sources are in `data/`.",
        table(["field", "what", *(tech.name for tech in techs)], of_technology),
    ]) + "\n"  # fmt: skip


def _described(kind: type) -> dict[str, str]:
    """Return the description of each field in a class's docstring."""
    descriptions: dict[str, str] = {}
    names: list[str] = []
    for line in (getdoc(kind) or "").splitlines():
        if match := re.match(r"([a-z_][\w, ]*) : (.+)", line):
            names = match[1].split(", ")
            descriptions |= dict.fromkeys(names, match[2])
        elif line.startswith("    ") and names:
            descriptions |= {name: f"{descriptions[name]} {line.strip()}" for name in names}
        else:
            names = []
    return descriptions


def api() -> dict[str, str]:
    """Return the pages of the API in reStructuredText: name → text."""
    public = [name for name in bf.__all__ if not name.startswith("__")]
    objects = {name: getattr(bf, name) for name in public}
    modules = [name for name in public if ismodule(objects[name])]
    lines = [
        "API", "===", "", "``import bfimna as bf``: these names stay.", "", ".. toctree::", "",
        *(f"   {name}" for name in modules), "", ".. currentmodule:: bfimna", "",
    ]  # fmt: skip
    for name in public:
        if name not in modules:
            lines += [_autodoc(objects[name], f"bfimna.{name}"), ""]
    pages = {"index": "\n".join(lines)}
    for name in modules:
        pages[name] = _module(name, objects[name].__name__, getattr(objects[name], "__all__", None))
    return pages


def _autodoc(thing: object, path: str) -> str:
    if isclass(thing):
        return f".. autoclass:: {path}\n   :members:\n"
    return f".. {'autofunction' if isfunction(thing) else 'autodata'}:: {path}\n"


def _module(name: str, path: str, public: Iterable[str] | None) -> str:
    title = f"bf.{name}"
    more = "   :imported-members:\n" if public else ""
    return f"{title}\n{'=' * len(title)}\n\n.. automodule:: {path}\n   :members:\n{more}"
