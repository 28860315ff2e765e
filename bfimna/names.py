"""Networks and precisions by the names that a config gives them: ours, or files."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bfimna import data
from bfimna.chip.chip import Chip
from bfimna.errors import BfimnaError, unknown
from bfimna.network import zoo
from bfimna.network.graph import Network
from bfimna.network.precision import Precision
from bfimna.network.readers.onnx import read_onnx, read_onnx_precision
from bfimna.network.readers.precision_file import read_precision
from bfimna.network.readers.scalesim import read_scalesim
from bfimna.technology.technology import Technology

NETWORK_FILES = {".onnx": read_onnx, ".csv": read_scalesim}
PRECISION_FILES = (".csv", ".yaml", ".yml")
OWN = "own"  # the bits that an ONNX file carries itself
CHIPS = {"LR": Chip.limited, "IR": Chip.unlimited}
SAFE = re.compile(r"[\w./-]+")  # stands unquoted in a shell command, YAML and a folder's name


def network_file(name: str) -> Path | None:
    """Return the file that a network's name means, or None if the name is the zoo's.

    A relative path counts from the working directory, else from the checkout.
    """
    if Path(name).suffix not in NETWORK_FILES:
        return None
    if not SAFE.fullmatch(name):
        raise BfimnaError(
            f"network file {name!r}: want letters, digits, '_', '-', '.' and '/' only"
        )
    return _found(name)


def _found(name: str) -> Path:
    return Path(name)


def slug(name: str) -> str:
    """Return what a folder of results calls a network: a file's stem.

    >>> slug("models/mobilenet_v2.onnx"), slug("resnet18")
    ('mobilenet_v2', 'resnet18')
    """
    return Path(name).stem if Path(name).suffix in NETWORK_FILES else name


def load_network(name: str) -> Network:
    """Return a network of the zoo, or the one in an ONNX or SCALE-Sim file, bearing `name`.

    >>> load_network("resnet18").name
    'resnet18'
    """
    path = network_file(name)
    if path is None:
        if name not in zoo.NETWORKS:
            raise unknown("network", name, [*zoo.NETWORKS, "<path>.onnx", "<path>.csv"])
        return zoo.load(name)
    return replace(NETWORK_FILES[path.suffix](path), name=name)


def load_precision(network: Network, name: str) -> Precision:
    """Return a precision by name: `bfimna.data.load_precision`'s, a file's, or ``own``.

    ``own`` are the bits that the network's ONNX file carries.
    """
    if name == OWN:
        path = network_file(network.name)
        if path is None or path.suffix != ".onnx":
            raise BfimnaError(f"precision 'own' is for ONNX files; {network.name!r} is none")
        return replace(read_onnx_precision(path), name=name)
    if Path(name).suffix in PRECISION_FILES and SAFE.fullmatch(name):
        return replace(read_precision(network, _found(name)), name=name)
    return data.load_precision(network, name)


def load_chip(name: str | Mapping[str, Any]) -> Chip:
    """Return LR or IR, or a chip of one's own by its fields.

    >>> load_chip("LR").caps
    4096
    """
    if isinstance(name, Mapping):
        for field in name:
            if field not in Chip.__dataclass_fields__:
                raise unknown("field of a chip", field, Chip.__dataclass_fields__)
        return Chip(**name)
    if name not in CHIPS:
        raise unknown("chip", name, CHIPS)
    return CHIPS[name]()


def load_technology(name: str) -> Technology:
    """Return a technology by name.

    >>> load_technology("sram-14nm-lstp").supply_v
    0.8
    """
    return data.load_technology(name)


def check_slugs(names: list[str]) -> None:
    """Raise if two networks would share a folder of results."""
    by_slug: dict[str, str] = {}
    for name in dict.fromkeys(names):
        other = by_slug.setdefault(slug(name), name)
        if other != name:
            raise BfimnaError(f"networks {other!r} and {name!r} share the name {slug(name)!r}")
