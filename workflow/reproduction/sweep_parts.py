"""Check a grid of `workflow/sweeps/`, divide it into parts, and compute one of them.

A plan names precisions without sampling them, so that a plan of a million points takes no longer
than one of ten. ``python -m reproduction.sweep_parts CONFIG PLACE FILE`` computes the part at a
place in the dataset.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

from bfimna.ap.counts import CountSet
from bfimna.cost import dataset
from bfimna.cost.grid import Part, grid
from bfimna.cost.sweep import part_columns
from bfimna.digests import digest
from bfimna.errors import BfimnaError
from bfimna.mapping.chip import Chip
from bfimna.names import load_chip, load_network, load_precision
from bfimna.network.precision import Precision
from reproduction import config as settings
from reproduction.runs import (
    network_digest,
    precision_digest,
    schemes_of,
    technology_digest,
)

SCHEMA = settings.SCHEMA.with_name("sweep.schema.yaml")
#: how to make a precision: its name, or the mean and the seed of a sample
Recipe = str | tuple[float, int]


def checked(config: Mapping[str, Any], root: Path | None = None) -> dict[str, Any]:
    """Return a grid, or raise a one-line error for an entry that cannot be swept.

    Parameters
    ----------
    config : as Snakemake merged it.
    root : folder that the dataset must lie in; the current one if left out.
    """
    config = {"bits": [], "schemes": [], **settings.with_numbers(config)}
    settings.check_schema(config, SCHEMA)
    settings.check_folders(config, ["dataset"], root or Path.cwd())
    settings.check_names(config)
    for network in networks(config):
        if not recipes(config, network):
            raise BfimnaError(f"config: no bits, schemes or samples for network {network!r}")
    names = [load_chip(chip).name for chip in config["chips"]]
    if repeated := [name for name in names if names.count(name) > 1]:
        raise BfimnaError(f"config, chips: two are named {repeated[0]!r}")
    return config


def networks(config: Mapping[str, Any]) -> list[str]:
    """Return the networks of a grid, including those that only schemes name."""
    named = (network for entry in config["schemes"] for network, _ in schemes_of(entry))
    return list(dict.fromkeys([*config["networks"], *named]))


def recipes(config: Mapping[str, Any], network: str) -> list[Recipe]:
    """Return how to make each precision of a network."""
    pairs = (pair for entry in config["schemes"] for pair in schemes_of(entry))
    schemes: list[Recipe] = [precision for name, precision in pairs if name == network]
    if network not in config["networks"]:
        return schemes
    samples = config.get("samples", {"means": [], "each": 0})
    mixed: list[Recipe] = list(product(samples["means"], range(samples["each"])))
    return [f"int{bits}" for bits in config["bits"]] + schemes + mixed


@dataclass(frozen=True)
class Job:
    """A part of a grid, by name: its networks and precisions are loaded when it is computed.

    Attributes
    ----------
    config : the grid.
    network : by name, or file.
    number : of the part among those of its network, count set and chip.
    precisions : how to make each of them.
    """

    config: Mapping[str, Any]
    network: str
    counts: CountSet
    chip: Chip
    number: int
    precisions: list[Recipe]

    @property
    def place(self) -> str:
        """Its path in the dataset."""
        place = dataset.part_path(self.network, self.counts, self.chip.name, self.number)
        return place.as_posix()

    @property
    def digest(self) -> str:
        """Digest of the values that the names stand for."""
        names = [name for name in self.precisions if isinstance(name, str)]
        others = {key: self.config.get(key) for key in ("batches", "supplies", "intervals")}
        return digest(
            self.place, self.chip, self.precisions, others, network_digest(self.network),
            [precision_digest(self.network, name) for name in names],
            [(name, technology_digest(name)) for name in self.config["technologies"]],
        )  # fmt: skip

    @property
    def part(self) -> Part:
        """The part with everything loaded."""
        network = load_network(self.network)
        bits = [
            load_precision(network, made) if isinstance(made, str)
            else Precision.mixed(network, *made)
            for made in self.precisions
        ]  # fmt: skip
        whole = grid(
            network, bits, self.chip, self.config["technologies"],
            self.config.get("batches", 1), self.counts, self.config.get("supplies"),
            self.config.get("intervals", False),
        )  # fmt: skip
        return replace(next(whole.parts(len(bits))), number=self.number)


def jobs(config: Mapping[str, Any]) -> Iterator[Job]:
    """Yield the parts of a checked grid, each of about as many points as its key `part` says."""
    others = points_each(config)
    step = max(1, config.get("part", dataset.PART_POINTS) // others)
    chips = [load_chip(chip) for chip in config["chips"]]
    for network in networks(config):
        made_from = recipes(config, network)
        for counts, chip in product(config.get("counts", ["microcode"]), chips):
            for number, start in enumerate(range(0, len(made_from), step)):
                yield Job(config, network, counts, chip, number, made_from[start : start + step])


def at_place(parts: Mapping[str, Job], place: str) -> Job:
    """Return the part at a place in the dataset."""
    if place not in parts:
        raise BfimnaError(f"{place} is no part of the grid, such as {next(iter(parts))}")
    return parts[place]


def points_each(config: Mapping[str, Any]) -> int:
    """Points of a grid for each precision, count set and chip."""
    return prod(len(config.get(key, [0])) for key in ("technologies", "supplies", "batches"))


def main(config: str, place: str, file: str) -> None:
    """Compute the part of a grid (JSON) at a place in the dataset, and write it."""
    job = at_place({job.place: job for job in jobs(json.loads(config))}, place)
    dataset.write_part(Path(file), job.part, part_columns)
    print(f"wrote {file}: {job.part.points} points")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: python -m reproduction.sweep_parts CONFIG PLACE FILE")
    main(*sys.argv[1:])
