"""Change one operator, comparison or number at a time and see whether the tests beside it notice.

    python tests/mutation/mutants.py bfimna/ap --count 60

Works on a copy of the tracked files, in a temporary folder. What is mutated is a folder or a file
of the package; the tests are those of its room (tests/<room>) and its doctests, unless given with
--tests. A mutant is caught if a test fails, the import fails or the tests take longer than the
timeout. Not part of the tests: it takes minutes. Mutants in strings, annotations, `raise` and
`__all__` are left out, as no test need notice them.
"""

import argparse
import ast
import copy
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

OPERATORS: dict[type, type] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.MatMult: ast.Mult,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Add,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitOr,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}


@dataclass(frozen=True)
class Mutant:
    """A file with one change: where, from what, to what, and the whole text with it."""

    path: Path
    line: int
    before: str
    after: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.before}  →  {self.after}"


def sites(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes that can be mutated."""
    for node in ast.iter_child_nodes(tree):
        exported = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        if isinstance(node, ast.Raise) or exported:
            continue
        if isinstance(node, ast.AnnAssign | ast.arg) and node.annotation is not None:
            node.annotation = ast.Constant(None)  # hints do nothing when run
        number = isinstance(node, ast.Constant) and type(node.value) in (int, float)
        if number or isinstance(node, ast.BinOp | ast.BoolOp | ast.AugAssign | ast.Compare):
            yield node
        yield from sites(node)


def change(node: ast.AST, rng: random.Random) -> None:
    """Change one node in place."""
    if isinstance(node, ast.Constant):
        node.value = rng.choice([node.value + 1, node.value - 1, node.value * 2 or 1])
    elif isinstance(node, ast.Compare):
        k = rng.randrange(len(node.ops))
        node.ops[k] = OPERATORS[type(node.ops[k])]()
    else:
        assert isinstance(node, ast.BinOp | ast.BoolOp | ast.AugAssign)
        node.op = OPERATORS[type(node.op)]()


def mutants(folder: Path, paths: list[Path], rng: random.Random) -> Iterator[Mutant]:
    """Yield mutants of a folder's files in random order, each site of each file at most once."""
    trees = {path: ast.parse((folder / path).read_text()) for path in paths}
    places = [(path, k) for path, tree in trees.items() for k, _ in enumerate(sites(tree))]
    rng.shuffle(places)
    for path, k in places:
        whole = copy.deepcopy(trees[path])
        chosen = list(sites(whole))[k]
        before = ast.unparse(chosen)
        change(chosen, rng)
        text = ast.unparse(whole)
        if ast.unparse(chosen) != before:
            yield Mutant(path, chosen.lineno, before, ast.unparse(chosen), text)


def passes(folder: Path, tests: list[str], timeout: float) -> bool:
    """Whether the tests pass in the folder, in time."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    environment = {"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin", "HOME": str(folder)}
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, timeout=timeout, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def copied(folder: Path) -> None:
    """Copy the tracked files, and those that git does not ignore, into a folder."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


def main() -> None:
    """Run mutants and print what escaped."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="+", type=Path, help="files or folders of the package")
    parser.add_argument("--tests", nargs="+", help="instead of the room's")
    parser.add_argument("--skip", nargs="*", default=[], help="names of files to leave out")
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--timeout", type=float, default=300.0, help="seconds for each mutant")
    parser.add_argument("--least", type=float, default=0.0, help="share to catch, or it fails")
    given = parser.parse_args()
    files = sorted(
        file.resolve().relative_to(ROOT)
        for path in given.paths
        for file in (path.rglob("*.py") if path.is_dir() else [path])
        if file.name not in given.skip
    )
    rooms = sorted({file.parts[1] for file in files})
    tests = given.tests or [t for room in rooms for t in (f"tests/{room}", f"bfimna/{room}")]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copied(folder)
        if not passes(folder, tests, 10 * given.timeout):
            sys.exit(f"the tests {tests} do not pass without any mutant")
        tried = caught = 0
        for mutant in islice(mutants(folder, files, random.Random(given.seed)), given.count):
            original = (folder / mutant.path).read_text()
            (folder / mutant.path).write_text(mutant.text)
            survived = passes(folder, tests, given.timeout)
            (folder / mutant.path).write_text(original)
            tried, caught = tried + 1, caught + (not survived)
            print(f"{'escaped' if survived else 'caught '}  {mutant}", flush=True)
    print(f"caught {caught} of {tried} mutants ({caught / max(tried, 1):.0%})")
    if caught < given.least * tried:
        sys.exit(f"less than {given.least:.0%}")


if __name__ == "__main__":
    main()
