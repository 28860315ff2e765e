"""The simulations that a config asks for: combinations of names, and where their results lie."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any

from bfimna import data
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
from reproduction.dependencies import digest, file_digest

#: what `make emulate` runs at fixed bits, and whose cells its energies are of
EMULATED_NETWORKS = ("alexnet", "vgg16", "resnet18", "resnet50")
EMULATED_BITS = (2, 4, 8)
EMULATED_TECHNOLOGY = "sram-14nm-lstp"


@dataclass(frozen=True)
class Run:
    """One combination to simulate.

    Attributes
    ----------
    network, precision, technology : by name, or file.
    chip : as the config's entry was understood.
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
        """Where its results lie: files by their stems, slashes of a precision as dashes.

        What is not the default stands behind the chip: ``sram-14nm-lstp-LR-0.6V-batch4``.
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
        """What notebooks/simulate.ipynb is told."""
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
        """Digest of what the names stand for: changes when, and only when, a value does."""
        return digest(
            self.folder,
            self.parameters,
            network_digest(self.network),
            precision_digest(self.network, self.precision),
            technology_digest(self.technology),
        )


def chip_parameter(chip: Chip) -> str | dict[str, Any]:
    """Return a chip as a notebook's parameter: LR and IR by name, others field by field."""
    known = CHIPS.get(chip.name)
    return chip.name if known is not None and known() == chip else asdict(chip)


def runs(config: Mapping[str, Any]) -> list[Run]:
    """Return every combination that a checked config asks for, without repetition.

    >>> config = {"networks": ["alexnet"], "bits": [4], "schemes": [], "chips": ["LR"],
    ...     "technologies": ["sram-14nm-lstp"], "supplies": [0.6], "batches": [1, 4]}
    >>> [run.folder for run in runs(config)]
    ['alexnet/int4/sram-14nm-lstp-LR-0.6V', 'alexnet/int4/sram-14nm-lstp-LR-0.6V-batch4']
    """
    pairs = [(network, f"int{b}") for network in config["networks"] for b in config["bits"]]
    pairs += [pair for entry in config["schemes"] for pair in schemes_of(entry)]
    found = [
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
    for run in found:
        other = by_folder.setdefault(run.folder, run)
        if other != run:
            raise BfimnaError(
                f"config: two simulations would share the folder {run.folder}: "
                f"{_told(other, run)} and {_told(run, other)}; give one another name"
            )
    return found


def _told(run: Run, other: Run) -> str:
    """Name the parameters in which a run differs from another."""
    different = {k: v for k, v in run.parameters.items() if v != other.parameters[k]}
    return ", ".join(f"{k} {v!r}" for k, v in different.items())


def schemes_of(entry: str) -> list[tuple[str, str]]:
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


def technology_label(name: str) -> str:
    """Return what a folder calls a technology: ``file.csv:name`` by its name alone."""
    return name.rpartition(":")[2]


@lru_cache
def technology_digest(name: str) -> str:
    """Digest of a technology's values: changes when, and only when, one of them does."""
    return digest(load_technology(name))


@lru_cache
def network_digest(name: str) -> str:
    """Digest of a network's file; the zoo's are code, which is digested elsewhere."""
    path = network_file(name)
    return file_digest(path) if path else ""


@lru_cache
def precision_digest(network: str, precision: str) -> str:
    """Digest of the bits that a name stands for."""
    bits = load_precision(load_network(network), precision)
    return digest(bits)


def emulations() -> list[tuple[str, str]]:
    """Return (network, precision) of what `make emulate` runs: fixed bits, HAWQ-V3's schemes.

    >>> len(emulations()), emulations()[0]
    (34, ('alexnet', 'int2'))
    """
    fixed = [(network, f"int{bits}") for network in EMULATED_NETWORKS for bits in EMULATED_BITS]
    published = [
        (network, scheme) for network in data.HAWQ_NAMES for scheme in data.hawq_schemes(network)
    ]
    return fixed + published
