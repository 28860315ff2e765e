# Names and input functions that the rules share.
from dataclasses import asdict
from pathlib import Path

from snakemake.exceptions import WorkflowError

from bfimna.workflow import config as asked
from bfimna.errors import BfimnaError

try:
    config = asked.checked(config)
    RUNS = {run.folder: run for run in asked.runs(config)}
except BfimnaError as error:
    raise WorkflowError(str(error)) from None

RESULTS, FIGURES = config["results"], config["figures"]

# what a simulation depends on, and what only figures do
MODEL = [
    *sorted(map(str, Path("bfimna").rglob("*.py"))), "data/published/components.csv"
]
DRAWING = [*MODEL, *asked.network_files(config)]


def run_of(wildcards):
    return RUNS[f"{wildcards.network}/{wildcards.precision}/{wildcards.platform}"]


def network_file(wildcards):
    """The file of a network that is not the zoo's."""
    return str(asked.network_file(run_of(wildcards).network) or "") or []


def run_flags(wildcards):
    run = run_of(wildcards)
    return " ".join(f"-p {name} {value}" for name, value in asdict(run).items())


def technology_rows(*names):
    """Digest of data/technologies.csv's rows: a changed row re-runs what uses it, nothing else."""
    return asked.technology_digest(*(names or config["technologies"]))


def flags(name, **lists):
    """A figure's parameters for papermill: where it goes, and lists as -y takes them."""
    listed = ", ".join(f"{key}: [{', '.join(values)}]" for key, values in lists.items())
    return f"-p output {FIGURES}/{name} -y '{{{listed}}}'"


def drawn(name, group):
    """What a figure notebook writes; the report shows picture and table under `group`."""
    shown = dict(caption=f"../report/{name}.rst", category=group)
    return dict(
        png=report(f"{FIGURES}/{name}.png", labels={"figure": name, "as": "picture"}, **shown),
        csv=report(f"{FIGURES}/{name}.csv", labels={"figure": name, "as": "table"}, **shown),
        pdf=f"{FIGURES}/{name}.pdf",
        notebook=f"{RESULTS}/notebooks/{name}.ipynb",
    )


def figure_files():
    """All files of the figures that the config asks for."""
    unknown = sorted(set(config.get("only", ())) - set(FIGURE_RULES))
    if unknown:
        raise WorkflowError(f"config, only: no figure {unknown[0]!r}; known: {FIGURE_RULES}")
    wanted = config.get("only", FIGURE_RULES)
    files = [f"{FIGURES}/{name}{suffix}" for name in wanted for suffix in (".pdf", ".png", ".csv")]
    return files + [f"{RESULTS}/notebooks/{name}.ipynb" for name in wanted]


def simulated(wildcards, name="summary.csv", network=None):
    return [
        f"{RESULTS}/simulate/{folder}/{name}"
        for folder, run in RUNS.items()
        if network in (None, run.network)
    ]
