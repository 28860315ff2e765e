"""What works without the extras, and the one line that names the extra where it does not.

`.ci/extras` does the same in bare environments; here the packages of the extras are hidden.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = {
    "onnx": ("onnx", "google"),
    "emulate": ("numba", "llvmlite"),
    "workflow": ("pyarrow", "SALib", "jsonschema", "jinja2", "papermill", "IPython", "snakemake",
                 "pygments", "psutil"),
    "lab": ("jupyterlab", "ipywidgets", "voila"),
}  # fmt: skip
HIDE = f"import sys; sys.modules.update(dict.fromkeys({sum(PACKAGES.values(), ())!r}))\n"


def run(code, *arguments):
    command = [sys.executable, "-c", HIDE + code, *arguments]
    # execute.py starts again where Python has variables of the user, and would find the packages
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def test_the_package_alone_simulates_plots_and_sweeps(tmp_path):
    done = run(
        "import bfimna as bf\n"
        "report = bf.simulate('resnet18', 8, 'LR', 'sram-14nm-lstp')\n"
        "report.plot(), report.interval('energy_j'), bf.digits.network()\n"
        "from bfimna import plot\n"
        f"plot.narrate({str(tmp_path / 'figure')!r}, 'a text')\n"
        "bf.sweep('alexnet', [4, 8], 'LR', 'sram-14nm-lstp')\n"
    )
    assert (done.stderr, done.returncode) == ("", 0)


def test_the_command_alone_simulates_and_names_the_extra_of_an_onnx_file():
    code = "from bfimna.cli import main; sys.exit(main())"
    done = run(code, "simulate", "resnet18", "--bits", "8")
    assert (done.stderr, done.returncode) == ("", 0)
    assert "resnet18" in done.stdout
    done = run(code, "simulate", "examples/model.onnx")
    assert done.returncode != 0
    assert len(done.stderr.splitlines()) == 1
    assert "pip install 'bfimna[onnx]'" in done.stderr


@pytest.mark.parametrize(
    ("code", "package", "extra"),
    [
        ("bf.read_onnx('examples/model.onnx')", "onnx", "onnx"),
        ("bf.ap.multiply([1], [2], 4)", "Numba", "emulate"),
        (
            "from bfimna.characterise import characterise;"
            " characterise('data/circuit/kits/own.toml')",
            "Jinja2",
            "characterise",
        ),
        (
            "bf.infer(bf.digits.network(), bf.digits.parameters('int4'),"
            " bf.digits.images(bf.digits.precision('int4'))[:1], bf.digits.precision('int4'))",
            "Numba",
            "emulate",
        ),
        (
            "bf.search.choose('resnet18', bf.search.hawq_sensitivity(bf.zoo.resnet18()),"
            " bf.search.Budget('edp_js', fraction=0.5), 'LR', 'sram-14nm-lstp')",
            "Numba",
            "emulate",
        ),
        (
            "bf.sweep('alexnet', [8], 'LR', 'sram-14nm-lstp', to='{folder}/b')",
            "pyarrow",
            "workflow",
        ),
        ("bf.read_sweep('{folder}/old')", "pyarrow", "workflow"),
        ("uncertainty.sobol(report, 'energy_j')", "SALib", "workflow"),
    ],
)
def test_a_missing_package_is_named_with_its_extra(code, package, extra, tmp_path):
    part = tmp_path / "old" / "network=a" / "counts=b" / "chip=c" / "part-00000.parquet"
    part.parent.mkdir(parents=True)
    part.touch()
    done = run(
        "import bfimna as bf\nfrom bfimna.cost import uncertainty\n"
        "report = bf.simulate('alexnet', 8, 'LR', 'sram-14nm-lstp')\n"
        "try:\n    " + code.format(folder=tmp_path) + "\n"
        "except bf.BfimnaError as error:\n    print(error)\n"
    )
    assert done.stderr == ""
    message = f"this needs {package}, which is not installed: pip install 'bfimna[{extra}]'"
    assert done.stdout.strip().endswith(message)


def test_the_workflow_names_the_extra_that_executes_notebooks(tmp_path):
    code = (
        "import runpy\n"
        "sys.argv[0] = 'workflow/execute.py'\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')\n"
    )
    done = run(code, "notebooks/simulate.ipynb", str(tmp_path / "out.ipynb"), "{}")
    assert done.returncode != 0
    assert "pip install 'bfimna[workflow]'" in done.stderr
    assert "Traceback" not in done.stderr
