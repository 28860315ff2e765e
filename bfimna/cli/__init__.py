"""The command line: `bfimna simulate NETWORK`, `compare`, `sweep`, `characterise KIT`, and lists.

Errors are one line on stderr, with exit code 2.
"""

import argparse
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn, TextIO

from bfimna import __version__
from bfimna.cli import listings
from bfimna.cli.commands import add_compare, add_simulate_command, add_sweep
from bfimna.errors import BfimnaError

PIPE_CLOSED = 141  # exit code of a program that SIGPIPE ends
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
    add_simulate_command(commands.add_parser("simulate", help="simulate a network's inference"))
    add_compare(commands.add_parser("compare", help="simulate several and put them side by side"))
    add_sweep(commands.add_parser("sweep", help="simulate every combination of what is listed"))
    lists: dict[str, tuple[str, Callable[[], listings.Rows]]] = {
        "networks": ("the zoo's networks", listings.networks),
        "technologies": ("the technologies of the tables", listings.technologies),
        "chips": ("the chips with a name", listings.chips),
        "mappings": ("the mappings with a name", listings.mappings),
    }
    for name, (content, rows) in lists.items():
        listing = commands.add_parser(name, help=f"list {content}")
        listing.set_defaults(run=listings.listing, rows=rows)
        listing.add_argument(
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
