"""Check the workflow's config: a one-line error before anything runs."""

import re
from collections.abc import Callable, Hashable, Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from jsonschema.validators import extend

from bfimna.errors import BfimnaError
from bfimna.names import check_slugs, load_chip, load_network, load_technology
from reproduction.runs import runs, schemes_of

SCHEMA = Path(__file__).resolve().parents[1] / "config.schema.yaml"
#: a folder of outputs: no character that a shell or Snakemake would interpret
FOLDER = re.compile(r"\w[\w.-]*(/\w[\w.-]*)*")
ANYWHERE = re.compile(r"/?[\w.-]+(/[\w.-]+)*")
#: folders of sources
SOURCES = frozenset(
    ("bfimna", "benchmarks", "data", "docs", "examples", "notebooks", "tests", "train", "workflow")
)

#: advice for users of Python → what does the same for the workflow
ADVICE = {
    r"give input_shape=, at least 1 each,": "write its sizes into the file, such as with "
    "`python -m onnxruntime.tools.make_dynamic_shape_fixed`: at least 1 each,",
    r"give a default$": "give bits to all in a .csv or .yaml, where the pattern * is the rest, as "
    "network:bits.yaml",
}


class _Strict(yaml.SafeLoader):
    """YAML without repeated keys and without aliases.

    Aliases of aliases make lists of 10⁹ elements from 300 bytes, which would fill an error message.
    """

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            line = self.peek_event().start_mark.line + 1
            raise yaml.YAMLError(f"line {line}: aliases (*name) are not allowed: write it out")
        return super().compose_node(parent, index)


def _mapping(loader: _Strict, node: yaml.MappingNode) -> dict[Hashable, Any]:
    keys = [loader.construct_object(key, deep=True) for key, _ in node.value]
    for n, key in enumerate(keys):
        if key in keys[:n]:
            line = node.value[n][0].start_mark.line + 1
            raise yaml.YAMLError(f"line {line}: key {key!r} stands twice")
    return loader.construct_mapping(node, deep=True)


_Strict.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def check_file(path: str | Path) -> None:
    """Raise a one-line error for a config file that cannot be read, or repeats a key."""
    try:
        settings = yaml.load(Path(path).read_text(encoding="utf-8"), _Strict)
    except UnicodeDecodeError as error:
        raise BfimnaError(
            f"config file {path}: byte {error.start} is not UTF-8: save the file as UTF-8"
        ) from None
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise BfimnaError(f"config file {path}: {error}") from None
    if not isinstance(settings, dict):
        raise BfimnaError(f"config file {path}: want keys and values, as workflow/config.yaml")
    if "__use_yte__" in settings:
        raise BfimnaError(f"config file {path}: templates (__use_yte__) are not allowed")


def checked(config: Mapping[str, Any], root: Path | None = None) -> dict[str, Any]:
    """Return the config, or raise a one-line error for an entry that cannot be run.

    Numbers on Snakemake's command line arrive as text and are converted.

    Parameters
    ----------
    config : as Snakemake merged it.
    root : folder that outputs must lie in; the current one if left out.
    """
    config = with_numbers(config)
    check_schema(config, SCHEMA)
    check_folders(config, ("figures", "results"), root or Path.cwd())
    try:
        check_names(config)
        runs(config)
    except BfimnaError as error:
        raise BfimnaError(_for_the_workflow(str(error))) from None
    return config


def _for_the_workflow(message: str) -> str:
    for python, workflow in ADVICE.items():
        message = re.sub(python, workflow.replace("\\", r"\\"), message)
    return message


def with_numbers(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the config with numbers where Snakemake's command line gave text."""
    return {key: _numbers(key, value) for key, value in config.items()}


def _numbers(key: str, value: Any) -> Any:
    kinds: dict[str, Callable[[str], float]] = {"bits": int, "batches": int, "supplies": float}
    if key not in kinds or not isinstance(value, list):
        return value
    pattern = r"[0-9]{1,6}" if kinds[key] is int else r"[0-9]{1,3}(\.[0-9]{1,6})?"
    return [kinds[key](v) if isinstance(v, str) and re.fullmatch(pattern, v) else v for v in value]


def _is_integer(_: object, value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


#: JSON takes 4.0 for an integer; names of precisions, folders and notebooks do not
_Validator = extend(
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer),
)


def check_schema(config: Mapping[str, Any], path: Path) -> None:
    """Raise a one-line error for the most telling violation of a schema."""
    schema = yaml.safe_load(path.read_text(encoding="utf-8"))
    try:
        error = best_match(_Validator(schema).iter_errors(config))
        message = error and error.message
    except ValueError:  # Python prints no integer of more than 4300 digits
        raise BfimnaError("config: a number has thousands of digits") from None
    if error is not None:
        where = ".".join(str(part) for part in error.absolute_path) or "top level"
        keys = ", ".join(schema["properties"])
        hint = f"; known keys: {keys}" if error.validator == "additionalProperties" else ""
        raise BfimnaError(f"config, {where}: {message}{hint}")


def check_folders(config: Mapping[str, Any], keys: Iterable[str], root: Path) -> None:
    """Raise if outputs would lie among sources or, without `outside`, beyond the project."""
    for key in keys:
        folder = config[key]
        _check_no_file(key, root / folder)
        if config.get("outside", False):
            if not ANYWHERE.fullmatch(folder) or not folder.strip("/."):
                raise BfimnaError(f"config, {key}: {folder!r} is no path of letters, digits, '_', "
                                  "'-', '.' and '/'")  # fmt: skip
            continue
        if not FOLDER.fullmatch(folder):
            raise BfimnaError(
                f"config, {key}: want a folder in the project, of letters, digits, '_', '-', '.' "
                f"and '/', not {folder!r}; `outside: true` allows others, such as /scratch/results"
            )
        inside = (root / folder).resolve().is_relative_to(root.resolve())
        if folder.split("/")[0] in SOURCES or not inside:
            problem = "holds sources" if inside else "leads out of the project, see `outside`"
            raise BfimnaError(f"config, {key}: {folder!r} {problem}")


def _check_no_file(key: str, folder: Path) -> None:
    """Raise if a folder of outputs, or one above it, is a file."""
    try:
        files = [place for place in (folder, *folder.parents) if place.is_file()]
    except (OSError, ValueError):  # not a path, which the caller reports
        return
    if files:
        raise BfimnaError(f"config, {key}: {files[0]} is a file; want a folder")


def check_names(config: Mapping[str, Any]) -> None:
    """Raise a one-line error for a name that cannot be loaded, or cannot be part of a path."""
    for key in ("networks", "schemes", "technologies"):
        for name in config[key]:
            if not re.fullmatch(r"[\w./:+-]+", name):
                raise BfimnaError(
                    f"config, {key}: {name!r}: want letters, digits and '_', '-', '+', '.', '/' "
                    "only, and no space; rename the file, or link to it under such a name"
                )
    for network in config["networks"]:
        load_network(network)
    pairs = [pair for entry in config["schemes"] for pair in schemes_of(entry)]
    check_slugs([*config["networks"], *(network for network, _ in pairs)])
    for technology in config["technologies"]:
        tech = load_technology(technology)
        for supply in config.get("supplies", []):
            tech.at_supply(supply)
    for chip in config["chips"]:
        name = load_chip(chip).name
        if not re.fullmatch(r"[\w.+-]{1,80}", name):
            raise BfimnaError(f"config, chips: name {name!r}: want letters, digits, '_' and '-'")
