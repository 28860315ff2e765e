"""Load a network, precision or chip from an object, a name or a file.

Relative paths count from the working directory.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bfimna import data
from bfimna.data import load_technology as load_technology
from bfimna.errors import BfimnaError, check_field_names, shown, unknown, wrong_type
from bfimna.files import text_of
from bfimna.mapping import catalogue
from bfimna.mapping.chip import Chip
from bfimna.mapping.mapping import Mapping as ProductMapping
from bfimna.network import zoo
from bfimna.network.graph import Network
from bfimna.network.precision import BitsByLayer, Precision
from bfimna.network.precision_file import read_precision
from bfimna.network.scalesim import read_scalesim
from bfimna.onnx import InputShape, read_onnx, read_onnx_precision
from bfimna.technology.technology import Technology

#: what each loader accepts
AnyNetwork = Network | str | Path
AnyPrecision = Precision | str | Path | int | tuple[int, int] | BitsByLayer
AnyChip = Chip | str | Path | Mapping[str, Any]
AnyTechnology = Technology | str
AnyMapping = ProductMapping | str

#: bits and chip where none are given; the technology is `bfimna.data.DEFAULT`
BITS, CHIP = 8, "LR"
NETWORK_FILES = (".onnx", ".csv")
PRECISION_FILES = (".csv", ".yaml", ".yml", ".json")
CHIP_FILES = (".yaml", ".yml", ".json")
MOST_BYTES = 2**20  # of a chip's file
OWN = "own"  # the bits stored in an ONNX file
CHIPS = {"LR": Chip.limited, "IR": Chip.unlimited, "paper": Chip.paper}
SAFE = re.compile(r"[\w./-]+")  # needs no quotes in a shell command, YAML or a folder's name
LABEL = re.compile(r"[\w.+-]{1,80}")


def network_file(name: str) -> Path | None:
    """Return the file that a network's name means, or None for a name of the zoo."""
    if Path(name).suffix not in NETWORK_FILES:
        return None
    if not SAFE.fullmatch(name):
        raise BfimnaError(
            f"network file {shown(name)}: want letters, digits, '_', '-', '.' and '/' only "
            "(or a pathlib.Path)"
        )
    return _file(name)


def _file(name: str | Path) -> Path:
    """Return a valid path, or raise for one that is overlong or holds NUL."""
    try:
        Path(name).is_file()
    except (OSError, ValueError):
        raise BfimnaError(f"{shown(str(name))}: no such file") from None
    return Path(name)


def slug(name: str) -> str:
    """Return a network's name in a folder of results: its own, or the stem of its file.

    >>> slug("models/mobilenet_v2.onnx"), slug("resnet18")
    ('mobilenet_v2', 'resnet18')
    """
    return Path(name).stem if Path(name).suffix in NETWORK_FILES else name


def load_network(network: AnyNetwork, input_shape: InputShape = None) -> Network:
    """Return a network: itself, by its name in the zoo, or from an ONNX or SCALE-Sim file.

    The name of a network from a file is the file's path. `input_shape` is for an ONNX file that
    leaves it open, see `read_onnx`.

    >>> load_network("resnet18").name
    'resnet18'
    """
    if not isinstance(network, Network | str | Path):
        raise wrong_type("network", network, "a Network, a name or a file")
    if input_shape is not None and not str(network).endswith(".onnx"):
        raise BfimnaError(f"input_shape is for ONNX files, not for {shown(network)}")
    if isinstance(network, Network):
        return network
    path = _file(network) if isinstance(network, Path) else network_file(network)
    if path is None or path.suffix not in NETWORK_FILES:
        return zoo.load(network, ["<path>.onnx", "<path>.csv"])
    read = read_onnx(path, input_shape) if path.suffix == ".onnx" else read_scalesim(path)
    return replace(read, name=str(network))


def load_precision(
    network: AnyNetwork,
    precision: AnyPrecision,
    default: int | None = None,
    input_shape: InputShape = None,
) -> Precision:
    """Return a precision of a network: itself, or from widths, bits by layer, a name or a file.

    One width holds for weights and activations; two are (weights, activations). Names are those of
    `bfimna.data.load_precision`, and ``own`` for the bits stored in the network's ONNX file.

    Parameters
    ----------
    default : bits of the layers that a mapping or file leaves out; without it, they are an error.
    input_shape : of the file that ``own`` reads, as for `load_network`.

    >>> load_precision("resnet18", 8).name, load_precision("alexnet", (4, 8)).name
    ('int8', 'w4a8')
    >>> load_precision("resnet18", "hawq_v3/latency-low").weight_bits[:6]
    (8, 8, 8, 8, 4, 8)
    """
    network = load_network(network)
    if isinstance(precision, Precision):
        precision.of_network(network)  # raises if it is another network's
        return precision
    if isinstance(precision, Mapping):
        return Precision.by_layer(network, precision, default=default)
    if isinstance(precision, str | Path):
        return _named_precision(network, precision, default, input_shape)
    if isinstance(precision, tuple | list):
        if len(precision) != 2:
            raise BfimnaError(
                f"bits must be one width or (weights, activations), not {shown(precision)}"
            )
        return Precision.fixed(network, weights=precision[0], activations=precision[1])
    if precision is None:
        raise wrong_type("precision", precision, "a Precision, bits, a mapping, a name or a file")
    return Precision.fixed(network, precision)


