"""Whether this checkout gives the results of another commit: `make same REF=f38a79f`.

python benchmarks/same.py REF [--points 2000] [--no-figures] [--reference DIR]

Every table of figures/ must have the same bytes (but emulated_times.csv, which holds seconds), and
every value of random points (benchmarks/points.py) must be the same float. The reference is a git
worktree of REF with an environment of its own below .same/, where its answers are kept too, so that
a second run computes only this checkout's. A quick run: --points 300 --no-figures.
"""

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SAME = ROOT / ".same"
POINTS = ROOT / "benchmarks" / "points.py"
SECONDS = "emulated_times.csv"  # a table of processor seconds
SHOWN = 12  # differences that are listed


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    """Return what a command prints; end with what it said if it fails."""
    done = subprocess.run(list(map(str, command)), cwd=cwd, env=environment(), text=True,
                          capture_output=True)  # fmt: skip
    if done.returncode:
        sys.exit(
            f"{' '.join(map(str, command[:6]))} failed:\n{done.stdout[-2000:]}{done.stderr[-3000:]}"
        )
    return done.stdout


def environment() -> dict[str, str]:
    """The variables of this process without those that would mix two checkouts."""
    return {
        k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV", "MAKEFLAGS")
    }


def worktree(commit: str) -> Path:
    """Return a worktree of a commit with its environment, made unless it is there."""
    folder = SAME / commit
    if not folder.is_dir():
        run("git", "worktree", "prune")
        run("git", "worktree", "add", "--detach", folder, commit)
    print(f"environment of {folder.relative_to(ROOT)}", flush=True)
    run("make", ".venv/installed", cwd=folder)
    return folder


def python(checkout: Path) -> Path:
    return checkout / ".venv" / "bin" / "python"


# ---- points -----------------------------------------------------------------------------------


def answers(checkout: Path, *options: object) -> list[dict]:
    command = (python(checkout), "-I", POINTS, checkout, *map(str, options))
    return [json.loads(line) for line in run(*command, cwd=checkout).splitlines()]


def kept_answers(checkout: Path, commit: str, points: int, seed: int) -> list[dict]:
    """Return the reference's answers, from a file once they have been computed."""
    script = sha256(POINTS.read_bytes()).hexdigest()[:12]
    path = SAME / f"points-{commit[:12]}-{script}-{seed}.json"
    stored = json.loads(path.read_text()) if path.is_file() else []
    if len(stored) < points:
        stored = answers(checkout, "--points", points, "--seed", seed)
        SAME.mkdir(exist_ok=True)
        path.write_text(json.dumps(stored))
    return stored[:points]


def different(reference: dict, own: dict) -> list[str]:
    """Return what differs between two answers to one point: columns, or a word."""
    if reference["what"] != own["what"]:
        return ["another point"]
    if "refused" in reference or "refused" in own:
        both = "refused" in reference and "refused" in own
        return [] if both else ["refused here only" if "refused" in own else "refused there only"]
    a, b = reference["columns"], own["columns"]
    return [name for name in {**a, **b} if a.get(name) != b.get(name)]


def compare_points(reference: Path, commit: str, points: int, seed: int) -> bool:
    theirs = kept_answers(reference, commit, points, seed)
    ours = answers(ROOT, "--points", points, "--seed", seed)
    pairs = [(a, different(a, b)) for a, b in zip(theirs, ours, strict=True)]
    wrong = [(a, names) for a, names in pairs if names]
    refused = sum("refused" in a for a in theirs)
    print(f"points: {points - len(wrong)} of {points} equal ({refused} refused by the reference)")
    for a, names in wrong[:SHOWN]:
        print(f"  point {a['point']}: {', '.join(names[:8])}{' …' if len(names) > 8 else ''}")
    if wrong:
        columns = Counter(name for _, names in wrong for name in names)
        print("  in how many points a column differs:", dict(columns.most_common(SHOWN)))
        smallest = min(wrong, key=lambda pair: len(pair[0]["what"]))
        show(reference, smallest[0]["point"], seed)
    return not wrong


def show(reference: Path, number: int, seed: int) -> None:
    """Print a point and the first of each column's values that differ."""
    theirs, ours = (answers(c, "--show", number, "--seed", seed)[0] for c in (reference, ROOT))
    print(f"point {number}, value by value: {theirs['what']}")
    there, here = (answer.get("columns", {}) for answer in (theirs, ours))
    rows = list(zip(there.get("layers.layer", []), there.get("layers.phase", []), strict=True))
    for name in different(theirs, ours)[:SHOWN]:
        a, b = there.get(name, []), here.get(name, [])
        differing = [k for k, pair in enumerate(zip(a, b, strict=False)) if pair[0] != pair[1]]
        text = f"  {name}: {len(differing)} of {len(a)} rows differ ({len(b)} here)"
        if differing:
            k = differing[0]
            where = f" ({', '.join(rows[k])})" if name.startswith("layers.") else ""
            text += f"; row {k}{where}: {a[k]} there, {b[k]} here"
        print(text)


# ---- figures ----------------------------------------------------------------------------------


def compute_figures(checkout: Path) -> None:
    """Compute every table of a checkout from scratch."""
    print(f"make reproduce emulate in {checkout}", flush=True)
    run("make", "reproduce", "emulate", "SNAKEMAKE_FLAGS=--forceall", cwd=checkout)


def tables(checkout: Path) -> dict[str, bytes]:
    files = (checkout / "figures").glob("*.csv")
    return {file.name: file.read_bytes() for file in sorted(files) if file.name != SECONDS}


def compare_figures(reference: Path) -> bool:
    computed = reference / "results" / "same-computed"  # a commit's figures do not change
    if not computed.is_file():
        compute_figures(reference)
        computed.touch()
    compute_figures(ROOT)
    theirs, ours = tables(reference), tables(ROOT)
    wrong = [name for name in {**theirs, **ours} if theirs.get(name) != ours.get(name)]
    total = len({**theirs, **ours})
    print(f"figures: {total - len(wrong)} of {total} tables have the same bytes")
    for name in wrong:
        print(f"  {name}" + ("" if name in ours and name in theirs else ": in one checkout only"))
    return not wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ref", help="a commit")
    parser.add_argument("--points", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-figures", action="store_true", help="points only")
    parser.add_argument("--reference", type=Path, help="a checkout of REF with its environment")
    options = parser.parse_args()
    commit = run("git", "rev-parse", f"{options.ref}^{{commit}}").strip()
    reference = options.reference.resolve() if options.reference else worktree(commit)
    if run("git", "rev-parse", "HEAD", cwd=reference).strip() != commit:
        sys.exit(f"{reference} is not a checkout of {options.ref}")
    same = compare_points(reference, commit, options.points, options.seed)
    if not options.no_figures:
        same = compare_figures(reference) and same
    sys.exit(not same)


if __name__ == "__main__":
    main()
