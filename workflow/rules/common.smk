# The checked config, and what everything depends on.
import json
from pathlib import Path

from bfimna import data
from reproduction import figures
from reproduction import report as reporting
from reproduction.dependencies import (
    KEYED,
    Dependencies,
    code_digest,
    digest,
    file_digest,
)
from reproduction.runs import EMULATED_TECHNOLOGY, emulations, runs, technology_digest

READS = Dependencies((Path("bfimna"), Path("workflow/reproduction")), Path("data"))
CAPTION = "../report/figure.rst"  # says what `params.caption` says

try:
    config = settings.checked(config)
    RUNS = {run.folder: run for run in runs(config)}
    KNOWN_FIGURES = figures.read(Path("workflow/figures.csv"), Path("notebooks"))
    FIGURES = figures.wanted(config, KNOWN_FIGURES)
except BfimnaError as error:
    raise WorkflowError(str(error)) from None

RESULTS = config["results"]
EXECUTE = digest(code_digest(Path("workflow/execute.py")), file_digest("workflow/matplotlibrc"))
SIMULATE = Path("notebooks/simulate.ipynb")
# which bits a scheme has is digested with the run that uses it
KEYED_BY_RUN = (*KEYED, "load_precision", "hawq_schemes")
SIMULATE_CODE = digest(EXECUTE, READS.digest(SIMULATE, KEYED_BY_RUN, draws=False))  # no picture


def simulated(wanted, *names):
    """Files that simulations write."""
    return [f"{RESULTS}/simulate/{run.folder}/{name}" for run in wanted for name in names]


def figure_files():
    """All files of the figures that the config asks for."""
    drawn = [
        f"{config['figures']}/{figure.name}.{suffix}"
        for figure in FIGURES
        for suffix in ("pdf", "png", "csv", "tex", "numbers.tex")
    ]
    return drawn + [f"{RESULTS}/notebooks/{figure.name}.ipynb" for figure in FIGURES]


def told(values):
    """Parameters as execute.py takes them."""
    return json.dumps(values, sort_keys=True)


def run_of(wildcards):
    """The simulation that a folder stands for."""
    folder = f"{wildcards.network}/{wildcards.precision}/{wildcards.platform}"
    if folder not in RUNS:
        raise WorkflowError(f"{RESULTS}/simulate/{folder} is nothing that the config asks for")
    return RUNS[folder]


def drawn(figure):
    """A figure's picture; the report shows it under the figure's group."""
    return report(
        f"{config['figures']}/{figure.name}.png",
        caption=CAPTION,
        category=figure.group,
        labels={"figure": figure.name, "as": "picture"},
    )


def caption_of(output):
    """What a figure found, if it is drawn, and what it shows."""
    return reporting.caption(KNOWN_FIGURES[Path(output.png).stem].caption, output.notebook)


def layers_read_by(figure):
    """The simulations whose layers a figure's notebook reads."""
    return figure.layers_of(config, list(RUNS.values()))


def results_read_by(figure):
    """Results of simulations that a figure's notebook reads."""
    summary = [f"{RESULTS}/summary.csv"] if "summary" in figure.wants else []
    return summary + simulated(layers_read_by(figure), "layers.csv")


def depends_of(figure):
    """Digest of what a figure depends on, the simulations that it reads included."""
    read = RUNS.values() if "summary" in figure.wants else layers_read_by(figure)
    simulations = [digest(SIMULATE_CODE, run.digest) for run in read]
    return digest(EXECUTE, figure.digest(config, READS), simulations)
