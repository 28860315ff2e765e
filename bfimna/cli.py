"""The command line: `bfimna simulate NETWORK --bits 8 ...`, `bfimna networks|technologies|chips`.

Errors are one line on stderr, with exit code 2.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import NoReturn

from bfimna import __version__, data, names
from bfimna.cost.formulas import cycle_seconds
from bfimna.cost.report import INTERVAL, Report
from bfimna.cost.simulate import simulate
from bfimna.display import quantity, text_table, unit_of
from bfimna.errors import BfimnaError
from bfimna.mapping.chip import Chip
from bfimna.network import zoo
from bfimna.technology.technology import HIGHEST_V, LOWEST_V

#: what a listing returns: plain SI values
Rows = list[dict[str, object]]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code."""
    asked = _parser().parse_args(arguments)
    try:
        print(asked.run(asked))
    except BfimnaError as error:
        print(f"bfimna: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="bfimna", description="What a CNN costs on a bit-fluid in-memory accelerator."
    )
    parser.add_argument("--version", action="version", version=f"bfimna {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    one = commands.add_parser("simulate", help="simulate a network's inference")
    one.set_defaults(run=_simulate)
    one.add_argument("network", help="a name of `bfimna networks`, an .onnx or a SCALE-Sim .csv")
    one.add_argument(
        "--bits",
        default="8",
        help="bits per weight and activation: 1 to 16 for all layers; w4a8; hawq_v3/latency-low; a "
        ".csv or .yaml by layer; own: those in the .onnx (default: 8)",
    )
    one.add_argument(
        "--technology",
        default="sram-14nm-lstp",
        help="a name of `bfimna technologies`, or TABLE.csv:NAME (default: %(default)s)",
    )
    one.add_argument(
        "--supply",
        type=float,
        metavar="V",
        help=f"logic supply in V, {LOWEST_V} to {HIGHEST_V} (default: the technology's)",
    )
    one.add_argument(
        "--chip",
        default="LR",
        help="LR (limited resources), IR (as many arrays as the largest layer needs), a .yaml or "
        ".json (default: LR)",
    )
    one.add_argument("--batch", type=int, default=1, metavar="IMAGES", help="default: 1")
    one.add_argument(
        "--counts", default="microcode", help="cycles: microcode (default), bit-exact; published"
    )
    lists: dict[str, tuple[str, Callable[[], Rows]]] = {
        "networks": ("the zoo's networks", _networks),
        "technologies": ("the technologies of the tables", _technologies),
        "chips": ("the chips with a name", _chips),
    }
    for name, (told, rows) in lists.items():
        listing = commands.add_parser(name, help=f"list {told}")
        listing.set_defaults(run=_listing, rows=rows)
    for command in commands.choices.values():
        command.add_argument(
            "--json", action="store_true", help="SI values (s, J, m², OPS, V) as JSON"
        )
    return parser


def _simulate(asked: argparse.Namespace) -> str:
    technology = names.load_technology(asked.technology)
    if asked.supply is not None:
        technology = technology.at_supply(asked.supply)
    bits = int(asked.bits) if asked.bits.isdecimal() and len(asked.bits) < 9 else asked.bits
    report = simulate(asked.network, bits, asked.chip, technology, asked.batch, asked.counts)
    if asked.json:
        return json.dumps(
            {**report.summary, "notes": report.notes, "warnings": report.warnings}, indent=2
        )
    return _told(report)


def _told(report: Report) -> str:
    rows = [[f"  {told}", value, span] for told, value, span in report.headline]
    notes = [f"note: {note}" for note in report.notes]
    warnings = [f"warning: {warning}" for warning in report.warnings]
    return "\n".join([report.title, text_table([["", "", INTERVAL], *rows]), *notes, *warnings])


def _listing(asked: argparse.Namespace) -> str:
    rows: Rows = asked.rows()
    if asked.json:
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
    """Write a value; numbers that have a unit, or are too long, with a prefix."""
    if key == "clusters" and value == 0:
        return "as needed"
    if isinstance(value, int | float) and (unit_of(key) or value >= 10**5):
        return quantity(value, unit_of(key))
    return str(value)


def _networks() -> Rows:
    nets = (zoo.load(name) for name in zoo.NETWORKS)
    return [
        {"name": n.name, "weighted_layers": len(n.gemms), "weights": n.weights, "macs": n.macs}
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
