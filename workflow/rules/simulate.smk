# One execution of notebooks/simulate.ipynb for every combination that the config names.
rule simulate:
    """Simulate one combination of network, bits, technology and chip."""
    group:
        "simulate"
    input:
        notebook=ancient(str(SIMULATE)),
    output:
        notebook=f"{RESULTS}/simulate/{{network}}/{{precision}}/{{platform}}/simulate.ipynb",
        summary=f"{RESULTS}/simulate/{{network}}/{{precision}}/{{platform}}/summary.csv",
        layers=f"{RESULTS}/simulate/{{network}}/{{precision}}/{{platform}}/layers.csv",
    params:
        parameters=lambda wildcards: as_json(simulate_parameters(run_of(wildcards))),
        depends=lambda wildcards: digest(SIMULATE_CODE, run_of(wildcards).digest),
    resources:
        runtime=2,
        mem_mb=1200,  # two Snakemakes of a job on Slurm included
    log:
        "logs/simulate/{network}/{precision}/{platform}.log",
    benchmark:
        "logs/benchmarks/simulate/{network}/{precision}/{platform}.tsv"
    conda:
        "../../environment.yml"
    shell:
        "python workflow/execute.py {input.notebook:q} {output.notebook:q} {params.parameters:q}"
        " > {log:q} 2>&1"


localrules:
    summary,


rule summary:
    """Join the summaries of all simulations."""
    input:
        simulated(RUNS.values(), "summary.csv"),
    output:
        f"{RESULTS}/summary.csv",
    params:
        depends=digest(
            COLLECT, SIMULATE_CODE, [run.digest for run in RUNS.values()]
        ),
    log:
        "logs/summary.log",
    benchmark:
        "logs/benchmarks/summary.tsv"
    conda:
        "../../environment.yml"
    shell:
        "python -m reproduction.runs {output:q} {input:q} > {log:q} 2>&1"
