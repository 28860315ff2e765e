"""Which modules of the package a piece of code reaches, by static analysis of its imports.

A module is reached whole: by an import or as an attribute (``bf.zoo``). What a function imports
when it is called counts if anything that is reached names that function. A package's ``__init__``
only passes names on, so what counts is where a name that is used is defined, also for names that
``__getattr__`` loads lazily; a package that is used as a whole (``getattr(bf, name)``) reaches all
that it passes on.
"""

import ast
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_IMPORTS = (ast.Import, ast.ImportFrom)


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


@dataclass(frozen=True, order=True)
class Reference:
    """A module as an import statement names it, and the attributes that are taken of it."""

    module: str
    attributes: tuple[str, ...] = ()

    def then(self, *attributes: str) -> "Reference":
        """Return the reference to an attribute of this one."""
        return Reference(self.module, (*self.attributes, *attributes))


@dataclass(frozen=True)
class Source:
    """A parsed module.

    Attributes
    ----------
    name : dotted name.
    tree : syntax tree of the module.
    is_package : whether the file is a package's ``__init__``.
    """

    name: str
    tree: ast.Module
    is_package: bool = False

    @cached_property
    def bindings(self) -> dict[str, Reference]:
        """Names that imports bind, anywhere in the code → what they stand for."""
        return {
            name: target
            for node in ast.walk(self.tree)
            if isinstance(node, _IMPORTS)
            for name, target in self._bound(node)
        }

    def _bound(self, node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, Reference]]:
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.split(".")[0]
                yield (alias.asname or top), Reference(alias.name if alias.asname else top)
            return
        base = node.module or ""
        if node.level:
            parts = self.name.split(".")
            parts = parts[: len(parts) - node.level + self.is_package]
            base = ".".join([*parts, base] if base else parts)
        for alias in node.names:
            taken = () if alias.name == "*" else (alias.name,)
            yield alias.asname or alias.name, Reference(base, taken)

    @cached_property
    def definitions(self) -> dict[str, ast.stmt]:
        """Names that the module's top level defines itself → the statement that does."""
        found: dict[str, ast.stmt] = {}
        for node in self.tree.body:
            if isinstance(node, _DEFINITIONS):
                found[node.name] = node
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                names = (n for t in targets for n in ast.walk(t) if isinstance(n, ast.Name))
                found |= {name.id: node for name in names}
        return found

    @property
    def acts(self) -> bool:
        """Whether importing it does more than to bind names (or to say what they are)."""
        passive = (*_DEFINITIONS, *_IMPORTS, ast.Assign, ast.AnnAssign)
        return not all(isinstance(n, passive) or _is_constant(n) for n in self.tree.body)

    @cached_property
    def names(self) -> set[str]:
        """Names of functions that the code could call: every name, attribute and short string."""
        found = {alias.name for node in ast.walk(self.tree) if isinstance(node, _IMPORTS)
                 for alias in node.names}  # fmt: skip
        for node in ast.walk(self.tree):
            found.add(getattr(node, "attr", "") or getattr(node, "id", ""))
        return found | {text for text in _strings(self.tree) if text.isidentifier()}

    @cached_property
    def importers(self) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
        """Functions and methods that import something when they are called by their name."""
        scopes: list[ast.Module | ast.ClassDef] = [self.tree]
        scopes += [n for n in self.tree.body if isinstance(n, ast.ClassDef)]
        functions = (n for scope in scopes for n in scope.body if isinstance(n, _DEFINITIONS[:2]))
        return [
            f
            for f in functions
            if not f.name.startswith(("__", "_repr_"))  # Python and IPython call these unnamed
            and not f.decorator_list  # or whoever decorates
            and any(isinstance(node, _IMPORTS) for node in ast.walk(f))
        ]

    def references(self, tree: ast.AST) -> set[Reference]:
        """Return what a part of the code refers to of other modules."""
        skipped = set(self.importers) - {tree}
        found = set(_uses(tree, self.bindings, skipped))
        for node in _walk(tree, skipped):
            if isinstance(node, ast.Call) and _called(node) == "import_module" and node.args:
                found |= {Reference(text) for text in _strings(node.args[0])}
            if self.is_package:
                continue
            if isinstance(node, ast.ImportFrom):  # also those that are imported for their effect
                found |= {target.then("?") for _, target in self._bound(node)}
            elif isinstance(node, ast.Import):
                found |= {Reference(alias.name, ("?",)) for alias in node.names}
        return found


def _is_constant(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _called(node: ast.Call) -> str:
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


def _run(tree: ast.Module) -> ast.Module:
    """Return the tree without what is there for type checkers only, which nothing runs."""
    tree.body = [
        node
        for node in tree.body
        if not (
            isinstance(node, ast.If)
            and isinstance(node.test, ast.Name)
            and node.test.id == "TYPE_CHECKING"
        )
    ]
    return tree


def _strings(tree: ast.AST) -> list[str]:
    constants = (n.value for n in ast.walk(tree) if isinstance(n, ast.Constant))
    return [value for value in constants if isinstance(value, str)]


def _walk(tree: ast.AST, skipped: Collection[ast.AST]) -> Iterator[ast.AST]:
    stack = [tree]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(child for child in ast.iter_child_nodes(node) if child not in skipped)


def _uses(
    tree: ast.AST, bindings: dict[str, Reference], skipped: Collection[ast.AST]
) -> Iterator[Reference]:
    """Yield every use of an imported name, with the attributes that are taken of it."""
    stack = [tree]
    while stack:
        node = stack.pop()
        if node in skipped:
            continue
        root, attributes = node, []
        while isinstance(root, ast.Attribute):
            attributes.append(root.attr)
            root = root.value
        if isinstance(root, ast.Name) and root.id in bindings:
            yield bindings[root.id].then(*reversed(attributes))
        else:
            stack.extend(ast.iter_child_nodes(node))


class Package:
    """The modules of a package on disk.

    Parameters
    ----------
    root : folder of the package; its name is the package's.
    """

    def __init__(self, root: Path) -> None:
        self.name = root.name
        self.paths = {self._dotted(root, path): path for path in sorted(root.rglob("*.py"))}
        self._sources: dict[str, Source] = {}
        self._direct: dict[tuple[str, str], set[Use]] = {}

    def _dotted(self, root: Path, path: Path) -> str:
        parts = [root.name, *path.relative_to(root).with_suffix("").parts]
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def source(self, name: str) -> Source:
        """Return a module, parsed once."""
        if name not in self._sources:
            path = self.paths[name]
            tree = _run(ast.parse(path.read_text(encoding="utf-8"), str(path)))
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
        for text in _strings(loader):
            if text in self.paths:
                yield text, ""
        read = {node.id for node in ast.walk(loader) if isinstance(node, ast.Name)}
        for name in read & set(source.definitions):
            for node in ast.walk(source.definitions[name]):
                if isinstance(node, ast.Dict):
                    for key, value in zip(node.keys, node.values, strict=True):
                        for module in set(_strings(value)) & set(self.paths):
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
