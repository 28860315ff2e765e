"""Read a model card safely: a simulator runs commands that a card may hold, so few lines pass.

ngspice executes what stands between `.control` and `.endc`, and comments that begin with `*#`; it
starts programs for some devices of its own (`d_process`), and `.include` and `.lib` read any file.
What decks include is therefore never the card itself but the lines of it that are understood here:
models and subcircuits of transistors, diodes, resistors and capacitors, and parameters.
"""

import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from bfimna.errors import BfimnaError, shown
from bfimna.files import text_of

MOST_BYTES = 2**22
DIRECTIVES = (".model", ".param", ".subckt", ".ends", ".func")
#: devices that a subcircuit may hold, by their first letter
ELEMENTS = "mxdrc"
MODELS = ("nmos", "pmos", "d", "r", "c", "res", "cap")
_TEXT = re.compile(r"[\w\s.+\-*/=(){},:<>?!&|^\[\]']*\Z", re.ASCII)


@dataclass(frozen=True)
class Card:
    """A model card: the lines that a deck may include, and the digest of the file.

    Attributes
    ----------
    text : the card's lines without comments. sha256 : of the file as it is.
    devices : names of its models and subcircuits, in lower case as a simulator takes them.
    """

    name: str
    text: str
    sha256: str
    devices: frozenset[str]


def read_card(path: Path) -> Card:
    """Read a model card, or raise naming the first line that may not stand in one."""
    text = text_of(path, MOST_BYTES)
    lines: list[str] = []
    devices: set[str] = set()
    depth = 0
    for number, line in _logical_lines(text):
        where = f"{path.name} line {number}"
        words = line.lower().split()
        if not _TEXT.match(line):
            raise BfimnaError(f"{where}: unexpected character in {shown(line)}")
        if words[0] in (".model", ".subckt") and len(words) > 1:
            devices.add(words[1])
        depth += {".subckt": 1, ".ends": -1}.get(words[0], 0)
        _check(where, words, depth)
        lines.append(line)
    if not devices:
        raise BfimnaError(f"{path.name}: no .model and no .subckt: not a model card")
    digest = sha256(path.read_bytes()).hexdigest()
    return Card(path.name, "".join(f"{line}\n" for line in lines), digest, frozenset(devices))


def _check(where: str, words: list[str], depth: int) -> None:
    """Raise unless a line is one that a model card needs."""
    first = words[0]
    if first == ".model":
        kind = re.split(r"[(\s]", words[2])[0] if len(words) > 2 else ""
        if kind not in MODELS:
            raise BfimnaError(f"{where}: model of type {shown(kind)}; allowed: {', '.join(MODELS)}")
    elif not (first in DIRECTIVES or (depth > 0 and first[0] in ELEMENTS)):
        raise BfimnaError(
            f"{where}: {shown(first)} may not stand in a model card; allowed: "
            f"{', '.join(DIRECTIVES)}, and in a subcircuit devices {', '.join(ELEMENTS.upper())}"
        )


def _logical_lines(text: str) -> list[tuple[int, str]]:
    """Return lines without comments, continuations joined, with the number of their first line."""
    lines: list[tuple[int, str]] = []
    for number, raw in enumerate(text.split("\n"), 1):
        line = re.split(r";|\$\s|//", raw)[0].strip()
        if not line or line.startswith("*"):
            continue
        if line.startswith("+") and lines:
            first, start = lines[-1]
            lines[-1] = (first, f"{start} {line[1:].strip()}")
        else:
            lines.append((number, line))
    return lines
