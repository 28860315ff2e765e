# make reproduce: every figure and table.   make test: every test.   make lab: JupyterLab.
PYTHON ?= python3
VENV := .venv
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export UV_COMPILE_BYTECODE := 1
unexport PYTHONDONTWRITEBYTECODE # or every kernel would compile the package anew

.PHONY: reproduce report test lint lab clean

reproduce: $(VENV)/installed
	python workflow/locked.py $(SNAKEMAKE_FLAGS)
	@echo "figures and their tables: figures/   everything else: results/"

report: $(VENV)/installed
	python workflow/locked.py $(SNAKEMAKE_FLAGS)
	snakemake --nolock --report results/report.html
	@echo "report: results/report.html"

test: $(VENV)/installed
	pytest

lint: $(VENV)/installed
	ruff check .
	ruff format --check .
	lint-imports
	snakemake --lint

lab: .venv-lab/installed
	.venv-lab/bin/jupyter lab notebooks

$(VENV)/installed: requirements.lock pyproject.toml
.venv-lab/installed: requirements-lab.lock pyproject.toml

%/installed:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "bfimna needs Python 3.11 or later")'
	$(PYTHON) -m venv $*
	$*/bin/python -m pip install --quiet uv==0.13.9
	$*/bin/uv pip install --python $*/bin/python --quiet --requirement $<
	$*/bin/uv pip install --python $*/bin/python --quiet --no-deps --editable .
	@touch $@

clean:
	rm -rf results logs .snakemake
