# Whole networks on the bit-exact emulator, asked for by name: `make emulate`.
EMULATED = [f"{RESULTS}/emulate/{network}/{bits}" for network, bits in emulations()]
EMULATE_CODE = digest(
    model_digest(), code_digest(*dependencies.EMULATION), technology_digest(EMULATED_TECHNOLOGY)
)


rule emulate:
    """Every network and scheme, bit-exact at 224 × 224."""
    input:
        f"{config['figures']}/emulated.csv",
        f"{config['figures']}/emulated_times.csv",


rule emulate_one:
    """Run one network at one precision, against the oracle and the model's counts."""
    output:
        table=f"{RESULTS}/emulate/{{network}}/{{precision}}/emulated.csv",
        times=f"{RESULTS}/emulate/{{network}}/{{precision}}/times.csv",
    wildcard_constraints:
        network=r"\w+",
    params:
        technology=EMULATED_TECHNOLOGY,
        depends=EMULATE_CODE,
    resources:
        mem_mb=4000,
    log:
        "logs/emulate/{network}/{precision}.log",
    benchmark:
        "logs/benchmarks/emulate/{network}/{precision}.tsv"
    conda:
        "../../environment.yml"
    shell:
        "python -m reproduction.studies.emulated {wildcards.network:q} {wildcards.precision:q}"
        " {params.technology:q} {output.table:q} {output.times:q} {threads} > {log:q} 2>&1"


rule emulated:
    """Join the rows; columns that differ between machines go to a table of their own."""
    input:
        tables=[f"{folder}/emulated.csv" for folder in EMULATED],
        times=[f"{folder}/times.csv" for folder in EMULATED],
    output:
        table=f"{config['figures']}/emulated.csv",
        times=f"{config['figures']}/emulated_times.csv",
    params:
        depends=digest(COLLECT, EMULATE_CODE),
    log:
        "logs/emulated.log",
    benchmark:
        "logs/benchmarks/emulated.tsv"
    conda:
        "../../environment.yml"
    shell:
        "(python -m reproduction.runs {output.table:q} {input.tables:q} &&"
        " python -m reproduction.runs {output.times:q} {input.times:q}) > {log:q} 2>&1"
