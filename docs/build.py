"""Build the site, offline: `python docs/build.py [--output FOLDER]`.

Copies the sources of the pages in the project's layout, so that links between them hold in both
places, adds the generated pages, and runs Sphinx, for which a warning is an error.
"""

import argparse
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import executed as notebooks
import pages
import validation
from listing import HERE, ROOT
from sphinx.cmd.build import main as sphinx

#: folder → pattern of its files that are copied
COPIED = {
    "docs": "*.md",
    "notebooks": "*.ipynb",
    "figures": "*.*",
    "examples": "*.*",
    "data": "*.md",
    "data/circuit": "*.csv",
    "data/technologies": "*.csv",
    "data/published": "*.csv",
    "workflow": "*.yaml",
    "workflow/sweeps": "*.yaml",
}
FILES = ("CITATION.cff", "LICENSE")


def lay_out(source: Path, executed: Path, run: bool) -> None:
    """Write the sources of the site into a folder; parameters as for `build`."""
    shutil.rmtree(source, ignore_errors=True)
    for folder, pattern in COPIED.items():
        (source / folder).mkdir(parents=True)
        for path in (ROOT / folder).glob(pattern):
            shutil.copy(path, source / folder)
    for name in FILES:
        shutil.copy(ROOT / name, source)
    bare = notebooks.bring(source / "notebooks", executed, run)
    if bare:
        print(f"without outputs (`make reproduce` first): {', '.join(bare)}", flush=True)
    shutil.move(source / "docs" / "index.md", source / "index.md")
    write(source / "figures.md", pages.figures(executed))
    write(source / "columns.md", pages.columns())
    write(source / "settings.md", pages.settings())
    write(source / "validation.md", validation.page())
    for name, text in pages.api().items():
        write(source / "api" / f"{name}.rst", text)
    _complete_index(source)


def _complete_index(source: Path) -> None:
    """List the notebooks and the other pages in the index."""
    names = sorted(path.stem for path in (source / "notebooks").glob("*.ipynb"))
    others = sorted(path.stem for path in (source / "docs").glob("*.md") if path.stem != "model")
    index = source / "index.md"
    text = index.read_text(encoding="utf-8")
    text = text.replace("@NOTEBOOKS@", "\n".join(f"notebooks/{name}" for name in names))
    write(index, text.replace("@OTHERS@", "\n".join(f"docs/{name}" for name in others)))


def write(path: Path, text: str) -> None:
    """Write a page."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")


def build(output: Path, executed: Path, run: bool) -> int:
    """Build the site into a folder; return Sphinx's exit code.

    Parameters
    ----------
    executed : folder of executed notebooks.
    run : whether notebooks that no run of the workflow executes are executed now.
    """
    source = output.with_name(output.name + ".source")
    lay_out(source, executed, run)
    shutil.rmtree(output, ignore_errors=True)
    options = [
        "-b",
        "html",
        "-W",
        "--keep-going",
        "-q",
        "-c",
        str(HERE),
        "-d",
        str(source / ".trees"),
    ]
    return int(sphinx([*options, str(source), str(output)]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=ROOT / "results" / "site")
    parser.add_argument(
        "--executed",
        type=Path,
        default=ROOT / "results" / "notebooks",
        help="folder of executed notebooks; others are shown as they are in git",
    )
    parser.add_argument(
        "--as-they-are", action="store_true", help="execute no notebook: half a minute less"
    )
    options = parser.parse_args()
    code = build(options.output.resolve(), options.executed.resolve(), not options.as_they_are)
    if not code:
        print(f"site: {options.output}/index.html")
    sys.exit(code)
