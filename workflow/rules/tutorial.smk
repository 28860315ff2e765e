# The tutorial draws in the notebook only, so no figure depends on it: ask for it by name.
rule ap_tutorial:
    input:
        notebook="notebooks/ap_tutorial.ipynb",
        code=[*DRAWING],
        array=[f"bfimna/ap/{name}.py" for name in ("array", "kernels", "programs", "matrix")],
    output:
        notebook=f"{RESULTS}/notebooks/ap_tutorial.ipynb",
    log:
        "logs/ap_tutorial.log",
    benchmark:
        "logs/benchmarks/ap_tutorial.tsv"
    conda:
        "../../environment.yml"
    shell:
        "papermill -k python3 --no-progress-bar {input.notebook} {output.notebook} > {log} 2>&1"
