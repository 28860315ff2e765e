PYTHON ?= python3
VENV := .venv
MINUTES := 5
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export UV_COMPILE_BYTECODE := 1
unexport $(filter PYTHON%,$(filter-out PYTHON,$(.VARIABLES))) # another Python's

.PHONY: help reproduce emulate report figures docs browser test lint slurm-test fuzz licences lock same lab explore clean clean-env
.DEFAULT_GOAL := reproduce

reproduce: $(VENV)/installed ## every figure and table (the default)
	snakemake $(SNAKEMAKE_FLAGS)
	@echo "figures and their tables: figures/   everything else: results/"

emulate: $(VENV)/installed ## whole networks on the bit-exact emulator (minutes on two cores)
	snakemake $(SNAKEMAKE_FLAGS) emulate
	@echo "table: figures/emulated.csv   processor seconds: figures/emulated_times.csv"

report: $(VENV)/installed ## all figures with their captions in one HTML file
	snakemake $(SNAKEMAKE_FLAGS) report_all
	snakemake $(SNAKEMAKE_FLAGS) report_all --report results/report.html
	@echo "report: results/report.html"

figures: $(VENV)/installed ## redraw: FIGURE=bit_fluidity STYLE=paper1|paper2|slide FORMAT=pdf,svg,png OWN=my.mplstyle
	python -m reproduction.redraw --figure "$(FIGURE)" --style "$(STYLE)" --format "$(or $(FORMAT),pdf)" --own "$(OWN)"

docs: .venv-docs/installed ## the site, into results/site
	.venv-docs/bin/python docs/build.py

browser: .venv-docs/installed ## JupyterLab, the site and the report in a real browser
	.venv-docs/bin/python -m pytest -rs tests/browser

test: $(VENV)/installed ## every test
	pytest --numprocesses auto --dist loadfile

lint: $(VENV)/installed ## style, layers, and the workflow's rules
	ruff check .
	ruff format --check .
	lint-imports
	mypy
	snakemake --lint

slurm-test: .venv-slurm/installed ## reproduction and sweep through a real Slurm (root, Debian's packages)
	PATH="$(CURDIR)/.venv-slurm/bin:$$PATH" tests/slurm/run.sh || [ $$? = 77 ]

lab: .venv-lab/installed ## JupyterLab on the notebooks
	.venv-lab/bin/jupyter lab notebooks

# not bin/voila, which asks for no token and serves any Host: other users of a node could run code
explore: .venv-lab/installed ## the notebook of sliders as an app, offline
	.venv-lab/bin/jupyter server --ServerApp.root_dir=notebooks --ServerApp.default_url=/voila/render/explore.ipynb --ServerApp.open_browser=True

fuzz: $(VENV)/installed ## hostile models, files and calls, for MINUTES (5) each
	python -m tests.onnx.fuzz --minutes $(MINUTES)
	python -m tests.fuzz_files --minutes $(MINUTES)
	python -m tests.fuzz_layers --minutes $(MINUTES)
	python -m tests.fuzz_calls --minutes $(MINUTES)

licences: $(VENV)/installed ## the licence of every package installed
	@python workflow/licences.py

lock: ## pin requirements.lock anew, after a change of pyproject.toml
	$(PYTHON) workflow/lock.py

same: $(VENV)/installed ## whether all results are those of commit REF; SAME_FLAGS='--points 300 --no-figures'
	python benchmarks/same.py "$(or $(REF),HEAD)" $(SAME_FLAGS)

clean: ## remove results, not figures and environments
	rm -rf results logs .snakemake

clean-env: ## remove the environments that make built
	rm -rf $(foreach env,.venv .venv-lab .venv-slurm .venv-docs,$(env) $(env).part $(env).lock)

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 18

# whole or not at all, one at a time; UV_COMPILE_BYTECODE: or the first kernels would compile it all
%/installed: requirements.lock pyproject.toml
	@$(PYTHON) workflow/environment.py $* $(or $(patsubst .venv-%,%,$(filter .venv-%,$*)),main)
	@touch $@
