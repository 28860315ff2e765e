"""What a notebook depends on, derived from its code: cells, modules that it reaches, data files.

All of it as a digest of the content: a changed module is noticed whatever its date says, one that
was only touched is not, and neither are comments, docstrings, formatting or a notebook's outputs.
"""

import ast
import json
import re
from collections.abc import Collection, Iterator
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from bfimna.digests import digest as digest
from bfimna.errors import BfimnaError
from reproduction.imports import Package, Use
from reproduction.source import Source

DATA = "bfimna.data"
DRAWING = "bfimna.plot"
#: loaders whose results depend on the names that they are asked for: the values themselves are
#: digested (`digest_of`), so that a changed row re-runs what uses it and nothing else
KEYED = ("load_technology", "technology_names")


@lru_cache
def file_digest(path: Path | str) -> str:
    """Digest of a file's bytes."""
    return sha256(Path(path).read_bytes()).hexdigest()[:16]


def code_digest(path: Path) -> str:
    """Digest of what a module does: its code without comments, docstrings and formatting."""
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    holders = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(tree):
        if isinstance(node, holders) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    return digest(ast.dump(tree))


def cells(path: Path) -> list[tuple[str, str, bool]]:
    """Return a notebook's cells: kind, source, and whether it is the cell of parameters.

    Raises
    ------
    BfimnaError
        No notebook.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))["cells"]
        return [
            (c["cell_type"], "".join(c["source"]), "parameters" in c["metadata"].get("tags", ()))
            for c in found
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BfimnaError(f"{path} is no notebook: {error!r}") from None


def parameters(path: Path) -> dict[str, Any]:
    """Return the names and default values of a notebook's cell of parameters."""
    source = "\n".join(text for _, text, tagged in cells(path) if tagged)
    values = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            values[node.targets[0].id] = ast.literal_eval(node.value)
    return values


def _texts(tree: ast.AST) -> set[str]:
    constants = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return {value for value in constants if isinstance(value, str)}


def _code(path: Path, with_parameters: bool = True) -> ast.Module:
    wanted = [
        re.sub(r"^\s*[%!].*$", "pass", text, flags=re.MULTILINE)  # magics are no Python
        for kind, text, tagged in cells(path)
        if kind == "code" and (with_parameters or not tagged)
    ]
    try:
        return ast.parse("\n".join(wanted), str(path))
    except SyntaxError as error:
        raise BfimnaError(f"{path}, line {error.lineno} of its code: {error.msg}") from None


class Dependencies:
    """What notebooks and modules of a project depend on.

    Parameters
    ----------
    packages : folders of the packages.
    data : folder of the data files.
    """

    def __init__(self, packages: Collection[Path], data: Path) -> None:
        self.package, self.data = Package(*packages), data
        self._digests: dict[str, str] = {}
        self._reached: dict[Path | str, set[Use]] = {}
        self._files: dict[str, list[str]] = {}
        self._constants: dict[str, set[str]] = {}

    def modules(self, code: Path | str) -> list[str]:
        """Return the modules that a notebook (a path) or a module (its name) reaches."""
        return sorted({use.module for use in self._uses(code)})

    def files(self, code: Path | str, keyed: Collection[str] = KEYED) -> list[str]:
        """Return the data files that are read, but for what loaders in `keyed` read."""
        uses = self._uses(code)
        named: set[str] = set()
        for module in {use.module for use in uses} - {DATA}:
            if module not in self._files:
                self._files[module] = list(self._named(self.package.source(module).tree))
            named.update(self._files[module])
        wanted = {use.name for use in uses if use.module == DATA and use.name != "?"}
        return sorted(named | set(self._read_by(wanted, keyed)))

    def constants(self, notebook: Path) -> set[str]:
        """Return the strings in a notebook's code and in the modules that it reaches.

        But for its parameters, which may be told others, and for drawing, which names everything.
        """
        found = _texts(_code(notebook, with_parameters=False))
        for module in self.modules(notebook):
            if module not in self._constants:
                self._constants[module] = _texts(self.package.source(module).tree)
            if not module.startswith(DRAWING):
                found |= self._constants[module]
        return found

    def digest(self, code: Path | str, keyed: Collection[str] = KEYED, draws: bool = True) -> str:
        """Digest of a notebook or module, of the code that it reaches and the files that it reads.

        The values of a notebook's parameters count with its cells.

        Parameters
        ----------
        keyed : loaders whose files do not count.
        draws : whether it draws as it is run; else what would draw does not count.
        """
        own = cells(code) if isinstance(code, Path) else ()
        reached = [m for m in self.modules(code) if draws or not m.startswith(DRAWING)]
        modules = {name: self._code_digest(name) for name in reached}
        files = {name: file_digest(self.data / name) for name in self.files(code, keyed)}
        return digest(own, modules, files)

    def _uses(self, code: Path | str) -> set[Use]:
        if code not in self._reached:
            if isinstance(code, Path):
                found = self.package.closure(Source(code.stem, _code(code)))
            else:
                found = {Use(code)} | self.package.closure(self.package.source(code))
            self._reached[code] = found
        return self._reached[code]

    def _code_digest(self, module: str) -> str:
        if module not in self._digests:
            self._digests[module] = code_digest(self.package.paths[module])
        return self._digests[module]

    def _named(self, tree: ast.AST, folders: bool = False) -> Iterator[str]:
        """Yield the data files that constants in the code name, and all files of named folders."""
        for node in ast.walk(tree):
            if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
                continue
            if not re.fullmatch(r"\w([\w./-]{0,200}\w)?", node.value):
                continue
            path = self.data / node.value
            if "." in node.value and path.is_file():
                yield node.value
            elif folders and path.is_dir():
                inside = (p for p in path.rglob("*") if p.is_file() and p.suffix != ".md")
                yield from (p.relative_to(self.data).as_posix() for p in inside)

    def _read_by(self, names: set[str], keyed: Collection[str]) -> Iterator[str]:
        """Yield the files that functions of `bfimna.data` name, or what these call there."""
        definitions = self.package.source(DATA).definitions if DATA in self.package.paths else {}
        stack = list(definitions) if "" in names else list(names & set(definitions))
        done = set(keyed)
        while stack:
            name = stack.pop()
            if name not in done:
                done.add(name)
                tree = definitions[name]
                yield from self._named(tree, folders=True)  # as in ROOT / "digits" / "digits.npz"
                used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
                stack.extend(used & set(definitions))
