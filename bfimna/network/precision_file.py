"""Read a precision from a CSV or YAML file, with patterns for layers."""

import csv
from collections.abc import Iterator
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

from bfimna.errors import BfimnaError, instance, unknown, whole_number
from bfimna.files import text_of
from bfimna.network.graph import Network
from bfimna.network.precision import MAX_BITS, Precision

MAX_BYTES = 2**22
COLUMNS = ("layer", "weight_bits", "activation_bits")

#: line, layer or pattern, weight bits, activation bits, as written
Rule = tuple[int, str, str, str]


def read_precision(network: Network, path: str | Path, default: int | None = None) -> Precision:
    """Read weight and activation bits per layer from a CSV or YAML file.

    A layer is named by its own name, or by an alias such as the name of the module in PyTorch.

    A CSV has the columns layer, weight_bits, activation_bits in any order; lines that begin with
    ``#`` and the index that pandas writes are skipped. YAML maps a layer to its bits, one number
    for both or ``[weights, activations]``. Both accept a pattern in place of a layer, with ``*``
    and ``?``. A layer's own name has precedence over patterns, and later patterns over earlier
    ones:

    .. code-block:: yaml

        "*": 4
        layer3.*: [4, 8]
        conv1: 8

    Parameters
    ----------
    default : bits of the layers that the file leaves out; without it, they are an error.

    Raises
    ------
    BfimnaError
        With file and line: for bits that are not whole numbers, a layer that is given twice, a
        pattern that matches no layer.
    """
    instance("network", network, Network)
    text, path = text_of(path, MAX_BYTES), Path(path)
    if path.suffix not in (".csv", ".yaml", ".yml"):
        raise BfimnaError(f"{path}: want a .csv, .yaml or .yml file")
    rules = _csv_rules if path.suffix == ".csv" else _yaml_rules
    bits: dict[str, tuple[int, int]] = {}
    own: dict[str, int] = {}
    lines: dict[str, int] = {}  # that decide the bits of a layer
    own_layers: set[str] = set()  # by their own names, which have precedence over patterns
    for line, pattern, weights, activations in rules(path, text):
        try:
            if pattern in own:
                raise BfimnaError(f"{pattern[:100]!r} is given twice, first on line {own[pattern]}")
            pair = (_bits("weight bits", weights), _bits("activation bits", activations))
            layers = _matches(network, pattern)
            exact = bool(network.weighted(pattern))
            twice = [layer for layer in layers if exact and layer in own_layers]
            if twice:
                raise BfimnaError(f"layer {twice[0][:100]!r} is given twice, under two names")
            decided = [layer for layer in layers if layer not in own_layers]
            bits |= dict.fromkeys(decided, pair)
            lines |= dict.fromkeys(decided, line)
            own_layers.update(layers if exact else ())
        except BfimnaError as error:
            raise BfimnaError(f"{path} line {line}: {error}") from None
        own[pattern] = line
    try:
        precision = Precision.by_layer(network, bits, path.stem, default)
    except BfimnaError as error:
        raise BfimnaError(f"{path}: {error}") from None
    notes = tuple(
        f"{path} line {line}: {pattern!r} decides no bits: of several patterns the last counts, "
        "and a layer's own name before all"
        for pattern, line in own.items()
        if line not in lines.values()
    )
    return replace(precision, notes=notes)


def _matches(network: Network, pattern: str) -> list[str]:
    layers = network.weighted(pattern)
    if layers:
        return list(layers)
    names = (*network.matmul_names, *network.aliases)
    matched = [name for name in names if fnmatchcase(name, pattern)]
    if not matched:
        raise unknown(f"layer or pattern for {network.name}", pattern[:100], names)
    return [layer for name in matched for layer in network.weighted(name)]


def _bits(what: str, text: str) -> int:
    digits = text.removesuffix(".0")
    plain = digits.isascii() and digits.isdigit() and len(digits) < 9
    return whole_number(what, int(digits) if plain else text[:40], 1, MAX_BITS)


def _csv_rules(path: Path, text: str) -> Iterator[Rule]:
    rows = csv.reader("" if line.lstrip().startswith("#") else line for line in text.splitlines())
    columns: list[int] = []
    try:
        for row in rows:
            cells = [cell.strip() for cell in row]
            if not any(cells):
                continue
            header = not columns
            columns = columns or _csv_columns(cells)
            last = max(columns, default=len(cells))
            if len(cells) <= last or any(cells[last + 1 :]):
                raise BfimnaError(
                    f"{path} line {rows.line_num}: want {', '.join(COLUMNS)}, not {str(row)[:200]}"
                )
            if not header:
                yield rows.line_num, *(cells[k] for k in columns)  # type: ignore[misc]
    except csv.Error as error:
        raise BfimnaError(f"{path} line {rows.line_num}: {error}") from None


def _csv_columns(header: list[str]) -> list[int]:
    """Return the positions of the three columns; empty for another header.

    A column without a name may precede them (pandas' index) or, if empty, follow them.
    """
    names = ["_".join(cell.lower().split()) for cell in header]
    first = names[:1] == [""]
    if sorted(names[first : first + 3]) != sorted(COLUMNS) or any(names[first + 3 :]):
        return []
    return [names.index(column) for column in COLUMNS]


def _yaml_rules(path: Path, text: str) -> Iterator[Rule]:
    import yaml

    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise BfimnaError(f"{path} line {mark.line + 1 if mark else 1}: not valid YAML") from None
    except RecursionError:
        raise BfimnaError(f"{path}: nested too deeply") from None
    if not isinstance(root, yaml.MappingNode):
        raise BfimnaError(f"{path} line 1: want a mapping of layers or patterns to bits")
    for key, value in root.value:
        line = key.start_mark.line + 1
        pair = value.value if isinstance(value, yaml.SequenceNode) else [value, value]
        if len(pair) != 2 or not all(isinstance(n, yaml.ScalarNode) for n in (key, *pair)):
            raise BfimnaError(f"{path} line {line}: want bits, or [weights, activations]")
        yield line, key.value, pair[0].value, pair[1].value
