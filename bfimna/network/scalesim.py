"""SCALE-Sim topology files → Network: convolutions, or products of matrices (GEMM)."""

import csv
from pathlib import Path

from bfimna.errors import BfimnaError
from bfimna.files import text_of
from bfimna.network.graph import Network
from bfimna.network.layer import Layer

MAX_BYTES = 2**24
LARGEST = 2**20  # number in a field
LONGEST_NAME = 200
CONV = (
    "ifmap height", "ifmap width", "filter height", "filter width", "channels", "num filter",
)  # fmt: skip
NOTE = (
    "a SCALE-Sim topology lists weighted layers only: each reads an input tensor of its own, whose "
    "height and width include the padding; pooling, activations, residual adds and groups are not "
    "in the file and not counted"
)


def read_scalesim(path: str | Path) -> Network:
    """Read a SCALE-Sim topology CSV, in its convolution or its GEMM form.

    The form is told from the header: ``Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter
    Width, Channels, Num Filter, Strides`` (or two strides, vertical and horizontal) or ``Layer, M,
    N, K``, an (M × K)·(K × N) product whose N × K operand is taken as the weights.

    Returns
    -------
    Network
        Unconnected layers, each with an input of its own; `Network.notes` states what such a file
        cannot say.

    Raises
    ------
    BfimnaError
        Naming file and line.
    """
    rows, path = csv.reader(text_of(path, MAX_BYTES).splitlines()), Path(path)
    try:
        numbered = [(rows.line_num, [cell.strip() for cell in row]) for row in rows if any(row)]
    except csv.Error as error:
        raise BfimnaError(f"{path}: no CSV table ({error})") from None
    if not numbered:
        raise BfimnaError(f"{path}: empty")
    line, header = numbered[0]
    layers: list[Layer] = []
    try:
        columns = _columns(header)
        for line, row in numbered[1:]:  # noqa: B007  (the error below names the line)
            if any(row[max(columns.values()) + 1 :]):
                raise BfimnaError(f"more cells than the header's {max(columns.values()) + 1}")
            layers += _gemm(row, columns) if "m" in columns else _conv(row, columns)
        return Network(path.stem, tuple(layers), (NOTE,))
    except BfimnaError as error:
        raise BfimnaError(f"{path} line {line}: {error}") from None


def _columns(header: list[str]) -> dict[str, int]:
    """Return name → position of the columns, of either form."""
    names = [" ".join(cell.lower().split()) for cell in header]
    found = {name: k for k, name in enumerate(names) if name}
    twice = [name for k, name in enumerate(names) if name and found[name] != k]
    if twice:
        raise BfimnaError(f"column {twice[0]!r:.80} stands twice")
    strides = [name for name in found if name.startswith("stride")]
    gemm = {"m", "n", "k"} <= set(found)
    missing = [] if gemm else [name for name in CONV if name not in found]
    if missing or not (gemm or strides):
        raise BfimnaError(f"no column {(missing or ['strides'])[0]!r}; want {', '.join(CONV)}, "
                          "strides, or m, n, k")  # fmt: skip
    others = set(found) - {"m", "n", "k", *CONV, *strides} - {"layer", "layer name", "sparsity"}
    if others:
        raise BfimnaError(f"unknown columns {', '.join(sorted(others)):.200}")
    return found


def _number(row: list[str], columns: dict[str, int], name: str) -> int:
    text = row[columns[name]] if columns[name] < len(row) else ""
    plain = text.isascii() and text.isdigit() and len(text) < 20
    if not plain or not 1 <= int(text) <= LARGEST:
        raise BfimnaError(f"{name} must be a whole number from 1 to {LARGEST}, not {text!r:.40}")
    return int(text)


def _name(row: list[str], columns: dict[str, int]) -> str:
    sparse = row[columns["sparsity"]] if columns.get("sparsity", len(row)) < len(row) else ""
    if sparse not in ("", "1:1"):
        raise BfimnaError(f"sparsity {sparse!r:.40} is not modelled")
    name = row[columns.get("layer name", columns.get("layer", 0))]
    if not name or not name.isprintable() or len(name) > LONGEST_NAME:
        raise BfimnaError(f"a layer's name must have 1 to {LONGEST_NAME} signs, not {name!r:.40}")
    return name


def _conv(row: list[str], columns: dict[str, int]) -> list[Layer]:
    height, width, tall, wide, channels, filters = (_number(row, columns, c) for c in CONV)
    strides = [_number(row, columns, c) for c in columns if c.startswith("stride")]
    name = _name(row, columns)
    image = Layer(f"{name}.ifmap", "input", channels=channels, size=(height, width))
    return [
        image,
        Layer(name, "conv", (image.name,), filters, (tall, wide), (strides[0], strides[-1])),
    ]


def _gemm(row: list[str], columns: dict[str, int]) -> list[Layer]:
    m, n, k = (_number(row, columns, c) for c in ("m", "n", "k"))
    name = _name(row, columns)
    rows = Layer(f"{name}.ifmap", "input", channels=k, size=(m, 1))
    return [rows, Layer(name, "conv", (rows.name,), n)]
