"""The workflow's config → the runs that it asks for, or a one-line error before anything runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from bfimna import data
from bfimna.errors import BfimnaError, unknown
from bfimna.names import CHIPS, check_slugs, load_network, load_precision, network_file, slug

SCHEMA = Path(__file__).resolve().parents[2] / "workflow" / "config.schema.yaml"


@dataclass(frozen=True)
class Run:
    """One combination to simulate, by names."""

    network: str
    precision: str
    technology: str
    chip: str

    @property
    def folder(self) -> str:
        """Where its results lie: a network file's stem; slashes of a precision become dashes."""
        precision = self.precision.replace("/", "-")
        return f"{slug(self.network)}/{precision}/{self.technology}-{self.chip}"


def checked(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the config, or raise a one-line error for anything in it that cannot be run.

    Widths given on Snakemake's command line arrive as text and are made numbers.
    """
    config = dict(config)
    if isinstance(config.get("bits"), list):
        config["bits"] = [int(b) if str(b).isdecimal() else b for b in config["bits"]]
    schema = yaml.safe_load(SCHEMA.read_text())
    error = best_match(Draft202012Validator(schema).iter_errors(config))
    if error is not None:
        where = ".".join(str(part) for part in error.absolute_path) or "top level"
        known = ", ".join(schema["properties"])
        hint = f"; known keys: {known}" if error.validator == "additionalProperties" else ""
        raise BfimnaError(f"config, {where}: {error.message}{hint}")
    for network in config["networks"]:
        load_network(network)
    pairs = [pair for entry in config["schemes"] for pair in _schemes(entry)]
    check_slugs([*config["networks"], *(network for network, _ in pairs)])
    for technology in config["technologies"]:
        data.load_technology(technology)
    for chip in config["chips"]:
        if chip not in CHIPS:
            raise unknown("chip", chip, CHIPS)
    return config


def runs(config: Mapping[str, Any]) -> list[Run]:
    """Return every combination that a checked config asks for, without repetition.

    >>> config = {"networks": ["alexnet"], "bits": [4], "schemes": [], "chips": ["LR"],
    ...     "technologies": ["sram-14nm-lstp"]}
    >>> [run.folder for run in runs(config)]
    ['alexnet/int4/sram-14nm-lstp-LR']
    """
    pairs = [(network, f"int{b}") for network in config["networks"] for b in config["bits"]]
    pairs += [pair for entry in config["schemes"] for pair in _schemes(entry)]
    return [
        Run(network, precision, technology, chip)
        for network, precision in dict.fromkeys(pairs)
        for technology in config["technologies"]
        for chip in config["chips"]
    ]


def _schemes(entry: str) -> list[tuple[str, str]]:
    """Expand ``network/hawq_v3/scheme`` or ``network/hawq_v3/all``; else ``network:precision``.

    The latter for files: ``model.onnx:own`` (its own bits), ``resnet18:bits.yaml``.
    """
    if ":" in entry:
        network, _, precision = entry.partition(":")
        load_precision(load_network(network), precision)
        return [(network, precision)]
    network, _, scheme = entry.partition("/")
    known = data.hawq_schemes(network)
    if scheme != "hawq_v3/all" and scheme not in known:
        raise unknown(f"scheme of {network}", scheme, ["hawq_v3/all", *known])
    return [(network, name) for name in (known if scheme == "hawq_v3/all" else [scheme])]


def network_files(config: Mapping[str, Any]) -> list[str]:
    """Return the files among the networks that run at every width."""
    paths = (network_file(name) for name in config["networks"])
    return [str(path) for path in paths if path]


@lru_cache
def technology_digest(*names: str) -> str:
    """Digest of the rows of these technologies: changes when, and only when, one of them does."""
    table = data.technologies()
    return sha256(table[table.technology.isin(names)].to_csv().encode()).hexdigest()[:16]


@lru_cache
def precision_digest(network: str, precision: str) -> str:
    """Digest of the bits that a name stands for."""
    bits = load_precision(load_network(network), precision)
    told = (bits.name, bits.layers, bits.weight_bits, bits.activation_bits)
    return sha256(repr(told).encode()).hexdigest()[:16]
