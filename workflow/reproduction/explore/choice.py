"""A point of the design space: simulated, and written as a config of the workflow.

Relative paths count from the project's root, as in a config, wherever the notebook runs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from bfimna.cost.report import Report
from bfimna.cost.simulate import simulate
from bfimna.errors import BfimnaError
from bfimna.mapping.chip import Chip
from bfimna.names import load_network, load_technology, network_file, slug
from bfimna.network.graph import Network
from bfimna.network.precision import Precision
from bfimna.tables import project, write_text
from bfimna.technology.technology import Technology

FOLDER = "results/explored"  # results of a saved config
STAGES = 4  # parts of a network, each with a slider for its bits


@dataclass(frozen=True)
class Choice:
    """A point of the design space.

    Attributes
    ----------
    network : name of the zoo, or a file.
    bits : one width for all layers, or one for each stage (`stages`).
    technology : name, or ``table.csv:name``.
    supply_v : logic supply in V; None for the technology's nominal one.
    clusters : of the chip; 0 for as many as the largest layer needs.
    caps_per_cluster : computing arrays in a cluster. rows : of an array.
    batch : images. weights : "resident" or "streamed".
    """

    network: str = "resnet18"
    bits: tuple[int, ...] = (8,)
    technology: str = "sram-14nm-lstp"
    supply_v: float | None = None
    clusters: int = 64
    caps_per_cluster: int = 64
    rows: int = 4800
    batch: int = 1
    weights: str = "resident"

    @property
    def chip(self) -> Chip:
        """LR with the chosen fields; with a name of its own where it differs."""
        lr = Chip.limited()
        chip = replace(
            lr, clusters=self.clusters, caps_per_cluster=self.caps_per_cluster, rows=self.rows,
            weights=self.weights,  # type: ignore[arg-type]
        )  # fmt: skip
        name = f"c{self.clusters}x{self.caps_per_cluster}r{self.rows}-{self.weights}"
        return chip if chip == lr else replace(chip, name=name)

    def precision(self) -> Precision:
        """Return the bits of every layer.

        >>> Choice(network="alexnet", bits=(8, 4)).precision().weight_bits
        (8, 8, 8, 8, 4, 4, 4, 4)
        """
        net = network_of(self.network)
        if len(self.bits) == 1:
            return Precision.fixed(net, self.bits[0])
        parts = stages(net, len(self.bits))
        by_layer = {name: b for b, part in zip(self.bits, parts, strict=True) for name in part}
        return Precision.by_layer(net, by_layer, "stages-" + "-".join(map(str, self.bits)))

    def report(self) -> Report:
        """Simulate it."""
        tech = technology_of(self.technology)
        if self.supply_v is not None:
            tech = tech.at_supply(self.supply_v)
        net = network_of(self.network)
        return simulate(net, self.precision(), self.chip, tech, batch=self.batch)

    def config(self, bits_file: str | None = None) -> dict[str, Any]:
        """Return the config of a workflow that runs this combination.

        Parameters
        ----------
        bits_file : file of the bits of each layer; needed only if they differ by stage.
        """
        uniform = len(self.bits) == 1
        if not uniform and bits_file is None:
            raise BfimnaError("bits that differ by stage need a file in the config")
        chip = {
            "name": self.chip.name, "clusters": self.clusters,
            "caps_per_cluster": self.caps_per_cluster, "rows": self.rows, "weights": self.weights,
        }  # fmt: skip
        settings: dict[str, Any] = {
            "networks": [self.network],
            "bits": [max(self.bits)],  # if they differ by stage: the width to compare with
            "schemes": [] if uniform else [f"{self.network}:{bits_file}"],
            "technologies": [self.technology],
            "chips": ["LR" if self.chip == Chip.limited() else chip],
            "batches": [self.batch],
            "only": ["traffic"],
            "figures": f"{FOLDER}/figures",
            "results": FOLDER,
        }
        if self.supply_v is not None:
            settings["supplies"] = [self.supply_v]
        return settings

    def save(self, folder: str | Path) -> Path:
        """Write the config and, if bits differ by stage, their file; return the config's path."""
        folder = Path(folder)
        bits_file = None
        if len(self.bits) > 1:
            precision = self.precision()
            pairs = zip(precision.weight_bits, precision.activation_bits, strict=True)
            by_layer = dict(zip(precision.layers, map(list, pairs), strict=True))
            lines = yaml.safe_dump(by_layer, sort_keys=False)
            path, root = write_text(lines, folder / f"{slug(self.network)}-bits.yaml"), _root()
            inside = path.is_relative_to(root)
            bits_file = (path.relative_to(root) if inside else path).as_posix()
        text = "# run it with: snakemake --configfile FILE\n"
        return write_text(
            text + yaml.safe_dump(self.config(bits_file), sort_keys=False), folder / "config.yaml"
        )


def _root() -> Path:
    return project() or Path.cwd()


def network_of(name: str) -> Network:
    """Return a network of the zoo or a file, which is read again only if it has changed."""
    if network_file(name) is None:
        return load_network(name)
    path = _root() / name
    if not path.is_file():
        raise BfimnaError(f"{name}: no such file in {_root()}")
    status = path.stat()
    return _read(path, name, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=8)
def _read(path: Path, name: str, *_: int) -> Network:
    return replace(load_network(path), name=name)


def technology_of(name: str) -> Technology:
    """Return a technology of data/, or of a table of the user's, ``file.csv:name``."""
    file, _, own = name.rpartition(":")
    return (
        replace(load_technology(f"{_root() / file}:{own}"), name=name)
        if file
        else (load_technology(name))
    )


def stages(network: Network, count: int = STAGES) -> list[Sequence[str]]:
    """Divide a network's weighted layers, in order, into parts of about equal numbers.

    >>> from bfimna.network import zoo
    >>> [len(part) for part in stages(zoo.resnet18())]
    [6, 5, 5, 5]
    """
    names = network.matmul_names
    parts = max(min(count, len(names)), 1)
    size, more = divmod(len(names), parts)
    starts = [n * size + min(n, more) for n in range(parts + 1)]
    return [names[a:b] for a, b in pairwise(starts)]
