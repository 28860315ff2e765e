"""What a notebook of the pipeline costs beside papermill's own floor.

python benchmarks/pipeline.py [repeats]

The floor is papermill on a notebook with the same imports and nothing else; the overhead is what a
run of simulate.ipynb takes less the time that its cells take beyond those imports. Both kernels are
the pipeline's, run in turn, medians.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
IMPORTS = "import pandas as pd\nimport bfimna as bf\nfrom bfimna import tables"


def cell_seconds(path: Path) -> float:
    """Seconds that papermill noted for the cells of an executed notebook."""
    cells = nbformat.read(path, as_version=4).cells
    return sum(c.metadata.get("papermill", {}).get("duration") or 0.0 for c in cells)


def run(source: Path, target: Path, told: str = "{}") -> tuple[float, float]:
    """Wall seconds of papermill, and of the notebook's cells; `told` are its parameters."""
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "workflow/execute.py", str(source), str(target), told],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    return time.perf_counter() - start, cell_seconds(target)


def main() -> None:
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    with tempfile.TemporaryDirectory() as folder:
        bare = Path(folder) / "bare.ipynb"
        nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(IMPORTS)]), bare)
        floors, overheads, walls = [], [], []
        for _ in range(repeats):
            wall, cells = run(bare, Path(folder) / "out.ipynb")
            floors.append(wall - cells)
            simulate = ROOT / "notebooks" / "simulate.ipynb"
            wall, cells = run(simulate, Path(folder) / "out.ipynb", '{"picture": false}')
            overheads.append(wall - cells)
            walls.append(wall)
    floor, overhead = statistics.median(floors), statistics.median(overheads)
    print(f"papermill's floor    {floor:6.2f} s  (start, kernel, shutdown)")
    print(f"overhead a notebook  {overhead:6.2f} s  of {statistics.median(walls):.2f} s in all")
    print(f"ratio                {overhead / floor:6.2f}    goal 1.3")


if __name__ == "__main__":
    main()
