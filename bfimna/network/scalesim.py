"""Read SCALE-Sim topologies: convolutions or matrix products (GEMM)."""

import csv
from pathlib import Path

from bfimna.errors import BfimnaError
from bfimna.files import text_of
from bfimna.network.graph import Network
from bfimna.network.layer import Layer

MAX_BYTES = 2**24
LARGEST = 2**30  # number in a cell
LONGEST_NAME = 200
GEMM = ("m", "n", "k")
CONV = (
    "ifmap height", "ifmap width", "filter height", "filter width", "channels", "num filter",
)  # fmt: skip
#: other spellings of columns
ALIASES = {"num filters": "num filter", "channel": "channels", "layer name": "layer"}
WIDTHS = ("width", "w", "horizontal")  # last words of the name of a stride along rows
#: the positions by which SCALE-Sim itself reads a convolution
POSITIONS = ("layer", *CONV, "stride height", "stride width")
NOTE = (
    "a SCALE-Sim topology lists weighted layers only: each reads an input tensor of its own, whose "
    "height and width include the padding; pooling, activations, residual adds and groups are not "
    "in the file and not counted"
)


def read_scalesim(path: str | Path) -> Network:
    """Read a SCALE-Sim topology CSV, in its convolution or its GEMM form.

    The header decides the form: ``Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter
    Width, Channels, Num Filter, Strides`` (or two strides, height and width) or ``Layer, M, N, K``,
    an (M × K)·(K × N) product whose K × N operand is taken as the weights. Columns are read by the
    header; if it repeats one of the first eight names, by their positions, as SCALE-Sim does. As in
    SCALE-Sim, a last window that overhangs the input counts, and a layer with DP in its name is
    depthwise.

    Returns
    -------
    Network
        Unconnected layers, each with its own input; `Network.notes` states what such a file leaves
        out, and which columns were not read. Repeated names get a number: ``fc``, ``fc.2``.

    Raises
    ------
    BfimnaError
        With file and line.
    """
    text, path = text_of(path, MAX_BYTES), Path(path)
    delimiter = "\t" if "\t" in text and "," not in text else ","
    rows = csv.reader(text.splitlines(), delimiter=delimiter)
    try:
        numbered = [(rows.line_num, [cell.strip() for cell in row]) for row in rows]
    except csv.Error as error:
        raise BfimnaError(f"{path}: not a CSV table ({error})") from None
    numbered = [(line, row) for line, row in numbered if any(row)]
    if not numbered:
        raise BfimnaError(f"{path}: empty")
    line, header = numbered[0]
    layers: list[Layer] = []
    names: dict[str, int] = {}
    try:
        columns, unread = _columns(header)
        for line, row in numbered[1:]:  # noqa: B007  (the error below names the line)
            if any(row[1:]):  # a row of one cell is the title of a section
                layers += _layers(row, columns, names)
                _check_unnamed(row, header, layers[-1].stride[1])
        return Network(path.stem, tuple(layers), (NOTE, *unread))
    except BfimnaError as error:
        raise BfimnaError(f"{path} line {line}: {error}") from None


def _columns(header: list[str]) -> tuple[dict[str, int], tuple[str, ...]]:
    """Return the position of each column by name, for either form, and a note of the others."""
    names = [" ".join(cell.lower().split()) for cell in header]
    names = [ALIASES.get(name, name) for name in names]
    columns = {name: k for k, name in enumerate(names) if name}
    repeated = [name for k, name in enumerate(names) if name and columns[name] != k]
    strides = [name for name in names if name.startswith("stride")]
    if repeated:
        if len(names) > len(POSITIONS) or any(names[8:]) or set(repeated) - {*CONV, *strides}:
            raise BfimnaError(f"column {repeated[0]!r:.80} is given twice")
        return dict(zip(POSITIONS[:8], range(8), strict=True)), ()
    gemm = set(columns) >= set(GEMM)
    missing = [] if gemm else [name for name in CONV if name not in columns]
    if missing or not (gemm or strides):
        raise BfimnaError(f"no column {(missing or ['strides'])[0]!r}; want {', '.join(CONV)}, "
                          "strides, or m, n, k")  # fmt: skip
    others = [n for n in columns if n not in (*GEMM, *CONV, *strides, "layer", "sparsity")]
    for name in others:
        del columns[name]
    return columns, (f"columns not read: {', '.join(others):.200}",) * bool(others)


