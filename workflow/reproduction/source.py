"""A module's syntax tree: what it binds, defines, imports and refers to."""

import ast
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_IMPORTS = (ast.Import, ast.ImportFrom)


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
        return found | {text for text in strings(self.tree) if text.isidentifier()}

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
                found |= {Reference(text) for text in strings(node.args[0])}
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


def parse(path: Path) -> ast.Module:
    """Return a file's tree, without what is there for type checkers only, which nothing runs."""
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
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


def strings(tree: ast.AST) -> list[str]:
    """Return the texts that a tree holds."""
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
