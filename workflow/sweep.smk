# A sweep: one grid of workflow/sweeps/ → one Parquet dataset, in parts, and its picture.
# snakemake --snakefile workflow/sweep.smk --configfile workflow/sweeps/example.yaml
import json
import sys
from pathlib import Path

sys.path.insert(0, workflow.basedir)  # this project's code before any other
from reproduction import isolation

isolation.isolate()

from bfimna.errors import BfimnaError
from bfimna.cost import dataset
from bfimna.digests import code_digest, digest, model_digest
from reproduction import config as settings
from reproduction import dependencies, sweep_parts
from snakemake.exceptions import WorkflowError

try:
    if not workflow.overwrite_configfiles:
        raise BfimnaError("a sweep needs a grid: --configfile workflow/sweeps/example.yaml, or yours")
    for path in workflow.overwrite_configfiles:
        settings.check_file(path)
    config = sweep_parts.checked(config)
    PARTS = {job.place: job for job in sweep_parts.jobs(config)}
    DATASET = config["dataset"]
    FILES = [f"{DATASET}/{place}" for place in PARTS]
    dataset.check_own(Path(DATASET), map(Path, FILES))
except BfimnaError as error:
    raise WorkflowError(str(error)) from None


include: "rules/running.smk"


SWEEP_CODE = digest(model_digest(), code_digest(Path(sweep_parts.__file__)))
NOTEBOOK = Path("notebooks/sweep.ipynb")
PICTURE = f"{DATASET}.figures/sweep"
LOGS = f"logs/sweeps/{Path(DATASET).name}"
GRID = json.dumps(config, sort_keys=True)


localrules:
    all,


rule all:
    default_target: True
    input:
        FILES,
        f"{PICTURE}.png",


rule sweep_part:
    """Compute a part of the grid."""
    group:
        "sweep"
    output:
        f"{DATASET}/{{place}}",
    wildcard_constraints:
        place=r"network=.+/part-[0-9]+[.]parquet",
    params:
        grid=GRID,
        depends=lambda wildcards: digest(
            SWEEP_CODE, sweep_parts.at_place(PARTS, wildcards.place).digest
        ),
    resources:
        runtime=2,
        mem_mb=1000,
    log:
        f"{LOGS}/{{place}}.log",
    benchmark:
        f"{LOGS}/{{place}}.tsv"
    conda:
        "../environment.yml"
    shell:
        "python -m reproduction.sweep_parts {params.grid:q} {wildcards.place:q} {output:q}"
        " > {log:q} 2>&1"


rule picture:
    """Execute the notebook that draws the dataset."""
    input:
        parts=FILES,
        notebook=ancient(str(NOTEBOOK)),
    output:
        f"{PICTURE}.png",
        f"{PICTURE}.pdf",
        f"{PICTURE}.csv",
        notebook=f"{PICTURE}.ipynb",
    params:
        parameters=json.dumps({"output": PICTURE, "dataset": DATASET}),
        depends=digest(
            code_digest(Path("workflow/execute.py"), Path(isolation.__file__)),
            dependencies.file_digest("workflow/matplotlibrc"),
            dependencies.figures_code_digest(),
            dependencies.cells(NOTEBOOK),
            [job.digest for job in PARTS.values()],
        ),
    resources:
        runtime=10,
        mem_mb=2000,
    log:
        f"{LOGS}/picture.log",
    benchmark:
        f"{LOGS}/picture.tsv"
    conda:
        "../environment.yml"
    shell:
        "python workflow/execute.py {input.notebook:q} {output.notebook:q} {params.parameters:q}"
        " > {log:q} 2>&1"


remake_unrecorded([*FILES, *rules.picture.output])
