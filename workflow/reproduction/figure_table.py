"""The table of figures, workflow/figures.csv: each figure's parameters, data and dependencies."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from bfimna import data
from bfimna.digests import digest
from bfimna.errors import BfimnaError, unknown
from bfimna.names import load_chip, load_technology
from reproduction import dependencies
from reproduction.dependencies import strings
from reproduction.runs import Run, chip_parameter, technology_digest
from reproduction.studies.arguments import RULES

COLUMNS = ["figure", "group", "parameters", "data", "caption"]
#: what the column `parameters` may name → the value that the notebook's parameter then has
FROM_CONFIG = {
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
    from_config : parameters of the notebook that follow the config, `FROM_CONFIG`.
    data : technologies, and files or folders below data/, that the notebook reads beside the
        technologies that its parameters name.
    caption : of the report.
    """

    name: str
    notebook: Path
    group: str
    from_config: tuple[str, ...]
    data: tuple[str, ...]
    caption: str

    def parameters(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters that the workflow executes the notebook with."""
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
        from_config = {entry.split("=")[0]: values[entry] for entry in self.from_config}
        own = config.get("parameters", {}).get(self.name, {})
        return {"output": f"{config['figures']}/{self.name}", **from_config, **own}

    def all_parameters(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """Return every parameter of the notebook, defaults included."""
        return dependencies.parameters(self.notebook) | self.parameters(config)

    def runs_read(self, config: Mapping[str, Any], runs: Sequence[Run]) -> list[Run]:
        """Return the runs whose layers the notebook reads in the folder of the results."""
        if "results" not in self.from_config:
            return []
        values = self.all_parameters(config)
        networks, chip = {*values["networks"], values.get("detailed")}, load_chip(values["chip"])
        return [
            run
            for run in runs
            if run.network in networks
            and run.precision == values["precision"]
            and run.technology in values["technologies"]
            and run == Run(run.network, run.precision, run.technology, chip)
        ]

    def digest(self, config: Mapping[str, Any]) -> str:
        """Digest of all that the figure depends on, apart from results of simulations."""
        values = self.all_parameters(config)
        shipped, texts = set(data.technology_names()), strings(values)
        technologies = ({*texts, *self.data} & {*shipped, *config["technologies"]}) | _own(values)
        return digest(
            values,
            {name: technology_digest(name) for name in sorted(technologies)},
            {name: dependencies.file_digest(name) for name in sorted(texts) if _is_input(name)},
            dependencies.cells(self.notebook),
            dependencies.figures_code_digest(),
            dependencies.data_digest({*self.data, *dependencies.SIMULATION_DATA} - shipped),
        )


def _own(values: Any) -> set[str]:
    """Return the technologies of a user's own tables that parameters name."""
    return {name for name in strings(values) if Path(name.rpartition(":")[0]).suffix == ".csv"}


def _is_input(name: str) -> bool:
    """Whether a parameter names a file of the user: a network, bits, a chip."""
    suffixes = (".onnx", ".csv", ".yaml", ".yml", ".json")
    return name.endswith(suffixes) and not name.endswith("/summary.csv") and Path(name).is_file()


@lru_cache
def read(table: Path, notebooks: Path) -> dict[str, Figure]:
    """Read the table of figures.

    Raises
    ------
    BfimnaError
        With the line, and what it must hold.
    """
    figures: dict[str, Figure] = {}
    with table.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        if rows.fieldnames != COLUMNS:
            raise BfimnaError(f"{table}: want the columns {','.join(COLUMNS)}")
        for row in rows:
            where = f"{table}, line {rows.line_num}"
            if None in row or None in row.values():
                raise BfimnaError(f"{where}: want {len(COLUMNS)} columns")
            name = row["figure"]
            figure = Figure(
                name, notebooks / f"{name}.ipynb", row["group"], tuple(row["parameters"].split()),
                tuple(row["data"].split()), row["caption"],
            )  # fmt: skip
            _check(figure, where)
            if name in figures:
                raise BfimnaError(f"{where}: figure {name!r} stands twice")
            figures[name] = figure
    return figures


def _check(figure: Figure, where: str) -> None:
    if not figure.name.isidentifier():
        raise BfimnaError(f"{where}: figure {figure.name!r}: want letters, digits and '_'")
    if not figure.notebook.is_file():
        raise BfimnaError(f"{where}: figure {figure.name!r} has no {figure.notebook}")
    own = dependencies.parameters(figure.notebook)
    for entry in figure.from_config:
        if entry not in FROM_CONFIG:
            raise unknown(f"parameter ({where})", entry, FROM_CONFIG)
    for name in ["output", *(entry.split("=")[0] for entry in figure.from_config)]:
        if name not in own:
            raise BfimnaError(f"{where}: {figure.notebook} has no parameter {name!r}")


def selected(config: Mapping[str, Any], figures: Mapping[str, Figure]) -> list[Figure]:
    """Return the figures that a checked config asks for.

    Raises
    ------
    BfimnaError
        For an unknown figure, or a parameter that its notebook does not have.
    """
    for name in config.get("only", figures):
        if name not in figures:
            raise unknown("figure (config, only)", name, figures)
    for name, own in config.get("parameters", {}).items():
        if name not in figures:
            raise unknown("figure (config, parameters)", name, figures)
        defaults = dependencies.parameters(figures[name].notebook)
        for parameter, value in own.items():
            _check_parameter(name, parameter, value, defaults)
    return [figures[name] for name in config.get("only", figures)]


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
    if name in RULES:
        RULES[name](where, value)
    names = strings(value) if name in ("technology", "technologies") else _own(value)
    for technology in sorted(names):
        load_technology(technology)
