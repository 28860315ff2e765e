"""What somebody chose to look at: checked, simulated, and written as a config of the workflow."""

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
from bfimna.tables import write_text

FOLDER = "results/explored"  # where the workflow puts what a saved config asks for
STAGES = 4  # parts of a network whose bits have a slider of their own


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
        """LR with what was chosen, by a name of its own where it differs."""
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
        return Precision.of(net, by_layer, "stages-" + "-".join(map(str, self.bits)))

    def report(self) -> Report:
        """Simulate it."""
        tech = load_technology(self.technology)
        if self.supply_v is not None:
            tech = tech.at_supply(self.supply_v)
        net = network_of(self.network)
        return simulate(net, self.precision(), self.chip, tech, batch=self.batch)

    def config(self, bits_file: str | None = None) -> dict[str, Any]:
        """Return the config that makes ``snakemake`` run this one combination.

        Parameters
        ----------
        bits_file : with the bits of each layer; only where they differ by stage.
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
            "bits": [max(self.bits)],  # where they differ by stage: the width to compare with
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
        """Write config and, where bits differ by stage, their file; return the config's path."""
        folder = Path(folder)
        bits_file = None
        if len(self.bits) > 1:
            precision = self.precision()
            pairs = zip(precision.weight_bits, precision.activation_bits, strict=True)
            by_layer = dict(zip(precision.layers, map(list, pairs), strict=True))
            lines = yaml.safe_dump(by_layer, sort_keys=False)
            bits_file = write_text(lines, folder / f"{slug(self.network)}-bits.yaml").as_posix()
        text = "# snakemake --configfile with this file runs what was on the screen\n"
        return write_text(
            text + yaml.safe_dump(self.config(bits_file), sort_keys=False), folder / "config.yaml"
        )


def network_of(name: str) -> Network:
    """Return a network of the zoo, or a file's: read once for as long as the file is the same."""
    path = network_file(name)
    if path is None or not path.is_file():
        return load_network(name)
    status = path.stat()
    return _read(name, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=8)
def _read(name: str, *_: int) -> Network:
    return load_network(name)


def stages(network: Network, most: int = STAGES) -> list[Sequence[str]]:
    """Part a network's weighted layers in order, evenly.

    >>> from bfimna.network import zoo
    >>> [len(part) for part in stages(zoo.resnet18())]
    [6, 5, 5, 5]
    """
    names = network.gemm_names
    parts = max(min(most, len(names)), 1)
    size, more = divmod(len(names), parts)
    starts = [n * size + min(n, more) for n in range(parts + 1)]
    return [names[a:b] for a, b in pairwise(starts)]
