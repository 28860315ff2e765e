# One rule a figure notebook; the first is spelled out, the others differ in what they read.
FIGURE_RULES = [
    "programs", "design_space", "breakdown", "supply", "bit_fluidity", "state_of_the_art",
    "batch", "traffic", "claims", "technology",
]  # fmt: skip
NETWORKS, TECHNOLOGIES = config["networks"], config["technologies"]
EVERY = asked.data.technology_names()
HAWQ = ["data/hawq_v3/bits.csv", "data/hawq_v3/accuracy.csv"]


rule programs:
    input:
        notebook="notebooks/programs.ipynb",
        code=[*DRAWING],
    output:
        **drawn("programs", "01 AP programs"),
    params:
        flags=flags("programs"),
    log:
        "logs/programs.log",
    benchmark:
        "logs/benchmarks/programs.tsv"
    conda:
        "../../environment.yml"
    shell:
        "papermill -k python3 --no-progress-bar {input.notebook} {output.notebook} {params.flags} > {log} 2>&1"


use rule programs as design_space with:
    input:
        notebook="notebooks/design_space.ipynb",
        code=[*DRAWING],
    output:
        **drawn("design_space", "02 Design space"),
    params:
        flags=flags("design_space", networks=NETWORKS, technologies=TECHNOLOGIES),
        technology=technology_rows(),
    log:
        "logs/design_space.log",
    benchmark:
        "logs/benchmarks/design_space.tsv"


use rule programs as breakdown with:
    input:
        notebook="notebooks/breakdown.ipynb",
        code=DRAWING,
        summary=f"{RESULTS}/summary.csv",
    output:
        **drawn("breakdown", "03 Breakdown"),
    params:
        flags=flags("breakdown", networks=NETWORKS, technologies=TECHNOLOGIES)
        + f" -p results {RESULTS}",
    log:
        "logs/breakdown.log",
    benchmark:
        "logs/benchmarks/breakdown.tsv"


use rule programs as supply with:
    input:
        notebook="notebooks/supply.ipynb",
        code=[*DRAWING],
    output:
        **drawn("supply", "04 Supply voltage"),
    params:
        flags=flags("supply", technologies=TECHNOLOGIES),
        technology=technology_rows(),
    log:
        "logs/supply.log",
    benchmark:
        "logs/benchmarks/supply.tsv"


use rule programs as bit_fluidity with:
    input:
        notebook="notebooks/bit_fluidity.ipynb",
        code=[*DRAWING,  *HAWQ],
        summary=f"{RESULTS}/summary.csv",
    output:
        **drawn("bit_fluidity", "05 Bit fluidity"),
    params:
        flags=flags("bit_fluidity", technologies=TECHNOLOGIES)
        + f" -p summary {RESULTS}/summary.csv",
    log:
        "logs/bit_fluidity.log",
    benchmark:
        "logs/benchmarks/bit_fluidity.tsv"


use rule programs as state_of_the_art with:
    input:
        notebook="notebooks/state_of_the_art.ipynb",
        code=[*DRAWING, "data/published/accelerators.csv"],
    output:
        **drawn("state_of_the_art", "06 State of the art"),
    params:
        flags=flags("state_of_the_art", technologies=EVERY),
        technology=technology_rows(*EVERY),
    log:
        "logs/state_of_the_art.log",
    benchmark:
        "logs/benchmarks/state_of_the_art.tsv"


use rule programs as batch with:
    input:
        notebook="notebooks/batch.ipynb",
        code=[*DRAWING],
    output:
        **drawn("batch", "07 Batch and traffic"),
    params:
        flags=flags("batch", networks=NETWORKS) + f" -p technology {TECHNOLOGIES[0]}",
        technology=technology_rows(TECHNOLOGIES[0]),
    log:
        "logs/batch.log",
    benchmark:
        "logs/benchmarks/batch.tsv"


use rule programs as traffic with:
    input:
        notebook="notebooks/traffic.ipynb",
        code=[*DRAWING],
    output:
        **drawn("traffic", "07 Batch and traffic"),
    params:
        flags=flags("traffic", networks=NETWORKS) + f" -p technology {TECHNOLOGIES[0]}",
        technology=technology_rows(TECHNOLOGIES[0]),
    log:
        "logs/traffic.log",
    benchmark:
        "logs/benchmarks/traffic.tsv"


use rule programs as claims with:
    input:
        notebook="notebooks/claims.ipynb",
        code=[*DRAWING,  *HAWQ, "data/published/accelerators.csv"],
    output:
        **drawn("claims", "08 Claims"),
    params:
        flags=flags("claims", technologies=EVERY),
        technology=technology_rows(*EVERY),
    log:
        "logs/claims.log",
    benchmark:
        "logs/benchmarks/claims.tsv"


use rule programs as technology with:
    input:
        notebook="notebooks/technology.ipynb",
        code=[*DRAWING],
        arrays="data/circuit/evacam_cam_arrays.csv",
        peaks="data/published/accelerators.csv",
    output:
        **drawn("technology", "09 Technology"),
    params:
        flags=flags("technology"),
        technology=technology_rows(*EVERY),
    log:
        "logs/technology.log",
    benchmark:
        "logs/benchmarks/technology.tsv"
