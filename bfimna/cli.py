"""The command line: `bfimna simulate NETWORK`, `characterise KIT`, and what it knows by name.

Errors are one line on stderr, with exit code 2.
"""

import argparse
import json
import os
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn, TextIO

from bfimna import __version__, data, names
from bfimna.cost import report_text
from bfimna.cost.formulas import cycle_seconds
from bfimna.cost.report import Report
from bfimna.cost.simulate import simulate
from bfimna.display import quantity, text_table, unit_of
from bfimna.errors import BfimnaError, shown
from bfimna.files import is_file
from bfimna.mapping import catalogue
from bfimna.mapping.chip import Chip
from bfimna.network import zoo
from bfimna.network.graph import Network
from bfimna.network.precision import Precision
from bfimna.technology.technology import HIGHEST_V, LOWEST_V, Technology

PIPE_CLOSED = 141  # exit code of a program that SIGPIPE ends
#: rows of a listing, in plain SI values
Rows = list[dict[str, object]]
#: what an error tells users of Python to do → what it tells users of the command line
OPTIONS = {
    r"input_shape must be a mapping:": "want --input-shape NAME=SIZES for each:",
    r"(?<!\S)input_shape\b=?(?=[\s,]|$)": "--input-shape",
    r"give a default$": "give --bits-default",
}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal's encoding may lack µ, or a path's letters
            stream.reconfigure(errors="backslashreplace")
    options = _parser().parse_args(arguments)
    try:
        print(options.run(options), flush=True)
    except BfimnaError as error:
        print(f"bfimna: {_with_options(str(error))}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # of `bfimna ... | head`
        _discard(sys.stdout)
        return PIPE_CLOSED
    return 0


def _with_options(message: str) -> str:
    for python, option in OPTIONS.items():
        message = re.sub(python, option, message)
    return message


def _discard(stream: TextIO) -> None:
    """Lead a stream nowhere, so that Python's flush at the end does not fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="bfimna", description="What a CNN costs on a bit-fluid in-memory accelerator."
    )
    parser.add_argument("--version", action="version", version=f"bfimna {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_simulate(commands.add_parser("simulate", help="simulate a network's inference"))
    lists: dict[str, tuple[str, Callable[[], Rows]]] = {
        "networks": ("the zoo's networks", _networks),
        "technologies": ("the technologies of the tables", _technologies),
        "chips": ("the chips with a name", _chips),
        "mappings": ("the mappings with a name", _mappings),
    }
    for name, (content, rows) in lists.items():
        listing = commands.add_parser(name, help=f"list {content}")
        listing.set_defaults(run=_listing, rows=rows)
    for command in commands.choices.values():
        command.add_argument(
            "--json", action="store_true", help="SI values (s, J, m², OPS, V) as JSON"
        )
    _add_characterise(
        commands.add_parser("characterise", help="simulate a cell in ngspice; print its table")
    )
    return parser


def _add_characterise(command: argparse.ArgumentParser) -> None:
    """Add the arguments of `bfimna characterise`."""
    command.set_defaults(run=_characterise)
    command.add_argument("kit", type=Path, help="a .toml: model card, transistors, cell and wires")
    command.add_argument("--name", required=True, help="of the technology in the table")
    command.add_argument(
        "--cache", type=Path, metavar="FOLDER", help="keeps results of runs (default: ~/.cache)"
    )
    command.add_argument(
        "--jobs", type=int, metavar="RUNS", help="at a time (default: the processors)"
    )


def _characterise(options: argparse.Namespace) -> str:
    from bfimna import characterise

    done = characterise.characterise(
        options.kit, options.cache, options.jobs, characterise.show_progress
    )
    for line in characterise.summary(done):
        print(f"characterise: {line}", file=sys.stderr)
    return characterise.technology_csv(done, options.name).rstrip("\n")


def _add_simulate(command: argparse.ArgumentParser) -> None:
    """Add the arguments of `bfimna simulate`."""
    command.set_defaults(run=_simulate)
    arguments: dict[str, tuple[str, dict[str, Any]]] = {
        "network": (
            "a name of `bfimna networks`, an .onnx or a SCALE-Sim .csv",
            {"type": _file_or_name},
        ),
        "--input-shape": (
            "of an .onnx that leaves it open, as 3,224,224; of several inputs one option each, as "
            "NAME=3,224,224",
            {"type": _shape, "action": "append", "metavar": "SIZES"},
        ),
        "--bits": (
            "bits per weight and activation: 1 to 16 for all layers; w4a8; hawq_v3/latency-low; a "
            ".csv or .yaml by layer; own: those in the .onnx (default: 8)",
            {"type": _bits, "default": 8},
        ),
        "--bits-default": (
            "bits of layers that the .csv, .yaml or .onnx leaves out",
            {"type": int, "metavar": "BITS"},
        ),
        "--technology": (
            "a name of `bfimna technologies`, or TABLE.csv:NAME (default: %(default)s)",
            {"default": "sram-14nm-lstp"},
        ),
        "--supply": (
            f"logic supply in V, {LOWEST_V} to {HIGHEST_V} (default: the technology's)",
            {"type": float, "metavar": "V"},
        ),
        "--chip": (
            "LR (limited resources), IR (as many arrays as the largest layer needs), a .yaml or "
            ".json (default: LR)",
            {"type": _file_or_name, "default": "LR"},
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
    }
    for name, (text, options) in arguments.items():
        command.add_argument(name, help=text, **options)


def _file_or_name(text: str) -> str | Path:
    """Return a path if it is a file's, which may then hold any character."""
    path = Path(text)
    return path if path.suffix and is_file(path) else text


def _bits(text: str) -> str | Path | int:
    return int(text) if text.isdecimal() and len(text) < 9 else _file_or_name(text)


def _shape(text: str) -> tuple[str, list[int]]:
    """Return an input's name, empty if not given, and its sizes."""
    name, _, sizes = text.rpartition("=")
    try:
        return name, [int(size) for size in sizes.split(",")]
    except ValueError:
        message = f"want 3,224,224 or NAME=3,224,224, not {shown(text)}"
        raise argparse.ArgumentTypeError(message) from None


def _simulate(options: argparse.Namespace) -> str:
    technology = names.load_technology(options.technology)
    if options.supply is not None:
        technology = technology.at_supply(options.supply)
    shapes, default = options.input_shape, options.bits_default
    shape = shapes[0][1] if shapes and shapes[0][0] == "" else shapes and dict(shapes)
    network = names.load_network(options.network, shape)
    bits = names.load_precision(network, options.bits, default, shape)
    report = _report(options, network, bits, technology)
    if options.json:
        lines = {"notes": report.notes, "infeasibilities": report.infeasibilities}
        return json.dumps({**report.summary, **lines}, indent=2)
    return _text(report)


def _report(
    options: argparse.Namespace, network: Network, bits: Precision, technology: Technology
) -> Report:
    if options.mapping != "best":
        own, counts = names.load_mapping(options.mapping, ["best"]), options.counts
        return simulate(network, bits, options.chip, technology, options.batch, counts, own)
    if options.counts != "microcode":
        raise BfimnaError("--mapping best weighs bit-exact programs: want --counts microcode")
    from bfimna.search.mapping_choice import mapping  # SciPy's solvers, only where asked for

    return mapping(network, bits, options.chip, technology, batch=options.batch).report


def _text(report: Report) -> str:
    rows = [[f"  {name}", value, span] for name, value, span in report.headline]
    table = text_table([["", "", report_text.INTERVAL], *rows])
    return "\n".join([report.title, table, *report_text.caveats(report)])


def _listing(options: argparse.Namespace) -> str:
    rows: Rows = options.rows()
    if options.json:
        return json.dumps(rows, indent=2)
    heading = [_HEADINGS.get(key, key.replace("_", " ")) for key in rows[0]]
    return text_table([heading, *([_cell(k, v) for k, v in row.items()] for row in rows)])


#: key of a listing → its heading, where that is not the key itself
_HEADINGS = {
    "macs": "MACs",
    "supply_v": "supply",
    "clock_hz": "clock",
    "compare_s": "compare on LR",
    "write_s": "write on LR",
    "leakage_w_per_cell": "leakage per cell",
    "area_m2_per_cell": "area per cell",
}


def _cell(key: str, value: object) -> str:
    """Write a value, with a prefix if it has a unit or is long."""
    if key == "clusters" and value == 0:
        return "as needed"
    if isinstance(value, int | float) and (unit_of(key) or value >= 10**5):
        return quantity(value, unit_of(key))
    return str(value)


def _networks() -> Rows:
    nets = (zoo.load(name) for name in zoo.NETWORKS)
    return [
        {"name": n.name, "weighted_layers": len(n.matmuls), "weights": n.weights, "macs": n.macs}
        for n in nets
    ]


def _technologies() -> Rows:
    rows: Rows = []
    for name in data.technology_names():
        tech = names.load_technology(name)
        cycles = cycle_seconds(tech, Chip.limited().columns)
        rows.append({
            "name": name,
            "supply_v": tech.supply_v,
            "compare_s": cycles["compares"],
            "write_s": cycles["writes"],
            "leakage_w_per_cell": tech.leakage_w_per_cell,
            "area_m2_per_cell": tech.area_m2_per_cell,
        })  # fmt: skip
    return rows


def _chips() -> Rows:
    return [asdict(names.load_chip(name)) for name in names.CHIPS]


def _mappings() -> Rows:
    return [
        {"name": name, "adder": mapping.adder, "family": family}
        for family, members in catalogue.families().items()
        for name, mapping in catalogue.by_name().items()
        if mapping in members
    ]
