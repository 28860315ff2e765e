"""Which modules of the package a piece of code reaches, by static analysis of its imports.

A module is reached whole: by an import or as an attribute (``bf.zoo``). What a function imports
when it is called counts if anything that is reached names that function. A package's ``__init__``
only passes names on, so what counts is where a name that is used is defined, also for names that
``__getattr__`` loads lazily; a package that is used as a whole (``getattr(bf, name)``) reaches all
that it passes on.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from reproduction.source import Reference, Source, parse, strings


@dataclass(frozen=True, order=True)
class Use:
    """A use of a module.

    Attributes
    ----------
    module : its dotted name.
    name : the name of it that is used; "" for the module as a whole, "?" for an import.
    """

    module: str
    name: str = ""


class Package:
    """The modules of packages on disk.

    Parameters
    ----------
    roots : folders of the packages; their names are the packages'.
    """

    def __init__(self, *roots: Path) -> None:
        self.paths = {
            self._dotted(root, path): path for root in roots for path in sorted(root.rglob("*.py"))
        }
        self._sources: dict[str, Source] = {}
        self._direct: dict[tuple[str, str], set[Use]] = {}

    def _dotted(self, root: Path, path: Path) -> str:
        parts = [root.name, *path.relative_to(root).with_suffix("").parts]
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def source(self, name: str) -> Source:
        """Return a module, parsed once."""
        if name not in self._sources:
            path = self.paths[name]
            tree = parse(path)
            self._sources[name] = Source(name, tree, path.name == "__init__.py")
        return self._sources[name]

    def closure(self, start: Source) -> set[Use]:
        """Return every use of the package's modules that code makes, directly or through others."""
        found: set[Use] = set()
        named: set[str] = set()
        waiting: list[tuple[str, set[Use]]] = []  # functions that nothing has named yet
        done, stack = {""}, [start]
        while stack:
            source = stack.pop()
            named |= source.names
            waiting += [(f.name, self.uses(source, f)) for f in source.importers]
            new = self.uses(source, source.tree).union(*(u for f, u in waiting if f in named))
            waiting = [(f, uses) for f, uses in waiting if f not in named]
            found |= new
            for module in {use.module for use in new} - done:
                done.add(module)
                stack.append(self.source(module))
        return found

    def uses(
        self, source: Source, part: ast.Module | ast.FunctionDef | ast.AsyncFunctionDef
    ) -> set[Use]:
        """Return the uses that a part of a module makes itself."""
        key = (source.name, f"{getattr(part, 'name', '')} {getattr(part, 'lineno', 0)}")
        if source.name not in self.paths or key not in self._direct:
            self._direct[key] = {
                use for reference in source.references(part) for use in self.resolve(reference)
            }
        return self._direct[key]

    def resolve(self, reference: Reference) -> Iterator[Use]:
        """Find where a name is defined, and what importing it runs on the way.

        A last attribute ``?`` stands for an import whose use is found elsewhere: it reaches
        modules, but no package as a whole.
        """
        module, attributes = reference.module, list(reference.attributes)
        if module not in self.paths:
            return  # another package's
        parts = module.split(".")
        for n in range(1, len(parts)):
            yield from self._effects(".".join(parts[:n]))
        while self.source(module).is_package:
            yield from self._effects(module)
            if not attributes:
                yield from self._whole(module)
                return
            name = attributes.pop(0)
            if name == "?":
                return
            target = self.source(module).bindings.get(name)
            if target is not None and target != Reference(module, (name,)):
                yield from self.resolve(target.then(*attributes))
                return
            if f"{module}.{name}" not in self.paths:
                yield from self._own(module, name, attributes)
                return
            module = f"{module}.{name}"
        yield Use(module, attributes[0] if attributes else "")

    def _effects(self, package: str) -> Iterator[Use]:
        if self.source(package).acts:
            yield Use(package, "?")

    def _own(self, package: str, name: str, rest: list[str]) -> Iterator[Use]:
        """Find a name that is neither imported by the package's ``__init__`` nor a module of it."""
        source = self.source(package)
        loader = source.definitions.get("__getattr__")
        if name in source.definitions or loader is None:
            yield Use(package)
            return
        found = False
        for text, entry in self._lazy(source, loader):
            if entry in ("", name):
                found = True
                yield from self.resolve(Reference(text, (*(() if entry else (name,)), *rest)))
        if not found:
            yield Use(package)

    def _lazy(self, source: Source, loader: ast.stmt) -> Iterator[tuple[str, str]]:
        """Yield the modules that a ``__getattr__`` names, and the name that each stands for.

        The name is "" where the module is told in the function itself: then any name is looked up
        in it.
        """
        for text in strings(loader):
            if text in self.paths:
                yield text, ""
        read = {node.id for node in ast.walk(loader) if isinstance(node, ast.Name)}
        for name in read & set(source.definitions):
            for node in ast.walk(source.definitions[name]):
                if isinstance(node, ast.Dict):
                    for key, value in zip(node.keys, node.values, strict=True):
                        for module in set(strings(value)) & set(self.paths):
                            yield module, getattr(key, "value", "")

    def _whole(self, package: str) -> Iterator[Use]:
        """Yield all that a package passes on, and the package itself."""
        source = self.source(package)
        yield Use(package)
        for target in source.bindings.values():
            yield from self.resolve(target)
        if loader := source.definitions.get("__getattr__"):
            for module, _ in self._lazy(source, loader):
                yield from self.resolve(Reference(module))
