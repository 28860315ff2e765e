# One rule per row of workflow/figures.csv, and one for the tutorial, which draws nothing to keep.
for figure in FIGURES:

    rule:
        """Execute a figure's notebook."""
        name:
            figure.name
        group:
            "figures"
        input:
            notebook=ancient(str(figure.notebook)),
            results=results_read_by(figure),
        output:
            png=drawn(figure),
            csv=f"{config['figures']}/{figure.name}.csv",
            pdf=f"{config['figures']}/{figure.name}.pdf",
            tex=f"{config['figures']}/{figure.name}.tex",
            numbers=f"{config['figures']}/{figure.name}.numbers.tex",
            notebook=f"{RESULTS}/notebooks/{figure.name}.ipynb",
        params:
            told=told(figure.parameters(config)),
            depends=depends_of(figure),
            # a function of the output, so that another caption draws nothing anew
            caption=lambda wildcards, output: caption_of(output),
        resources:
            runtime=5,
            mem_mb=1500,
        log:
            f"logs/{figure.name}.log",
        benchmark:
            f"logs/benchmarks/{figure.name}.tsv"
        conda:
            "../../environment.yml"
        shell:
            "python workflow/execute.py {input.notebook:q} {output.notebook:q} {params.told:q}"
            " > {log:q} 2>&1"


rule ap_tutorial:
    """Execute the tutorial: asked for by name, since no figure depends on it."""
    input:
        notebook=ancient("notebooks/ap_tutorial.ipynb"),
    output:
        notebook=f"{RESULTS}/notebooks/ap_tutorial.ipynb",
    params:
        told=told({}),
        depends=digest(EXECUTE, READS.digest(Path("notebooks/ap_tutorial.ipynb"))),
    log:
        "logs/ap_tutorial.log",
    benchmark:
        "logs/benchmarks/ap_tutorial.tsv"
    conda:
        "../../environment.yml"
    shell:
        "python workflow/execute.py {input.notebook:q} {output.notebook:q} {params.told:q}"
        " > {log:q} 2>&1"
