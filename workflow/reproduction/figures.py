"""The table of figures: what each is told, and what it depends on."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from bfimna import data
from bfimna.errors import BfimnaError, unknown
from bfimna.names import load_chip, load_technology
from reproduction import dependencies
from reproduction.runs import Run, chip_parameter, technology_digest

COLUMNS = ["figure", "group", "parameters", "caption"]
#: what the column `parameters` may name → what a notebook's parameter of that name is told
TOLD = {
    "networks": "the config's networks",
    "technologies": "the config's technologies",
    "technologies=all": "every technology of data/, and the config's",
    "technology": "the config's first technology",
    "chip": "the config's first chip",
    "summary": "the table of all simulations",
    "results": "the folder of the results",
    "emulated": "the table that `make emulate` has left among the figures; empty if there is none",
}


@dataclass(frozen=True)
class Figure:
    """A row of the table of figures.

    Attributes
    ----------
    name : of the figure, and of its notebook.
    notebook : its path.
    group : heading of the report.
    wants : parameters of the notebook that follow the config, `TOLD`.
    caption : of the report.
    """

    name: str
    notebook: Path
    group: str
    wants: tuple[str, ...]
    caption: str

    def parameters(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the workflow tells the notebook."""
        emulated = f"{config['figures']}/emulated.csv"
        values = {
            "networks": config["networks"],
            "technologies": config["technologies"],
            "technologies=all": list(
                dict.fromkeys([*data.technology_names(), *config["technologies"]])
            ),
            "technology": config["technologies"][0],
            "chip": chip_parameter(load_chip(config["chips"][0])),
            "summary": f"{config['results']}/summary.csv",
            "results": config["results"],
            "emulated": emulated if Path(emulated).is_file() else "",
        }
        told = {want.split("=")[0]: values[want] for want in self.wants}
        own = config.get("parameters", {}).get(self.name, {})
        return {"output": f"{config['figures']}/{self.name}", **told, **own}

    def effective(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """Return every parameter of the notebook: its defaults, and what it is told."""
        return dependencies.parameters(self.notebook) | self.parameters(config)

    def layers_of(self, config: Mapping[str, Any], known: Sequence[Run]) -> list[Run]:
        """Return the runs whose layers the notebook reads in the folder of the results."""
        if "results" not in self.wants:
            return []
        told = self.effective(config)
        networks, chip = {*told["networks"], told.get("detailed")}, load_chip(told["chip"])
        return [
            run
            for run in known
            if run.network in networks
            and run.precision == told["precision"]
            and run.technology in told["technologies"]
            and run == Run(run.network, run.precision, run.technology, chip)
        ]

    def digest(self, config: Mapping[str, Any], reads: dependencies.Dependencies) -> str:
        """Digest of all that the figure depends on, but for results of simulations."""
        told = self.effective(config)
        named = strings(told) | reads.constants(self.notebook)
        known = {*data.technology_names(), *config["technologies"], *_of_tables(told)}
        values = {name: technology_digest(name) for name in sorted(named & known)}
        files = {name: dependencies.file_digest(name) for name in sorted(strings(told))
                 if _is_input(name)}  # fmt: skip
        return dependencies.digest(told, values, files, reads.digest(self.notebook))


def _of_tables(value: Any) -> set[str]:
    """Return the technologies of tables of a user's own that parameters name."""
    return {name for name in strings(value) if Path(name.rpartition(":")[0]).suffix == ".csv"}


def _is_input(name: str) -> bool:
    """Whether a parameter names a file of the user: a network, bits, a chip."""
    suffixes = (".onnx", ".csv", ".yaml", ".yml", ".json")
    return name.endswith(suffixes) and not name.endswith("/summary.csv") and Path(name).is_file()


def strings(value: Any) -> set[str]:
    """Return all strings in lists and mappings.

    >>> sorted(strings({"a": ["b", 1, {"c": "d"}]}))
    ['a', 'b', 'c', 'd']
    """
    if isinstance(value, str):
        return {value}
    if isinstance(value, Mapping):
        value = [*value, *value.values()]
    return set().union(*map(strings, value)) if isinstance(value, list | tuple) else set()


@lru_cache
def read(table: Path, notebooks: Path) -> dict[str, Figure]:
    """Read the table of figures.

    Raises
    ------
    BfimnaError
        With the line and what is wanted there.
    """
    with table.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        if rows.fieldnames != COLUMNS:
            raise BfimnaError(f"{table}: want the columns {','.join(COLUMNS)}")
        found: dict[str, Figure] = {}
        for row in rows:
            where = f"{table}, line {rows.line_num}"
            if None in row or None in row.values():
                raise BfimnaError(f"{where}: want {len(COLUMNS)} columns")
            name = row["figure"]
            figure = Figure(name, notebooks / f"{name}.ipynb", row["group"],
                            tuple(row["parameters"].split()), row["caption"])  # fmt: skip
            _check(figure, where)
            if name in found:
                raise BfimnaError(f"{where}: figure {name!r} stands twice")
            found[name] = figure
    return found


def _check(figure: Figure, where: str) -> None:
    if not figure.name.isidentifier():
        raise BfimnaError(f"{where}: figure {figure.name!r}: want letters, digits and '_'")
    if not figure.notebook.is_file():
        raise BfimnaError(f"{where}: figure {figure.name!r} has no {figure.notebook}")
    has = dependencies.parameters(figure.notebook)
    for want in figure.wants:
        if want not in TOLD:
            raise unknown(f"parameter ({where})", want, TOLD)
    for name in ["output", *(want.split("=")[0] for want in figure.wants)]:
        if name not in has:
            raise BfimnaError(f"{where}: {figure.notebook} has no parameter {name!r}")


def wanted(config: Mapping[str, Any], known: Mapping[str, Figure]) -> list[Figure]:
    """Return the figures that a checked config asks for.

    Raises
    ------
    BfimnaError
        For an unknown figure, or a parameter that its notebook has not.
    """
    for name in config.get("only", known):
        if name not in known:
            raise unknown("figure (config, only)", name, known)
    for name, own in config.get("parameters", {}).items():
        if name not in known:
            raise unknown("figure (config, parameters)", name, known)
        defaults = dependencies.parameters(known[name].notebook)
        for parameter, value in own.items():
            _check_parameter(name, parameter, value, defaults)
    return [known[name] for name in config.get("only", known)]


def _check_parameter(figure: str, name: str, value: Any, defaults: Mapping[str, Any]) -> None:
    where = f"config, parameters.{figure}.{name}"
    free = sorted(set(defaults) - {"output", "summary", "results"})
    if name not in free:
        raise unknown(f"parameter ({where})", name, free)
    default = defaults[name]
    kind = (int, float) if isinstance(default, float) else type(default)
    if name == "chip":
        load_chip(value)  # or raise
        return
    if default is not None and (not isinstance(value, kind) or isinstance(value, bool)):
        raise BfimnaError(f"{where}: want a value such as {default!r}, not {value!r}")
    if value in ([], {}, ""):
        raise BfimnaError(f"{where}: must not be empty")
    own = strings(value) if name in ("technology", "technologies") else _of_tables(value)
    for technology in sorted(own):
        load_technology(technology)
