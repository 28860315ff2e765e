# One execution of notebooks/simulate.ipynb for every combination that the config names.


rule simulate:
    group: "simulate"
    input:
        notebook="notebooks/simulate.ipynb",
        code=MODEL,
        network=network_file,
    output:
        notebook=f"{RESULTS}/simulate/{{network}}/{{precision}}/{{platform}}/simulate.ipynb",
        summary=f"{RESULTS}/simulate/{{network}}/{{precision}}/{{platform}}/summary.csv",
        layers=f"{RESULTS}/simulate/{{network}}/{{precision}}/{{platform}}/layers.csv",
    params:
        run=run_flags,
        folder=lambda wildcards, output: Path(output.summary).parent,
        technology=lambda wildcards: technology_rows(run_of(wildcards).technology),
        bits=lambda wildcards: asked.precision_digest(
            run_of(wildcards).network, run_of(wildcards).precision
        ),
    log:
        "logs/simulate/{network}/{precision}/{platform}.log",
    benchmark:
        "logs/benchmarks/simulate/{network}/{precision}/{platform}.tsv"
    conda:
        "../../environment.yml"
    shell:
        "papermill -k python3 --no-progress-bar {input.notebook} {output.notebook} {params.run}"
        " -p output {params.folder} > {log} 2>&1"


rule summary:
    input:
        tables=simulated,
        code="bfimna/workflow/collect.py",
    output:
        f"{RESULTS}/summary.csv",
    log:
        "logs/summary.log",
    benchmark:
        "logs/benchmarks/summary.tsv"
    conda:
        "../../environment.yml"
    shell:
        "python -m bfimna.workflow.collect {output} {input.tables} > {log} 2>&1"
