# Tables as pages, so that the report shows them; made by `make report`.
rule report_tables:
    """Write the table behind every figure as a page of the report."""
    input:
        [f"{config['figures']}/{figure.name}.csv" for figure in FIGURES],
    output:
        [
            report(
                f"{RESULTS}/report/{figure.name}.html",
                caption="../report/table.rst",
                category=figure.group,
                labels={"figure": figure.name, "as": "table"},
            )
            for figure in FIGURES
        ],
    params:
        folder=lambda wildcards, output: Path(output[0]).parent,
        # a function of the output: another commit re-runs nothing; the first page shows it
        commit=lambda wildcards, output: pages.commit(),
    log:
        "logs/report_tables.log",
    benchmark:
        "logs/benchmarks/report_tables.tsv"
    conda:
        "../../environment.yml"
    shell:
        "python -m reproduction.pages {params.folder:q} {input:q} > {log:q} 2>&1"


rule report_all:
    """Everything that the report shows: the default targets, and the tables' pages."""
    input:
        rules.all.input,
        rules.report_tables.output,
