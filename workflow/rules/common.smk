# The checked config, and what results depend on.
import json
from pathlib import Path

from bfimna.digests import code_digest, digest, model_digest
from reproduction import dependencies, figure_table, pages
from reproduction.runs import EMULATED_TECHNOLOGY, emulations, runs, technology_digest

SIMULATE = Path("notebooks/simulate.ipynb")
CAPTION = "../report/figure.rst"  # shows `params.caption`


def simulate_parameters(run):
    """Parameters of the notebook that runs a simulation."""
    output = f"{config['results']}/simulate/{run.folder}"
    return {**run.parameters, "output": output, "picture": False}


try:
    config = settings.checked(config)
    RUNS = {run.folder: run for run in runs(config)}
    ALL_FIGURES = figure_table.read(Path("workflow/figures.csv"), Path("notebooks"))
    dependencies.check_takes(SIMULATE, simulate_parameters(next(iter(RUNS.values()))))
    FIGURES = figure_table.selected(config, ALL_FIGURES)
except BfimnaError as error:
    raise WorkflowError(str(error)) from None

RESULTS = config["results"]
EXECUTE = digest(
    code_digest(Path("workflow/execute.py"), Path(isolation.__file__)),
    dependencies.file_digest("workflow/matplotlibrc"),
)
COLLECT = code_digest(Path(dependencies.HERE, "runs.py"))
# values of technology, network and bits are digested with the run that uses them
SIMULATE_CODE = digest(
    EXECUTE,
    model_digest(),
    dependencies.cells(SIMULATE),
    dependencies.data_digest(dependencies.SIMULATION_DATA),
)


def simulated(some, *names):
    """Files that simulations write."""
    return [f"{RESULTS}/simulate/{run.folder}/{name}" for run in some for name in names]


def figure_files():
    """All files of the figures that the config asks for."""
    pictures_and_tables = [
        f"{config['figures']}/{figure.name}.{suffix}"
        for figure in FIGURES
        for suffix in ("pdf", "png", "csv", "tex", "numbers.tex")
    ]
    return pictures_and_tables + [f"{RESULTS}/notebooks/{figure.name}.ipynb" for figure in FIGURES]


def as_json(parameters):
    """Parameters of a notebook as execute.py takes them."""
    return json.dumps(parameters, sort_keys=True)


def run_of(wildcards):
    """The simulation whose results lie in a folder."""
    folder = f"{wildcards.network}/{wildcards.precision}/{wildcards.platform}"
    if folder not in RUNS:
        raise WorkflowError(f"{RESULTS}/simulate/{folder}: the config asks for no such simulation")
    return RUNS[folder]


def picture(figure):
    """A figure's picture; the report shows it under the figure's group."""
    return report(
        f"{config['figures']}/{figure.name}.png",
        caption=CAPTION,
        category=figure.group,
        labels={"figure": figure.name, "as": "picture"},
    )


def caption_of(output):
    """A figure's answer, if its notebook has run, and its caption."""
    return pages.caption(ALL_FIGURES[Path(output.png).stem].caption, output.notebook)


def runs_read_by(figure):
    """The simulations whose layers a figure's notebook reads."""
    return figure.runs_read(config, list(RUNS.values()))


def results_read_by(figure):
    """Results of simulations that a figure's notebook reads."""
    summary = [f"{RESULTS}/summary.csv"] if "summary" in figure.from_config else []
    return summary + simulated(runs_read_by(figure), "layers.csv")


def figure_digest(figure):
    """Digest of what a figure depends on, including the simulations that it reads."""
    read = RUNS.values() if "summary" in figure.from_config else runs_read_by(figure)
    simulations = [digest(SIMULATE_CODE, run.digest) for run in read]
    return digest(EXECUTE, figure.digest(config), simulations)