def _layers(row: list[str], columns: dict[str, int], names: dict[str, int]) -> list[Layer]:
    """Return the layers of one row: an input, and a convolution or product that reads it."""
    name = _name(row, columns, names)
    if "m" in columns:
        m, n, k = (_number(row, columns, c) for c in GEMM)
        rows = Layer(f"{name}.ifmap", "input", channels=k, size=(m, 1))
        return [rows, Layer(name, "conv", (rows.name,), n)]
    height, wide, tall, across, channels, filters = (_number(row, columns, c) for c in CONV)
    by_row, by_column = _strides(row, columns)
    padding = (0, 0, _overhang(height, tall, by_row), _overhang(wide, across, by_column))
    groups = channels if "DP" in name else 1  # SCALE-Sim's mark of a depthwise convolution
    image = Layer(f"{name}.ifmap", "input", channels=channels, size=(height, wide))
    return [
        image,
        Layer(
            name, "conv", (image.name,), filters * groups, (tall, across), (by_row, by_column),
            padding=padding, groups=groups,
        ),
    ]  # fmt: skip


def _strides(row: list[str], columns: dict[str, int]) -> tuple[int, int]:
    """Return the strides between rows and between columns; a file may have one for both."""
    strides = {c: _number(row, columns, c) for c in columns if c.startswith("stride")}
    along_width = [c for c in strides if c.split()[-1] in WIDTHS]
    along_height = [c for c in strides if c not in along_width]
    first, last = (along_height or along_width)[0], (along_width or along_height)[-1]
    return strides[first], strides[last]


def _check_unnamed(row: list[str], header: list[str], stride: int) -> None:
    """Raise for a number in an unnamed column; text is a remark, and the stride may repeat."""
    unnamed = [cell for k, cell in enumerate(row) if k >= len(header) or not header[k]]
    numbers = [cell for cell in unnamed if cell.isdigit()]
    if numbers and numbers != [str(stride)]:
        named = sum(map(bool, header))
        raise BfimnaError(
            f"more cells than the header's {named} names; name the column of {numbers[0]}"
        )


def _overhang(size: int, window: int, stride: int) -> int:
    """Return by how much the last window overhangs; SCALE-Sim counts it in full."""
    return -(size - window) % stride if size > window else 0


def _number(row: list[str], columns: dict[str, int], name: str) -> int:
    text = row[columns[name]] if columns[name] < len(row) else ""
    plain = text.isascii() and text.isdigit() and len(text) < 20
    if not plain or not 1 <= int(text) <= LARGEST:
        raise BfimnaError(f"{name} must be a whole number from 1 to {LARGEST}, not {text!r:.40}")
    return int(text)


def _name(row: list[str], columns: dict[str, int], names: dict[str, int]) -> str:
    """Return the layer's name, with a number where the file has used it before."""
    sparse = row[columns["sparsity"]] if columns.get("sparsity", len(row)) < len(row) else ""
    if sparse not in ("", "1:1"):
        raise BfimnaError(f"sparsity {sparse!r:.40} is not modelled")
    name = row[columns.get("layer", 0)] if columns.get("layer", 0) < len(row) else ""
    if not name or not name.isprintable() or len(name) > LONGEST_NAME:
        raise BfimnaError(
            f"a layer's name must have 1 to {LONGEST_NAME} characters, not {name!r:.40}"
        )
    names[name] = names.get(name, 0) + 1
    return name if names[name] == 1 else f"{name}.{names[name]}"
