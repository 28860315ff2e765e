"""Arguments of the commands that simulate, and what they mean."""

import argparse
from pathlib import Path
from typing import Any

from bfimna import data, names
from bfimna.cost.report import Report
from bfimna.cost.simulate import simulate
from bfimna.errors import BfimnaError, shown
from bfimna.files import is_file, save_text
from bfimna.technology.technology import HIGHEST_V, LOWEST_V, Technology

OF_BITS = (
    "bits per weight and activation: 1 to 16 for all layers; w4a8; hawq_v3/latency-low; a .csv, "
    ".yaml or .json by layer; own: those in the .onnx"
)
OF_CHIP = (
    "LR (limited resources), IR (as many arrays as the largest layer needs), paper, a .yaml or "
    ".json, or fields that differ from LR's: clusters=16,rows=1200"
)


def file_or_name(text: str) -> str | Path:
    """Return a path if it is a file's, which may then hold any character."""
    path = Path(text)
    return path if path.suffix and is_file(path) else text


def bits(text: str) -> str | Path | int:
    """Return a width, a name or a path."""
    return int(text) if text.isdecimal() and len(text) < 9 else file_or_name(text)


def shape(text: str) -> tuple[str, list[int]]:
    """Return an input's name, empty if not given, and its sizes."""
    name, _, sizes = text.rpartition("=")
    try:
        return name, [int(size) for size in sizes.split(",")]
    except ValueError:
        message = f"want 3,224,224 or NAME=3,224,224, not {shown(text)}"
        raise argparse.ArgumentTypeError(message) from None


def add_simulate(command: argparse.ArgumentParser, network: dict[str, Any]) -> None:
    """Add the arguments of one simulation; `network` is how that is taken."""
    arguments: dict[str, tuple[str, dict[str, Any]]] = {
        "network": (
            "a name of `bfimna networks`, an .onnx or a SCALE-Sim .csv",
            {"type": file_or_name, **network},
        ),
        "--input-shape": (
            "of an .onnx that leaves it open, as 3,224,224; of several inputs one option each, as "
            "NAME=3,224,224",
            {"type": shape, "action": "append", "metavar": "SIZES"},
        ),
        "--bits": (f"{OF_BITS} (default: {names.BITS})", {"type": bits, "default": names.BITS}),
        "--bits-default": (
            "bits of layers that the .csv, .yaml, .json or .onnx leaves out",
            {"type": int, "metavar": "BITS"},
        ),
        "--technology": (
            "a name of `bfimna technologies`, or TABLE.csv:NAME (default: %(default)s)",
            {"default": data.DEFAULT},
        ),
        "--supply": (
            f"logic supply in V, {LOWEST_V} to {HIGHEST_V} (default: the technology's)",
            {"type": float, "metavar": "V"},
        ),
        "--chip": (
            f"{OF_CHIP} (default: {names.CHIP})", {"type": file_or_name, "default": names.CHIP},
        ),
        "--mapping": (
            "a name of `bfimna mappings`, or best: of each layer the one of least EDP (default: "
            "paper)",
            {"default": "paper"},
        ),
        "--batch": ("default: 1", {"type": int, "default": 1, "metavar": "IMAGES"}),
        "--counts": (
            "cycles: microcode (default), bit-exact; published",
            {"default": "microcode"},
        ),
    }  # fmt: skip
    for name, (text, options) in arguments.items():
        command.add_argument(name, help=text, **options)


def add_output(command: argparse.ArgumentParser) -> None:
    """Add the forms of an output, and the file that takes it."""
    form = command.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="SI values (s, J, m², OPS, V) as JSON")
    form.add_argument("--csv", action="store_true", help="the same as CSV")
    command.add_argument(
        "--output", type=Path, metavar="FILE", help="writes there instead of printing"
    )


def delivered(options: argparse.Namespace, text: str) -> str:
    """Return what a command prints: its text, or where `--output` put it."""
    text = text.rstrip("\n")
    if options.output is None:
        return text
    save_text(f"{text}\n", options.output)
    return f"wrote {options.output}"


def technology_of(options: argparse.Namespace) -> Technology:
    """Return the technology at the supply asked for."""
    technology = names.load_technology(options.technology)
    return technology if options.supply is None else technology.at_supply(options.supply)


def report_of(options: argparse.Namespace) -> Report:
    """Simulate what the arguments of `add_simulate` describe."""
    technology = technology_of(options)
    shapes, default = options.input_shape, options.bits_default
    shape = shapes[0][1] if shapes and shapes[0][0] == "" else shapes and dict(shapes)
    network = names.load_network(options.network, shape)
    bits = names.load_precision(network, options.bits, default, shape)
    if options.mapping != "best":
        own, counts = names.load_mapping(options.mapping, ["best"]), options.counts
        return simulate(network, bits, options.chip, technology, options.batch, counts, own)
    if options.counts != "microcode":
        raise BfimnaError("--mapping best weighs bit-exact programs: want --counts microcode")
    from bfimna.search.mapping_choice import mapping  # SciPy's solvers, only where asked for

    return mapping(network, bits, options.chip, technology, batch=options.batch).report
