# Figures that the bit-exact emulator measures: they do not vary with the config's combinations.
FIGURE_RULES += ["fluidity_measured", "data_energy", "faults", "endurance"]
EMULATOR = [
    *DRAWING,   "data/digits/digits.npz",
    
]  # fmt: skip


use rule programs as fluidity_measured with:
    input:
        notebook="notebooks/fluidity_measured.ipynb",
        code=EMULATOR,
    output:
        **drawn("fluidity_measured", "10 Measured on the emulator"),
    params:
        flags=flags("fluidity_measured", technologies=TECHNOLOGIES),
        technology=technology_rows(),
    log:
        "logs/fluidity_measured.log",
    benchmark:
        "logs/benchmarks/fluidity_measured.tsv"


use rule programs as data_energy with:
    input:
        notebook="notebooks/data_energy.ipynb",
        code=EMULATOR,
    output:
        **drawn("data_energy", "10 Measured on the emulator"),
    params:
        flags=flags("data_energy", technologies=TECHNOLOGIES),
        technology=technology_rows(),
    log:
        "logs/data_energy.log",
    benchmark:
        "logs/benchmarks/data_energy.tsv"


use rule programs as faults with:
    input:
        notebook="notebooks/faults.ipynb",
        code=EMULATOR,
    output:
        **drawn("faults", "10 Measured on the emulator"),
    params:
        flags=flags("faults"),
    log:
        "logs/faults.log",
    benchmark:
        "logs/benchmarks/faults.tsv"


use rule programs as endurance with:
    input:
        notebook="notebooks/endurance.ipynb",
        code=EMULATOR,
    output:
        **drawn("endurance", "10 Measured on the emulator"),
    params:
        flags=flags("endurance"),
        technology=technology_rows("reram-14nm-lstp"),
    log:
        "logs/endurance.log",
    benchmark:
        "logs/benchmarks/endurance.tsv"