def _named_precision(
    network: Network, name: str | Path, default: int | None, input_shape: InputShape
) -> Precision:
    if name == OWN:
        path = _file(network.name)
        if path.suffix != ".onnx":
            raise BfimnaError(f"precision 'own' is for ONNX files, not for {shown(network.name)}")
        return replace(read_onnx_precision(path, default, input_shape), name=OWN)
    may_be_file = isinstance(name, Path) or SAFE.fullmatch(name) is not None
    if may_be_file and Path(name).suffix in PRECISION_FILES:
        return replace(read_precision(network, _file(name), default), name=str(name))
    return data.load_precision(network, str(name))


def load_chip(chip: AnyChip) -> Chip:
    """Return a chip: itself, by name (LR, IR or paper), or from fields in a mapping, file or text.

    Fields left out are LR's. A mapping must give a name other than these; that of a chip in a
    file is the file's stem unless given, that of a text made from it.

    >>> load_chip("LR").caps, load_chip({"name": "small", "clusters": 16}).caps
    (4096, 1024)
    >>> load_chip("clusters=16,rows=1200").name
    'clusters16-rows1200'
    """
    if isinstance(chip, Chip):
        return chip
    if isinstance(chip, Mapping):
        return _user_chip(chip, "a chip")
    if not isinstance(chip, str | Path):
        raise wrong_type("chip", chip, "a Chip, a name, a mapping of fields or a file")
    if Path(chip).suffix in CHIP_FILES:
        path = _file(chip)
        return _user_chip({"name": path.stem, **_fields_in(path)}, f"{path}: a chip")
    if isinstance(chip, str) and "=" in chip:
        return _user_chip(_fields_of(chip), f"chip {shown(chip)}: a chip")
    if chip not in CHIPS:
        raise unknown("chip", chip, [*CHIPS, "<path>.yaml", "<path>.json"])
    return CHIPS[str(chip)]()


def load_mapping(mapping: AnyMapping, also: Iterable[str] = ()) -> ProductMapping:
    """Return a mapping: itself, or by name.

    Parameters
    ----------
    also : names that the caller takes besides, for the error.

    >>> load_mapping("paper")
    <Mapping paper>
    """
    if isinstance(mapping, ProductMapping):
        return mapping
    if not isinstance(mapping, str):
        raise wrong_type("mapping", mapping, "a Mapping or a name")
    known = catalogue.by_name()
    if mapping not in known:
        raise unknown("mapping", mapping, [*known, *also])
    return known[mapping]


def _user_chip(fields: Mapping[str, Any], where: str) -> Chip:
    check_field_names(where, fields, Chip)
    name = fields.get("name")
    if not isinstance(name, str) or not LABEL.fullmatch(name):
        raise BfimnaError(
            f"{where} needs a name of letters, digits, '_', '-', '+' and '.', not {shown(name)}"
        )
    clock = fields.get("clock_hz")
    if isinstance(clock, str):  # YAML reads 1e9 as text, 1.0e+9 as a number
        try:
            fields = {**fields, "clock_hz": float(clock)}
        except ValueError:
            raise BfimnaError(f"{where}: clock_hz must be a number, not {shown(clock)}") from None
    chip = Chip(**fields)
    if name in CHIPS and chip != CHIPS[name]():
        raise BfimnaError(f"{where} named {name!r} has other fields than {name} has: rename it")
    return chip


def _fields_of(text: str) -> dict[str, Any]:
    """Return the fields in a text such as "clusters=16,overlap=true", with a name made from it."""
    fields: dict[str, Any] = {}
    for part in text.split(","):
        field, equals, value = (word.strip() for word in part.partition("="))
        if not (field and equals and value):
            raise BfimnaError(f"chip {shown(text)}: want field=value,field=value")
        if field in fields:
            raise BfimnaError(f"chip {shown(text)}: {shown(field)} is given twice")
        fields[field] = _value(value)
    made = "-".join(f"{field}{value}".replace(" ", "_") for field, value in fields.items())
    return {"name": made[:80], **fields}


def _value(text: str) -> object:
    """Return a number, a truth value or None that a text stands for, else the text."""
    if text.lower() in ("true", "false", "none"):
        return {"true": True, "false": False, "none": None}[text.lower()]
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text


def _fields_in(path: Path) -> dict[str, Any]:
    """Return the mapping in a YAML or JSON file, or raise if a key stands twice."""
    import yaml

    text = text_of(path, MOST_BYTES)
    try:
        root, fields = yaml.compose(text, Loader=yaml.SafeLoader), yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        raise BfimnaError(f"{path} line {mark.line + 1 if mark else 1}: not valid YAML") from None
    if not isinstance(root, yaml.MappingNode):
        raise BfimnaError(f"{path}: want a mapping of a chip's fields to values")
    lines: dict[str, int] = {}
    for key, _ in root.value:
        line = key.start_mark.line + 1
        if (field := str(key.value)) in lines:
            raise BfimnaError(
                f"{path} line {line}: {shown(field)} is given twice, first on {lines[field]}"
            )
        lines[field] = line
    return fields


def check_slugs(names: list[str]) -> None:
    """Raise if two networks would share a folder of results."""
    by_slug: dict[str, str] = {}
    for name in dict.fromkeys(names):
        other = by_slug.setdefault(slug(name), name)
        if other != name:
            raise BfimnaError(f"networks {other!r} and {name!r} share the name {slug(name)!r}")
