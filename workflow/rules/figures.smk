# One rule per row of workflow/figures.csv, and one for the tutorial, which keeps no figure.
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
            png=picture(figure),
            csv=f"{config['figures']}/{figure.name}.csv",
            pdf=f"{config['figures']}/{figure.name}.pdf",
            tex=f"{config['figures']}/{figure.name}.tex",
            numbers=f"{config['figures']}/{figure.name}.numbers.tex",
            notebook=f"{RESULTS}/notebooks/{figure.name}.ipynb",
        params:
            parameters=as_json(figure.parameters(config)),
            depends=figure_digest(figure),
            # a function of the output: a changed caption re-runs nothing
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
            "python workflow/execute.py {input.notebook:q} {output.notebook:q} {params.parameters:q}"
            " > {log:q} 2>&1"


rule ap_tutorial:
    """Execute the tutorial: made on request only, since no figure depends on it."""
    input:
        notebook=ancient("notebooks/ap_tutorial.ipynb"),
    output:
        notebook=f"{RESULTS}/notebooks/ap_tutorial.ipynb",
    params:
        parameters=as_json({}),
        depends=digest(
            EXECUTE,
            dependencies.figures_code_digest(),
            dependencies.cells(Path("notebooks/ap_tutorial.ipynb")),
        ),
    log:
        "logs/ap_tutorial.log",
    benchmark:
        "logs/benchmarks/ap_tutorial.tsv"
    conda:
        "../../environment.yml"
    shell:
        "python workflow/execute.py {input.notebook:q} {output.notebook:q} {params.parameters:q}"
        " > {log:q} 2>&1"
