"""The simulations that a config asks for, and the table that joins their results.

`python -m reproduction.runs TABLE FILE...` joins CSV tables of the same columns.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd

from bfimna import data
from bfimna.digests import digest
from bfimna.errors import BfimnaError, unknown
from bfimna.mapping.chip import Chip
from bfimna.names import (
    CHIPS,
    PRECISION_FILES,
    load_chip,
    load_network,
    load_precision,
    load_technology,
    network_file,
    slug,
)
from bfimna.tables import write_table
from reproduction.dependencies import file_digest

#: what `make emulate` runs at fixed bits, and the technology of its energies
EMULATED_NETWORKS = ("alexnet", "vgg16", "resnet18", "resnet50")
EMULATED_BITS = (2, 4, 8)
EMULATED_TECHNOLOGY = "sram-14nm-lstp"
#: weighted layers by turns at 4 and 8 bits: mixed bits of any network, which HAWQ-V3 has of ResNets
MIXED = "mixed-4-8"
MIXED_NETWORKS = ("alexnet", "vgg16", "resnet50")


@dataclass(frozen=True)
class Run:
    """One combination to simulate.

    Attributes
    ----------
    network, precision, technology : by name, or file.
    chip : that the config's entry stands for.
    supply_v : logic supply in V; None for the technology's nominal one.
    batch : images that share the weights of a fold.
    counts : "microcode" or "published".
    """

    network: str
    precision: str
    technology: str
    chip: Chip
    supply_v: float | None = None
    batch: int = 1
    counts: str = "microcode"

    @property
    def folder(self) -> str:
        """Folder of its results: files by their stems, slashes of a precision as dashes.

        Values other than the defaults follow the chip: ``sram-14nm-lstp-LR-0.6V-batch4``.
        """
        precision = self.precision.replace("/", "-")
        if Path(self.precision).suffix in PRECISION_FILES:
            precision = Path(self.precision).stem
        platform = [technology_label(self.technology), self.chip.name]
        if self.supply_v is not None:
            platform.append(f"{self.supply_v:g}V")
        if self.batch != 1:
            platform.append(f"batch{self.batch}")
        if self.counts != "microcode":
            platform.append(self.counts)
        return f"{slug(self.network)}/{precision}/{'-'.join(platform)}"

    @property
    def parameters(self) -> dict[str, Any]:
        """Parameters of notebooks/simulate.ipynb."""
        return {
            "network": self.network,
            "precision": self.precision,
            "technology": self.technology,
            "chip": chip_parameter(self.chip),
            "supply_v": self.supply_v,
            "batch": self.batch,
            "counts": self.counts,
        }

    @property
    def digest(self) -> str:
        """Digest of the values that the names stand for."""
        return digest(
            self.folder,
            self.parameters,
            network_digest(self.network),
            precision_digest(self.network, self.precision),
            technology_digest(self.technology),
        )


def chip_parameter(chip: Chip) -> str | dict[str, Any]:
    """Return a chip as a notebook's parameter: LR and IR by name, others field by field."""
    preset = CHIPS.get(chip.name)
    return chip.name if preset is not None and preset() == chip else asdict(chip)


def runs(config: Mapping[str, Any]) -> list[Run]:
    """Return every combination that a checked config asks for, once each.

    >>> config = {"networks": ["alexnet"], "bits": [4], "schemes": [], "chips": ["LR"],
    ...     "technologies": ["sram-14nm-lstp"], "supplies": [0.6], "batches": [1, 4]}
    >>> [run.folder for run in runs(config)]
    ['alexnet/int4/sram-14nm-lstp-LR-0.6V', 'alexnet/int4/sram-14nm-lstp-LR-0.6V-batch4']
    """
    pairs = [(network, f"int{b}") for network in config["networks"] for b in config["bits"]]
    pairs += [pair for entry in config["schemes"] for pair in schemes_of(entry)]
    combinations = [
        Run(*pair, *rest)
        for pair, *rest in product(
            dict.fromkeys(pairs),
            config["technologies"],
            [load_chip(entry) for entry in config["chips"]],
            config.get("supplies", [None]),
            config.get("batches", [1]),
            config.get("counts", ["microcode"]),
        )
    ]
    by_folder: dict[str, Run] = {}
    for run in combinations:
        other = by_folder.setdefault(run.folder, run)
        if other != run:
            raise BfimnaError(
                f"config: two simulations would share the folder {run.folder}: "
                f"{_differences(other, run)} and {_differences(run, other)}; give one another name"
            )
    return combinations


def _differences(run: Run, other: Run) -> str:
    """Return the parameters in which a run differs from another, as text."""
    different = {k: v for k, v in run.parameters.items() if v != other.parameters[k]}
    return ", ".join(f"{k} {v!r}" for k, v in different.items())


def schemes_of(entry: str) -> list[tuple[str, str]]:
    """Return the pairs (network, precision) that an entry of the config's schemes stands for.

    ``network/hawq_v3/scheme``, ``network/hawq_v3/all``, or ``network:precision`` for files, such as
    ``model.onnx:own`` (the bits in the file) and ``resnet18:bits.yaml``.
    """
    if ":" in entry:
        network, _, precision = entry.partition(":")
        load_precision(load_network(network), precision)
        return [(network, precision)]
    network, _, scheme = entry.partition("/")
    published = data.hawq_schemes(network)
    if scheme != "hawq_v3/all" and scheme not in published:
        raise unknown(f"scheme of {network}", scheme, ["hawq_v3/all", *published])
    return [(network, name) for name in (published if scheme == "hawq_v3/all" else [scheme])]


def technology_label(name: str) -> str:
    """Return a technology's name in folders of results: of ``file.csv:name`` the name alone."""
    return name.rpartition(":")[2]


@lru_cache
def technology_digest(name: str) -> str:
    """Digest of a technology's values."""
    return digest(load_technology(name))


@lru_cache
def network_digest(name: str) -> str:
    """Digest of a network's file; empty for the zoo's, which are code of the model."""
    path = network_file(name)
    return file_digest(path) if path else ""


@lru_cache
def precision_digest(network: str, precision: str) -> str:
    """Digest of the bits that a name stands for."""
    return digest(load_precision(load_network(network), precision))


def emulations() -> list[tuple[str, str]]:
    """Return the pairs (network, precision) of `make emulate`: fixed, mixed and HAWQ-V3's bits.

    >>> len(emulations()), emulations()[0]
    (37, ('alexnet', 'int2'))
    """
    fixed = [(network, f"int{bits}") for network in EMULATED_NETWORKS for bits in EMULATED_BITS]
    mixed = [(network, MIXED) for network in MIXED_NETWORKS]
    published = [
        (network, scheme) for network in data.HAWQ_NAMES for scheme in data.hawq_schemes(network)
    ]
    return fixed + mixed + published


def collect(output: str, files: Sequence[str]) -> Path:
    """Write the rows of all files, CSV tables of the same columns, to one table."""
    if not files:
        raise BfimnaError("no tables to collect")
    return write_table(pd.concat([pd.read_csv(f) for f in files], ignore_index=True), output)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: python -m reproduction.runs TABLE FILE...")
    collect(sys.argv[1], sys.argv[2:])
