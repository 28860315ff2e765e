# Choosing bits: they do not vary with the config's networks, since HAWQ-V3 gives sensitivities of two.
FIGURE_RULES += ["hawq_reproduced", "pareto", "digits_search", "dynamic"]
SEARCH = [
    *DRAWING,
    
    "data/hawq_v3/sensitivity.csv", *HAWQ,
]  # fmt: skip


use rule programs as hawq_reproduced with:
    input:
        notebook="notebooks/hawq_reproduced.ipynb",
        code=SEARCH,
    output:
        **drawn("hawq_reproduced", "11 Choosing the bits"),
    params:
        flags=flags("hawq_reproduced"),
    log:
        "logs/hawq_reproduced.log",
    benchmark:
        "logs/benchmarks/hawq_reproduced.tsv"


use rule programs as pareto with:
    input:
        notebook="notebooks/pareto.ipynb",
        code=SEARCH,
    output:
        **drawn("pareto", "11 Choosing the bits"),
    params:
        flags=flags("pareto", technologies=TECHNOLOGIES),
        technology=technology_rows(),
    log:
        "logs/pareto.log",
    benchmark:
        "logs/benchmarks/pareto.tsv"


use rule programs as digits_search with:
    input:
        notebook="notebooks/digits_search.ipynb",
        code=[*SEARCH, *EMULATOR],
    output:
        **drawn("digits_search", "11 Choosing the bits"),
    params:
        flags=flags("digits_search") + f" -p technology {TECHNOLOGIES[0]}",
        technology=technology_rows(TECHNOLOGIES[0]),
    log:
        "logs/digits_search.log",
    benchmark:
        "logs/benchmarks/digits_search.tsv"


use rule programs as dynamic with:
    input:
        notebook="notebooks/dynamic.ipynb",
        code=SEARCH,
    output:
        **drawn("dynamic", "11 Choosing the bits"),
    params:
        flags=flags("dynamic") + f" -p technology {TECHNOLOGIES[0]}",
        technology=technology_rows(TECHNOLOGIES[0], "reram-14nm-lstp"),
    log:
        "logs/dynamic.log",
    benchmark:
        "logs/benchmarks/dynamic.tsv"
