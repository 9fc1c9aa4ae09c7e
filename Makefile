# `make demo` and `make test` set up what they need: a virtual environment in .venv, made once and
# brought up to date only when pyproject.toml changes.
PYTHON ?= python3
# Tests and types need PyTorch. On Linux, PyPI has builds with CUDA, of gigabytes; one for the CPU
# does: make test TORCH='torch --index-url https://download.pytorch.org/whl/cpu'
TORCH ?= torch==2.13.0
VENV := .venv
BIN := $(VENV)/bin

LOWEST := .venv-lowest

# Tests start the package hundreds of times, which would compile it as often.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test thorough lowest release-check slow lint renew docs bench clean
.DELETE_ON_ERROR:

demo: $(VENV)/installed
	$(BIN)/rnscli reproduce --output reproduction --force
	@echo "The report is a page: reproduction/index.html"

# Processes that share the cores are faster without threads of their own.
test thorough slow: export OMP_NUM_THREADS = 1

# Three processes for two cores: some tests wait, for a file or another process. In under 5 minutes
# on two idle cores; what takes long beside what it protects is in `make thorough`, which CI runs.
test: $(VENV)/installed-dev
	$(BIN)/python -m pytest -n 3 --dist worksteal -m 'not thorough'

# Kills at random moments, clusters, pages in a browser, long simulations: many of them wait.
thorough: $(VENV)/installed-dev
	$(BIN)/python -m pytest -n 4 --dist worksteal -m thorough

# What computes with NumPy and SciPy, draws, makes tables, reads ONNX or digits, or runs on a cluster,
# with the lowest versions that pyproject.toml promises; the lowest PyTorch is that of `make test`.
# The rest is plain Python, or puts together what is here. Old matplotlib warns with a new pyparsing.
lowest: $(LOWEST)/installed
	$(LOWEST)/bin/python -m pytest -n 3 --dist worksteal -m 'not thorough' $(addprefix tests/,core matrix runtime \
		report/plots/test_plots.py report/test_table.py cli/test_running.py analysis/test_statistics.py \
		analysis/test_stored.py networks/test_digits.py hardware/workloads/test_onnx_files.py \
		$(addprefix analysis/error/test_,dot_error.py operands.py) \
		$(addprefix analysis/faults/test_,fault_probability.py fault_simulation.py halves.py) \
		analysis/energy/test_pass_attempts.py analysis/design/test_design_faults.py)

# The wheel and the source archive in dist/: built twice, compared with the repository, and used in
# an environment of its own. RELEASING.md says what else a release takes.
release-check: $(VENV)/installed-dev
	$(BIN)/python tests/release.py dist

# All tests, and the twenty slowest of them in the end: one that takes 10 s is worth a look.
slow: $(VENV)/installed-dev
	$(BIN)/python -m pytest -n 3 --dist worksteal --durations=20

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Whatever is generated from the code: golden documents, docs/reference.md, the manual page, and
# the outputs that pages show.
renew: $(VENV)/installed-dev
	$(BIN)/python tests/renew.py

# The documentation as a site, with pictures that are drawn for it: some minutes.
docs: $(VENV)/installed-docs
	$(BIN)/python docs/site/build.py site
	@echo "The site is in site/html; its first page is site/html/index.html"

bench: $(VENV)/installed-dev
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) $(LOWEST) reproduction site build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "rnscli needs Python 3.11 or newer; give one with: make PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[plot]'
	@touch $@

$(VENV)/installed-dev: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(TORCH)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ $(VENV)/installed

$(VENV)/installed-docs: $(VENV)/installed-dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[docs]'
	@touch $@

$(LOWEST)/installed: pyproject.toml | $(VENV)/bin/python
	$(PYTHON) -m venv $(LOWEST)
	$(VENV)/bin/python -c 'import tomllib; p = tomllib.load(open("pyproject.toml", "rb"))["project"]; \
		e = p["optional-dependencies"]; extras = e["plot"] + e["onnx"] + e["distributed"] + e["torch"]; \
		print("pyparsing==3.1"); \
		[print(one.replace(">=", "==")) for one in p["dependencies"] + extras]' \
		> $(LOWEST)/constraints.txt
	$(LOWEST)/bin/python -m pip install --quiet --disable-pip-version-check \
		--constraint $(LOWEST)/constraints.txt --editable '.[plot,onnx,distributed]' \
		scikit-learn pytest pytest-xdist hypothesis jsonschema markdown-it-py mpmath safetensors
	@touch $@
