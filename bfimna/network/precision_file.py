"""Read a precision from a CSV, YAML or JSON file, with patterns for layers; write one."""

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

from bfimna.errors import BfimnaError, instance, shown, unknown, whole_number
from bfimna.files import as_path, save_text, text_of
from bfimna.network.graph import Network
from bfimna.network.precision import MAX_BITS, Precision
from bfimna.network.width_checks import matching

MAX_BYTES = 2**22
COLUMNS = ("layer", "weight_bits", "activation_bits")

YAML = (".yaml", ".yml", ".json")
TENSORS = "tensor_bits"

#: line, layer or pattern, weight bits, activation bits, as written
Rule = tuple[int, str, str, str]


def read_precision(network: Network, path: str | Path, default: int | None = None) -> Precision:
    """Read weight and activation bits per layer from a CSV, YAML or JSON file.

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

    JSON is read as YAML. In both, the key ``tensor_bits`` may hold a mapping of layers to
    the widths of their tensors, as `Precision.by_layer` takes them.

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
    if path.suffix not in (".csv", *YAML):
        raise BfimnaError(f"{path}: want a .csv, .yaml, .yml or .json file")
    rules = _csv_rules if path.suffix == ".csv" else _yaml_rules
    tensors = {} if path.suffix == ".csv" else _tensor_bits(path, text)
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
        precision = Precision.by_layer(network, bits, path.stem, default, tensors)
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
    if not (matched := matching(network, pattern)):
        names = (*network.matmul_names, *network.aliases)
        raise unknown(f"layer or pattern for {network.name}", pattern[:100], names)
    return matched


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

    for key, value in _root(path, text).value:
        if _is_tensors(key, value):
            continue
        line = key.start_mark.line + 1
        pair = value.value if isinstance(value, yaml.SequenceNode) else [value, value]
        if len(pair) != 2 or not all(isinstance(n, yaml.ScalarNode) for n in (key, *pair)):
            raise BfimnaError(f"{path} line {line}: want bits, or [weights, activations]")
        yield line, key.value, pair[0].value, pair[1].value


def _root(path: Path, text: str) -> Any:
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
    return root


def _is_tensors(key: Any, value: Any) -> bool:
    """Whether an entry holds widths of tensors: a layer of that name has no mapping for bits."""
    import yaml

    return key.value == TENSORS and isinstance(value, yaml.MappingNode)


def _tensor_bits(path: Path, text: str) -> dict[str, int]:
    """Return the widths of tensors that a YAML file gives, by layer."""
    import yaml

    widths: dict[str, int] = {}
    for key, value in _root(path, text).value:
        for tensor, bits in value.value if _is_tensors(key, value) else ():
            line = tensor.start_mark.line + 1
            if not all(isinstance(node, yaml.ScalarNode) for node in (tensor, bits)):
                raise BfimnaError(f"{path} line {line}: want a tensor's layer and its bits")
            if tensor.value in widths:
                raise BfimnaError(f"{path} line {line}: {tensor.value[:100]!r} is given twice")
            try:
                widths[tensor.value] = _bits(f"bits of tensor {tensor.value[:100]!r}", bits.value)
            except BfimnaError as error:
                raise BfimnaError(f"{path} line {line}: {error}") from None
    return widths


def text_of_precision(precision: Precision, suffix: str) -> str:
    """Return a precision as the text of a file that `read_precision` reads back.

    Parameters
    ----------
    suffix : ".csv", ".yaml" or ".json".

    Raises
    ------
    BfimnaError
        For widths of tensors in a CSV, or a layer's name that the format cannot hold.
    """
    rows = [
        (name, *map(str, pair))
        for name, pair in zip(
            precision.layers,
            zip(precision.weight_bits, precision.activation_bits, strict=True),
            strict=True,
        )
    ]
    where = f"precision {shown(precision.name)} as {suffix}"
    if suffix == ".csv":
        if precision.tensor_bits:
            raise BfimnaError(f"{where}: a CSV holds no widths of tensors; use to_yaml or to_json")
        lines = StringIO()
        csv.writer(lines, lineterminator="\n").writerows([COLUMNS, *rows])
        text, read = lines.getvalue(), _csv_rules
    else:
        text, read = _yaml_text(precision, rows, suffix), _yaml_rules
    try:
        same = [rule[1:] for rule in read(Path(suffix), text)] == rows
    except BfimnaError:
        same = False
    if not same:
        raise BfimnaError(f"{where}: a layer's name holds characters that the format does not keep")
    return text


def _yaml_text(precision: Precision, rows: Iterable[tuple[str, ...]], suffix: str) -> str:
    """Return one entry a line, as JSON, which is YAML too; without braces for a .yaml file."""

    def quoted(text: str) -> str:
        return json.dumps(text, ensure_ascii=False)

    entries = [f"{quoted(name)}: [{weights}, {activations}]" for name, weights, activations in rows]
    if precision.tensor_bits:
        widths = ", ".join(f"{quoted(tensor)}: {bits}" for tensor, bits in precision.tensor_bits)
        entries.append(f"{quoted(TENSORS)}: {{{widths}}}")
    if suffix == ".json" or not entries:
        return "{\n" + ",\n".join(f"  {entry}" for entry in entries) + "\n}\n"
    return "\n".join(entries) + "\n"


def write(text: str, path: str | Path, suffix: str) -> None:
    """Write a precision's text to a file whose name ends as its format's do."""
    endings = (".yaml", ".yml") if suffix == ".yaml" else (suffix,)
    if as_path(path).suffix not in endings:
        raise BfimnaError(f"{path}: want a name that ends in {' or '.join(endings)}")
    save_text(text, path)
