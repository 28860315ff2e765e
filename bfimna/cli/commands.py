"""The commands that simulate: one network, several side by side, or every combination."""

import argparse
from copy import copy
from typing import Any

from bfimna import data, names
from bfimna.cli.arguments import (
    OF_BITS,
    OF_CHIP,
    add_output,
    add_simulate,
    bits,
    delivered,
    file_or_name,
    report_of,
)
from bfimna.cost import export, report_text
from bfimna.cost.comparison import compare
from bfimna.cost.report import Report
from bfimna.cost.sweep import sweep
from bfimna.display import text_table
from bfimna.errors import BfimnaError

AGAINST = "--against"


def add_simulate_command(command: argparse.ArgumentParser) -> None:
    """Add the arguments of `bfimna simulate`."""
    command.set_defaults(run=_simulate)
    add_simulate(command, {})
    add_output(command)
    command.add_argument(
        "--layers", action="store_true", help="the table by layer and phase, not the totals alone"
    )


def _simulate(options: argparse.Namespace) -> str:
    report = report_of(options)
    if options.json:
        return delivered(options, report.to_json(layers=options.layers))
    if options.csv:
        return delivered(options, report.to_csv(layers=options.layers))
    return delivered(options, _text(report) + (_layers(report) if options.layers else ""))


def _text(report: Report) -> str:
    rows = [[f"  {name}", value, span] for name, value, span in report.headline]
    table = text_table([["", "", report_text.INTERVAL], *rows])
    return "\n".join([report.title, table, *report_text.caveats(report)])


def _layers(report: Report) -> str:
    from bfimna.cost.points import Points  # pandas, only where a table is made

    columns = ["layer", "phase", "weight_bits", "activation_bits", "folds", "latency_s", "energy_j"]
    return "\n" + Points(report.layers[columns]).to_text()


def add_compare(command: argparse.ArgumentParser) -> None:
    """Add the arguments of `bfimna compare`."""
    command.set_defaults(run=_compare)
    add_simulate(command, {})
    add_output(command)
    command.add_argument(
        AGAINST, nargs=argparse.REMAINDER, required=True, metavar="[NETWORK] OPTIONS",
        help="what differs in another simulation; the rest is that of the first. May be given "
        "several times, and ends the first one's options",
    )  # fmt: skip


def _compare(options: argparse.Namespace) -> str:
    parser = argparse.ArgumentParser(prog=f"bfimna compare {AGAINST}", add_help=False)
    parser.error = _refused  # type: ignore[method-assign]
    add_simulate(parser, {"nargs": "?", "default": argparse.SUPPRESS})
    reports = [report_of(options)]
    for words in _split(options.against):
        own = copy(options)
        own.input_shape = None  # else one given anew is added to the first one's
        parser.parse_args(words, own)
        if own.input_shape is None and own.network == options.network:
            own.input_shape = options.input_shape
        reports.append(report_of(own))
    both = compare(*reports)
    if options.json or options.csv:
        return delivered(options, both.to_json() if options.json else both.to_csv())
    return delivered(options, repr(both))


def _refused(message: str) -> Any:
    raise BfimnaError(f"{AGAINST}: {message}; --json, --csv and --output stand before {AGAINST}")


def _split(words: list[str]) -> list[list[str]]:
    """Return the arguments of each simulation that the first is compared with."""
    parts: list[list[str]] = [[]]
    for word in words:
        if word == AGAINST:
            parts.append([])
        else:
            parts[-1].append(word)
    if not all(parts):
        raise BfimnaError(f"{AGAINST} wants what differs, such as {AGAINST} --bits 4")
    return parts


def add_sweep(command: argparse.ArgumentParser) -> None:
    """Add the arguments of `bfimna sweep`."""
    command.set_defaults(run=_sweep)
    many: dict[str, Any] = {"nargs": "+", "type": file_or_name}
    command.add_argument("network", help="names or files, one or several", **many)
    command.add_argument(
        "--bits", nargs="+", type=bits, default=[names.BITS], help=OF_BITS.replace("%", "%%")
    )
    command.add_argument("--chip", default=[names.CHIP], help=OF_CHIP, **many)
    command.add_argument(
        "--technology", nargs="+", default=[data.DEFAULT], help="names of `bfimna technologies`"
    )
    command.add_argument(
        "--supply", nargs="+", type=float, metavar="V", help="logic supplies, of every technology"
    )
    command.add_argument("--batch", nargs="+", type=int, default=[1], metavar="IMAGES")
    command.add_argument("--counts", nargs="+", default=["microcode"])
    command.add_argument(
        "--intervals", action="store_true", help="adds the 5 to 95 %% interval of the draws"
    )
    add_output(command)


def _sweep(options: argparse.Namespace) -> str:
    table = sweep(
        options.network, options.bits, options.chip, options.technology, options.batch,
        options.counts, options.supply, intervals=options.intervals,
    )  # fmt: skip
    if options.json:
        return delivered(options, export.json_text(table))
    return delivered(options, export.csv_text(table) if options.csv else table.to_text())
